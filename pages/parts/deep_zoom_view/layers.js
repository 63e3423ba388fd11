// The layer panel: a switch and an opacity for each layer, and the legend of those that are on.

const LAYER_ROWS = [
  { kind: "stage", words: "Stage heatmap", opacity: 0.55 },
  { kind: "probability", words: "Probability", opacity: 0.6, choices: "stages" },
  { kind: "uncertainty", words: "Uncertainty", opacity: 0.6 },
  { kind: "saliency", words: "Grad-CAM", opacity: 0.7, choices: "saliency" },
  { kind: "tissue", words: "Tissue outline", opacity: 1 },
  { kind: "excluded", words: "Left out", opacity: 0.9, on: true },
  { kind: "reads", words: "Your reads", opacity: 1, on: true },
];

class LayerPanel {
  constructor(rowsElement, legendsElement, stages, kept, onChange) {
    this.rowsElement = rowsElement;
    this.legendsElement = legendsElement;
    this.stages = stages;
    this.onChange = onChange;
    this.settings = {};
    this.comparison = null; // the one legend that is shown while two versions are compared
    this.isComparisonOn = true;
    for (const row of LAYER_ROWS) {
      const former = kept[row.kind] || {};
      this.settings[row.kind] = {
        on: former.on ?? row.on ?? false,
        opacity: former.opacity ?? row.opacity,
        choice: former.choice ?? (row.choices === "stages" ? "4" : row.choices ? "predicted" : null),
      };
    }
    this.controls = new Map(LAYER_ROWS.map((row) => [row.kind, this.drawRow(row)]));
  }

  drawRow(row) {
    const setting = this.settings[row.kind];
    const id = `fr-layer-${row.kind}`;
    const box = make("input", { type: "checkbox", id, "data-layer": row.kind });
    box.checked = setting.on;
    const slider = make("input", {
      type: "range", min: 0, max: 100, step: 5, title: `Opacity of ${row.words}`, "aria-label": `Opacity of ${row.words}`,
    });
    slider.value = String(Math.round(setting.opacity * 100));
    box.addEventListener("change", () => this.change(row.kind, { on: box.checked }));
    slider.addEventListener("input", () => this.change(row.kind, { opacity: Number(slider.value) / 100 }));
    const name = make("div", { class: "fr-layer-name" }, make("label", { for: id, text: row.words }));
    if (row.choices) name.append(this.drawChoice(row));
    this.rowsElement.append(make("div", { class: "fr-layer" }, box, name, slider));
    return { box, slider };
  }

  drawChoice(row) {
    const choices = this.stages.map((stage) => [stage.name, stage.name]);
    if (row.choices === "saliency") choices.unshift(["predicted", "call"], ["runner-up", "2nd"]);
    const select = make("select", { "aria-label": `${row.words}: of which stage` });
    for (const [value, words] of choices) select.append(make("option", { value, text: words }));
    select.value = this.settings[row.kind].choice;
    select.addEventListener("change", () => this.change(row.kind, { choice: select.value }));
    return select;
  }

  change(kind, difference) {
    if (this.comparison && "on" in difference) this.isComparisonOn = difference.on;
    else Object.assign(this.settings[kind], difference);
    this.drawControls();
    this.drawLegends();
    this.onChange(kind);
  }

  toggle(kind) {
    if (this.comparison && kind !== "stage") return;
    this.change(kind, { on: !(this.comparison ? this.isComparisonOn : this.settings[kind].on) });
  }

  enable(isPossible) {
    this.isPossible = isPossible;
    this.drawControls();
  }

  // While two versions are compared the row of stages is for both of them, and the other rows rest.
  useComparison(legend) {
    this.comparison = legend;
    this.drawControls();
    this.drawLegends();
  }

  drawControls() {
    for (const [kind, { box, slider }] of this.controls) {
      box.checked = this.comparison ? kind === "stage" && this.isComparisonOn : this.settings[kind].on;
      const isResting = this.comparison ? kind !== "stage" : !this.isPossible;
      box.disabled = isResting;
      slider.disabled = isResting;
    }
  }

  useLegends(legends) {
    this.legends = legends;
    this.drawLegends();
  }

  nameOf(kind) {
    const { choice } = this.settings[kind];
    return choice === null ? kind : `${kind}:${choice}`;
  }

