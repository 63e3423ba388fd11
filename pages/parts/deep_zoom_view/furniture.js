// What stands around the slide: presets, magnification, scale bar, coordinates and the help sheet.

const MAGNIFICATIONS = [2.5, 5, 10, 20, 40];
const MICRONS_AT_1X = 10; // a screen pixel of 10 um is called 1x, so that 0.5 um is 20x
const WIDEST_BAR_PX = 150;
const HELP = [
  ["1 … 7", "stage 0, 1a, 1b, 1c, 2, 3, 4"], ["A or Enter", "accept the call"],
  ["D", "defer"], ["X", "exclude"],
  ["B", "bring a left-out patch back / leave it out again"],
  ["N / P", "next / previous patch (slide, region)"], ["S", "keys act on the patch / the slide"],
  ["H", "stage heatmap"], ["G", "Grad-CAM on the patch"],
  ["C", "compare: version A / version B"], ["Shift+C", "compare: where they differ"],
  ["Shift+G", "Grad-CAM on the slide"], ["Ctrl+Z", "undo, as a new entry"],
  ["Shift+1 … 5", "2.5, 5, 10, 20, 40x"], ["+ / −", "zoom"],
  ["Arrows", "pan"], ["F", "fit the slide"],
  ["R", "rotate by 90°"], ["?", "this sheet"],
  ["Q", "annotation guide beside the slide"], ["Shift+Q", "pin the patch to the guide (lead)"],
  ["V", "select regions, or patches by a box"], ["M / L", "draw a rectangle / a polygon"],
  ["O / E", "brush / eraser ([ and ]: size)"], ["K", "show or hide regions"],
  ["Del", "remove the selected region"], ["Esc", "leave what is half drawn, the tool"],
];

class Furniture {
  constructor(find, scene, link, guide) {
    this.scene = scene;
    this.scale = find("scale");
    this.coordinates = find("coordinates");
    this.help = find("help");
    this.magnification = make("span", { class: "fr-magnification", "data-role": "magnification", title: "Magnification" });
    this.presets = MAGNIFICATIONS.map((value, at) =>
      pushButton(`${value}x`, `Magnification ${value}x (Shift+${at + 1})`, () => this.magnify(value)));
    find("tools").replaceChildren(
      pushButton("Fit", "Fit the slide (F)", () => scene.fit()),
      ...this.presets,
      this.magnification,
      pushButton("⟲", "Rotate to the left", () => scene.rotateBy(-90), { "aria-label": "Rotate to the left" }),
      pushButton("⟳", "Rotate to the right (R)", () => scene.rotateBy(90), { "aria-label": "Rotate to the right" }),
      pushButton("Link", "Copy a link to this view", link, { class: "fr-link" }),
      pushButton("Guide", "Annotation guide beside the slide (Q)", guide, { "data-role": "guide-button" }),
      pushButton("?", "Keys (?)", () => this.toggleHelp(), { "aria-label": "Keys" }),
    );
    this.drawHelp();
  }

  useSlide(slide) {
    this.slide = slide;
    for (const button of this.presets) {
      button.disabled = slide.mpp === null;
      if (slide.mpp === null) button.title = "No scale: microns per pixel not stated";
    }
  }

  magnify(value) {
    if (this.slide.mpp !== null) this.scene.zoomTo((value * this.slide.mpp.x) / MICRONS_AT_1X);
  }

  update(view) {
    const { mpp } = this.slide;
    if (mpp === null) {
      this.magnification.textContent = `${(view.zoom * 100).toFixed(view.zoom < 0.1 ? 1 : 0)} %`;
      this.scale.textContent = "no scale: microns per pixel not stated";
      return;
    }
    const umPerPx = mpp.x / view.zoom;
    const times = MICRONS_AT_1X / umPerPx;
    this.magnification.textContent = `${times.toFixed(times < 1 ? 2 : 1)}x`;
    const um = roundLength(umPerPx * WIDEST_BAR_PX);
    const bar = make("div", { class: "fr-scale-bar", "data-um": um, style: { width: `${um / umPerPx}px` } });
    this.scale.replaceChildren(make("div", { text: lengthWords(um) }), bar);
  }

  pointAt(point) {
    const { mpp } = this.slide;
    if (point === null) this.coordinates.textContent = "";
    else if (mpp === null) this.coordinates.textContent = `x ${point.x.toFixed(0)} px   y ${point.y.toFixed(0)} px`;
    else this.coordinates.textContent = `x ${(point.x * mpp.x).toFixed(1)} µm   y ${(point.y * mpp.y).toFixed(1)} µm`;
  }

  drawHelp(lines = HELP) {
    const list = make("dl");
    for (const [keys, words] of lines) list.append(make("dt", { text: keys }), make("dd", { text: words }));
    this.help.replaceChildren(
      make("h2", { text: "Keys" }), list,
      make("div", { class: "fr-muted", text: "Keys rest while you type in a field. Zoom in a link: screen pixels per level-0 pixel." }),
      pushButton("Close", "Close (Esc)", () => this.toggleHelp(false)),
    );
  }

  toggleHelp(isShown = this.help.hidden) {
    this.help.hidden = !isShown;
  }
}
