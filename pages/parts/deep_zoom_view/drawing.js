// The tools that draw regions, by mouse, pen or key, and the bar that holds them.

const TOOLS = [
  { name: "select", key: "v", words: "Select", icon: "M4 2 14 10 9.5 10.8 12 15.5 10 16.4 7.6 11.6 4 15Z",
    hint: "Click a region, Shift+click for more; drag a box over patches; drag a corner to move it." },
  { name: "rectangle", key: "m", words: "Rectangle", icon: "M3 4.5H15V13.5H3Z",
    hint: "Drag from corner to corner. Enter draws one over the middle of the view." },
  { name: "polygon", key: "l", words: "Polygon", icon: "M9 2.5 15.5 7.5 13 15.5H5L2.5 7.5Z",
    hint: "Click the corners. Enter or a double-click closes, Backspace takes the last one back." },
  { name: "brush", key: "o", words: "Brush", icon: "M13 2l3 3-7.2 7.2-3.4.6.4-3.6ZM5 12.5c-1.6.2-2 1.6-3 2.9 1.9.6 4 .2 4.5-1.6",
    hint: "Paint. From inside the selected region it adds to it. [ and ] change the size." },
  { name: "eraser", key: "e", words: "Eraser", icon: "M2.5 11.5 9.5 4 15.5 9.6 10 15.5H6ZM6.2 7.6 12 13.2",
    hint: "Take away from a region of yours; holes may come of it. [ and ] change the size." },
];
const EYE = "M1.5 9C4 4.8 14 4.8 16.5 9 14 13.2 4 13.2 1.5 9ZM9 6.8a2.2 2.2 0 1 0 .01 0Z";
const SMALLEST_DRAG_PX = 4;
const HANDLE_REACH_PX = 8;
const BRUSH_PX = { least: 4, most: 160, first: 22 };

function toolButton(icon, words, key, act) {
  const button = pushButton("", `${words} (${key})`, act, { "aria-label": words });
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 18 18");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", icon);
  drawing.append(path);
  button.append(drawing);
  return button;
}

class Drawing {
  // `acts`: draw(parts | null, strokes), reshape(region, parts | null, strokes), choose(ids), box(parts), note(words),
  // tool(name | null), leave(). Everything in level-0 pixels.
  constructor(element, regions, scene, acts) {
    Object.assign(this, { regions, scene, acts, tool: null, corners: [], radiusPx: remembered("brush", BRUSH_PX.first) });
    this.buttons = new Map(TOOLS.map((tool) => [tool.name, toolButton(tool.icon, tool.words, tool.key.toUpperCase(), () => this.take(tool.name))]));
    this.eye = toolButton(EYE, "Show regions", "K", () => this.show(!regions.isShown));
    element.replaceChildren(...this.buttons.values(), this.eye);
    this.show(true);
    regions.draft = (pen, sight) => this.drawDraft(pen, sight);
    this.listen();
  }

  listen() {
    const on = (name, act) => this.scene.viewer.addHandler(name, (event) => {
      if (this.tool && this.scene.base) act(event, this.placeOf(event.position));
    });
    on("canvas-press", (event, place) => this.press(place));
    on("canvas-drag", (event, place) => {
      if (this.tool === "polygon") return; // a drag pans, a click sets a corner
      event.preventDefaultAction = true;
      this.drag(place);
    });
    on("canvas-release", () => this.release());
    on("canvas-double-click", (event) => {
      event.preventDefaultAction = true;
      if (this.tool === "polygon") this.closePolygon();
    });
    this.scene.viewer.container.addEventListener("pointermove", (event) => this.hover(event));
  }

  placeOf(position) {
    const { base, slide } = this.scene;
    const point = base.viewerElementToImageCoordinates(position);
    return { x: point.x + slide.x, y: point.y + slide.y };
  }

  take(name) {
    const next = this.tool === name ? null : name;
    this.drop();
    this.tool = next;
    this.regions.hasHandles = next === "select";
    if (next) this.show(true);
    for (const [tool, button] of this.buttons) button.setAttribute("aria-pressed", String(tool === next));
    this.scene.viewer.canvas.style.cursor = next === null ? "" : next === "select" ? "default" : "crosshair";
    this.acts.tool(next);
    this.regions.draw();
  }

