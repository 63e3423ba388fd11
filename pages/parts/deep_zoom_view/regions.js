// The regions of a slide over its picture: a canvas in the viewer, drawn anew with each frame, crisp at each zoom.

const INK = "#1e1b4b";
const CASING = "rgba(255, 255, 255, 0.9)";
const MOST_HANDLES = 40;
const PLAIN_FILL = "rgba(255, 255, 255, 0.10)";

class Regions {
  constructor(OSD, scene, stages) {
    Object.assign(this, { OSD, scene, list: [], chosen: new Set(), box: null, draft: null, isShown: true, hasHandles: false });
    this.colours = new Map(stages.map((stage) => [stage.name, stage.colour]));
    this.canvas = make("canvas", { class: "fr-regions", "aria-hidden": "true" });
    this.pen = this.canvas.getContext("2d");
    this.hatch = this.pen.createPattern(hatchTile(), "repeat");
    scene.viewer.canvas.append(this.canvas);
    for (const name of ["update-viewport", "resize", "open"]) scene.viewer.addHandler(name, () => this.draw());
  }

  use(list) {
    this.list = list.map((region) => prepared(region));
    const known = new Set(list.map((region) => region.id));
    for (const id of this.chosen) if (!known.has(id)) this.chosen.delete(id);
    this.draw();
  }

  clear() {
    this.chosen.clear();
    Object.assign(this, { list: [], box: null });
    this.draw();
  }

  get chosenRegions() {
    return this.list.filter((region) => this.chosen.has(region.id));
  }

  byId(id) {
    return this.list.find((region) => region.id === id);
  }

  choose(ids) {
    this.chosen = new Set(ids);
    if (ids.length) this.box = null;
    this.draw();
  }

  // Put a region, new or changed, among those that are shown; the store's own follows.
  put(region) {
    const at = this.list.findIndex((one) => one.id === region.id);
    if (at < 0) this.list.push(prepared(region));
    else this.list[at] = prepared(region);
    this.draw();
  }

  remove(ids) {
    this.list = this.list.filter((region) => !ids.includes(region.id));
    for (const id of ids) this.chosen.delete(id);
    this.draw();
  }

