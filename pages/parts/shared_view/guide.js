// The annotation guide beside what is read: it lies over the edge of the view, so that nothing below it moves, and it
// never takes the keyboard. Open or not is remembered in the tab.

const GUIDE_KEPT = "guide.open";
const SCROLL_SHARE = 0.8;

class GuidePanel {
  // `acts`: shown() when it opens or closes, left() when the focus was in it and it closed.
  constructor(element, root, api, stages, acts) {
    Object.assign(this, { element, root, api, acts, told: "" });
    this.colours = new Map(stages.map((stage) => [stage.name, stage.colour]));
    this.title = make("b", { "data-role": "guide-version", text: "Annotation guide" });
    this.jumps = make("div", { class: "fr-guide-jumps" });
    this.body = make("div", { class: "fr-guide-body", "data-role": "guide-body" });
    const close = pushButton("✕", "Close the guide (Q or Esc)", () => this.show(false), { "aria-label": "Close the guide" });
    element.replaceChildren(
      make("div", { class: "fr-guide-head" }, this.title, close), this.jumps, this.body,
      make("div", { class: "fr-legend-note", text: "Page ↑ and ↓ scroll, Q closes. Examples from slides that you are still to read in a masked study are left out." }),
    );
    if (remembered(GUIDE_KEPT, false)) this.show(true);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get widthPx() {
    return this.isOpen ? this.element.offsetWidth : 0;
  }

  toggle() {
    this.show(!this.isOpen);
  }

  show(isOpen) {
    if (isOpen === this.isOpen) return;
    const hadFocus = this.element.contains(this.element.getRootNode().activeElement);
    this.element.hidden = !isOpen;
    this.root.classList.toggle("fr-guide-open", isOpen);
    for (const button of this.root.querySelectorAll("[data-role=guide-button]")) button.setAttribute("aria-pressed", String(isOpen));
    remember(GUIDE_KEPT, isOpen);
    if (isOpen) this.refresh();
    else if (hadFocus) this.acts.left();
    this.acts.shown();
  }

  // Ask again what stands; what is the same is left as it is drawn, at its place.
  refresh() {
    if (!this.isOpen) return;
    this.api.json("/guide/current").then(({ version }) => {
      const told = JSON.stringify(version);
      if (told === this.told) return;
      this.told = told;
      this.draw(version);
    }).catch((error) => {
      this.told = "";
      this.jumps.replaceChildren();
      this.body.replaceChildren(make("div", { class: "fr-empty", text: error.message }));
    });
  }

  draw(version) {
    if (version === null) {
      this.jumps.replaceChildren();
      this.body.replaceChildren(make("div", { class: "fr-empty", text: "There is no guide yet. The study lead publishes it on the Guide page." }));
      return;
    }
    this.title.textContent = `Annotation guide, version ${version.number}`;
    this.title.title = `Published on ${version.made_on}`;
    const sections = version.stages.map((words) => this.section(words));
    this.jumps.replaceChildren(...version.stages.map(({ stage, description }, at) =>
      pushButton(stage, `Stage ${stage}: ${description}`, () => this.goTo(sections[at]), { style: this.inkOf(stage), "aria-label": `Guide to stage ${stage}` })));
    this.body.replaceChildren(make("div", { class: "fr-guide-words" }, ...wordNodes(version.preface)), ...sections);
  }

  section({ stage, description, wording, look_alikes: lookAlikes, examples }) {
    const head = make("h3", {}, make("span", { class: "fr-guide-stage", text: stage, style: this.inkOf(stage) }), description);
    const section = make("section", { "data-stage": stage }, head, make("div", { class: "fr-guide-words" }, ...wordNodes(wording)));
    if (lookAlikes.length) {
      section.append(make("div", { class: "fr-guide-words" }, make("div", { class: "fr-muted", text: "Look-alikes" }), ...wordNodes(lookAlikes)));
    }
    if (examples.length) section.append(make("div", { class: "fr-guide-examples" }, ...examples.map((one) => this.example(one, stage))));
    return section;
  }

  example({ id, caption }, stage) {
    const image = make("img", { alt: caption || `Example of stage ${stage}`, width: 448, height: 448 });
    const words = make("figcaption", { text: caption });
    this.api.picture(`/guide/examples/${id}.jpg`).then((picture) => { image.src = picture.url; }).catch((error) => {
      image.hidden = true;
      words.textContent = error.message;
    });
    return make("figure", { "data-example": id }, image, words);
  }

  inkOf(stage) {
    const colour = this.colours.get(stage);
    return { background: colour, color: inkOn(colour) };
  }

  goTo(section) {
    this.body.scrollTop = section.offsetTop - this.body.offsetTop;
  }

  scroll(direction) {
    this.body.scrollTop += direction * SCROLL_SHARE * this.body.clientHeight;
  }

  // What a key does here, or null when it is not ours. Escape is the room's: it knows what else is open.
  keyAction(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.key.toLowerCase() === "q" && !event.shiftKey) return () => this.toggle();
    if (!this.isOpen) return null;
    if (event.key === "PageDown") return Object.assign(() => this.scroll(1), { mayRepeat: true });
    if (event.key === "PageUp") return Object.assign(() => this.scroll(-1), { mayRepeat: true });
    return null;
  }
}

// Plain parts from the server as elements: text, or a tag out of a short list with parts of its own.
const WORD_TAGS = new Set(["p", "h4", "ul", "ol", "li", "strong", "em"]);

function wordNodes(parts) {
  return parts.map((part) => {
    if (typeof part === "string") return document.createTextNode(part);
    return make(WORD_TAGS.has(part.tag) ? part.tag : "span", {}, ...wordNodes(part.parts));
  });
}