  drawLegends() {
    if (this.comparison) {
      this.legendsElement.replaceChildren(this.drawLegend(this.comparison));
      return;
    }
    const shown = (this.legends || []).filter((legend) => this.settings[legend.kind].on);
    this.legendsElement.replaceChildren(...shown.map((legend) => this.drawLegend(legend)));
    if (!shown.length) {
      const words = this.legends ? "No layer is on." : "Layers come with a run of the model.";
      this.legendsElement.append(make("div", { class: "fr-muted", text: words }));
    }
  }

  drawLegend(legend) {
    const { choice } = this.settings[legend.kind];
    const of = choice === null ? "" : `: ${{ predicted: "of the call", "runner-up": "of the runner-up" }[choice] || `stage ${choice}`}`;
    const part = make("div", { class: "fr-legend" }, make("div", { class: "fr-legend-title", text: legend.title + of }));
    const hasMeanings = legend.entries.some((entry) => entry.meaning.length > 0) && legend.entries.length > 4;
    const lines = make("div", { class: hasMeanings ? "fr-legend-lines" : "fr-legend-lines fr-loose" });
    for (const entry of legend.entries) {
      const words = make("span", {}, make("b", { text: entry.text }), make("span", { class: "fr-muted", text: hasMeanings ? entry.meaning : "" }));
      const title = entry.meaning ? `${entry.text}: ${entry.meaning}` : entry.text;
      lines.append(make("div", { class: "fr-legend-line", title }, swatch(entry.colour, entry.mark), words));
    }
    part.append(lines);
    if (legend.ramp.length) {
      part.append(make("div", { class: "fr-ramp", style: { background: `linear-gradient(90deg, ${legend.ramp.join(", ")})` } }));
      part.append(make("div", { class: "fr-ends" }, make("span", { text: legend.ends[0] }), make("span", { text: legend.ends[1] })));
    }
    if (legend.note) part.append(make("div", { class: "fr-legend-note", text: legend.note }));
    return part;
  }
}

// The same marks as on the tiles, drawn once on a small canvas.
function swatch(colour, mark) {
  const canvas = make("canvas", { class: "fr-swatch", width: 40, height: 28, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  const isFilled = ["fill", "bars-1", "bars-2"].includes(mark);
  pen.fillStyle = isFilled ? colour : "#ffffff";
  pen.fillRect(0, 0, 40, 28);
  pen.strokeStyle = pen.fillStyle = isFilled ? "#1e1b4b" : colour;
  pen.lineWidth = 2;
  if (mark === "bars-1") pen.fillRect(12, 13, 16, 3);
  if (mark === "bars-2") { pen.fillRect(12, 9, 16, 3); pen.fillRect(12, 17, 16, 3); }
  if (mark === "outline" || mark === "dot") pen.strokeRect(3, 3, 34, 22);
  if (mark === "dot") { pen.beginPath(); pen.arc(31, 9, 4, 0, 7); pen.fill(); }
  if (mark.startsWith("letter-")) { pen.font = "bold 20px sans-serif"; pen.fillText(mark.slice(7), 13, 22); }
  if (mark.startsWith("hatch-")) hatchSwatch(pen, mark);
  pen.strokeStyle = "rgba(30,27,75,0.35)";
  pen.lineWidth = 1;
  pen.strokeRect(0.5, 0.5, 39, 27);
  return canvas;
}

function hatchSwatch(pen, mark) {
  const step = mark === "hatch-sparse" ? 16 : 8;
  const line = (...ends) => { pen.beginPath(); pen.moveTo(ends[0], ends[1]); pen.lineTo(ends[2], ends[3]); pen.stroke(); };
  for (let at = -40; at < 80; at += step) {
    if (mark === "hatch-upright") line(at, 0, at, 28);
    if (["hatch-rising", "hatch-crossed", "hatch-sparse"].includes(mark)) line(at, 28, at + 28, 0);
    if (["hatch-falling", "hatch-crossed"].includes(mark)) line(at, 0, at + 28, 28);
    if (mark === "hatch-level") line(0, at, 40, at);
    if (mark === "hatch-pricked") { pen.setLineDash([3, 3]); line(at, 28, at + 28, 0); pen.setLineDash([]); }
    if (mark === "hatch-dotted") for (let y = 3; y < 28; y += 8) pen.fillRect(at, y, 3, 3);
  }
}
