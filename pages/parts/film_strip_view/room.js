// The film strip in one mount: data from the page comes in, reads go out, everything else stays here.

const rooms = new WeakMap();
const NOTE_MS = 4500;
const N_AHEAD = 12;
const SMALLEST_PICTURE_PX = 448;
const LARGEST_PICTURE_PX = 1024;
const DETAIL_AFTER_MS = 150;
const LAY_OUT_MS = 250;

class StripRoom {
  constructor(parent, component) {
    this.find = (role) => parent.querySelector(`[data-role="${role}"]`);
    this.root = this.find("root");
    this.data = component.data;
    this.emit = component;
    Object.assign(this, { position: 0, current: null, shownLast: null, isSaliencyOn: false, detail: null, asked: 0, sent: new Map() });
    this.reads = new Map(); // key -> what this reader did here, ahead of the server
    this.history = remembered(this.historyName, []);
    this.api = new Api(() => this.askForToken());
    this.api.token = this.data.token;
    this.outbox = new Outbox(this.data.reader, (value) => this.emit.setStateValue("outbox", value), () => this.expose());
    this.order = new Order(this.api, (key) => this.reads.get(key), () => this.lay(this.shownLast));
    this.pictures = new Pictures(this.api, (key, name) => this.takePicture(key, name));
    this.light = new LightBox(this.find);
    this.build();
    this.begin();
    this.outbox.flush();
  }

  build() {
    const { stages } = this.data;
    this.film = new Film(this.find("film"), this.find("film-words"), stages, (position) => this.select(position));
    this.facts = new PatchFacts(this.find("about-patch"), stages, {
      onSaliency: () => this.toggleSaliency(), onOpen: () => this.openSlide(), onGuide: () => this.guide.toggle(),
    });
    this.grade = new GradePanel(this.find("grade"), stages, (act) => (act.action === "undo" ? this.undo() : this.act(act)));
    this.filters = new Filters(this.find("filters"), stages, {
      onChange: (find) => this.useSettings(find), onNearest: () => this.orderNearest(),
      onLeave: () => this.leaveFilters(), onRenew: () => this.renew(),
    });
    this.filters.settings = inOrder(this.data.settings);
    this.loadDetail = rested(DETAIL_AFTER_MS, () => this.fetchDetail());
    this.keepSettings = rested(400, () => this.emit.setStateValue("settings", this.filters.settings));
    this.drawHelp();
    this.startGuide();
    this.stopKeys = listenToKeys((event) => keyAction(event, this));
    this.onResize = () => this.layOut();
    window.addEventListener("resize", this.onResize);
    this.layOutTimer = setInterval(this.onResize, LAY_OUT_MS); // the page around may move without telling anybody
    this.layOut();
    this.root.focus({ preventScroll: true });
  }

  get historyName() {
    return `strip.history.${this.data.reader}`;
  }

  get placeName() {
    return `strip.place.${this.data.reader}`;
  }

  layOut() {
    const top = this.root.getBoundingClientRect().top + (window.scrollY || 0);
    this.root.style.height = `${Math.max(420, Math.floor(window.innerHeight - top - 2))}px`;
    if (!this.light.layOut()) return;
    if (this.current) this.draw();
    else this.light.clear("");
  }

  // Lay the order by the settings, and go to the patch `find` in it. Until it is there no key can fall on a patch.
  async lay(find = null, isSame = false) {
    this.asked += 1;
    const mine = (this.nLays = (this.nLays || 0) + 1);
    Object.assign(this, { current: null, isLaying: true });
    this.drawGrade();
    try {
      const [start, choices] = await Promise.all([
        this.order.lay(this.filters.settings, find, isSame), this.api.json("/film-strip/choices"),
      ]);
      if (start === null || mine !== this.nLays) return; // another order was asked for meanwhile
      this.isLaying = false;
      this.filters.useChoices(choices);
      this.filters.showCount(this.order);
      this.drawAbout();
      this.film.clear();
      this.root.dataset.ready = "true";
      if (this.order.n) this.select(start);
      else this.showNothing();
    } catch (error) {
      this.note(`${error.message} R tries again.`);
    }
  }

