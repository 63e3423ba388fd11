// The annotation guide in the viewer: beside the slide in every reading, and pinned to from Review.

Object.assign(Room.prototype, {
  startGuide() {
    this.guide = new GuidePanel(this.find("guide"), this.root, this.api, this.data.stages, {
      shown: () => this.drawView(),
      left: () => this.root.focus({ preventScroll: true }),
    });
    this.scene.veil = () => this.guide.widthPx;
    this.pinning = new Pinning(this.find("pin"), this.outbox, this.data, {
      note: (words) => this.note(words),
      done: (deed) => { this.history.push(deed); this.expose(); },
      left: () => this.root.focus({ preventScroll: true }),
    });
  },

  pinPatch() {
    const { selected: index, target } = this;
    if (this.study || this.data.look_only) this.note("Examples are pinned on Review or Patches, outside of a study.");
    else if (!this.run || index === null || target === "region") this.note("No patch is selected: click one, or press N.");
    else {
      const read = this.readOf(index);
      this.pinning.ask({ slide: this.data.slide.id, run: this.run.run_id, index }, likelyStage(read, this.callOf(index)));
    }
  },

  // Take the last entry back when it was a pin; false leaves it to the reads.
  undoPin() {
    const last = this.history[this.history.length - 1];
    if (!last || !last.pinned) return false;
    this.pinning.takeBack(this.history.pop());
    return true;
  },

  settlePins(refused) {
    const eids = this.pinning.settle(refused);
    this.history = this.history.filter((deed) => !deed.pinned || !eids.has(deed.pinned));
  },

  // Another slide: what stands in the guide may be another, and nobody pins a patch that is out of sight.
  renewGuide() {
    this.guide.refresh();
    if (this.pinning.isAsking) this.pinning.close();
  },

  // Escape: the sheet of keys first, then the guide; false when neither is open.
  leaveOverlay() {
    const { help } = this.furniture;
    const isAny = !help.hidden || this.guide.isOpen;
    if (!help.hidden) this.furniture.toggleHelp(false);
    else this.guide.show(false);
    return isAny;
  },
});
