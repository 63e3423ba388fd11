// From what is entered to a signature, to a slide that is put off, or away: each is an event in the outbox, stored once.

Object.assign(Study.prototype, {
  next() {
    if (this.step === "signed") this.leave("next");
    else this.room.note(this.told.may_defer ? "Sign this slide first, or D defers it." : "Sign this slide first.");
  },

  ask() {
    if (!this.isOpen) return;
    if (this.step === "signed") {
      this.leave("next");
      return;
    }
    const { missing } = this;
    if (missing.length) this.room.note(`Still missing: ${missing.join(", ")}.`);
    else this.show(this.lacksWhy ? "why" : "sign");
  },

  why() {
    if (!this.isOpen || this.step === "signed") return;
    if (this.asksWhy) this.show("why");
    else this.room.note("A reason is asked for when the final read differs from the call or from your first read.");
  },

  show(sheet) {
    this.sheet = sheet;
    this.room.note("");
    this.draw();
    this.panel.focusSheet();
  },

  close() {
    this.sheet = null;
    this.draw();
    this.room.root.focus({ preventScroll: true });
  },

  chooseReason(number) {
    const reason = this.told.reasons[number - 1];
    if (reason) this.enter({ reason_code: reason.code });
  },

  // Enter in a sheet.
  goOn() {
    if (this.sheet === "sign") this.sign();
    else if (this.lacksWhy) this.panel.askForWords();
    else this.show("sign");
  },

  sign() {
    const { entered, told, step, room } = this;
    if (!this.isOpen || this.missing.length || this.lacksWhy) return;
    const { settings } = room.layers;
    const isOn = (kind) => Boolean(room.run) && settings[kind].on && settings[kind].opacity > 0;
    this.sheet = null;
    if (step === "final") this.part(`${told.title} is signed: stage ${entered.stage}.`);
    this.keeper.drop(); // the signed step says it all; a draft on its way would only hold it up
    room.outbox.put({
      action: { first: "sign-first", final: "sign-final", amend: "amend" }[step],
      slide: told.entry,
      ...entered,
      reason_code: this.asksWhy ? entered.reason_code : null,
      reason: this.asksWhy ? entered.reason : null,
      sight: { heatmap: isOn("stage"), saliency: isOn("saliency") || (Boolean(room.run) && room.aboutPatch.isSaliencyOn) },
      coverage: this.coverage.share,
      active_s: Math.round(this.clock.seconds * 10) / 10,
    });
    this.draw();
    room.root.focus({ preventScroll: true });
  },

  defer() {
    if (!this.isOpen || this.sheet) return;
    if (!this.told.may_defer) {
      this.room.note(this.step === "signed" ? "This read is signed." : "The first read is signed: finish with the final one.");
      return;
    }
    this.part(`${this.told.title} is deferred; it comes again after the others.`);
    this.keeper.drop();
    this.room.outbox.put({ action: "defer-entry", slide: this.told.entry, draft: this.draft });
    this.draw();
  },

  amend() {
    if (!this.isOpen || this.told.step !== "signed" || this.isAmending) return;
    this.isAmending = true;
    this.beginStep();
    this.changed();
  },

  // Escape: one step back.
  back() {
    if (this.sheet) {
      this.close();
      return;
    }
    if (!this.room.leaveOverlay() && this.isAmending) {
      this.keeper.drop();
      this.keeper.keep({ ...this.draft, step: null }); // what stood there is not taken up again
      this.isAmending = false;
      this.beginStep();
      this.draw();
    }
  },

  sayHidden() {
    this.room.note(this.told.is_revealed ? "No model had read this slide when it was shown." : "The model is hidden until your first read is signed.");
  },

  // The slide is left with the next answer of the server; these words are said when another one opens.
  part(words) {
    this.leftAt = performance.now();
    this.parting = words;
  },

  leave(to) {
    this.part("");
    this.keeper.flush();
    this.room.emit.setTriggerValue("leave", to);
  },
});