  show(isShown) {
    this.regions.isShown = isShown;
    this.eye.setAttribute("aria-pressed", String(isShown));
    this.regions.draw();
  }

  // Forget what is half drawn.
  drop() {
    Object.assign(this, { corners: [], start: null, end: null, stroke: null, held: null });
    this.regions.draw();
  }

  press(place) {
    const { zoom } = this.regions;
    if (this.tool === "brush" || this.tool === "eraser") {
      this.stroke = { points: [[place.x, place.y]], radius: this.radiusPx / zoom, erases: this.tool === "eraser" };
    } else if (this.tool === "rectangle") this.start = place;
    else if (this.tool === "select") {
      this.start = place;
      const [region] = this.regions.chosenRegions;
      const isOne = region && region.is_own && this.regions.chosen.size === 1 && !region.strokes.length;
      const corner = isOne ? cornerNear(region.parts, place.x, place.y, HANDLE_REACH_PX / zoom) : null;
      this.held = corner && { region, corner };
    }
    this.regions.draw();
  }

  drag(place) {
    this.end = place;
    if (this.stroke) {
      const [x, y] = this.stroke.points[this.stroke.points.length - 1];
      if (Math.hypot(place.x - x, place.y - y) * this.regions.zoom >= 2) this.stroke.points.push([place.x, place.y]);
    } else if (this.held) {
      const { region, corner } = this.held;
      this.held.parts = withCornerAt(region.parts, corner, place.x, place.y);
    }
    this.regions.draw();
  }

  release() {
    const { stroke, start, end, held, tool } = this;
    const zoom = this.scene.base ? this.regions.zoom : 0;
    const isDragged = start && end && Math.max(Math.abs(start.x - end.x), Math.abs(start.y - end.y)) * zoom >= SMALLEST_DRAG_PX;
    Object.assign(this, { stroke: null, start: null, end: null, held: null });
    if (stroke) this.paint(stroke);
    else if (held && held.parts) this.moveCorner(held);
    else if (isDragged && tool === "rectangle") this.acts.draw(rectangleParts(start, end), []);
    else if (isDragged && tool === "select") this.acts.box(rectangleParts(start, end));
    this.regions.draw();
  }

  moveCorner({ region, corner: [part, ring], parts }) {
    const corners = parts[part][ring].slice(1).map(([x, y]) => ({ x, y }));
    if (crossesItself(corners)) this.acts.note("The outline would cross itself; the corner stays where it was.");
    else this.acts.reshape(region, parts, []);
  }

  // The brush adds to the selected region where it touches it, else it begins one; the eraser needs one to take from.
  paint(stroke) {
    const [x, y] = stroke.points[0];
    const isMine = (region) => region.is_own && isTouched(region, x, y, stroke.radius);
    const found = this.regions.chosenRegions.find(isMine) || (stroke.erases ? this.regions.list.findLast(isMine) : null);
    if (found) this.acts.reshape(found, null, [stroke]);
    else if (stroke.erases) this.acts.note("Begin on a region of yours: the eraser takes away from it.");
    else this.acts.draw(null, [stroke]);
  }

  // Take a click for the tool; false leaves it to the reading of patches.
  click(x, y, isShifted) {
    if (this.tool === null) return false;
    if (this.tool === "polygon") this.addCorner({ x, y });
    if (this.tool === "select") {
      const region = this.regions.at(x, y);
      const kept = isShifted ? new Set(this.regions.chosen) : new Set();
      if (region && kept.has(region.id)) kept.delete(region.id);
      else if (region) kept.add(region.id);
      this.regions.box = null;
      this.acts.choose([...kept]);
    }
    return true;
  }

