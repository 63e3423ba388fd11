// Two versions of the model on one slide: which two, and which of them, or of where they differ, lies over it. Nothing
// is staged meanwhile, so that what a read says was in sight stays true.

const VERSIONS_MS = 1000;
const SHOWN = ["A", "B", "difference"];

Object.assign(Room.prototype, {
  startVersions() {
    this.versions = [];
    this.pair = [null, null]; // model ids, kept from slide to slide
    this.versionPanel = new VersionPanel(this.find("about-versions"), this.data.stages, {
      choose: (at, modelId) => this.chooseVersion(at, modelId),
      predict: (modelId) => this.predictVersion(modelId),
      show: (name) => this.showVersion(name),
    });
  },

  isComparing() {
    return this.target === "versions";
  },

  // Another slide comes: the tab is left, and entered again when both versions are known there.
  leaveVersions() {
    if (!this.versionPanel) return;
    this.wasComparing = this.isComparing();
    Object.assign(this, { versions: [], comparison: null });
    clearTimeout(this.versionsTimer);
    if (this.wasComparing) this.setTarget("slide");
  },

  async openVersions() {
    if (!this.versionPanel) return;
    clearTimeout(this.versionsTimer);
    const slideId = this.data.slide.id;
    const { versions } = await this.api.json(`/slides/${slideId}/versions`).catch((error) => {
      this.note(error.message);
      return { versions: [] };
    });
    if (this.isClosed || this.data.slide.id !== slideId) return;
    this.versions = versions;
    this.find("tab-versions").hidden = versions.length < 2;
    this.root.classList.toggle("fr-has-versions", versions.length > 1);
    this.pair = pairOf(versions, this.pair);
    if (this.wasComparing && versions.length > 1) this.setTarget("versions");
    else this.compareVersions();
    this.wasComparing = false;
    const isWaiting = this.isComparing() && versions.some((one) => one.is_under_way);
    if (isWaiting) this.versionsTimer = setTimeout(() => this.openVersions(), VERSIONS_MS);
  },

  versionsChosen() {
    return this.pair.map((modelId) => this.versions.find((one) => one.model_id === modelId) || null);
  },

  // Fetch what the two differ in, once for each pair.
  async compareVersions() {
    if (!this.isComparing()) return;
    const runs = this.versionsChosen().map((one) => one && one.run_id);
    const key = runs.join("/");
    if (runs.every(Boolean) && runs[0] !== runs[1]) {
      if (this.comparison && this.comparison.key === key) return;
      const facts = await this.api.json(`/versions/${key}`).catch((error) => this.note(error.message));
      if (!facts || !this.isComparing() || this.versionsChosen().map((one) => one && one.run_id).join("/") !== key) return;
      const shown = this.comparison ? this.comparison.shown : "difference";
      this.comparison = { key, runs, facts, shown: facts.patches || shown !== "difference" ? shown : "A", patch: null };
    } else this.comparison = null;
    this.applyVersions();
    this.drawPanel();
  },

  // The tab was entered or left.
  switchVersions() {
    this.scene.select(null);
    if (this.isComparing()) {
      this.applyVersions();
      if (this.versions.some((one) => one.is_under_way)) this.openVersions();
      else this.compareVersions();
      return;
    }
    this.comparison = null;
    for (const name of SHOWN) this.scene.setLayer(`version ${name}`, null, 0);
    this.layers.useComparison(null);
    this.nameModel(this.run || this.soFar);
    for (const { kind } of LAYER_ROWS) this.applyLayer(kind);
    if (this.run && this.selected !== null) this.scene.select(this.boxOf(this.selected));
  },

  applyVersions() {
    const { comparison } = this;
    const setting = this.layers.settings.stage;
    for (const { kind } of LAYER_ROWS) this.scene.setLayer(kind, null, 0);
    for (const name of SHOWN) {
      const isShown = comparison && comparison.shown === name && this.layers.isComparisonOn;
      this.scene.setLayer(`version ${name}`, isShown ? this.versionAddress(name) : null, isShown ? setting.opacity : 0);
    }
    this.layers.useComparison(comparison ? legendOfVersion(comparison) : { ...EMPTY_LEGEND, note: "Choose two versions that have read this slide." });
    this.nameModel(comparison ? { model: modelShown(comparison) } : null);
    this.expose();
  },

  versionAddress(name) {
    const { runs } = this.comparison;
    const cut = this.data.layer_version;
    const start = name === "difference" ? `/versions/${runs.join("/")}/${cut}` : `/layers/${runs[SHOWN.indexOf(name)]}/stage/${cut}`;
    this.addresses = this.addresses || new Map();
    if (!this.addresses.has(start)) this.addresses.set(start, (level, x, y) => `${start}/${level}/${x}_${y}.png`);
    return this.addresses.get(start);
  },

  chooseVersion(at, modelId) {
    const other = this.pair[1 - at];
    this.pair[at] = modelId;
    if (other === modelId) this.pair[1 - at] = (this.versions.find((one) => one.model_id !== modelId) || {}).model_id ?? null;
    this.compareVersions();
    this.drawPanel();
  },

  predictVersion(modelId) {
    this.emit.setTriggerValue("predict", modelId);
    this.versionsTimer = setTimeout(() => this.openVersions(), VERSIONS_MS);
  },

  showVersion(name) {
    if (!this.comparison || (name === "difference" && !this.comparison.facts.patches)) return;
    this.layers.isComparisonOn = true;
    this.comparison.shown = name;
    this.applyVersions();
    this.drawPanel();
  },

  // C: the one version, then the other, in the same place. Shift+C: where they differ.
  blinkVersions(isDifference) {
    if (!this.versionPanel || this.versions.length < 2) this.note("There is one model alone: nothing to compare with.");
    else if (!this.isComparing()) this.setTarget("versions");
    else if (this.comparison) this.showVersion(isDifference ? "difference" : this.comparison.shown === "A" ? "B" : "A");
  },

  // one patch in both versions

  comparePatchAt(x, y) {
    const { patches } = (this.comparison || {}).facts || {};
    const index = patches ? patchAt(patches.grid, x, y) : null;
    if (index !== null) this.comparePatch(index, false);
  },

  // A frame of the film strip was chosen: it is of the run that serves, whose patches may be others.
  pick(index) {
    if (!this.isComparing()) this.select(index);
    else {
      const { patches } = (this.comparison || {}).facts || {};
      if (patches && JSON.stringify(patches.grid) === JSON.stringify(this.run.grid)) this.comparePatch(index, true);
    }
  },

  stepDifference(direction) {
    const { patches } = (this.comparison || {}).facts || {};
    if (!patches || !patches.most_changed.length) {
      this.note(patches ? "No patch differs." : "There are no patches to step through.");
      return;
    }
    const { most_changed: order } = patches;
    const here = this.comparison.patch ? order.indexOf(this.comparison.patch.index) : -1;
    const next = here + direction;
    if (next >= 0 && next < order.length) this.comparePatch(order[next], true);
    else this.note(next < 0 ? "That was the patch that differs most." : "That was the last of those that differ most.");
  },

  comparePatch(index, isRevealed) {
    const { comparison } = this;
    const box = this.boxOf(index, comparison.facts.patches.grid);
    this.scene.select(box);
    if (isRevealed) this.scene.reveal(box);
    comparison.patch = { index, details: null };
    this.drawPanel();
    Promise.all(comparison.runs.map((run) => this.api.json(`/runs/${run}/patches/${index}`))).then((details) => {
      if (this.comparison !== comparison || comparison.patch.index !== index) return;
      comparison.patch.details = details;
      this.drawPanel();
    }).catch((error) => this.note(error.message));
  },
});

