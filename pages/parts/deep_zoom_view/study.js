// A read in a study: what is entered, what is missing, and the signed steps that go out. The server says which step is
// due; nothing that a signed step binds is decided here.

class Study {
  constructor(room) {
    this.room = room;
    this.coverage = new Coverage(room.api, room.scene, () => this.changed());
    this.keeper = new DraftKeeper(() => this.draft, (draft) => room.emit.setStateValue("draft", draft));
    this.clock = new ActiveTime();
    this.ahead = new Ahead(room.api);
    this.panel = new StudyPanel(room.find, this);
    this.looking = setInterval(() => this.look(), LOOK_MS);
    room.furniture.drawHelp(STUDY_HELP);
    this.begin();
  }

  get told() {
    return this.room.data.study;
  }

  get step() {
    return this.isAmending ? "amend" : this.told.step;
  }

  // A step is on its way to the store: until it is answered nothing is entered.
  get isPending() {
    return this.room.outbox.events.some((event) => event.slide === this.told.entry);
  }

  get isOpen() {
    return this.openEntry === this.told.entry && !this.isPending;
  }

  // Another entry: what was left there is taken up again.
  begin() {
    const { told } = this;
    const draft = this.keeper.latest(told.entry, told.draft);
    this.entry = told.entry;
    this.openEntry = null;
    this.awaitFirstTile();
    this.isAmending = told.step === "signed" && Boolean(draft) && draft.step === "amend";
    this.view = draft ? draft.view : null;
    this.beginStep(draft && draft.step === this.step ? draft : null);
    this.coverage.begin(this.room.data.slide, draft && draft.seen);
    this.draw();
  }

  beginStep(draft = null) {
    Object.assign(this, { history: [], sheet: null, problem: "" });
    this.clock.seconds = draft ? draft.active_s : 0;
    this.entered = { ...this.blank, ...(draft ? enteredIn(draft) : {}) };
    this.panel.begin();
  }

  // A final read begins with the words of the first and no stage; an amendment with what stands.
  get blank() {
    const { told } = this;
    const words = this.step === "final" && told.first ? told.first.comment : null;
    const standing = this.step === "amend" ? told.standing : {};
    return {
      stage: standing.stage || null,
      confidence: standing.confidence || null,
      comment: standing.comment || words || "",
      reason_code: null,
      reason: "",
    };
  }

  // How long it took from the key that left the slide before to the first picture of this one.
  awaitFirstTile() {
    const { scene, root } = this.room;
    const { entry } = this;
    const drawn = ({ tiledImage }) => {
      if (entry === this.entry && (tiledImage !== scene.base || scene.slide.id !== entry)) return;
      scene.viewer.removeHandler("tile-drawn", drawn);
      if (this.leftAt) root.dataset.openingMs = Math.round(performance.now() - this.leftAt);
    };
    scene.viewer.addHandler("tile-drawn", drawn);
  }

  // Called when the slide of this entry lies under the glass.
  opened() {
    this.openEntry = this.entry;
    this.hasDrawn = false;
    if (this.coverage.grid && this.coverage.isShown) this.coverage.lay();
    this.draw();
  }

  // New data from the page: another entry, another step, or an amendment that was stored.
  update(former) {
    if (this.told.entry !== this.entry) {
      this.begin();
      if (this.parting) this.room.note(this.parting);
      this.parting = "";
      return;
    }
    const isStored = (study) => (study.standing ? study.standing.event_id : "");
    if (former.step === this.told.step && isStored(former) === isStored(this.told)) {
      const shown = (study) => JSON.stringify({ ...study, draft: null });
      if (shown(former) !== shown(this.told)) this.draw();
      return;
    }
    const { problem } = this; // a step that was refused because it had been signed elsewhere says so
    this.isAmending = false;
    this.beginStep();
    this.problem = problem;
    this.changed();
    if (former.step === "first") this.room.note("Your first read is signed. This is what the model sees.");
  }

  get draft() {
    if (this.openEntry === null || this.step === "signed") return null;
    const view = this.room.scene.view || this.view;
    const { entry, step, entered, clock, coverage } = this;
    return { entry, step, ...entered, seen: coverage.plain, active_s: clock.seconds, view, at: Date.now() };
  }

  changed() {
    this.keeper.changed();
    this.draw();
  }

