// From a key or a button to an entry in the outbox, shown at once; the server has the last word.

const NEXT_AFTER = new Set(["stage", "accept", "defer", "exclude"]);
const LONGEST_HISTORY = 300;
const SEEN_AFTER_MS = 80; // nobody has seen a patch sooner: such a key was struck for the one before, or bounced

Object.assign(StripRoom.prototype, {
  // Args: at: when the key was struck, by the clock of `performance`.
  act({ action, stage = null, confidence = null, comment = null }, at = performance.now()) {
    const entry = this.current;
    if (!entry || this.root.dataset.shown !== entry.key) {
      this.note("One moment: this patch is still on its way. Nothing was recorded.");
      return;
    }
    if (at - this.shownAt < SEEN_AFTER_MS) {
      this.note("That key came before this patch could be seen. Nothing was recorded.");
      return;
    }
    const before = entry.read;
    const what = { action, stage: action === "accept" ? entry.stage : stage, confidence, comment };
    const eid = this.send(entry, what, before);
    this.remember({ key: entry.key, run: entry.run, slide: entry.slide, index: entry.index, eid, before });
    this.setRead(entry.key, readAfter(before, what, entry.stage));
    if (NEXT_AFTER.has(action)) this.advance();
    else this.draw();
  },

  send({ key, run, slide, index, stage }, what, before) {
    const eid = this.outbox.put({
      ...what, slide, run, patch: index,
      sight: { call: stage ?? null, heatmap: false, saliency: this.root.dataset.shownSaliency === key },
    });
    this.sent.set(eid, { key, before });
    return eid;
  },

  remember(deed) {
    this.history.push(deed);
    this.history.splice(0, this.history.length - LONGEST_HISTORY);
    remember(this.historyName, this.history);
  },

  setRead(key, read) {
    this.reads.set(key, read);
    this.order.setRead(key, read);
  },

  // On to the next patch that has no read yet; among patches that were read, simply to the next.
  advance() {
    const isAmongRead = ["own", "other", "deferred"].includes(this.filters.settings.reads);
    const next = isAmongRead ? this.position + 1 : this.order.nextUnread(this.position);
    const words = isAmongRead ? "That was the last patch of this strip." : "That was the last unread patch of this strip.";
    const here = this.position;
    const placeOf = (place) => {
      if (place >= 0 && place < this.order.n) return place;
      this.note(words);
      return here;
    };
    if (typeof next === "number") this.select(placeOf(next));
    else this.waitFor(next.then(placeOf));
  },

  // Take back this reader's last deed of the strip, whichever slide it was on.
  undo() {
    const last = this.history.pop();
    if (!last) {
      this.note("Nothing was done here that could be taken back.");
      return;
    }
    remember(this.historyName, this.history);
    if (last.pinned) {
      this.pinning.takeBack(last);
      return;
    }
    const known = this.order.entryOf(last.key);
    const what = { action: "undo", undoes: last.eid, stage: null, confidence: null, comment: null };
    this.send({ ...last, stage: null }, what, known ? known.read : undefined);
    this.setRead(last.key, last.before);
    if (known) this.select(this.order.positions.get(last.key));
    this.note(known ? "Taken back, as an entry of its own." : `Taken back: patch ${last.index} of another strip.`);
  },

  settle(receipts) {
    const { nSettled, refused } = this.outbox.settle(receipts);
    for (const receipt of refused) {
      const deed = this.sent.get(receipt.eid);
      if (deed && deed.before !== undefined) this.setRead(deed.key, deed.before);
      this.note(receipt.refused);
    }
    for (const receipt of receipts) this.sent.delete(receipt.eid);
    this.settlePins(refused);
    if (nSettled && this.current) {
      if (refused.length) this.draw();
      this.loadDetail();
    }
    this.expose();
  },

  hasPending(key) {
    return this.outbox.events.some((event) => `${event.run}:${event.patch}` === key);
  },

  drawGrade() {
    const entry = this.current;
    const isPossible = Boolean(entry) && this.root.dataset.shown === entry.key;
    this.grade.show(entry ? "this patch" : "no patch yet", entry ? entry.read : null, { isPossible, hasCall: isPossible });
    this.expose();
  },
});
