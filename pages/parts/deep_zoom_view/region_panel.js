// What is known of the chosen region, what can be done with it, and the question before many calls are accepted.

function carriedWords(region) {
  if (region.stage) return `stage ${region.stage}`;
  if (region.is_excluded) return "excluded";
  return region.comment ? "a comment" : "nothing yet";
}

function areaWords(areaPx, mpp) {
  if (!areaPx) return "–";
  if (!mpp) return `${Math.round(areaPx).toLocaleString("en")} px²`;
  const um2 = areaPx * mpp.x * mpp.y;
  return um2 >= 1e4 ? `${trimmed(um2 / 1e6)} mm²` : `${trimmed(um2)} µm²`;
}

class RegionPanel {
  // `acts`: accept(), remove(), step(direction)
  constructor(element, questionElement, stages, acts) {
    Object.assign(this, { element, question: questionElement, acts });
    this.colours = new Map(stages.map((stage) => [stage.name, stage.colour]));
  }

  show(regions, slide, { hasRun, hint }) {
    const chosen = regions.chosenRegions;
    const hints = hint ? [make("div", { class: "fr-legend-note", "data-role": "tool-hint", text: hint })] : [];
    if (!chosen.length && !regions.box) {
      this.element.replaceChildren(...hints, ...this.nothingChosen(regions.list, Boolean(hint)));
      return;
    }
    const accept = pushButton("Accept all calls…", "Accept the calls of all patches in it, counted first (A)", () => this.acts.accept(), {
      "data-role": "accept-all",
    });
    accept.disabled = !hasRun;
    const remove = pushButton("Remove", "Remove the region (Delete)", () => this.acts.remove());
    remove.hidden = !chosen.some((region) => region.is_own);
    const row = make("div", { class: "fr-row" }, accept, remove);
    const lines = chosen.length === 1 ? this.facts(chosen[0], slide) : this.severalFacts(chosen);
    this.element.replaceChildren(...hints, ...lines, row, this.summary(regions.list));
  }

  nothingChosen(list, hasHint) {
    const words = list.length
      ? "N and P go through the regions; the Select tool (V) chooses one by a click, or patches by a box."
      : "Draw one with the tools over the slide: rectangle M, polygon L, brush O.";
    const lines = [make("div", { class: "fr-empty", text: list.length ? "No region is selected." : "No region on this slide." })];
    if (!hasHint) lines.push(make("div", { class: "fr-legend-note", text: words }));
    if (list.length) lines.push(this.summary(list));
    return lines;
  }

  summary(list) {
    const own = list.filter((region) => region.is_own).length;
    const others = list.length - own;
    return make("div", { class: "fr-legend-note", "data-role": "region-count" },
      `${own} of yours on this slide${others ? `, ${others} of others` : ""}`);
  }

  facts(region, slide) {
    const colour = this.colours.get(region.stage);
    const letter = make("div", {
      class: `fr-call-letter${region.is_excluded ? " fr-is-excluded" : ""}`,
      text: region.stage ?? (region.is_excluded ? "X" : "–"),
      style: colour ? { background: colour, color: inkOn(colour) } : {},
    });
    const holes = region.parts.reduce((n, part) => n + part.length - 1, 0);
    const shape = [region.parts.length > 1 ? `${region.parts.length} parts` : null, holes ? `${holes} ${holes > 1 ? "holes" : "hole"}` : null];
    const head = make("div", { class: "fr-call" }, letter, make("div", {},
      make("div", { class: "fr-muted", text: region.is_own ? "Your region" : `Region of ${region.reader}` }),
      make("b", { text: `carries ${carriedWords(region)}` })));
    return [
      head,
      fact("area", areaWords(region.area_px, slide.mpp)),
      ...(shape.some(Boolean) ? [fact("shape", shape.filter(Boolean).join(", "))] : []),
      ...(region.name ? [fact("name in the file", region.name)] : []),
      ...(region.comment ? [make("div", { class: "fr-quote", text: region.comment })] : []),
    ];
  }

  severalFacts(chosen) {
    const words = chosen.length ? `${chosen.length} regions are selected` : "A box over patches is selected";
    return [make("div", { class: "fr-call" }, make("b", { text: words }))];
  }

  // Ask before accepting; `act` is what follows a yes.
  ask(words, further, n, act) {
    const answer = (isYes) => {
      this.question.hidden = true;
      if (isYes) act();
    };
    const yes = pushButton(`Accept ${n}`, "Accept (Enter)", () => answer(true), { "data-role": "accept-yes" });
    yes.setAttribute("class", "fr-first");
    const no = pushButton("Cancel", "Leave everything as it is (Esc)", () => answer(false));
    this.question.replaceChildren(
      make("p", {}, make("b", { text: words })), make("p", { class: "fr-muted", text: further }),
      make("div", { class: "fr-row" }, yes, no),
    );
    this.question.hidden = false;
    yes.focus();
  }

  get isAsking() {
    return !this.question.hidden;
  }

  dismiss() {
    this.question.hidden = true;
  }
}
