// The reading room in one mount: data from the page comes in, reads go out, everything else stays here.

const rooms = new WeakMap();
const NOTE_MS = 4500;
const TARGETS = ["patch", "slide", "region", "versions"];

class Room {
  constructor(parent, component) {
    this.find = (role) => parent.querySelector(`[data-role="${role}"]`);
    this.root = this.find("root");
    this.data = component.data;
    this.emit = component;
    this.root.classList.toggle("fr-look-only", Boolean(this.data.look_only));
    this.target = "patch";
    this.selected = null;
    this.history = [];
    this.reads = new Map(); // what this reader did here, ahead of the server: "slide" or a patch index -> read
    this.api = new Api(() => this.askForToken());
    this.api.token = this.data.token;
    this.outbox = new Outbox(this.data.reader, (value) => this.emit.setStateValue("outbox", value), () => this.expose());
    this.fitHeight = () => this.setHeight();
    window.addEventListener("resize", this.fitHeight);
    if (this.data.study) this.root.classList.add("fr-in-study", "fr-masked"); // before anything is drawn of a slide
    this.setHeight();
    this.started = this.start().catch((error) => this.note(error.message));
  }

  async start() {
    const OSD = await loadDrawingLibrary(this.data.drawing_library);
    if (this.isClosed) return;
    this.scene = new Scene(OSD, this.find("osd"), this.api, {
      onMove: () => this.drawView(),
      onStir: () => this.stir(),
      onRest: () => this.keepView(),
      onClick: (x, y, isShifted) => this.clickAt(x, y, isShifted),
      onPoint: (point) => this.furniture.pointAt(point),
      onTileFailed: rested(800, () => this.api.json(`/slides/${this.data.slide.id}/reads`).catch(() => {})),
    });
    this.furniture = new Furniture(this.find, this.scene, () => this.copyLink(), () => this.guide.toggle());
    const kept = this.data.layers || {};
    this.keepLayers = rested(500, () => this.emit.setStateValue("layers", this.layers.settings));
    this.layers = new LayerPanel(this.find("layer-rows"), this.find("legends"), this.data.stages, kept, (kind) => {
      this.applyLayer(kind);
      this.keepLayers();
    });
    this.aboutPatch = new AboutPatch(this.find("about-patch"), this.api, this.data.stages, () => this.expose(), () => this.bringBack());
    this.grade = new GradePanel(this.find("grade"), this.data.stages, (act) => this.act(act));
    this.strip = new Strip(this.find("strip"), this.find("strip-words"), this.api, this.data.stages, (entry) => this.pick(entry.index));
    if (this.data.study) this.study = new Study(this);
    this.strip.pendingRead = (index) => (this.hasPending(index) ? this.reads.get(index) : undefined);
    if (!this.study && !this.data.look_only) this.startRegions(OSD);
    if (!this.study && !this.data.look_only) this.startVersions();
    this.startGuide();
    for (const name of TARGETS) {
      this.find(`tab-${name}`).addEventListener("click", (event) => {
        this.setTarget(name);
        if (event.detail > 0) event.currentTarget.blur();
      });
    }
    this.stopKeys = listenToKeys((event) => (this.scene && this.scene.base ? keyAction(event, this) : null));
    this.drawnTimer = setInterval(() => this.exposeDrawn(), 120);
    await this.openSlide();
    this.outbox.flush();
  }

  async openSlide() {
    const { slide } = this.data;
    this.root.dataset.ready = "false";
    Object.assign(this, { run: null, soFar: null, slideReads: { read: null, others: [] }, selected: null });
    Object.assign(this, { history: [], backPending: null });
    this.reads.clear();
    this.leaveVersions();
    this.renewGuide();
    this.furniture.useSlide(slide);
    await this.scene.open(slide);
    if (this.data.slide.id !== slide.id) return;
    const view = (this.study && this.study.view) || remembered(`view.${slide.id}`, null);
    this.scene.fit(true);
    if (view) this.scene.go(view);
    this.applyGoto();
    this.aboutPatch.clear(this.study ? "Click the slide to see a patch." : "Click a patch, or press N for the first of the film strip.");
    this.setTarget(this.data.run && !this.study ? this.target : "slide");
    await Promise.all([this.openRun(), this.openRegions(), this.openVersions()]);
    this.root.dataset.ready = "true";
    if (this.study) this.study.opened();
    this.root.focus({ preventScroll: true }); // whoever chose the slide in a field wants to read now
    this.drawView();
  }

