// The panel of two versions: which two, what each calls the slide, which patches differ, and one patch in both.

const KEPT_APART = "Stages, reports and exports keep to the model that serves.";

class VersionPanel {
  constructor(element, stages, acts) {
    Object.assign(this, { element, stages, acts });
    this.selects = ["A", "B"].map((name, at) => {
      const select = make("select", { "aria-label": `Version ${name}`, "data-role": `version-${name}` });
      select.addEventListener("change", () => acts.choose(at, select.value));
      return select;
    });
    this.choice = make("div", { class: "fr-versions" }, ...this.selects.map((select, at) =>
      make("label", {}, make("b", { text: "AB"[at] }), select)));
    this.switch = ["A", "B", "difference"].map((name) => pushButton(
      { A: "A", B: "B", difference: "Difference" }[name],
      name === "difference" ? "Where they differ (Shift+C)" : `Version ${name} (C)`,
      () => acts.show(name), { "data-role": `show-${name}` },
    ));
    this.switch.forEach((button, at) => button.append(make("kbd", { text: ["C", "C", "Shift+C"][at] })));
    this.switchRow = make("div", { class: "fr-switch", role: "group", "aria-label": "What lies over the slide" }, ...this.switch);
    this.body = make("div", { class: "fr-about", "data-role": "versions-body" });
    element.replaceChildren(this.choice, this.switchRow, this.body);
  }

  draw(room) {
    const { versions, comparison } = room;
    this.drawChoice(versions, room.pair);
    this.drawSwitch(comparison);
    const lines = comparison ? this.compared(comparison) : room.versionsChosen().map((one, at) => this.waiting(one, "AB"[at]));
    this.body.replaceChildren(...lines.filter(Boolean));
  }

  drawChoice(versions, pair) {
    const options = JSON.stringify(versions.map((one) => [one.model_id, one.name, one.status, one.call]));
    this.selects.forEach((select, at) => {
      if (select.dataset.options !== options) {
        select.replaceChildren(...versions.map((one) => make("option", { value: one.model_id, text: versionWords(one) })));
        select.dataset.options = options;
      }
      select.value = pair[at];
      select.title = select.selectedOptions.length ? select.selectedOptions[0].textContent : "";
    });
  }

  drawSwitch(comparison) {
    this.switch.forEach((button, at) => {
      const name = ["A", "B", "difference"][at];
      button.setAttribute("aria-pressed", String(Boolean(comparison) && comparison.shown === name));
      button.disabled = !comparison || (name === "difference" && !comparison.facts.patches);
    });
  }

  // A version that has not read the slide: how far it is, or the button that asks it.
  waiting(version, name) {
    if (!version || version.run_id) return null;
    if (version.is_under_way) {
      const before = version.is_queued ? "it waits for its turn" : "it begins";
      const words = version.n_total ? `${version.n_done} of ${version.n_total} patches` : before;
      return make("div", { class: "fr-version-waits", role: "status", text: `${name} reads this slide: ${words}` });
    }
    return make("div", { class: "fr-version-waits" },
      make("div", { text: `${name}, ${version.status}, has not read this slide.` }),
      version.reason ? make("div", { class: "fr-muted", text: version.reason }) : null,
      pushButton(`Predict this slide with ${name}`, `Run ${version.name} over this slide`, () => this.acts.predict(version.model_id), { "data-role": `predict-${name}` }),
      make("div", { class: "fr-legend-note", text: KEPT_APART }));
  }

  compared(comparison) {
    const { facts } = comparison;
    const isOutside = ({ code }) => code === "outside the model's scope";
    return [
      make("div", { class: "fr-pair-of-calls" }, ...facts.versions.map((one) => this.call(one))),
      make("div", { class: "fr-legend-note", text: KEPT_APART }),
      ...facts.versions.flatMap((one) => one.cautions.filter(isOutside).map((caution) => cautionLine(caution, one.name))),
      ...(facts.patches ? this.patches(comparison) : [make("div", { class: "fr-muted", text: facts.why_no_patches })]),
    ];
  }

