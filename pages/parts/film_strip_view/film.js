// The film: the patches just before and after the one under the light, in the order's own row.

const FRAME_PX = 71;
const N_BEFORE = 3;

class Film {
  constructor(track, words, stages, onPick) {
    Object.assign(this, { track, words, onPick });
    this.colours = new Map(stages.map((stage) => [stage.name, stage.colour]));
    this.frames = new Map(); // position -> frame
  }

  get nAfter() {
    return Math.max(1, Math.floor(this.track.clientWidth / FRAME_PX) - N_BEFORE - 1);
  }

  clear() {
    for (const frame of this.frames.values()) frame.element.remove();
    this.frames.clear();
  }

  draw(order, position, thumbnails) {
    const first = Math.max(0, position - N_BEFORE);
    const last = Math.min(order.n - 1, position + this.nAfter);
    for (const [at, frame] of this.frames) {
      if (at >= first && at <= last && order.entries.get(at) === frame.entry) continue;
      frame.element.remove();
      this.frames.delete(at);
    }
    for (let at = first; at <= last; at += 1) {
      const entry = order.entries.get(at);
      if (entry) this.drawFrame(at, entry, thumbnails.get(entry.key), position);
    }
    this.words.replaceChildren(
      make("strong", { "data-role": "place", text: order.n ? `${(position + 1).toLocaleString()} of ${order.n.toLocaleString()}` : "no patch" }),
      make("span", { "data-role": "n-read", text: `${order.nRead.toLocaleString()} read by you` }),
      make("div", { class: "fr-muted", text: "N next · P previous" }),
    );
  }

  drawFrame(at, entry, thumbnail, position) {
    const frame = this.frames.get(at) || this.newFrame(at, entry);
    const { element, mark } = frame;
    if (thumbnail && thumbnail.parentNode !== element) element.prepend(thumbnail);
    mark.textContent = isRead(entry.read) ? frameWords(entry.read) : "";
    mark.hidden = !isRead(entry.read);
    element.classList.toggle("fr-is-read", isRead(entry.read));
    element.setAttribute("aria-current", String(at === position));
    element.style.left = `${(at - position + N_BEFORE) * FRAME_PX + 6}px`;
  }

  newFrame(at, entry) {
    const colour = this.colours.get(entry.stage);
    const mark = make("span", { class: "fr-frame-read" });
    const element = make("button", {
      type: "button", class: "fr-frame", "data-key": entry.key, tabindex: -1,
      title: `${entry.name}, patch ${entry.index}: call ${entry.stage}, uncertainty ${entry.uncertainty.toFixed(2)}`,
    }, make("span", { class: "fr-frame-call", text: entry.stage, style: { background: colour, color: inkOn(colour) } }), mark);
    element.addEventListener("click", () => { this.onPick(at); element.blur(); });
    this.track.append(element);
    const frame = { element, mark, entry };
    this.frames.set(at, frame);
    return frame;
  }
}