  async openRun() {
    const wanted = this.data.run;
    const slideId = this.data.slide.id;
    const [run, slideReads] = await Promise.all([
      wanted ? this.api.json(`/runs/${wanted}`) : Promise.resolve(null),
      this.study ? { read: null, others: [] } : this.api.json(`/slides/${slideId}/reads`),
    ]).catch((error) => {
      this.note(error.message);
      return [null, { read: null, others: [] }];
    });
    if (this.data.run !== wanted || this.data.slide.id !== slideId) return;
    this.run = run;
    if (run && this.study) run.legends = run.legends.filter((legend) => legend.kind !== "reads");
    this.slideReads = slideReads;
    this.strip.useRun(run ? run.run_id : null, run && !this.study ? run.n_strip : 0);
    if (run) this.soFar = null;
    this.layers.enable(Boolean(run || this.soFar));
    if (run || !this.soFar) this.layers.useLegends(run ? run.legends : null);
    this.nameModel(run || this.soFar);
    for (const { kind } of LAYER_ROWS) this.applyLayer(kind);
    const place = remembered(`place.${slideId}`, {});
    this.setTarget(run ? place.target || this.target : "slide");
    if (run && Number.isInteger(place.selected) && place.selected < run.grid.n_columns * run.grid.n_rows) {
      this.select(place.selected, false);
    }
    if (this.root.dataset.ready === "true") this.openVersions();
    this.drawPanel();
    this.watchUnfinished();
  }

  // What is selected outlives a visit to another page, as the view does.
  keepPlace() {
    if (this.root.dataset.ready === "true") {
      const target = this.isComparing() ? "slide" : this.target;
      remember(`place.${this.data.slide.id}`, { selected: this.selected, target });
    }
  }

  // New data from the page. Only what differs is touched, so that nothing moves without a reason.
  update(data) {
    const former = this.data;
    this.data = data;
    if (data.token !== former.token) this.useToken(data.token);
    if (data.reader !== former.reader) return; // another reader gets another mount
    if (!this.scene) return;
    const isOtherSlide = data.slide.id !== former.slide.id;
    const isOtherScale = JSON.stringify(data.slide.mpp) !== JSON.stringify(former.slide.mpp);
    this.settle(data.receipts);
    if (this.study) this.study.update(former.study);
    if (isOtherSlide) this.started = this.started.then(() => this.openSlide());
    else if (data.run !== former.run || data.unfinished !== former.unfinished) this.started = this.started.then(() => this.openRun());
    if (!isOtherSlide && isOtherScale) this.furniture.useSlide(data.slide);
    if (!isOtherSlide) this.applyGoto();
    if (!isOtherSlide && data.regions_version !== former.regions_version) this.takeImport();
    this.drawView();
  }

  // Fetch again what the old token was refused.
  useToken(token) {
    this.api.token = token;
    const wasRefused = this.isTokenAsked;
    this.isTokenAsked = false;
    if (!this.scene || !this.scene.base) return;
    this.scene.useToken();
    this.guide.refresh();
    if (!wasRefused) return;
    if (!this.run) this.started = this.started.then(() => this.openRun());
    else if (this.selected === null) this.strip.refresh();
    else {
      this.strip.refresh();
      this.select(this.selected, false);
    }
  }

  settle(receipts) {
    const mayChangeRegions = this.hasPending("region") || this.hasPending("slide"); // others' show once the slide is read
    const { nSettled, refused } = this.outbox.settle(receipts || []);
    if (this.study) {
      if (refused.length) this.study.refused(refused[refused.length - 1].refused);
      else if (nSettled) this.study.draw();
      return;
    }
    if (refused.length) {
      this.note(refused[refused.length - 1].refused);
      for (const receipt of refused) this.reads.delete(receipt.item);
      this.strip.refresh();
      if (this.selected !== null) this.loadDetail(this.selected);
    }
    if (nSettled && !this.outbox.events.length) this.afterSettled();
    if (nSettled && mayChangeRegions) this.settleRegions(refused);
    this.settlePins(refused);
    this.expose();
  }

  afterSettled() {
    this.settleBack();
    this.readsVersion = (this.readsVersion || 0) + 1;
    this.applyLayer("reads");
    this.api.json(`/slides/${this.data.slide.id}/reads`).then((slideReads) => {
      if (this.hasPending("slide")) return;
      this.slideReads = slideReads;
      this.reads.delete("slide");
      this.drawPanel();
    }).catch(() => {});
  }

  hasPending(item) {
    return this.outbox.events.some((event) => (event.patch ?? "slide") === item && event.slide === this.data.slide.id);
  }

  applyGoto() {
    const goto = this.data.goto;
    if (!goto || remembered("goto", null) === goto.n) return;
    remember("goto", goto.n);
    this.scene.go({ rotation: 0, ...goto });
    this.keepView();
  }

