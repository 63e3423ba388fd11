// The annotation guide at the film strip: beside the patch, over its surroundings, and pinned to.

Object.assign(StripRoom.prototype, {
  startGuide() {
    const left = () => this.root.focus({ preventScroll: true });
    this.guide = new GuidePanel(this.find("guide"), this.root, this.api, this.data.stages, { shown: () => this.expose(), left });
    this.pinning = new Pinning(this.find("pin"), this.outbox, this.data, {
      note: (words) => this.note(words),
      done: (deed) => this.remember(deed),
      left,
    });
  },

  pinPatch() {
    const entry = this.current;
    if (!entry || this.root.dataset.shown !== entry.key) this.note("One moment: this patch is still on its way.");
    else this.pinning.ask({ slide: entry.slide, run: entry.run, index: entry.index }, likelyStage(entry.read, entry.stage));
  },

  settlePins(refused) {
    const eids = this.pinning.settle(refused);
    this.history = this.history.filter((deed) => !deed.pinned || !eids.has(deed.pinned));
    remember(this.historyName, this.history);
  },

  // Escape: the sheet of keys first, then the guide, then whatever has the focus.
  leave() {
    if (this.find("help").hidden) this.guide.show(false);
    this.leaveFilters();
  },
});
