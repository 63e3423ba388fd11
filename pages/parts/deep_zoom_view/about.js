// What is known of the selected patch, and of the whole slide: the upper part of the reading panel.

const SALIENCY_METHODS = [
  ["run", "last block"],
  ["gradcam/layer3", "block 3"],
  ["gradcam++/layer4", "Grad-CAM++"],
  ["hirescam/layer4", "HiResCAM"],
  ["layercam/layer3", "LayerCAM, block 3"],
  ["eigencam/layer4", "EigenCAM"],
];

function bars(stages, probabilities, called) {
  const grid = make("div", { class: "fr-bars", role: "list", "aria-label": "Probability of each stage" });
  stages.forEach((stage, at) => {
    const share = probabilities ? probabilities[at] : 0;
    const weight = stage.name === called ? "fr-called" : "";
    const fill = make("i", { style: { width: `${(share * 100).toFixed(1)}%`, background: stage.colour } });
    grid.append(
      make("span", { class: weight, text: stage.name, title: stage.description }),
      make("div", { class: "fr-bar" }, fill),
      make("span", { class: `fr-share ${weight}`, text: probabilities ? share.toFixed(2) : "–" }),
    );
  });
  return grid;
}

function fact(words, value, title) {
  return make("div", { class: "fr-fact", title }, make("span", { class: "fr-muted", text: words }), make("b", { text: value }));
}

function readWords(read) {
  if (!isRead(read)) return "none yet";
  const said = { accepted: "accepted", corrected: "corrected", staged: "staged", deferred: "deferred", excluded: "excluded" };
  const stage = read.stage && !["deferred", "excluded"].includes(read.disposition) ? `${read.stage} ` : "";
  return `${stage}${said[read.disposition] || ""}`.trim();
}

class AboutPatch {
  constructor(element, api, stages, onSaliency) {
    Object.assign(this, { element, api, stages, onSaliency, isSaliencyOn: false, method: "run", choice: "predicted" });
    this.asked = 0;
    this.build();
    this.clear("Click a patch, or press N for the first of the film strip.");
  }

  build() {
    this.image = make("img", { alt: "The patch", "data-role": "patch-image" });
    this.over = make("img", { alt: "", class: "fr-over", "data-role": "patch-saliency" });
    this.picture = make("div", { class: "fr-picture" }, this.image, this.over);
    this.toggle = pushButton("Grad-CAM", "Grad-CAM over the patch (G)", () => this.showSaliency(!this.isSaliencyOn));
    this.methods = make("select", { "aria-label": "How the saliency is made" });
    for (const [value, words] of SALIENCY_METHODS) this.methods.append(make("option", { value, text: words }));
    this.methods.addEventListener("change", () => { this.method = this.methods.value; this.drawSaliency(); });
    this.choices = make("select", { "aria-label": "Saliency of which stage", style: { flex: "0 0 62px" } });
    for (const [value, words] of [["predicted", "call"], ["runner-up", "2nd"], ...this.stages.map((s) => [s.name, s.name])]) {
      this.choices.append(make("option", { value, text: words }));
    }
    this.choices.addEventListener("change", () => { this.choice = this.choices.value; this.drawSaliency(); });
    this.saliencyWords = make("div", { class: "fr-legend-note", "data-role": "saliency-words" });
    this.facts = make("div", { "data-role": "patch-facts" });
    const row = make("div", { class: "fr-row" }, this.toggle, this.choices, this.methods);
    this.chart = make("div");
    const pair = make("div", { class: "fr-pair" }, this.picture, this.chart);
    this.filled = make("div", { class: "fr-about" }, pair, row, this.saliencyWords, this.facts);
    this.hollow = make("div", { class: "fr-empty" });
    this.element.replaceChildren(this.hollow, this.filled);
  }

  clear(words) {
    this.detail = null;
    this.asked += 1;
    this.hollow.textContent = words;
    this.hollow.hidden = false;
    this.filled.hidden = true;
  }

  // Show a patch at once with what is known; its facts come with `useDetail`.
  begin(run, index) {
    const mine = (this.asked += 1);
    this.run = run;
    this.index = index;
    this.detail = null;
    this.hollow.hidden = true;
    this.filled.hidden = false;
    this.over.removeAttribute("src");
    this.api.picture(`/patches/${run}/${index}.jpg?size=448`).then((picture) => {
      if (mine === this.asked) this.image.src = picture.url;
    }).catch(() => {
      if (mine === this.asked) this.image.removeAttribute("src");
    });
    this.drawSaliency();
  }

