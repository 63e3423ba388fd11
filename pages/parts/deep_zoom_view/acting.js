// From a key or a button to an entry in the outbox, shown at once; the server has the last word.

const NEXT_AFTER = new Set(["stage", "accept", "defer", "exclude"]);

Object.assign(Room.prototype, {
  act({ action, stage = null, confidence = null, comment = null }) {
    if (action === "undo") {
      this.undo();
      return;
    }
    if (this.isComparing()) {
      this.note("Nothing is staged while two versions are compared. S goes back to reading.");
      return;
    }
    if (this.target === "region") {
      this.actOnRegion({ action, stage, comment });
      return;
    }
    const item = this.target === "slide" ? "slide" : this.selected;
    if (item === null) {
      this.note("No patch is selected: click one, or press N.");
      return;
    }
    if (item !== "slide" && !this.mayGrade(item)) return;
    const call = this.callOf(item);
    if (action === "accept" && !call) {
      this.note("There is no call to accept here. Choose a stage.");
      return;
    }
    const before = this.readOf(item);
    this.history.push({ item, before });
    this.send(item, { action, stage: action === "accept" ? call : stage, confidence, comment }, call);
    this.showRead(item, readAfter(before, { action, stage, confidence, comment }, call));
    if (NEXT_AFTER.has(action) && item !== "slide") this.advance(item);
  },

  // Bring a left-out patch back, or leave it out again: an entry of its own, answered by the model when it is stored.
  bringBack() {
    const index = this.selected;
    if (index === null || !this.detail || this.detail.index !== index) {
      this.note("No patch is selected: click one of the hatched patches.");
      return;
    }
    if (!this.detail.is_left_out) {
      this.note("This patch was not left out by the quality gate.");
      return;
    }
    if (this.backPending === index) return;
    this.setTarget("patch");
    this.backPending = index;
    this.sendBack(index, !this.detail.is_back);
    this.history.push({ item: index, wasBack: this.detail.is_back });
  },

  sendBack(index, isBack) {
    const reason = isBack ? this.aboutPatch.wayBack.reason : "undone";
    this.send(index, { action: isBack ? "bring-back" : "leave-out", reason, stage: null, confidence: null, comment: null }, null);
  },

  // Called when entries are stored: what was brought back is looked at by the model now.
  settleBack() {
    if (this.backPending === null || this.backPending === undefined || this.outbox.events.length) return;
    const index = this.backPending;
    this.backPending = null;
    this.refreshRun();
    if (this.selected === index) this.loadDetail(index);
  },

  refreshRun() {
    if (!this.run) return;
    const mine = this.run.run_id;
    this.api.json(`/runs/${mine}`).then((run) => {
      if (!this.run || this.run.run_id !== mine) return;
      this.run.n_brought_back = run.n_brought_back;
      this.drawPanel();
    }).catch((error) => this.note(error.message));
  },

  predictBack(index) {
    const detail = this.detail;
    this.api.json(`/runs/${this.run.run_id}/patches/${index}/brought_back`).then((answer) => {
      if (this.detail !== detail) return;
      Object.assign(detail, answer);
    }).catch((error) => {
      detail.problem = error.message;
    }).finally(() => {
      if (this.detail !== detail) return;
      this.aboutPatch.useDetail(detail, detail.others);
      this.drawPanel();
    });
  },

  mayGrade(index) {
    if (this.detail && this.detail.index === index && this.detail.state !== "predicted" && !this.detail.is_back) {
      this.note(`This patch was left out: ${this.detail.state_words}. B brings it back.`);
      return false;
    }
    if (this.callOf(index)) return true;
    this.note("One moment: this patch is still being opened.");
    return false;
  },

  // The stage in sight for an item: the strip knows it before the facts have come.
  callOf(item) {
    if (item === "slide") return this.run && this.run.call ? this.run.call.stage : null;
    if (this.detail && this.detail.index === item) return this.detail.stage;
    const entry = this.strip.entryOf(item);
    return entry ? entry.stage : null;
  },

  readOf(item) {
    if (this.reads.has(item)) return this.reads.get(item);
    if (item === "slide") return this.slideReads.read;
    if (this.detail && this.detail.index === item) return this.detail.read;
    const entry = this.strip.entryOf(item);
    return entry ? entry.read : null;
  },

  send(item, what, call) {
    const settings = this.layers.settings;
    this.outbox.put({
      ...what,
      slide: this.data.slide.id,
      patch: item === "slide" ? null : item,
      run: this.run ? this.run.run_id : null,
      sight: {
        call,
        heatmap: Boolean(this.run) && settings.stage.on && settings.stage.opacity > 0,
        saliency: item !== "slide" && this.aboutPatch.isSaliencyOn ? true : Boolean(this.run) && settings.saliency.on,
      },
    });
  },

  showRead(item, read) {
    this.reads.set(item, read);
    if (item !== "slide") this.strip.setRead(item, read);
    this.drawPanel();
  },

  advance(index) {
    const position = this.strip.positions.get(index);
    if (position === undefined) return;
    // Until the next one is known no patch is selected, so that no key can fall on the wrong one.
    this.selected = null;
    this.strip.nextUnread(position).then((entry) => {
      if (this.selected !== null) return;
      if (entry) this.select(entry.index);
      else {
        this.select(index);
        this.note("That was the last unread patch of the strip.");
      }
    }).catch((error) => this.note(error.message));
  },

  undo() {
    if (this.undoRegion() || this.undoPin()) return;
    const last = this.history.pop();
    if (last && last.wasBack !== undefined) {
      this.setTarget("patch");
      this.select(last.item);
      this.backPending = last.item;
      this.sendBack(last.item, last.wasBack);
      this.note("Taken back, as an entry of its own.");
      return;
    }
    const item = last ? last.item : this.target === "slide" ? "slide" : this.selected;
    this.send(item === null ? "slide" : item, { action: "undo", stage: null, confidence: null, comment: null }, null);
    if (!last) {
      this.note("The last entry on this slide is taken back.");
      this.reads.clear();
      rested(700, () => this.strip.refresh())();
      return;
    }
    if (last.item !== "slide") {
      this.setTarget("patch");
      this.select(last.item);
    } else this.setTarget("slide");
    this.showRead(last.item, last.before);
    this.note("Taken back, as an entry of its own.");
  },

  drawPanel() {
    if (!this.grade) return;
    if (this.study) {
      this.study.draw();
      return;
    }
    this.find("grade").hidden = this.isComparing();
    if (this.isComparing()) {
      this.versionPanel.draw(this);
      this.expose();
      return;
    }
    drawAboutSlide(this.find("about-slide"), this.data.stages, this.data.slide, this.run, this.slideReads.others);
    if (this.target === "region") {
      this.drawRegionPanel();
      this.expose();
      return;
    }
    const item = this.target === "slide" ? "slide" : this.selected;
    const words = item === "slide" ? "the whole slide" : item === null ? "no patch yet" : `patch ${item}`;
    const isLeftOut = item !== "slide" && this.detail && this.detail.index === item
      && this.detail.state !== "predicted" && !(this.detail.is_back && this.detail.stage);
    const isPossible = item !== null && !isLeftOut;
    const hasCall = isPossible && this.callOf(item) !== null;
    this.grade.show(words, item === null ? null : this.readOf(item), { isPossible, hasCall });
    this.expose();
  },
});