  // The smallest region under a place, so that one inside another can be reached.
  at(x, y) {
    const found = this.list.filter(({ box, parts, strokes }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom
      && (partsHold(parts, x, y) || strokes.some((stroke) => distanceToLine(stroke.points, x, y) <= stroke.radius)));
    const size = ({ box }) => (box.right - box.left) * (box.bottom - box.top);
    return found.sort((one, other) => size(one) - size(other))[0] || null;
  }

  // Screen pixels of a place on the slide: [a, b, c, d, e, f] of x' = a x + c y + e, y' = b x + d y + f.
  get frame() {
    const { base, slide } = this.scene;
    const at = (x, y) => base.imageToViewerElementCoordinates(new this.OSD.Point(x, y));
    const [origin, right, below] = [at(0, 0), at(slide.width, 0), at(0, slide.height)];
    const [a, b] = [(right.x - origin.x) / slide.width, (right.y - origin.y) / slide.width];
    const [c, d] = [(below.x - origin.x) / slide.height, (below.y - origin.y) / slide.height];
    return [a, b, c, d, origin.x - a * slide.x - c * slide.y, origin.y - b * slide.x - d * slide.y];
  }

  get zoom() {
    const [a, b] = this.frame;
    return Math.hypot(a, b);
  }

  draw() {
    const { canvas, pen } = this;
    const sharpness = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.scene.viewer.canvas;
    const [width, height] = [Math.round(clientWidth * sharpness), Math.round(clientHeight * sharpness)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!this.scene.base) return;
    pen.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    const frame = this.frame;
    const sight = { frame, matrix: new DOMMatrix(frame), zoom: Math.hypot(frame[0], frame[1]), width: clientWidth, height: clientHeight };
    const { chosen } = this;
    if (this.isShown) {
      const shown = this.list.filter((region) => isInSight(region, sight));
      for (const region of shown) if (!chosen.has(region.id)) this.drawRegion(region, sight);
      for (const region of shown) if (chosen.has(region.id)) this.drawRegion(region, sight);
    }
    if (this.box) this.outline(pathOf(this.box, sight), { dash: [7, 5], width: 1.5 });
    if (this.draft) this.draft(pen, sight, this);
  }

  drawRegion(region, sight) {
    const { pen } = this;
    const isChosen = this.chosen.has(region.id);
    const path = new Path2D();
    path.addPath(region.path, sight.matrix);
    pen.fillStyle = region.stage ? this.colours.get(region.stage) : PLAIN_FILL;
    pen.globalAlpha = region.stage ? 0.2 : 1;
    pen.fill(path, "evenodd");
    pen.globalAlpha = 1;
    if (region.is_excluded) {
      pen.fillStyle = this.hatch;
      pen.fill(path, "evenodd");
    }
    for (const stroke of region.strokes) this.drawStroke(stroke, sight);
    this.outline(path, { dash: region.is_own ? [] : [5, 4], width: isChosen ? 3 : 1.5 });
    if (isChosen && this.hasHandles && region.is_own) this.drawHandles(region, sight);
    this.drawTag(region, sight);
  }

  // What the brush passed over, until the store has made an outline of it.
  drawStroke(stroke, { frame, zoom }) {
    const { pen } = this;
    pen.beginPath();
    for (const point of stroke.points) pen.lineTo(...onScreen(point, frame));
    if (stroke.points.length === 1) pen.lineTo(...onScreen(stroke.points[0], frame));
    Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: stroke.radius * 2 * zoom });
    pen.strokeStyle = stroke.erases ? "rgba(255, 255, 255, 0.6)" : "rgba(30, 27, 75, 0.35)";
    pen.stroke();
  }

  outline(path, { dash, width }) {
    const { pen } = this;
    Object.assign(pen, { lineJoin: "round", lineCap: "butt", strokeStyle: CASING, lineWidth: width + 2 });
    pen.setLineDash([]);
    pen.stroke(path);
    Object.assign(pen, { strokeStyle: INK, lineWidth: width });
    pen.setLineDash(dash);
    pen.stroke(path);
    pen.setLineDash([]);
  }

  drawHandles(region, { frame }) {
    const corners = region.parts.flat().flatMap((ring) => ring.slice(1));
    if (corners.length > MOST_HANDLES) return;
    Object.assign(this.pen, { fillStyle: "#ffffff", strokeStyle: INK, lineWidth: 1.5 });
    for (const corner of corners) {
      const [x, y] = onScreen(corner, frame);
      this.pen.fillRect(x - 3.5, y - 3.5, 7, 7);
      this.pen.strokeRect(x - 3.5, y - 3.5, 7, 7);
    }
  }

  // The stage's letters, since 1a, 1b and 1c share a colour; an X for an exclusion, a mark for a comment.
  drawTag(region, { frame, zoom }) {
    const words = `${region.stage ?? (region.is_excluded ? "X" : "")}${region.comment ? "…" : ""}`;
    const isTooSmall = (region.box.right - region.box.left) * zoom < 22 || (region.box.bottom - region.box.top) * zoom < 16;
    if (!words || !region.parts.length || isTooSmall) return;
    const { pen } = this;
    const [x, y] = onScreen(highest(region.parts, frame), frame);
    pen.font = "700 12px system-ui, sans-serif";
    const width = pen.measureText(words).width + 10;
    pen.fillStyle = region.stage ? this.colours.get(region.stage) : "#ffffff";
    pen.strokeStyle = INK;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(x - width / 2, y - 9, width, 18, 4);
    pen.fill();
    pen.stroke();
    pen.fillStyle = region.stage ? inkOn(this.colours.get(region.stage)) : INK;
    Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
    pen.fillText(words, x, y + 0.5);
  }
}

function prepared(region) {
  const path = new Path2D();
  for (const ring of region.parts.flat()) {
    ring.slice(0, -1).forEach(([x, y], at) => (at ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  const strokes = region.strokes || [];
  return { ...region, strokes, path, box: boxAround(region.parts, strokes) };
}

function onScreen([x, y], [a, b, c, d, e, f]) {
  return [a * x + c * y + e, b * x + d * y + f];
}

function pathOf(parts, { matrix }) {
  const path = new Path2D();
  path.addPath(prepared({ parts }).path, matrix);
  return path;
}

function highest(parts, frame) {
  const corners = parts.flatMap((part) => part[0]);
  return corners.reduce((best, corner) => (onScreen(corner, frame)[1] < onScreen(best, frame)[1] ? corner : best));
}

function isInSight({ box }, { frame, width, height }) {
  const corners = [[box.left, box.top], [box.right, box.top], [box.right, box.bottom], [box.left, box.bottom]];
  const places = corners.map((corner) => onScreen(corner, frame));
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  return Math.max(...xs) >= 0 && Math.min(...xs) <= width && Math.max(...ys) >= 0 && Math.min(...ys) <= height;
}

function hatchTile() {
  const tile = make("canvas", { width: 10, height: 10 });
  const pen = tile.getContext("2d");
  for (const [colour, width] of [["rgba(255, 255, 255, 0.75)", 3.5], ["rgba(30, 27, 75, 0.9)", 1.4]]) {
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    for (const shift of [-10, 0, 10]) {
      pen.beginPath();
      pen.moveTo(shift - 2, 12);
      pen.lineTo(shift + 12, -2);
      pen.stroke();
    }
  }
  return tile;
}
