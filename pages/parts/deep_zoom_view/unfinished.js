// A run that goes on while its slide is looked at: its layers so far, renewed whenever there is more.

const UNFINISHED_MS = 1000;

Object.assign(Room.prototype, {
  // A model that learned from no real slide is named over everything that is shown of it.
  nameModel(run) {
    const demo = this.find("demo");
    demo.hidden = !(run && run.model.is_demo);
    demo.textContent = run ? run.model.name : "";
  },

  watchUnfinished() {
    clearTimeout(this.watchTimer);
    const wanted = this.data.run ? null : this.data.unfinished;
    if (!wanted || this.isClosed) return;
    const isWanted = () => !this.isClosed && !this.data.run && this.data.unfinished === wanted;
    this.api.json(`/runs/${wanted}/progress`).then((soFar) => {
      if (!isWanted() || !soFar.is_under_way) return;
      if (soFar.n_shards > 0 && (!this.soFar || this.soFar.run_id !== wanted || this.soFar.n_shards !== soFar.n_shards)) {
        this.soFar = soFar;
        this.layers.enable(true);
        this.layers.useLegends(soFar.legends);
        this.nameModel(soFar);
        for (const { kind } of LAYER_ROWS) this.applyLayer(kind);
      }
    }).catch(() => {}).finally(() => {
      if (isWanted()) this.watchTimer = setTimeout(() => this.watchUnfinished(), UNFINISHED_MS);
    });
  },
});
