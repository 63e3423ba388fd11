// The reader's part: what the keys act on, and the buttons that do the same.

const SURE = [[1, "unsure"], [2, "fairly"], [3, "sure"]];

class GradePanel {
  constructor(element, stages, act) {
    this.stages = stages;
    this.target = make("b", { "data-role": "target" });
    this.read = make("span", { class: "fr-muted", "data-role": "own-read" });
    this.stageButtons = stages.map((stage, at) => {
      const button = pushButton("", `${stage.name}: ${stage.description} (key ${at + 1})`, () => act({ action: "stage", stage: stage.name }), {
        style: { background: stage.colour, color: inkOn(stage.colour) }, "aria-label": `Stage ${stage.name}`,
      });
      button.append(stage.name, make("small", { text: `key ${at + 1}` }));
      return button;
    });
    this.actions = [
      pushButton("Accept", "Accept the call (A or Enter)", () => act({ action: "accept" })),
      pushButton("Defer", "Defer (D)", () => act({ action: "defer" })),
      pushButton("Exclude", "Exclude from reading (X)", () => act({ action: "exclude" })),
      pushButton("Undo", "Take back the last entry (Ctrl+Z)", () => act({ action: "undo" })),
    ];
    this.sure = SURE.map(([value, words]) => pushButton(words, `Confidence ${value} of 3`, () => act({ action: "confidence", confidence: value })));
    this.comment = make("input", { type: "text", class: "fr-comment", placeholder: "Comment (Enter saves)", maxlength: 500, "aria-label": "Comment" });
    this.comment.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        act({ action: "comment", comment: this.comment.value });
        this.comment.blur();
      } else if (event.key === "Escape") this.comment.blur();
    });
    element.replaceChildren(
      make("div", { class: "fr-grade-target" }, make("span", {}, "Keys act on ", this.target), this.read),
      make("div", { class: "fr-stages" }, ...this.stageButtons),
      make("div", { class: "fr-actions" }, ...this.actions),
      make("div", { class: "fr-sure" }, make("span", { class: "fr-muted", text: "How sure?" }), ...this.sure),
      this.comment,
    );
  }

  show(targetWords, read, { isPossible, hasCall }) {
    this.target.textContent = targetWords;
    this.read.textContent = `your read: ${readWords(read)}`;
    const counts = isRead(read) && !["deferred", "excluded"].includes(read.disposition);
    this.stageButtons.forEach((button, at) => {
      button.disabled = !isPossible;
      button.setAttribute("aria-pressed", String(Boolean(counts && read.stage === this.stages[at].name)));
    });
    this.actions.slice(0, 3).forEach((button) => { button.disabled = !isPossible; });
    this.actions[0].disabled = !isPossible || !hasCall;
    this.sure.forEach((button, at) => {
      button.disabled = !isPossible;
      button.setAttribute("aria-pressed", String(Boolean(read && read.confidence === SURE[at][0])));
    });
    this.comment.disabled = !isPossible;
    if (!this.comment.matches(":focus")) this.comment.value = (read && read.comment) || "";
  }
}