  addCorner(corner) {
    const [first] = this.corners;
    const isNear = (one, reach) => Math.hypot(one.x - corner.x, one.y - corner.y) * this.regions.zoom <= reach;
    if (this.corners.length > 2 && isNear(first, HANDLE_REACH_PX)) {
      this.closePolygon();
      return;
    }
    const last = this.corners[this.corners.length - 1];
    if (!last || !isNear(last, 1.5)) this.corners.push(corner); // a double-click is one corner
    this.regions.draw();
  }

  closePolygon() {
    const { corners } = this;
    if (corners.length < 3) this.acts.note("A polygon has three corners or more.");
    else if (crossesItself(corners)) this.acts.note("The outline crosses itself. Backspace takes the last corner back.");
    else {
      this.drop();
      this.acts.draw(polygonParts(corners), []);
    }
  }

  drawMiddle() {
    const { clientWidth: width, clientHeight: height } = this.scene.viewer.canvas;
    const at = (x, y) => this.placeOf(new this.regions.OSD.Point(x * width, y * height));
    this.acts.draw(rectangleParts(at(0.25, 0.25), at(0.75, 0.75)), []);
  }

  hover(event) {
    if (!this.tool || !this.scene.base) return;
    const frame = this.scene.viewer.container.getBoundingClientRect();
    this.pointer = [event.clientX - frame.left, event.clientY - frame.top];
    this.regions.draw();
  }

  // What is half drawn, and the round of the brush.
  drawDraft(pen, sight) {
    const { regions, stroke, start, end, held, corners, pointer } = this;
    if (held && held.parts) regions.outline(pathOf(held.parts, sight), { dash: [], width: 2 });
    else if (start && end) {
      regions.outline(pathOf(rectangleParts(start, end), sight), { dash: this.tool === "select" ? [7, 5] : [], width: 1.5 });
    }
    if (stroke) regions.drawStroke(stroke, sight);
    if (corners.length) {
      const line = new Path2D();
      for (const { x, y } of corners) line.lineTo(...onScreen([x, y], sight.frame));
      if (pointer) line.lineTo(...pointer);
      regions.outline(line, { dash: [], width: 1.5 });
    }
    if ((this.tool === "brush" || this.tool === "eraser") && pointer) {
      const round = new Path2D();
      round.arc(pointer[0], pointer[1], this.radiusPx, 0, 7);
      regions.outline(round, { dash: this.tool === "eraser" ? [4, 4] : [], width: 1 });
    }
  }

  resize(factor) {
    this.radiusPx = Math.min(BRUSH_PX.most, Math.max(BRUSH_PX.least, this.radiusPx * factor));
    remember("brush", this.radiusPx);
    this.regions.draw();
  }

  get hint() {
    return this.tool ? TOOLS.find((tool) => tool.name === this.tool).hint : "";
  }

  get isHalfDrawn() {
    return this.corners.length > 0 || Boolean(this.stroke || this.start);
  }

  // What a key does here, or null when it is not ours.
  keyAction(event) {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      return key === "z" && this.corners.length ? () => this.dropCorner() : null;
    }
    if (event.shiftKey || event.altKey) return null;
    const tool = TOOLS.find((one) => one.key === key);
    if (tool) return () => this.take(tool.name);
    if (key === "k") return () => this.show(!this.regions.isShown);
    if (key === "escape") return this.escapeAction();
    if (this.tool === "polygon" && key === "enter") return () => this.closePolygon();
    if (this.tool === "polygon" && key === "backspace") return () => this.dropCorner();
    if (this.tool === "rectangle" && key === "enter") return () => this.drawMiddle();
    if (["brush", "eraser"].includes(this.tool) && (key === "[" || key === "]")) {
      return Object.assign(() => this.resize(key === "]" ? 1.25 : 0.8), { mayRepeat: true });
    }
    return null;
  }

  dropCorner() {
    this.corners.pop();
    this.regions.draw();
  }

  // Escape goes back step by step: what is half drawn, the tool, what is chosen.
  escapeAction() {
    if (this.isHalfDrawn) return () => this.drop();
    if (this.tool) return () => this.take(this.tool);
    if (this.regions.chosen.size || this.regions.box) return () => this.acts.leave();
    return null;
  }
}