  useDetail(detail, others) {
    this.detail = detail;
    this.chart.replaceChildren(bars(this.stages, detail.stage ? detail.probabilities : null, detail.stage));
    const lines = [];
    if (detail.stage) {
      const margin = `${detail.stage}, then ${detail.runner_up}  (uncertainty ${detail.uncertainty.toFixed(2)})`;
      lines.push(fact("call", margin, "Uncertainty: 1 minus the margin between the two"));
    } else {
      lines.push(fact("not predicted", detail.state_words));
    }
    const area = `${percentWords(detail.tissue_fraction)} · ${percentWords(detail.collagen_fraction)}`;
    lines.push(fact("tissue · collagen of it", area));
    for (const other of others) lines.push(fact(other.reader, readWords(other)));
    this.facts.replaceChildren(...lines);
    this.drawSaliencyWords();
  }

  showSaliency(isOn) {
    this.isSaliencyOn = isOn;
    this.toggle.setAttribute("aria-pressed", String(isOn));
    this.drawSaliency();
    this.onSaliency(isOn);
  }

  drawSaliency() {
    const mine = this.asked;
    this.over.hidden = !this.isSaliencyOn;
    this.ownScale = null;
    this.drawSaliencyWords();
    if (!this.isSaliencyOn || this.index === undefined) return;
    const { method, choice } = this;
    const stage = this.stageOf(choice);
    if (method !== "run" && stage === null) return;
    const address = method === "run"
      ? `/saliency/${this.run}/${this.index}/${choice}.png`
      : `/explain/${this.run}/${this.index}/${method}/${stage}.png`;
    this.api.picture(address).then((picture) => {
      if (mine !== this.asked || method !== this.method || choice !== this.choice) return;
      this.over.src = picture.url;
      this.ownScale = picture.maximum;
      this.drawSaliencyWords();
    }).catch((error) => {
      if (mine === this.asked) this.saliencyWords.textContent = error.message;
    });
  }

  stageOf(choice) {
    if (choice === "predicted") return this.detail ? this.detail.stage : null;
    if (choice === "runner-up") return this.detail ? this.detail.runner_up : null;
    return choice;
  }

  drawSaliencyWords() {
    const { detail } = this;
    const words = ["where the model looked, not why"];
    if (detail && detail.stage) {
      const at = this.stages.findIndex((stage) => stage.name === this.stageOf(this.choice));
      if (this.method === "run") words.push(`strength ${percentWords(detail.strength[at])} of the slide's scale`);
      else if (this.ownScale !== null) words.push(`own scale, raw maximum ${this.ownScale}`);
      if (detail.saliency_on_collagen !== null && this.choice === "predicted") {
        words.push(`${percentWords(detail.saliency_on_collagen)} on collagen, ${percentWords(detail.collagen_by_chance)} by chance`);
      }
    }
    this.saliencyWords.textContent = words.join(" · ");
  }
}

function drawAboutSlide(element, stages, slide, run, others) {
  if (!run || !run.call) {
    const words = run ? "No patch of this slide could be predicted." : "The model has not run on this slide. You can stage it all the same.";
    element.replaceChildren(make("div", { class: "fr-empty", text: words }));
    return;
  }
  const { call } = run;
  const stage = stages.find((one) => one.name === call.stage);
  const letter = make("div", { class: "fr-call-letter", text: stage.name, style: { background: stage.colour, color: inkOn(stage.colour) } });
  const head = make("div", { class: "fr-call" }, letter, make("div", {},
    make("div", { text: "The model calls this slide" }), make("b", { text: `${stage.name}: ${stage.description}` })));
  element.replaceChildren(
    head,
    bars(stages, call.probabilities, call.stage),
    fact("five stages 0 · 1 · 2 · 3 · 4", call.five_stages.map((share) => share.toFixed(2)).join(" · ")),
    fact("continuous score (0 to 4)", call.continuous_score.toFixed(2)),
    fact("collagen of tissue", percentWords(call.collagen_fraction)),
    fact("patches used", String(call.n_patches)),
    fact("left out · failed", `${call.n_excluded} · ${call.n_failed}`),
    ...others.map((other) => fact(other.reader, readWords(other))),
    make("div", { class: "fr-legend-note", text: `Rule: ${call.rule}` }),
    make("div", { class: "fr-legend-note", text: `Model: ${run.model.name}` }),
  );
}
