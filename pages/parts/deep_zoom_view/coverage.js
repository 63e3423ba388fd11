// How much of the tissue was on the screen at 10x or more: measured on the coarse grid that the server gives.
// A square counts as seen when its middle was in the window, with its tiles drawn, at two looks a quarter of a second
// apart, in a tab that is in front and in use.

const LOOK_MS = 250;
const LEAST_MAGNIFICATION = 9.95; // 10x as the preset gives it, whatever its last decimal
const UNSEEN_INK = [51, 65, 85, 64];

class Coverage {
  constructor(api, scene, onChange) {
    Object.assign(this, { api, scene, onChange, isShown: false, grid: null, problem: "" });
    this.canvas = make("canvas", { class: "fr-unseen", "aria-hidden": "true" });
  }

  // Begin with a slide, and with the squares that a draft says were seen.
  begin(slide, seen) {
    Object.assign(this, { slide, grid: null, before: null, problem: "" });
    this.kept = seen;
    this.api.json(`/slides/${slide.id}/tissue`).then(({ grid }) => {
      if (this.slide !== slide) return;
      if (grid) this.useGrid(grid);
      else this.problem = "no scale: tissue seen cannot be measured";
      this.onChange();
    }).catch((error) => {
      if (this.slide !== slide) return;
      this.problem = error.message;
      this.onChange();
    });
  }

  useGrid(grid) {
    this.grid = grid;
    const n = grid.n_columns * grid.n_rows;
    this.tissue = bitsOf(grid.tissue, n);
    this.nTissue = this.tissue.reduce((sum, bit) => sum + bit, 0);
    const isOfThisGrid = this.kept && this.kept.grid === this.gridName;
    this.seen = isOfThisGrid ? bitsOf(this.kept.cells, n) : new Uint8Array(n);
    this.paint();
    if (this.isShown) this.lay();
  }

  get gridName() {
    return `${this.grid.n_columns}x${this.grid.n_rows}x${this.grid.cell_px}`.slice(0, 40);
  }

  // The share of tissue seen, null where it cannot be measured.
  get share() {
    if (!this.grid || !this.nTissue) return null;
    let n = 0;
    for (let at = 0; at < this.seen.length; at += 1) n += this.tissue[at] & this.seen[at];
    return n / this.nTissue;
  }

  // As a draft keeps it.
  get plain() {
    return this.grid ? { grid: this.gridName, cells: base64Of(this.seen) } : this.kept || null;
  }

  // Called every LOOK_MS while the slide is being read.
  look() {
    const inView = this.grid && this.isLegible ? this.squaresInView() : null;
    const before = this.before || new Set();
    this.before = inView;
    if (!inView) return;
    let isNew = false;
    for (const square of inView) {
      if (!before.has(square) || this.seen[square]) continue;
      this.seen[square] = 1;
      isNew = isNew || Boolean(this.tissue[square]);
    }
    if (!isNew) return;
    this.paint();
    this.onChange();
  }

  get isLegible() {
    const { view } = this.scene;
    if (!view || !this.slide.mpp || this.scene.slide.id !== this.slide.id) return false;
    return (MICRONS_AT_1X * view.zoom) / this.slide.mpp.x >= LEAST_MAGNIFICATION && this.scene.base.getFullyLoaded();
  }

  squaresInView() {
    const { x, y, zoom, rotation } = this.scene.view;
    const size = this.scene.size;
    const [halfWidth, halfHeight] = [size.x / zoom / 2, size.y / zoom / 2];
    const right = halfWidth - this.scene.veil() / zoom; // what lies under the guide is not seen
    const [cos, sin] = [Math.cos((rotation * Math.PI) / 180), Math.sin((rotation * Math.PI) / 180)];
    const reach = Math.hypot(halfWidth, halfHeight);
    const { grid } = this;
    const columns = this.between(x - reach, x + reach, grid.x_px, grid.n_columns);
    const rows = this.between(y - reach, y + reach, grid.y_px, grid.n_rows);
    const found = new Set();
    for (let row = rows[0]; row <= rows[1]; row += 1) {
      for (let column = columns[0]; column <= columns[1]; column += 1) {
        const dx = this.middle(column, grid.x_px, this.slide.x + this.slide.width) - x;
        const dy = this.middle(row, grid.y_px, this.slide.y + this.slide.height) - y;
        const across = dx * cos - dy * sin;
        const isIn = across >= -halfWidth && across <= right && Math.abs(dx * sin + dy * cos) <= halfHeight;
        if (isIn) found.add(row * grid.n_columns + column);
      }
    }
    return found;
  }

  between(from, to, origin_px, n) {
    const at = (place) => Math.min(n - 1, Math.max(0, Math.floor((place - origin_px) / this.grid.cell_px)));
    return [at(from), at(to)];
  }

  // The last squares reach beyond the slide: their middle is taken on it.
  middle(at, origin_px, end_px) {
    return Math.min(origin_px + (at + 0.5) * this.grid.cell_px, end_px - 1);
  }

  toggle() {
    this.isShown = !this.isShown;
    this.lay();
    this.onChange();
  }

  lay() {
    const { grid } = this;
    const box = this.isShown && grid
      ? { x_px: grid.x_px, y_px: grid.y_px, width_px: grid.n_columns * grid.cell_px, height_px: grid.n_rows * grid.cell_px }
      : null;
    this.scene.cover(this.canvas, box);
  }

  // Tissue that was not seen yet lies under a quiet grey; one pixel a square.
  paint() {
    const { n_columns: width, n_rows: height } = this.grid;
    Object.assign(this.canvas, { width, height });
    const picture = new ImageData(width, height);
    for (let at = 0; at < this.seen.length; at += 1) {
      if (this.tissue[at] && !this.seen[at]) picture.data.set(UNSEEN_INK, at * 4);
    }
    this.canvas.getContext("2d").putImageData(picture, 0, 0);
  }
}

// Bits of a base64 string, the highest of each byte first.
function bitsOf(text, n) {
  const bytes = atob(text);
  const bits = new Uint8Array(n);
  for (let at = 0; at < n; at += 1) bits[at] = (bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1;
  return bits;
}

function base64Of(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => { bytes[at >> 3] |= bit << (7 - (at & 7)); });
  return btoa(String.fromCharCode(...bytes));
}