  // Begin where this tab left off, with the very order it had, also where the page has not heard of it yet.
  begin() {
    const place = remembered(this.placeName, {});
    if (place.settings) {
      const isKept = JSON.stringify(place.settings) === JSON.stringify(this.filters.settings);
      this.filters.settings = place.settings;
      if (!isKept) this.keepSettings();
    }
    this.lay(place.key ?? null, Boolean(place.settings));
  }

  showNothing() {
    this.light.clear("No patch fits. F leads to the filters.");
    this.facts.clear();
    this.film.draw(this.order, 0, this.pictures.thumbnails);
    this.pictures.want([]);
    this.root.dataset.shown = "";
    this.drawGrade();
  }

  useSettings(find = null) {
    remember(this.placeName, { settings: this.filters.settings });
    this.keepSettings();
    this.forgetSettled();
    this.lay(find);
  }

  renew() {
    const find = this.shownLast;
    this.forgetSettled();
    this.lay(find).then(() => this.note("Laid anew, with what was read meanwhile."));
  }

  // What is stored the server knows; what is not yet is still shown from here.
  forgetSettled() {
    for (const key of this.reads.keys()) if (!this.hasPending(key)) this.reads.delete(key);
  }

  // New data from the page: a token, receipts. Nothing moves for it.
  update(data) {
    const former = this.data;
    this.data = data;
    if (data.token !== former.token) this.useToken(data.token);
    this.settle(data.receipts || []);
  }

  useToken(token) {
    this.api.token = token;
    if (!this.isTokenAsked) return;
    this.isTokenAsked = false;
    this.pictures.retry();
    this.guide.refresh();
    if (!this.current) this.lay(this.shownLast);
  }

  askForToken() {
    if (this.isTokenAsked) return;
    this.isTokenAsked = true;
    this.emit.setTriggerValue("token_expired", Date.now());
  }

  // Show the patch at a place. Its picture is there already, or the light box stays empty until it is.
  select(position) {
    if (this.isLaying) return;
    const entry = this.order.entryAt(position);
    if (!entry) {
      this.waitFor(this.order.load(position).then(() => position));
      return;
    }
    this.asked += 1;
    Object.assign(this, { position, current: entry, shownLast: entry.key, detail: null });
    this.draw();
    this.wantPictures();
    remember(this.placeName, { key: entry.key, settings: this.filters.settings });
    this.loadDetail();
  }

  // Go to a place that is still being asked for; until then no key can fall on a patch.
  waitFor(promise) {
    const mine = (this.asked += 1);
    this.current = null;
    this.expose();
    promise.then((position) => {
      if (mine === this.asked && this.order.entryAt(position)) this.select(position);
    }).catch((error) => this.note(`${error.message} R tries again.`));
  }

  draw() {
    const entry = this.current;
    const { bitmaps, problems } = this.pictures.of(entry.key);
    const saliency = this.isSaliencyOn ? bitmaps.saliency : undefined;
    const isShown = this.light.show(entry, { ...bitmaps, saliency }, problems.patch);
    if (isShown && this.root.dataset.shown !== entry.key) this.shownAt = performance.now();
    this.root.dataset.shown = isShown ? entry.key : "";
    this.root.dataset.shownSaliency = isShown && saliency ? entry.key : "";
    this.facts.show(entry, { isSaliencyOn: this.isSaliencyOn, problem: problems.saliency, detail: this.detail });
    this.film.draw(this.order, this.position, this.pictures.thumbnails);
    this.drawGrade();
  }

  takePicture(key, name) {
    if (this.current && this.current.key === key) this.draw();
    else if (this.current && name === "patch") this.film.draw(this.order, this.position, this.pictures.thumbnails);
  }