const EMPTY_LEGEND = { kind: "stage", title: "Versions", entries: [], ramp: [], ends: null, note: "" };

// The two that were chosen before, where both are there; else the first that has read the slide beside the next such.
function pairOf(versions, former) {
  if (former.every((modelId) => versions.some((one) => one.model_id === modelId))) return former;
  const ordered = [...versions.filter((one) => one.run_id), ...versions.filter((one) => !one.run_id)];
  return [0, 1].map((at) => (ordered[at] ? ordered[at].model_id : null));
}

function legendOfVersion({ facts, shown }) {
  if (shown === "difference") {
    return { ...EMPTY_LEGEND, title: "From A to B", entries: facts.legend, note: "of five stages; no colour: the same stage" };
  }
  return { ...EMPTY_LEGEND, title: `Stage that ${shown} calls`, entries: facts.stage_legend };
}

// What is marked as a demo: the version that is shown, or either of the two that the difference is made of.
function modelShown({ facts, shown }) {
  const demos = facts.versions.filter((one) => one.model.is_demo && (shown === "difference" || one.name === shown));
  if (demos.length === 2) return { name: "A and B: DEMO, not trained on real slides", is_demo: true };
  return { name: demos.map((one) => `${one.name}: ${one.model.name}`).join(""), is_demo: demos.length > 0 };
}
