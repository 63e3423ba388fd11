// The panel of a study read: which step it is, the stages, what is still missing, and the sheet that is signed.

const SURE_KEYS = ["U", "I", "O"];
const STEP_TITLES = { first: "First read", final: "Final read", amend: "Amendment", signed: "Signed" };
const LONGEST_WORDS = 2000;

class StudyPanel {
  constructor(find, study) {
    Object.assign(this, { find, study });
    find("study").hidden = find("place").hidden = false;
    find("grade").hidden = true;
    this.build();
  }

  build() {
    const { study } = this;
    this.title = make("h3", { "data-role": "study-title" });
    this.status = make("div", { class: "fr-muted", "data-role": "study-status" });
    this.facts = make("div");
    this.find("place").replaceChildren(
      this.title, this.status, this.facts,
      pushButton("Worklist", "Back to the worklist (L)", () => study.leave("worklist")),
    );
    this.step = make("div", { class: "fr-step", "data-role": "study-step" });
    this.stages = make("div", { class: "fr-stages" });
    this.sure = SURE.map(([value, words], at) => this.keyed(words, SURE_KEYS[at], `Confidence ${value} of 3`, () => study.confide(value)));
    this.comment = this.field("Comment", "Comment (T)", (comment, isNoted) => study.enter({ comment }, isNoted));
    this.why = make("div", { class: "fr-why", "data-role": "study-why" });
    this.seen = pushButton("", "Show the tissue that was not seen yet (C)", () => study.coverage.toggle(), { class: "fr-seen", "data-role": "coverage" });
    this.missing = make("div", { class: "fr-missing", role: "status", "data-role": "study-missing" });
    this.problem = make("div", { class: "fr-problem", role: "alert", "data-role": "study-problem" });
    this.actions = [
      this.keyed("Accept", "A", "Accept the model's call", () => study.accept()),
      this.keyed("Defer", "D", "Defer this slide", () => study.defer()),
      this.keyed("Undo", "Ctrl+Z", "Take back what was entered last", () => study.undo()),
      this.keyed("Sign", "Enter", "Show what will be signed", () => study.ask(), { class: "fr-main", "data-role": "study-sign" }),
    ];
    this.form = make("div", { class: "fr-form", "data-role": "study-form" },
      this.stages, make("div", { class: "fr-sure" }, make("span", { class: "fr-muted", text: "How sure?" }), ...this.sure),
      this.comment, this.why, this.seen, this.missing, make("div", { class: "fr-actions" }, ...this.actions));
    this.reasonWords = this.field("The reason in words", "In words (T)", (reason, isNoted) => study.enter({ reason }, isNoted));
    this.sheet = make("div", { class: "fr-sheet", tabindex: -1, role: "dialog", "data-role": "study-sheet" });
    this.signedBox = make("div", { class: "fr-form", "data-role": "study-signed" });
    this.find("study").replaceChildren(this.step, this.problem, this.form, this.signedBox, this.sheet);
  }

  keyed(words, key, title, act, further = {}) {
    const button = pushButton("", `${title} (${key})`, act, { "aria-label": words, ...further });
    button.append(words, make("kbd", { text: key === "Enter" ? "⏎" : key }));
    return button;
  }

