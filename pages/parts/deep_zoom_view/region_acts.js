// Regions in the room: from a tool or a key to an entry in the outbox, shown at once; the server has the last word.

const SETTLE_MS = 120;
const LONGEST_WAIT = 60;

Object.assign(Room.prototype, {
  startRegions(OSD) {
    this.regions = new Regions(OSD, this.scene, this.data.stages);
    this.drawing = new Drawing(this.find("draw"), this.regions, this.scene, {
      draw: (parts, strokes) => this.drawRegion(parts, strokes),
      reshape: (region, parts, strokes) => this.changeRegion(region, { parts, strokes }),
      choose: (ids) => this.chooseRegions(ids),
      box: (parts) => this.chooseBox(parts),
      note: (words) => this.note(words),
      tool: (name) => this.useTool(name),
      leave: () => this.chooseRegions([]),
    });
    this.regionPanel = new RegionPanel(this.find("about-region"), this.find("question"), this.data.stages, {
      accept: () => this.askAcceptance(),
      remove: () => this.removeRegions(),
    });
  },

  openRegions() {
    if (!this.regions) return Promise.resolve();
    this.drawing.drop();
    this.regions.clear();
    this.regionPanel.dismiss();
    this.isAccepting = null;
    return this.fetchRegions();
  },

  fetchRegions() {
    const slideId = this.data.slide.id;
    return this.api.json(`/slides/${slideId}/regions`).then(({ regions }) => {
      if (this.data.slide.id !== slideId || (this.hasPending("region") && this.regions.list.length)) return;
      this.regions.use(regions);
      this.drawPanel();
    }).catch((error) => this.note(error.message));
  },

  // Regions came in beside the viewer: they can be taken back here as the last entry.
  takeImport() {
    if (!this.regions) return;
    this.history.push({ region: "import", eid: null });
    this.fetchRegions();
  },

  // What tests and the curious may read off the root.
  regionFacts() {
    if (!this.regions) return {};
    const { regions, drawing } = this;
    return { tool: drawing.tool ?? "", regions: regions.list.length, selectedRegions: [...regions.chosen].join(" ") };
  },

  // A tool brings the keys to the regions; without one they go back to where they were.
  useTool(name) {
    if (name && this.target !== "region") this.formerTarget = this.target;
    this.setTarget(name ? "region" : this.formerTarget || this.target);
  },

  // Send an entry; `isUndoable` puts it at the end of what Ctrl+Z goes back through.
  putRegion(entry, isUndoable = true) {
    const eid = this.outbox.put({ slide: this.data.slide.id, patch: "region", run: null, ...entry });
    if (isUndoable) this.history.push({ region: entry.action, eid });
    this.expose();
  },

  drawRegion(parts, strokes) {
    const id = newId();
    const carried = { stage: null, is_excluded: false, comment: null, name: null, area_px: null };
    this.regions.put({ id, is_own: true, reader: this.data.reader, parts: parts || [], strokes, ...carried });
    this.putRegion({ action: "region-draw", region: id, parts, strokes });
    this.chooseRegions([id]);
  },

  // `change` holds new parts or strokes, or of what the region carries that which differs.
  changeRegion(region, { parts = null, strokes = [], ...carried }) {
    const { id } = region;
    const mark = { stage: region.stage, is_excluded: region.is_excluded, comment: region.comment, ...carried };
    const isMarked = Object.keys(carried).length > 0;
    this.regions.put({ ...region, ...mark, parts: parts || region.parts, strokes: [...region.strokes, ...strokes] });
    this.putRegion({ action: "region-change", region: id, parts, strokes, mark: isMarked ? mark : null });
    this.chooseRegions([...this.regions.chosen].includes(id) ? [...this.regions.chosen] : [id]);
  },

  removeRegions() {
    const mine = this.regions.chosenRegions.filter((region) => region.is_own);
    for (const region of mine) this.putRegion({ action: "region-remove", region: region.id });
    this.regions.remove(mine.map((region) => region.id));
    this.drawPanel();
    if (mine.length) this.note(`${mine.length > 1 ? `${mine.length} regions are` : "The region is"} removed. Ctrl+Z brings back.`);
  },

  // What is chosen gets the keys; choosing nothing leaves them where they are.
  chooseRegions(ids) {
    this.regions.choose(ids);
    if (!ids.length) this.regions.box = null;
    else this.scene.holdFast(this.boxOfRegion(this.regions.byId(ids[0])));
    if (ids.length && this.target !== "region") {
      this.formerTarget = this.target;
      this.setTarget("region");
    } else this.drawPanel();
    this.regions.draw();
  },

  chooseBox(parts) {
    this.regions.choose([]);
    this.regions.box = parts;
    this.drawPanel();
    this.regions.draw();
    this.note("A accepts the calls of the patches in the box.");
  },

  stepRegion(direction) {
    const { list } = this.regions;
    if (!list.length) return;
    const [first] = this.regions.chosenRegions;
    const here = first ? list.findIndex((region) => region.id === first.id) : direction > 0 ? -1 : 0;
    const next = list[(here + direction + list.length) % list.length];
    this.chooseRegions([next.id]);
    this.scene.reveal(this.boxOfRegion(next));
  },

  boxOfRegion({ box: { left, top, right, bottom } }) {
    return { x_px: left, y_px: top, width_px: right - left, height_px: bottom - top };
  },

  // The keys and buttons of the reading panel, while they act on regions.
  actOnRegion({ action, stage, comment }) {
    if (action === "accept") {
      this.askAcceptance();
      return;
    }
    const chosen = this.regions.chosenRegions;
    const mine = chosen.filter((region) => region.is_own);
    if (!mine.length) {
      this.note(chosen.length ? "Only who drew a region may change it." : "No region is selected: draw one, or press N.");
      return;
    }
    for (const region of mine) {
      if (action === "stage") this.changeRegion(region, { stage: region.stage === stage ? null : stage, is_excluded: false });
      else if (action === "exclude") this.changeRegion(region, { stage: null, is_excluded: !region.is_excluded });
      else if (action === "comment" && (comment || null) !== region.comment) this.changeRegion(region, { comment: comment || null });
    }
  },

  async askAcceptance() {
    if (!this.run) {
      this.note("There are no calls to accept: the model has not run on this slide.");
      return;
    }
    for (let n = 0; this.hasPending("region") && n < LONGEST_WAIT; n += 1) await new Promise((resolve) => { setTimeout(resolve, SETTLE_MS); });
    const scope = this.acceptanceScope();
    if (!scope) {
      this.note("No region is selected: draw one, or drag a box with the Select tool (V).");
      return;
    }
    const run = this.run.run_id;
    const query = new URLSearchParams(scope.regions.length ? { regions: scope.regions.join(",") } : { box: scope.box.join(",") });
    const found = await this.api.json(`/runs/${run}/acceptance?${query}`).catch((error) => { this.note(error.message); });
    if (!found || !this.run || this.run.run_id !== run) return;
    const left = leftWords(found);
    if (!found.n) this.note(`No call is left to accept here. ${left}`);
    else this.regionPanel.ask(`Accept the call of ${countWords(found.n, "patch", "patches")} in ${scope.words}?`, left, found.n, () => this.accept(scope, found.n));
  },

  acceptanceScope() {
    const regions = [...this.regions.chosen];
    if (regions.length) return { regions, words: regions.length > 1 ? `these ${regions.length} regions` : "this region" };
    if (!this.regions.box) return null;
    const [[ring]] = this.regions.box;
    return { regions, box: [...ring[0], ...ring[2]], words: "the selection" };
  },

  accept({ regions, box = null }, n) {
    const { settings } = this.layers;
    const sight = { call: null, heatmap: settings.stage.on && settings.stage.opacity > 0, saliency: settings.saliency.on };
    this.isAccepting = `${countWords(n, "call is", "calls are")} accepted. Ctrl+Z takes all of them back.`;
    this.putRegion({ action: "region-accept", run: this.run.run_id, regions, box, n_counted: n, sight });
    this.root.focus({ preventScroll: true });
  },

  // Take the last entry back when it was about regions; false leaves it to the reads.
  undoRegion() {
    const last = this.history[this.history.length - 1];
    if (last ? !last.region : this.target !== "region") return false;
    this.history.pop();
    const undoes = last ? last.eid : null;
    if (last && last.region === "region-accept") {
      this.isStripStale = true;
      this.putRegion({ action: "undo", undoes }, false);
      this.note("All of them are taken back, each read by an entry of its own.");
    } else {
      this.putRegion({ action: "region-undo", undoes }, false);
      this.note("Taken back, as an entry of its own.");
    }
    return true;
  },

  // Entries were answered: what stands now is fetched.
  settleRegions(refused) {
    const eids = new Set(refused.map((receipt) => receipt.eid));
    this.history = this.history.filter((entry) => !entry.region || !eids.has(entry.eid));
    if (refused.some((receipt) => receipt.item === "region")) this.isAccepting = null;
    if (this.hasPending("region")) return;
    if (this.isAccepting || this.isStripStale) {
      if (this.isAccepting) this.note(this.isAccepting);
      Object.assign(this, { isAccepting: null, isStripStale: false });
      this.strip.refresh();
      if (this.selected !== null) this.loadDetail(this.selected);
    }
    this.fetchRegions();
  },

  drawRegionPanel() {
    this.regionPanel.show(this.regions, this.data.slide, { hasRun: Boolean(this.run), hint: this.drawing.hint });
    const chosen = this.regions.chosenRegions;
    const mine = chosen.filter((region) => region.is_own);
    const [one] = mine;
    const isPossible = mine.length > 0;
    const at = one ? this.regions.list.indexOf(one) + 1 : 0;
    const words = mine.length > 1 ? `${mine.length} regions` : one ? `region ${at} of ${this.regions.list.length}` : chosen.length ? "a region of another" : this.regions.box ? "the box" : "no region yet";
    const said = { stage: one ? one.stage : null, disposition: !one ? "" : one.is_excluded ? "excluded" : one.stage ? "staged" : "" };
    this.grade.show(words, { confidence: null, comment: one ? one.comment : null, ...said }, { isPossible, hasCall: false });
    this.grade.read.textContent = one ? `carries ${carriedWords(one)}` : "";
    const [accept, defer] = this.grade.actions;
    accept.disabled = !this.run || (!chosen.length && !this.regions.box);
    defer.disabled = true;
  },
});

function countWords(n, one, several) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : several}`;
}

// What is left as it is, and why.
function leftWords({ n_read: nRead, n_left_out: nLeftOut, n_excluded: nExcluded }) {
  const reasons = [];
  if (nRead) reasons.push(`${nRead} already read ${nRead === 1 ? "is" : "are"} left.`);
  if (nExcluded) reasons.push(`${nExcluded} in a region that you excluded ${nExcluded === 1 ? "is" : "are"} left.`);
  if (nLeftOut) reasons.push(`${nLeftOut} left out by the quality gate ${nLeftOut === 1 ? "stays" : "stay"} so.`);
  return reasons.join(" ");
}
