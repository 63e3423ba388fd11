// What is known of the patch under the light: the call with its probabilities, where it lies, and what others say.

class PatchFacts {
  constructor(element, stages, { onSaliency, onOpen, onGuide }) {
    Object.assign(this, { element, stages });
    this.letter = make("div", { class: "fr-call-letter" });
    this.callWords = make("b");
    this.chart = make("div");
    this.facts = make("div", { "data-role": "patch-facts" });
    this.toggle = pushButton("Grad-CAM", "Where the model looked (G)", onSaliency, { "aria-pressed": "false" });
    this.saliencyWords = make("div", { class: "fr-legend-note", "data-role": "saliency-words" });
    const open = pushButton("Open slide", "Open the slide at this patch (O)", onOpen);
    const guide = pushButton("Guide", "Annotation guide beside the patch (Q)", onGuide, { "data-role": "guide-button", "aria-pressed": "false" });
    this.filled = make("div", { class: "fr-about" },
      make("div", { class: "fr-call" }, this.letter, make("div", {}, make("div", { class: "fr-muted", text: "The model calls this patch" }), this.callWords)),
      this.chart, make("div", { class: "fr-row" }, this.toggle, open, guide), this.facts, this.saliencyWords);
    this.element.replaceChildren(this.filled);
    this.clear();
  }

  clear() {
    this.filled.hidden = true;
  }

  show(entry, { isSaliencyOn, problem, detail }) {
    this.filled.hidden = false;
    const stage = this.stages.find((one) => one.name === entry.stage);
    this.letter.textContent = stage.name;
    Object.assign(this.letter.style, { background: stage.colour, color: inkOn(stage.colour) });
    this.callWords.textContent = `${stage.name}: ${stage.description}`;
    this.chart.replaceChildren(bars(this.stages, entry.probabilities, entry.stage));
    const lines = [
      fact("uncertainty", entry.uncertainty.toFixed(2), "1 minus the margin between the two best stages"),
      fact("slide", entry.name, entry.name),
      fact("patch", String(entry.index)),
      fact("site", entry.site || "–"),
    ];
    if (entry.gap > 0) lines.push(fact("stages in sight lie apart", `${entry.gap} ${entry.gap === 1 ? "step" : "steps"}`, "Five-class steps between the two farthest; 1a, 1b and 1c lie half a step apart"));
    for (const other of entry.others) lines.push(fact(other.reader, readWords(other)));
    this.facts.replaceChildren(...lines);
    this.toggle.setAttribute("aria-pressed", String(isSaliencyOn));
    this.saliencyWords.textContent = isSaliencyOn ? problem || this.strengthWords(entry, detail) : "";
  }

  strengthWords(entry, detail) {
    const words = ["where the model looked, not why"];
    if (detail) {
      const at = this.stages.findIndex((stage) => stage.name === entry.stage);
      words.push(`strength ${percentWords(detail.strength[at])} of the slide's scale`);
      if (detail.saliency_on_collagen !== null) {
        words.push(`${percentWords(detail.saliency_on_collagen)} on collagen, ${percentWords(detail.collagen_by_chance)} by chance`);
      }
    }
    return words.join(" · ");
  }
}