  // A field for words. Enter and Escape leave it; what was written stands. One visit is one step of undo.
  field(label, placeholder, write) {
    const area = make("textarea", { rows: 2, maxlength: LONGEST_WORDS, placeholder, "aria-label": label });
    let isFirst = true;
    area.addEventListener("focus", () => { isFirst = true; });
    area.addEventListener("input", () => {
      write(area.value, isFirst);
      isFirst = false;
    });
    area.addEventListener("keydown", (event) => {
      if (event.isComposing || event.shiftKey || !["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      (this.study.sheet ? this.sheet : this.study.room.root).focus({ preventScroll: true });
    });
    return area;
  }

  // Another entry or step, or something undone: the fields are written anew.
  begin() {
    this.comment.value = this.study.entered.comment;
    this.reasonWords.value = this.study.entered.reason;
    this.drawStages();
  }

  drawStages() {
    const { stages } = this.study.told;
    this.stages.style.gridTemplateColumns = `repeat(${stages.length}, 1fr)`;
    this.stageButtons = stages.map((stage, at) => {
      const button = pushButton("", `${stage.name}: ${stage.description} (key ${at + 1})`, () => this.study.stage(at + 1), {
        style: { background: stage.colour, color: inkOn(stage.colour) }, "aria-label": `Stage ${stage.name}`,
      });
      button.append(stage.name, make("small", { text: `key ${at + 1}` }));
      return button;
    });
    this.stages.replaceChildren(...this.stageButtons);
  }

  draw() {
    const { study } = this;
    const { told, entered, step } = study;
    const isLocked = !study.isOpen;
    study.room.root.classList.toggle("fr-masked", !told.is_revealed);
    this.drawPlace();
    this.step.replaceChildren(make("b", { text: STEP_TITLES[step] }), make("span", { class: "fr-muted", text: this.stepWords }));
    this.form.hidden = step === "signed";
    this.signedBox.hidden = step !== "signed";
    this.stageButtons.forEach((button, at) => {
      button.disabled = isLocked;
      button.setAttribute("aria-pressed", String(entered.stage === told.stages[at].name));
    });
    this.sure.forEach((button, at) => {
      button.disabled = isLocked;
      button.setAttribute("aria-pressed", String(entered.confidence === at + 1));
    });
    this.comment.disabled = isLocked;
    this.drawWhy();
    this.drawCoverage();
    this.problem.textContent = study.problem;
    this.missing.textContent = this.missingWords;
    const isPossible = [told.call !== null, told.may_defer, study.history.length > 0, study.missing.length === 0];
    this.actions.forEach((button, at) => {
      button.disabled = isLocked || !isPossible[at];
      button.hidden = at < 2 && !isPossible[at];
    });
    if (step === "signed") this.drawSigned();
    this.drawSheet();
    this.drawAbout();
  }

  drawPlace() {
    const { told } = this.study;
    this.title.textContent = told.title;
    this.status.textContent = `${told.study} · ${told.n_signed} of ${told.n_entries} signed`;
    const lines = told.facts.map(([words, value]) => fact(words, value));
    if (told.hidden.length) lines.push(make("div", { class: "fr-muted", text: `Hidden: ${told.hidden.join(", ")}` }));
    if (!told.is_revealed) lines.push(make("div", { class: "fr-muted", text: "The model's call and layers come when your first read is signed." }));
    this.facts.replaceChildren(...lines);
  }

  get stepWords() {
    const { study } = this;
    if (study.isPending) return "being stored …";
    const { is_informed: isInformed } = study.told;
    return { first: "before the model is shown", final: isInformed ? "with the model in sight" : "after the model was shown", amend: "of a signed read", signed: "" }[study.step];
  }

  get missingWords() {
    const { missing } = this.study;
    if (this.study.openEntry === null) return "Opening …";
    if (this.study.isPending) return "Being stored …";
    if (missing.length) return `Still missing: ${missing.join(", ")}`;
    return this.study.lacksWhy ? "Enter asks why." : "Complete. Enter shows what will be signed.";
  }

  drawWhy() {
    const { study } = this;
    this.why.hidden = !study.asksWhy;
    if (this.why.hidden) return;
    const differs = study.step === "amend" ? "Why it is amended" : `Differs from ${study.differsFrom.join(" and ")}`;
    const button = this.keyed("Why", "W", "Say why", () => study.why());
    button.disabled = !study.isOpen;
    this.why.replaceChildren(make("span", { text: `${differs}: ${this.reasonText || "say why"}` }), button);
  }

  get reasonText() {
    const { reason_code: code, reason } = this.study.entered;
    const known = this.study.told.reasons.find((one) => one.code === code);
    return [known && known.words, reason.trim()].filter(Boolean).join("; ");
  }

  drawCoverage() {
    const { coverage, told, isCoverageShort } = this.study;
    const asked = isCoverageShort ? `, ${percentWords(told.asks.coverage)} asked for` : "";
    const words = coverage.share === null ? coverage.problem || "Tissue seen: …" : `Tissue seen at 10x: ${percentWords(coverage.share)}${asked}`;
    this.seen.replaceChildren(words, make("kbd", { text: "C" }));
    this.seen.disabled = coverage.share === null;
    this.seen.classList.toggle("fr-short", isCoverageShort);
    this.seen.setAttribute("aria-pressed", String(coverage.isShown));
  }

  // Before the reveal the wording of the stages, after it the model's call; the patch that was clicked beside it.
  drawAbout() {
    const { room, told } = this.study;
    const about = room.find("about-slide");
    if (!told.is_revealed || this.study.openEntry === null) {
      about.hidden = false;
      about.replaceChildren(...told.stages.map((stage, at) => this.stageLine(stage, at)));
      return;
    }
    const { run } = room;
    const call = run && run.call && told.call !== null ? callInScheme(run.call, told) : null;
    drawAboutSlide(about, told.stages, room.data.slide, run ? { ...run, call } : null, []);
    if (told.first) about.prepend(fact("Your first read", signedWords(told.first)));
    if (run) about.prepend(...[...run.cautions, ...run.concerns].map((caution) => cautionLine(caution)));
  }

  stageLine({ name, colour, description }, at) {
    return make("div", { class: "fr-stage-line" }, make("kbd", { text: at + 1 }),
      make("b", { text: name, style: { background: colour, color: inkOn(colour) } }), make("span", { text: description }));
  }

  drawSigned() {
    const { study } = this;
    const { told } = study;
    const signed = told.standing;
    if (!signed) return;
    this.signedBox.replaceChildren(
      this.stageLineOf(signed.stage),
      ...this.lines(signed),
      make("div", { class: "fr-muted", text: `Signed by ${signed.printed_name} as ${signed.meaning}, ${signed.signed_at}` }),
      make("div", { class: "fr-muted fr-hash", text: `SHA-256 ${signed.sha256.slice(0, 16)}…`, title: signed.sha256 }),
      make("div", { class: "fr-actions" },
        this.keyed("Amend", "E", "Amend this read, for a reason", () => study.amend()),
        this.keyed(told.next ? "Next slide" : "Worklist", "N", "Go on", () => study.next(), { class: "fr-main" })),
    );
  }

  stageLineOf(name) {
    const stage = this.study.told.stages.find((one) => one.name === name) || { name, colour: "#ffffff", description: "" };
    return make("div", { class: "fr-stage-line fr-large" },
      make("b", { text: name, style: { background: stage.colour, color: inkOn(stage.colour) } }), make("span", { text: stage.description }));
  }

  lines({ confidence, comment, reason, reason_words: words }) {
    const why = [reason, words].filter(Boolean).join("; ");
    return [
      confidence && fact("How sure", SURE[confidence - 1][1]),
      comment && make("div", { class: "fr-said" }, make("span", { class: "fr-muted", text: "Comment " }), comment),
      why && make("div", { class: "fr-said" }, make("span", { class: "fr-muted", text: "Why " }), why),
    ].filter(Boolean);
  }

  drawSheet() {
    const { sheet } = this.study;
    this.sheet.hidden = sheet === null;
    if (sheet === "why") this.drawReasons();
    if (sheet === "sign") this.drawSignature();
  }

  drawReasons() {
    const { study } = this;
    const { told, entered } = study;
    const isAmending = study.step === "amend";
    const title = isAmending ? "Why is the signed read amended?" : `Why does it differ from ${study.differsFrom.join(" and ")}?`;
    const reasons = told.reasons.map(({ code, words }, at) => {
      const button = pushButton("", `${words} (${at + 1})`, () => study.chooseReason(at + 1), { class: "fr-reason", "aria-pressed": String(entered.reason_code === code) });
      button.append(make("kbd", { text: at + 1 }), words);
      return button;
    });
    const hint = isAmending ? "Words are asked for; the reason from the list is not." : "Choose by its number.";
    this.fill("why", title, [make("div", { class: "fr-reasons" }, ...reasons), make("div", { class: "fr-muted", text: hint })], this.reasonWords, "Go on");
  }

  drawSignature() {
    const { study } = this;
    const { told, entered, step } = study;
    const reason = told.reasons.find((one) => one.code === entered.reason_code);
    const said = { ...entered, reason: study.asksWhy && reason ? reason.words : null, reason_words: study.asksWhy ? entered.reason : null };
    const meaning = step === "amend" ? "reviewed" : "read";
    const after = step === "first" ? "Then the model's call is shown." : "It can be amended afterwards, for a reason.";
    this.fill("sign", `You sign: ${STEP_TITLES[step].toLowerCase()} of ${told.title}`, [
      this.stageLineOf(entered.stage),
      ...this.lines(said),
      this.study.coverage.share === null ? null : fact("Tissue seen at 10x", percentWords(study.coverage.share)),
      study.isCoverageShort ? make("div", { class: "fr-problem", text: `Less than the ${percentWords(told.asks.coverage)} that the protocol asks for.` }) : null,
      make("div", { text: `Signed by ${told.printed_name} as ${meaning}, with the time and a hash of what is signed.` }),
      make("div", { class: "fr-muted", text: after }),
    ], null, "Sign");
  }

  // The field for words stays in its place while the lines around it change, so that nothing typed is lost.
  fill(name, title, lines, field, goOn) {
    const head = make("div", {}, make("b", { text: title }), ...lines);
    const actions = make("div", { class: "fr-actions" },
      this.keyed("Back", "Esc", "One step back", () => this.study.back()),
      this.keyed(goOn, "Enter", goOn, () => this.study.goOn(), { class: "fr-main", "data-role": "study-go-on" }));
    if (this.sheet.dataset.name === name && field && field.parentNode === this.sheet) {
      this.sheet.firstChild.replaceWith(head);
      return;
    }
    this.sheet.dataset.name = name;
    this.sheet.replaceChildren(head, ...(field ? [field] : []), actions);
  }

  focusSheet() {
    this.sheet.focus({ preventScroll: true });
  }

  // T, or Enter where words are asked for and there are none.
  focusWords() {
    const field = this.study.sheet === "why" ? this.reasonWords : this.comment;
    if (this.study.sheet !== "sign") field.focus({ preventScroll: true });
  }

  askForWords() {
    const { study } = this;
    const { reason_code: code } = study.entered;
    if (study.step !== "amend" && code === null) study.room.note("Choose a reason by its number, 1 to 7.");
    else {
      study.room.note("Say it in words.");
      this.reasonWords.focus({ preventScroll: true });
    }
  }
}

function signedWords({ stage, confidence }) {
  return confidence ? `${stage}, ${SURE[confidence - 1][1]}` : stage;
}

// The call as the study's scheme writes it, with the probabilities that belong to it.
function callInScheme(call, { call: stage, stages }) {
  return { ...call, stage, probabilities: stages.length === call.probabilities.length ? call.probabilities : call.five_stages };
}
