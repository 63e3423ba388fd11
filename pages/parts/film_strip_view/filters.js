// Which patches, in which order: plain controls that keep their own keys; Escape gives the keyboard back to the patch.

const READS = [["unread", "not read by me"], ["any", "read or not"], ["own", "read by me"], ["deferred", "deferred by me"]];
const LARGEST_SEED = 2 ** 31;

class Filters {
  constructor(element, stages, { onChange, onNearest, onLeave, onRenew }) {
    Object.assign(this, { element, stages, onChange, onNearest, onRenew });
    this.settings = {};
    this.build();
    element.addEventListener("pointerdown", () => { this.isByPointer = true; }, true);
    element.addEventListener("keydown", (event) => {
      this.isByPointer = false;
      if (event.key !== "Escape" && !(event.key === "Enter" && event.target.tagName !== "BUTTON")) return;
      event.preventDefault();
      event.target.dispatchEvent(new Event("change"));
      onLeave();
    });
    this.onLeave = onLeave;
  }

  build() {
    this.order = this.select("Order", (value) => this.orderSettings(value), "order");
    this.shuffle = pushButton("Shuffle again", "Draw another random order", () => this.change({ seed: String(Math.floor(Math.random() * LARGEST_SEED)) }));
    this.reads = this.select("Reads", (value) => (value.startsWith("by:")
      ? { reads: "other", reader: value.slice(3) } : { reads: value, reader: undefined }), "reads");
    this.stageButtons = this.stages.map((stage) => pushButton(stage.name, `Only patches called ${stage.name}: ${stage.description}`, () => this.toggleStage(stage.name), {
      style: { background: stage.colour, color: inkOn(stage.colour) }, "aria-label": `Call ${stage.name}`,
    }));
    this.low = this.number("from", "low", 0);
    this.high = this.number("to", "high", 1);
    this.site = this.select("Site", (value) => ({ site: value.startsWith("=") ? value.slice(1) : undefined }), "site");
    this.slide = this.select("Slide", (value) => ({ slide: value || undefined }), "slide");
    this.count = make("div", { class: "fr-muted", "data-role": "count", "aria-live": "polite" });
    this.problems = make("div", { class: "fr-legend-note", "data-role": "unreadable" });
    this.model = make("div", { class: "fr-legend-note", "data-role": "model" });
    this.element.replaceChildren(
      make("h2", { text: "Patches" }), this.order.row, this.shuffle, this.reads.row,
      make("div", { class: "fs-label", text: "Call" }), make("div", { class: "fs-stages" }, ...this.stageButtons),
      make("div", { class: "fs-label", text: "Uncertainty" }),
      make("div", { class: "fs-range" }, this.low, make("span", { text: "to" }), this.high),
      this.site.row, this.slide.row,
      make("div", { class: "fs-buttons" },
        pushButton("Renew", "Lay the order anew, with what was read meanwhile (R)", () => this.onRenew()),
        pushButton("Clear", "Clear all filters", () => this.clearAll())),
      this.count, this.problems, make("div", { class: "fs-push" }), this.model,
      make("div", { class: "fr-legend-note", text: "F filters · Esc back to the patch · Q\u00a0guide · ?\u00a0keys" }),
    );
  }

  select(words, settingsOf, role) {
    const element = make("select", { "data-role": `filter-${role}`, "aria-label": words });
    element.addEventListener("change", () => {
      this.change(settingsOf(element.value));
      if (this.isByPointer) this.onLeave(); // the next key is meant for the patch
    });
    return { element, row: make("label", { class: "fs-field" }, make("span", { class: "fs-label", text: words }), element) };
  }

  aboutOrder(order) {
    const known = this.choices.orders.find(({ name }) => name === order);
    return known ? known.about : "";
  }

  orderSettings(order) {
    if (order !== "nearest") return { order, near: undefined };
    this.onNearest(); // it starts from the patch in sight, which is not known here
    return {};
  }

  number(words, name, fallback) {
    const element = make("input", { type: "number", min: 0, max: 1, step: 0.05, "data-role": `filter-${name}`, "aria-label": `Uncertainty ${words}` });
    element.addEventListener("change", () => {
      const value = Number(element.value);
      const isNone = element.value === "" || !Number.isFinite(value) || value === fallback;
      this.change({ [name]: isNone ? undefined : String(Math.min(1, Math.max(0, Math.round(value * 1000) / 1000))) });
    });
    return element;
  }

  toggleStage(name) {
    const chosen = new Set((this.settings.stages || "").split(",").filter(Boolean));
    if (!chosen.delete(name)) chosen.add(name);
    const stages = this.stages.map((stage) => stage.name).filter((one) => chosen.has(one));
    this.change({ stages: stages.length && stages.length < this.stages.length ? stages.join(",") : undefined });
  }

  clearAll() {
    const { order, seed, near } = this.settings;
    this.settings = inOrder({ order, seed, near, reads: "any" });
    this.draw();
    this.onChange();
  }

  // Args: find: the patch to go to in what is laid then.
  change(further, find = null) {
    const settings = inOrder({ ...this.settings, ...further });
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    this.settings = settings;
    this.draw();
    this.onChange(find);
  }

  useChoices(choices) {
    this.choices = choices;
    this.draw();
  }

  draw() {
    const { settings, choices } = this;
    if (!choices) return;
    fill(this.order.element, choices.orders.map(({ name, words }) => [name, words]), settings.order);
    this.shuffle.hidden = settings.order !== "random";
    const byReaders = choices.readers.map(({ id, name }) => [`by:${id}`, `read by ${name}`]);
    fill(this.reads.element, [...READS, ...byReaders], settings.reader === undefined ? settings.reads : `by:${settings.reader}`);
    const chosen = new Set((settings.stages || "").split(",").filter(Boolean));
    this.stageButtons.forEach((button, at) => button.setAttribute("aria-pressed", String(chosen.has(this.stages[at].name))));
    if (!this.low.matches(":focus")) this.low.value = settings.low ?? "0";
    if (!this.high.matches(":focus")) this.high.value = settings.high ?? "1";
    const sites = choices.sites.map(({ name, n }) => [`=${name}`, `${name || "not stated"} (${n.toLocaleString()})`]);
    fill(this.site.element, [["", "all sites"], ...sites], settings.site === undefined ? "" : `=${settings.site}`);
    const slides = choices.slides.map(({ id, name, n }) => [id, `${name} (${n.toLocaleString()})`]);
    fill(this.slide.element, [["", `all ${slides.length} slides`], ...slides], settings.slide ?? "");
    this.problems.textContent = choices.unreadable.length
      ? `Left out, the results cannot be read: ${choices.unreadable.map(({ name }) => name).join(", ")}` : "";
    this.model.textContent = choices.model ? `Model: ${choices.model.name}` : "";
  }

  showCount(order) {
    this.count.textContent = `${order.n.toLocaleString()} of ${order.nAll.toLocaleString()} patches`;
  }
}

// What is set, by name: the same settings are always the same text.
function inOrder(settings) {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined).sort());
}

// Put options into a select and choose one; what is chosen but not offered is named all the same.
function fill(select, options, chosen) {
  const known = options.some(([value]) => value === chosen) ? options : [...options, [chosen, `${chosen}`]];
  const text = JSON.stringify(known);
  if (select.dataset.options !== text) {
    select.dataset.options = text;
    select.replaceChildren(...known.map(([value, words]) => make("option", { value, text: words })));
  }
  select.value = chosen;
}