  applyLayer(kind) {
    if (this.isComparing()) {
      this.applyVersions();
      return;
    }
    const setting = this.layers.settings[kind];
    const source = this.run || (kind === "reads" ? null : this.soFar);
    if (!source || (this.study && kind === "reads")) { // a study shows no read made outside of it
      this.scene.setLayer(kind, null, 0);
      return;
    }
    const { run_id: run } = source;
    const cut = this.run ? this.data.layer_version : `${this.data.layer_version}-${source.n_shards}`;
    const version = `${encodeURIComponent(this.layers.nameOf(kind))}/${cut}`;
    const suffix = kind === "reads" ? `?after=${this.readsVersion || 0}` : "";
    const key = `${run}/${version}${suffix}`;
    this.addresses = this.addresses || new Map();
    if (!this.addresses.has(key)) {
      this.addresses.set(key, (level, x, y) => `/layers/${run}/${version}/${level}/${x}_${y}.png${suffix}`);
    }
    this.scene.setLayer(kind, this.addresses.get(key), setting.on ? setting.opacity : 0);
    this.expose();
  }

  askForToken() {
    if (this.isTokenAsked) return;
    this.isTokenAsked = true;
    this.emit.setTriggerValue("token_expired", Date.now());
  }

  setTarget(target) {
    const wasComparing = this.isComparing();
    this.target = target;
    for (const name of TARGETS) {
      this.find(`tab-${name}`).setAttribute("aria-selected", String(name === target));
      this.find(`about-${name}`).hidden = name !== target;
    }
    this.keepPlace();
    if (wasComparing !== this.isComparing()) this.switchVersions();
    this.drawPanel();
  }

  note(words) {
    const element = this.find("note");
    element.textContent = words;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => { element.textContent = ""; }, NOTE_MS);
  }

  async copyLink() {
    const { x, y, zoom } = this.scene.view;
    const query = new URLSearchParams({ slide: this.data.slide.id, x: x.toFixed(1), y: y.toFixed(1), zoom: zoom.toPrecision(6) });
    const address = `${location.origin}${location.pathname}?${query}`;
    this.root.dataset.link = address;
    try {
      await navigator.clipboard.writeText(address);
      this.note("The link to this view is copied.");
    } catch {
      this.note(address);
    }
  }

  keepView() {
    const view = this.scene.view;
    if (!view || this.root.dataset.ready !== "true") return;
    remember(`view.${this.data.slide.id}`, view);
    if (this.study) this.study.keeper.changed();
  }

  drawView() {
    const view = this.scene && this.scene.view;
    if (!view || !this.furniture.slide) return;
    this.furniture.update(view);
    this.expose();
  }

  setHeight() {
    const top = this.root.getBoundingClientRect().top + (window.scrollY || 0);
    this.root.style.height = `${Math.max(420, Math.floor(window.innerHeight - top - 2))}px`;
  }

  // What tests and the curious may read off the root.
  expose() {
    const view = this.scene && this.scene.view;
    Object.assign(this.root.dataset, {
      slide: this.data.slide.id,
      run: this.run ? this.run.run_id : "",
      shards: this.soFar ? this.soFar.n_shards : "",
      selectedPatch: this.selected ?? "",
      target: this.target,
      pending: this.outbox ? this.outbox.events.length : 0,
      sent: this.outbox ? this.outbox.n : 0,
      saliency: this.aboutPatch ? this.aboutPatch.isSaliencyOn : false,
      version: this.comparison ? this.comparison.shown : "",
      ...(this.study ? this.study.facts : this.regionFacts()),
    });
    if (view) {
      for (const name of ["x", "y", "zoom", "rotation"]) this.root.dataset[name] = Number(view[name].toPrecision(12));
    }
  }

  stir() {
    this.root.dataset.drawn = "false";
    this.nFrames = 0;
    const count = () => {
      this.nFrames += 1;
      if (this.nFrames < 4) requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  }

  // Drawn means: some frames after the last change, with every tile in sight there.
  exposeDrawn() {
    const waitsFor = !this.scene ? "scene" : this.nFrames < 4 ? "frames" : this.scene.waitsFor;
    this.root.dataset.waitsFor = waitsFor;
    this.root.dataset.drawn = String(waitsFor === "");
    if (waitsFor === "" && this.study) this.study.drawn();
    this.setHeight();
  }

  close() {
    this.isClosed = true;
    window.removeEventListener("resize", this.fitHeight);
    clearInterval(this.drawnTimer);
    clearTimeout(this.noteTimer);
    clearTimeout(this.watchTimer);
    clearTimeout(this.versionsTimer);
    if (this.stopKeys) this.stopKeys();
    this.outbox.close();
    if (this.scene) {
      this.keepView();
      if (this.study) this.study.end();
      this.scene.close();
    }
  }
}
