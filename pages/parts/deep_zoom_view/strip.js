// The film strip: the slide's patches, least certain first; only what is in sight is drawn or fetched.

const FRAME_PX = 71;
const STRETCH = 200;

class Strip {
  constructor(element, wordsElement, api, stages, onPick) {
    Object.assign(this, { element, wordsElement, api, onPick });
    this.colours = new Map(stages.map((stage) => [stage.name, stage.colour]));
    this.track = make("div", { class: "fr-strip-track" });
    element.replaceChildren(this.track);
    this.frames = new Map();
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    element.addEventListener("wheel", (event) => {
      if (event.deltaX === 0) element.scrollLeft += event.deltaY;
    }, { passive: true });
    this.useRun(null, 0);
  }

  useRun(run, n) {
    Object.assign(this, { run, n, nRead: 0, selected: null });
    this.entries = new Map(); // position -> {index, stage, uncertainty, read}
    this.positions = new Map(); // patch index -> position
    this.stretches = new Map(); // number of a stretch -> promise
    for (const frame of this.frames.values()) frame.remove();
    this.frames.clear();
    this.track.style.width = `${n * FRAME_PX + 8}px`;
    this.element.scrollLeft = 0;
    this.drawWords();
    if (run && n) this.load(0).then(() => this.draw());
  }

  load(position) {
    const stretch = Math.floor(position / STRETCH);
    if (!this.stretches.has(stretch)) {
      const { run } = this;
      const promise = this.api.json(`/runs/${run}/strip?offset=${stretch * STRETCH}&limit=${STRETCH}`).then((answer) => {
        if (run !== this.run) return;
        answer.patches.forEach((patch, at) => {
          const pending = this.pendingRead ? this.pendingRead(patch.index) : undefined;
          this.entries.set(answer.offset + at, pending === undefined ? patch : { ...patch, read: pending });
          this.positions.set(patch.index, answer.offset + at);
        });
        this.nRead = answer.n_read;
        this.drawWords();
      });
      promise.catch(() => this.stretches.delete(stretch));
      this.stretches.set(stretch, promise);
    }
    return this.stretches.get(stretch);
  }

  async entryAt(position) {
    if (position < 0 || position >= this.n) return null;
    if (!this.entries.has(position)) await this.load(position);
    if (position + STRETCH / 4 < this.n) this.load(position + STRETCH / 4).catch(() => {});
    return this.entries.get(position) || null;
  }

  entryOf(index) {
    return this.positions.has(index) ? this.entries.get(this.positions.get(index)) : null;
  }

  // The next patch without a read after a position; at the end, null.
  async nextUnread(position) {
    for (let at = position + 1; at < this.n; at += 1) {
      const entry = await this.entryAt(at);
      if (!entry) return null;
      if (!isRead(entry.read)) return entry;
    }
    return null;
  }

  setRead(index, read) {
    const entry = this.entryOf(index);
    if (!entry) return;
    this.nRead += Number(isRead(read)) - Number(isRead(entry.read));
    entry.read = read;
    this.drawWords();
    this.drawFrame(this.positions.get(index));
  }

  // Forget what was fetched of the reads, and fetch it again, without moving anything.
  refresh() {
    this.stretches.clear();
    const first = Math.floor(this.element.scrollLeft / FRAME_PX);
    if (this.run && this.n) this.load(first).then(() => { for (const at of this.frames.keys()) this.drawFrame(at); }).catch(() => {});
  }

  select(index, position) {
    const former = this.selected;
    this.selected = index;
    if (position !== undefined && position >= 0) this.positions.set(index, position);
    if (former !== null && this.positions.has(former)) this.drawFrame(this.positions.get(former));
    if (index !== null && this.positions.has(index)) this.scrollTo(this.positions.get(index));
    this.draw();
  }

  scrollTo(position) {
    const left = position * FRAME_PX;
    const { scrollLeft, clientWidth } = this.element;
    if (left < scrollLeft || left + 2 * FRAME_PX > scrollLeft + clientWidth) {
      this.element.scrollLeft = Math.max(0, left - clientWidth * 0.35);
    }
  }

  draw() {
    const first = Math.max(0, Math.floor(this.element.scrollLeft / FRAME_PX) - 4);
    const last = Math.min(this.n - 1, Math.ceil((this.element.scrollLeft + this.element.clientWidth) / FRAME_PX) + 8);
    for (const [position, frame] of this.frames) {
      if (position < first || position > last) {
        frame.remove();
        this.frames.delete(position);
      }
    }
    for (let position = first; position <= last; position += 1) {
      if (!this.entries.has(position)) {
        this.load(position).then(() => this.draw()).catch(() => {});
        break;
      }
      this.drawFrame(position, true);
    }
  }

  drawFrame(position, isWanted = false) {
    const entry = this.entries.get(position);
    let frame = this.frames.get(position);
    if (!entry || (!frame && !isWanted)) return;
    if (!frame) {
      frame = this.newFrame(position, entry);
      this.frames.set(position, frame);
      this.track.append(frame);
    }
    const mark = frame.querySelector(".fr-frame-read");
    mark.textContent = isRead(entry.read) ? frameWords(entry.read) : "";
    mark.hidden = !isRead(entry.read);
    frame.classList.toggle("fr-is-read", isRead(entry.read));
    frame.setAttribute("aria-current", String(entry.index === this.selected));
  }

  newFrame(position, entry) {
    const colour = this.colours.get(entry.stage);
    const image = make("img", { alt: "" });
    const frame = make("button", {
      type: "button", class: "fr-frame", "data-patch": entry.index, style: { left: `${position * FRAME_PX + 5}px` },
      title: `Patch ${entry.index}: call ${entry.stage}, uncertainty ${entry.uncertainty.toFixed(2)}`, tabindex: -1,
    }, image,
    make("span", { class: "fr-frame-call", text: entry.stage, style: { background: colour, color: inkOn(colour) } }),
    make("span", { class: "fr-frame-read" }));
    frame.addEventListener("click", () => { this.onPick(entry); frame.blur(); });
    this.api.picture(`/patches/${this.run}/${entry.index}.jpg?size=96`).then((picture) => { image.src = picture.url; }).catch(() => {});
    return frame;
  }

  drawWords() {
    if (!this.run) {
      this.wordsElement.replaceChildren(make("span", { class: "fr-muted", text: "The film strip comes with a run of the model." }));
      return;
    }
    this.wordsElement.replaceChildren(
      make("strong", { text: "Patches, least certain first" }),
      make("span", { "data-role": "n-read", text: `${this.nRead} of ${this.n} read` }),
      make("div", { class: "fr-muted", text: "N next · P previous" }),
    );
  }
}
