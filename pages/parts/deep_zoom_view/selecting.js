// Which patch is looked at: by a click, by the film strip, or by the next one of it.

function patchAt(grid, x, y) {
  const column = Math.floor((x - grid.x_px) / grid.side_px);
  const row = Math.floor((y - grid.y_px) / grid.side_px);
  const isInside = column >= 0 && row >= 0 && column < grid.n_columns && row < grid.n_rows;
  return isInside ? row * grid.n_columns + column : null;
}

Object.assign(Room.prototype, {
  clickAt(x, y, isShifted) {
    if (this.drawing && this.drawing.click(x, y, isShifted)) return;
    if (this.isComparing()) {
      this.comparePatchAt(x, y);
      return;
    }
    const index = this.run ? patchAt(this.run.grid, x, y) : null;
    if (index === null) return;
    this.setTarget("patch");
    this.select(index, false);
  },

  boxOf(index, grid = this.run.grid) {
    const row = Math.floor(index / grid.n_columns);
    const column = index % grid.n_columns;
    const edge = (start, at) => start + Math.round(at * grid.side_px);
    const x = edge(grid.x_px, column);
    const y = edge(grid.y_px, row);
    return { x_px: x, y_px: y, width_px: edge(grid.x_px, column + 1) - x, height_px: edge(grid.y_px, row + 1) - y };
  },

  select(index, isRevealed = true) {
    this.selected = index;
    this.detail = null;
    const box = this.boxOf(index);
    this.scene.select(box);
    if (isRevealed) this.scene.reveal(box);
    this.strip.select(index);
    this.aboutPatch.begin(this.run.run_id, index);
    this.keepPlace();
    this.drawPanel();
    this.loadDetail(index);
  },

  loadDetail(index) {
    this.api.json(`/runs/${this.run.run_id}/patches/${index}`).then((detail) => {
      if (this.selected !== index) return;
      this.detail = detail;
      if (!this.strip.positions.has(index)) this.strip.select(index, detail.position);
      this.aboutPatch.useDetail(detail, detail.others);
      if (detail.is_back) this.predictBack(index);
      if (this.aboutPatch.isSaliencyOn && this.aboutPatch.method !== "run") this.aboutPatch.drawSaliency();
      this.drawPanel();
    }).catch((error) => this.note(error.message));
  },

  async step(direction) {
    if (this.isComparing()) {
      this.stepDifference(direction);
      return;
    }
    if (this.target === "region") {
      this.stepRegion(direction);
      return;
    }
    if (this.target === "slide") {
      this.emit.setTriggerValue("step", direction);
      return;
    }
    if (!this.run || !this.run.n_strip) return;
    const here = this.selected === null ? -1 : this.strip.positions.get(this.selected);
    const entry = await this.strip.entryAt(this.selected === null ? 0 : (here ?? -1) + direction);
    if (entry) this.select(entry.index);
  },
});
