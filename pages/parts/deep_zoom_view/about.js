// What is known of the selected patch, and of the whole slide: the upper part of the reading panel.

const SALIENCY_METHODS = [
  ["run", "last block"],
  ["gradcam/layer3", "block 3"],
  ["gradcam++/layer4", "Grad-CAM++"],
  ["hirescam/layer4", "HiResCAM"],
  ["layercam/layer3", "LayerCAM, block 3"],
  ["eigencam/layer4", "EigenCAM"],
];

const BACK_REASONS = [
  ["readable", "fit to be read all the same"],
  ["mistaken", "not what it was taken for"],
  ["needed", "needed for the read"],
];

// The row under a patch that the quality gate left out: why, and the way back.
class WayBack {
  constructor(act) {
    this.reasons = make("select", { "aria-label": "Why this patch is brought back" });
    for (const [value, words] of BACK_REASONS) this.reasons.append(make("option", { value, text: words }));
    this.button = pushButton("Bring back", "Bring this patch back, or leave it out again (B)", () => act());
    this.words = make("div", { class: "fr-legend-note", "data-role": "back-words" });
    this.row = make("div", { class: "fr-row" }, this.button, this.reasons);
    this.element = make("div", { class: "fr-back", "data-role": "way-back" }, this.row, this.words);
  }

  get reason() {
    return this.reasons.value;
  }

  show(detail) {
    this.element.hidden = !detail.is_left_out;
    this.button.textContent = detail.is_back ? "Leave out again" : "Bring back";
    this.reasons.hidden = detail.is_back;
    this.words.textContent = detail.is_back
      ? `Brought back by you; the gate said: ${detail.state_words}. The slide's call does not count it.`
      : "";
  }
}

class AboutPatch {
  constructor(element, api, stages, onSaliency, onBack) {
    Object.assign(this, { element, api, stages, onSaliency, onBack, isSaliencyOn: false, method: "run", choice: "predicted" });
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
    this.wayBack = new WayBack(() => this.onBack());
    const row = make("div", { class: "fr-row" }, this.toggle, this.choices, this.methods);
    this.chart = make("div");
    const pair = make("div", { class: "fr-pair" }, this.picture, this.chart);
    this.filled = make("div", { class: "fr-about" }, pair, row, this.saliencyWords, this.facts, this.wayBack.element);
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
    this.wayBack.element.hidden = true;
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
      const words = detail.is_back ? "call, brought back" : "call";
      lines.push(fact(words, margin, "Uncertainty: 1 minus the margin between the two"));
      if (detail.pass) lines.push(fact("fast run", detail.pass));
    } else if (detail.is_back) {
      lines.push(fact("brought back", detail.problem || "the model looks at it …"));
    } else {
      lines.push(fact(detail.is_left_out ? "left out" : "not predicted", detail.state_words));
    }
    this.wayBack.show(detail);
    if (detail.is_back && this.isSaliencyOn) this.drawSaliency();
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
    const { choice } = this;
    const method = this.methodNow;
    const stage = this.stageOf(choice);
    if (method !== "run" && stage === null) return;
    const address = method === "run"
      ? `/saliency/${this.run}/${this.index}/${choice}.png`
      : `/explain/${this.run}/${this.index}/${method}/${stage}.png`;
    this.api.picture(address).then((picture) => {
      if (mine !== this.asked || method !== this.methodNow || choice !== this.choice) return;
      this.over.src = picture.url;
      this.ownScale = picture.maximum;
      this.drawSaliencyWords();
    }).catch((error) => {
      if (mine === this.asked) this.saliencyWords.textContent = error.message;
    });
  }

  // The run holds no saliency of a patch that it left out: it is asked of the worker.
  get methodNow() {
    return this.method === "run" && this.detail && this.detail.is_left_out ? "gradcam/layer4" : this.method;
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
      if (this.methodNow === "run") words.push(`strength ${percentWords(detail.strength[at])} of the slide's scale`);
      else if (this.ownScale !== null) words.push(`own scale, raw maximum ${this.ownScale}`);
      if (detail.saliency_on_collagen !== null && this.choice === "predicted") {
        words.push(`${percentWords(detail.saliency_on_collagen)} on collagen, ${percentWords(detail.collagen_by_chance)} by chance`);
      }
    }
    this.saliencyWords.textContent = words.join(" · ");
  }
}

// What the gate left out, by reason, and what this reader brought back: named beside the call, never mixed into it.
function leftOutFacts(run) {
  const lines = run.left_out.map(({ words, n }) => fact(`· ${words}`, String(n)));
  if (run.n_brought_back) {
    lines.push(fact("· brought back by you", `${run.n_brought_back}, not in the call`, "The call is the model's own and does not include them"));
  }
  return lines;
}

function drawAboutSlide(element, stages, slide, run, others) {
  if (!run || !run.call) {
    const words = run ? "No patch of this slide could be predicted." : "The model has not run on this slide. You can stage it all the same.";
    element.replaceChildren(make("div", { class: "fr-empty", text: words }), ...(run ? leftOutFacts(run) : []));
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
    ...leftOutFacts(run),
    ...others.map((other) => fact(other.reader, readWords(other))),
    make("div", { class: "fr-legend-note", text: `Rule: ${call.rule}` }),
    make("div", { class: "fr-legend-note", text: `Model: ${run.model.name}` }),
    run.second_pass ? make("div", { class: "fr-legend-note", "data-role": "second-pass", text: `Fast run: ${run.second_pass}` }) : "",
  );
}