  look() {
    this.clock.count();
    if (this.openEntry === this.told.entry && this.clock.isActive) this.coverage.look();
    else this.coverage.before = null;
  }

  // All that is in sight of this entry is drawn: time to fetch the next one.
  drawn() {
    if (this.hasDrawn || this.openEntry !== this.told.entry) return;
    this.hasDrawn = true;
    if (this.leftAt) this.room.root.dataset.wholeMs = Math.round(performance.now() - this.leftAt);
    this.leftAt = null;
    const { next, next_view: view } = this.told;
    this.ahead.fetch(next, view, this.room.scene).then((isWhole) => {
      if (isWhole) this.room.root.dataset.ahead = next;
    });
  }

  // what is entered

  enter(difference, isNoted = true) {
    if (!this.isOpen || this.step === "signed") return;
    if (isNoted) this.history.push(this.entered);
    this.entered = { ...this.entered, ...difference };
    this.problem = "";
    this.room.note("");
    this.changed();
  }

  stage(number) {
    const stage = this.told.stages[number - 1];
    if (!stage) return;
    if (this.step === "signed") this.room.note("This read is signed. E amends it, for a reason.");
    else if (!this.sheet) this.enter({ stage: stage.name });
  }

  accept() {
    const { told } = this;
    if (this.sheet || this.step === "signed") return;
    if (told.call === null) this.room.note(told.is_revealed ? "There is no call to accept." : "The model's call is hidden until your first read is signed.");
    else this.enter({ stage: told.call });
  }

  confide(confidence) {
    if (!this.sheet) this.enter({ confidence });
  }

  undo() {
    if (this.sheet) {
      this.close();
      return;
    }
    if (!this.history.length) {
      this.room.note(this.step === "signed" ? "What is signed stays; E amends it, for a reason." : "Nothing is entered that could be undone.");
      return;
    }
    this.entered = this.history.pop();
    this.panel.begin();
    this.changed();
  }

  // what is missing

  // The stages that a final read is held against: the reader's own first one and the call.
  get differsFrom() {
    const { told, entered } = this;
    if (this.step !== "final" || !entered.stage) return [];
    const before = [told.first && ["your first read", told.first.stage], told.call && ["the call", told.call]];
    return before.filter((one) => one && one[1] !== entered.stage).map(([words]) => words);
  }

  get asksWhy() {
    return this.step === "amend" || this.differsFrom.length > 0;
  }

  get lacksWhy() {
    const { reason_code: code, reason } = this.entered;
    const hasWords = reason.trim() !== "";
    if (this.step === "amend") return !hasWords;
    return this.asksWhy && (code === null || (code === "other" && !hasWords));
  }

  get isCoverageShort() {
    const { coverage } = this.told.asks;
    return this.step !== "amend" && coverage !== null && (this.coverage.share || 0) < coverage;
  }

  // What keeps the step from being signed, in words; the reason is asked for when signing is.
  get missing() {
    const { asks } = this.told;
    const { stage, confidence, comment } = this.entered;
    return [
      stage === null && `a stage (1 to ${this.told.stages.length})`,
      asks.confidence && confidence === null && "how sure (U, I, O)",
      asks.comment && comment.trim() === "" && "a comment (T)",
      asks.refuses && this.isCoverageShort && `${percentWords(asks.coverage)} of the tissue seen at 10x`,
    ].filter(Boolean);
  }

  // The store refused a step: nothing that was entered is lost, and the words stay until something changes.
  refused(words) {
    this.problem = words;
    this.leftAt = null;
    this.parting = "";
    this.draw();
  }

  draw() {
    if (this.told.entry !== this.entry) return;
    this.panel.draw();
    this.room.expose();
  }

  // What tests and the curious may read off the root.
  get facts() {
    const { share } = this.coverage;
    return {
      entry: this.openEntry || "",
      step: this.step,
      sheet: this.sheet || "",
      stage: this.entered.stage || "",
      coverage: share === null ? "" : share.toFixed(4),
      isKept: this.keeper.isKept(this.told.draft),
    };
  }

  end() {
    clearInterval(this.looking);
    this.keeper.close();
    this.clock.close();
  }
}

function enteredIn({ stage, confidence, comment, reason_code: code, reason }) {
  return { stage, confidence, comment: comment || "", reason_code: code, reason: reason || "" };
}