  call({ name, status, call, n_patches: n, mode }) {
    if (!call) return make("div", {}, make("b", { text: name }), make("div", { class: "fr-muted", text: "no patch could be used" }));
    const stage = this.stages.find((one) => one.name === call.stage);
    const share = call.probabilities[this.stages.indexOf(stage)];
    return make("div", { "data-role": `call-${name}`, title: `${stage.name}: ${stage.description}` },
      make("div", { class: "fr-call" },
        make("b", { text: name }),
        make("div", { class: "fr-call-letter", text: stage.name, style: { background: stage.colour, color: inkOn(stage.colour) } }),
        make("span", { class: "fr-muted", text: status })),
      fact("probability", share.toFixed(2), "Of the stage that is called"),
      fact("score, 0 to 4", call.continuous_score.toFixed(2)),
      fact("patches", mode === "fast" ? `${n}, fast` : String(n)));
  }

  patches(comparison) {
    const { patches: found } = comparison.facts;
    const share = found.n_both ? ` (${percentWords(found.n_differ / found.n_both)})` : "";
    const lines = [make("div", { "data-role": "versions-differ" }, make("b", { text: `${found.n_differ} of ${found.n_both} patches differ${share}` }))];
    const further = [
      found.n_subtype && `${found.n_subtype} of them between 1a, 1b and 1c`,
      found.n_only_first && `${found.n_only_first} read by A alone`,
      found.n_only_second && `${found.n_only_second} read by B alone`,
    ].filter(Boolean);
    if (further.length) lines.push(make("div", { class: "fr-muted", text: further.join(" · ") }));
    lines.push(this.patch(comparison), this.table(found.table));
    return lines;
  }

  // Patches by both stages: A in rows, B in columns; what stayed lies on the diagonal, and is not coloured.
  table(counts) {
    const most = Math.max(1, ...counts.flatMap((row, a) => row.filter((n, b) => a !== b)));
    const names = this.stages.map((stage) => stage.name);
    const head = make("tr", {}, make("th", { text: "A \\ B", class: "fr-muted" }), ...names.map((name) => make("th", { text: name })));
    const rows = counts.map((row, a) => make("tr", {}, make("th", { text: names[a] }), ...row.map((n, b) => {
      const share = a === b || !n ? 0 : 12 + Math.round((48 * n) / most);
      return make("td", {
        text: n || "·", class: a === b ? "fr-same" : n ? "" : "fr-none",
        title: `A ${names[a]}, B ${names[b]}: ${n}`,
        style: share ? { background: `color-mix(in srgb, ${a < b ? "#7048b8" : "#1f8a72"} ${share}%, transparent)` } : {},
      });
    })));
    return make("table", { class: "fr-changes", "data-role": "versions-table", "aria-label": "Patches by the stages of both versions" },
      make("thead", {}, head), make("tbody", {}, ...rows));
  }

  // Its room is kept before a patch is chosen, so that nothing moves when one is.
  patch({ patch, facts }) {
    const order = facts.patches.most_changed;
    const at = patch ? order.indexOf(patch.index) : -1;
    const place = at < 0 ? "" : `, ${at + 1} of ${order.length} by difference (N, P)`;
    const details = (patch && patch.details) || [null, null];
    const words = patch ? make("div", {}, make("b", { text: `Patch ${patch.index}` }), make("span", { class: "fr-muted", text: place }))
      : make("div", { class: "fr-muted", text: "Click a patch, or N for the one that differs most." });
    return make("div", { class: "fr-patch-in-both", "data-role": "versions-patch" }, words,
      make("div", { class: "fr-pair-of-calls" }, ...details.map((detail, which) => make("div", {},
        make("div", {}, make("b", { text: "AB"[which] }), ` ${detail ? detail.stage || detail.state_words : patch ? "…" : ""}`),
        bars(this.stages, detail && detail.stage ? detail.probabilities : null, detail && detail.stage)))));
  }
}

function versionWords({ name, status, call, run_id: run }) {
  return `${name} (${status}${run ? "" : ", has not read it"})${call ? `, stage ${call}` : ""}`;
}

// What has to be known of a model behind a call, in the words of the server.
function cautionLine({ code, sentence }, name = "") {
  const title = `${name ? `${name}: ` : ""}${code}.`;
  return make("div", { class: "fr-caution", "data-role": "caution" }, make("b", { text: title[0].toUpperCase() + title.slice(1) }), ` ${sentence}`);
}