  // Hold the pictures of this patch, of those that the next keys lead to, and of their neighbours on the film.
  wantPictures() {
    const places = [this.position];
    let next = this.position;
    while (places.length <= N_AHEAD) {
      next = this.order.nextUnread(next);
      if (typeof next !== "number" || next < 0) break;
      places.push(next);
    }
    places.splice(3, 0, this.position + 1, this.position - 1);
    for (let at = this.position - N_BEFORE; at <= this.position + this.film.nAfter; at += 1) places.push(at);
    const entries = [...new Set(places)].map((at) => this.order.entries.get(at)).filter(Boolean);
    this.pictures.want(entries.map((entry) => ({ key: entry.key, parts: this.addressesOf(entry) })));
  }

  addressesOf(entry) {
    const patch = `/patches/${entry.run}/${entry.index}.jpg`;
    const own = Math.min(LARGEST_PICTURE_PX, Math.max(SMALLEST_PICTURE_PX, Math.round(entry.side_px)));
    return {
      patch: `${patch}?size=${own}`,
      around: `${patch}?size=${SMALLEST_PICTURE_PX}&margin=${AROUND_MARGIN}`,
      ...(this.isSaliencyOn ? { saliency: `/saliency/${entry.run}/${entry.index}/predicted.png` } : {}),
    };
  }

  toggleSaliency() {
    this.isSaliencyOn = !this.isSaliencyOn;
    if (!this.current) return;
    this.wantPictures();
    this.draw();
    this.loadDetail();
  }

  // What the order does not carry is asked for once the reader stays: the strength of the saliency, what others say.
  fetchDetail() {
    const entry = this.current;
    if (!entry || !(this.isSaliencyOn || isRead(entry.read)) || this.hasPending(entry.key)) return;
    this.api.json(`/runs/${entry.run}/patches/${entry.index}`).then((detail) => {
      if (this.current !== entry || this.hasPending(entry.key)) return;
      this.detail = detail;
      Object.assign(entry, { read: detail.read, others: detail.others });
      this.reads.delete(entry.key);
      this.draw();
    }).catch((error) => this.note(error.message));
  }

  step(direction) {
    if (!this.current) return;
    const position = this.position + direction;
    if (position >= 0 && position < this.order.n) this.select(position);
    else this.note(direction > 0 ? "That was the last patch of this strip." : "This is the first patch of this strip.");
  }

  openSlide() {
    if (!this.current) return;
    const { slide, index, run } = this.current;
    remember(`place.${slide}`, { selected: index, target: "patch" });
    this.emit.setTriggerValue("open", { run, index });
  }

  leaveFilters() {
    this.toggleHelp(false);
    this.root.focus({ preventScroll: true });
  }

  note(words) {
    const element = this.find("note");
    element.textContent = words;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => { element.textContent = ""; }, NOTE_MS);
  }

  drawHelp() {
    const list = make("dl");
    for (const [keys, words] of HELP) list.append(make("dt", { text: keys }), make("dd", { text: words }));
    this.find("help").replaceChildren(make("h2", { text: "Keys" }), list, pushButton("Close", "Close (Esc)", () => this.toggleHelp(false)));
  }

  toggleHelp(isShown = this.find("help").hidden) {
    this.find("help").hidden = !isShown;
  }

  // What tests and the curious may read off the root.
  expose() {
    Object.assign(this.root.dataset, {
      key: this.current ? this.current.key : "",
      position: this.current ? this.position : "",
      n: this.order ? this.order.n : "",
      pending: this.outbox ? this.outbox.events.length : 0,
      sent: this.outbox ? this.outbox.n : 0,
      saliency: this.isSaliencyOn,
      shownAt: this.shownAt ?? "",
    });
  }

  close() {
    clearTimeout(this.noteTimer);
    window.removeEventListener("resize", this.onResize);
    clearInterval(this.layOutTimer);
    this.stopKeys();
    this.outbox.close();
    this.pictures.close();
  }
}
