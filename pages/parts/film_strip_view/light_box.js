// The patch, large, and beside it its surroundings at lower power.

const AROUND_MARGIN = 2; // of the patch's side, on each side: the surroundings are five patches wide
const SALIENCY_OPACITY = 0.75;
const EMPTY = "#ededf2";
const GAP_PX = 16;
const CAPTION_PX = 34;
const PATCH_SHARE = 0.62;
const WIDEST_SCALE_PX = 130;

class LightBox {
  constructor(find) {
    this.box = find("box");
    this.words = find("box-words");
    this.patch = find("patch-picture");
    this.around = find("around-picture");
    this.captions = [find("patch-caption"), find("around-caption")];
  }

  // Take the room there is; give whether it is another than before.
  layOut() {
    const style = getComputedStyle(this.box);
    const width = this.box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - GAP_PX;
    const height = this.box.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - CAPTION_PX;
    const patch = Math.max(96, Math.floor(Math.min(height, width * PATCH_SHARE)));
    const around = Math.max(64, Math.floor(Math.min(height, width - patch, patch)));
    const dense = window.devicePixelRatio || 1;
    const size = `${patch} ${around} ${dense}`;
    if (size === this.size) return false;
    this.size = size;
    for (const [canvas, side] of [[this.patch, patch], [this.around, around]]) {
      Object.assign(canvas, { width: Math.round(side * dense), height: Math.round(side * dense) });
      Object.assign(canvas.style, { width: `${side}px`, height: `${side}px` });
      canvas.parentElement.style.width = `${side}px`;
    }
    return true;
  }

  // Draw what is there of a patch; give whether the patch itself is. `saliency` is left out while it is not wanted.
  show(entry, { patch, around, saliency }, problem) {
    this.say(patch ? "" : problem || "");
    this.fill(this.patch, patch);
    if (patch && saliency) drawSharp(this.patch, saliency, SALIENCY_OPACITY);
    this.fill(this.around, around);
    if (around) this.outline();
    this.patch.setAttribute("aria-label", `Patch ${entry.index} of ${entry.name}`);
    this.around.setAttribute("aria-label", `Surroundings of patch ${entry.index}`);
    this.caption(0, this.patch, entry.side_um, "patch");
    this.caption(1, this.around, entry.side_um === null ? null : entry.side_um * (1 + 2 * AROUND_MARGIN), "surroundings");
    return Boolean(patch);
  }

  clear(words) {
    this.fill(this.patch);
    this.fill(this.around);
    for (const caption of this.captions) caption.replaceChildren();
    this.say(words);
  }

  say(words) {
    this.words.textContent = words;
    this.words.hidden = !words;
  }

  fill(canvas, bitmap) {
    if (bitmap) {
      drawSharp(canvas, bitmap);
      return;
    }
    const context = canvas.getContext("2d");
    context.fillStyle = EMPTY;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  // Where the patch lies in its surroundings: a dark line inside a white one, to be seen on any tissue.
  outline() {
    const context = this.around.getContext("2d");
    const side = this.around.width / (1 + 2 * AROUND_MARGIN);
    const left = side * AROUND_MARGIN;
    for (const [colour, width, out] of [["#ffffff", 3, 1.5], ["#111827", 1.5, 0]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: width });
      context.strokeRect(left - out, left - out, side + 2 * out, side + 2 * out);
    }
  }

  caption(at, canvas, wideUm, name) {
    if (wideUm === null) {
      this.captions[at].replaceChildren(make("span", { text: `${name}, no scale` }));
      return;
    }
    const side = parseFloat(canvas.style.width);
    const um = roundLength((wideUm / side) * WIDEST_SCALE_PX);
    this.captions[at].replaceChildren(
      make("span", { text: `${name}, ${lengthWords(wideUm)} wide` }),
      make("span", { class: "fs-scale" }, lengthWords(um), make("i", { class: "fr-scale-bar", style: { width: `${(um / wideUm) * side}px` } })),
    );
  }
}
