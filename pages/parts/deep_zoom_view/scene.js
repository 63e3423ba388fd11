// The slide under glass: OpenSeadragon with the slide, its layers and the outline of the selected patch.
// Coordinates given and taken are level-0 pixels of the whole level; the pyramid begins at the slide's bounds.

class Scene {
  constructor(OSD, element, api, listeners) {
    this.OSD = OSD;
    this.api = api;
    this.listeners = listeners;
    this.layers = new Map();
    this.wanted = new Map();
    this.base = null;
    this.veil = () => 0; // how much of the window, from its right edge, lies under something, in screen pixels
    this.outline = make("div", { class: "fr-outline" });
    this.viewer = OSD({
      element,
      drawer: "canvas",
      loadTilesWithAjax: true,
      ajaxHeaders: api.headers,
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: "TOP_RIGHT",
      navigatorSizeRatio: 0.16,
      navigatorAutoFade: false,
      navigatorBackground: "#ececea",
      navigatorOpacity: 1,
      navigatorBorderColor: "#d5dae3",
      navigatorDisplayRegionColor: "#2a1a70",
      animationTime: 0.25,
      springStiffness: 12,
      visibilityRatio: 0.2,
      minZoomImageRatio: 0.6,
      maxZoomPixelRatio: 16,
      imageLoaderLimit: 8,
      maxImageCacheCount: 600,
      placeholderFillStyle: "#f6f6f4",
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true, flickEnabled: false },
      gestureSettingsPen: { clickToZoom: false },
      zoomPerScroll: 1.25,
    });
    this.listen();
  }

  listen() {
    const moved = () => this.listeners.onMove();
    for (const name of ["animation", "update-viewport", "animation-finish", "rotate", "resize"]) {
      this.viewer.addHandler(name, moved);
    }
    const settle = rested(150, () => this.listeners.onRest());
    for (const name of ["animation-finish", "rotate", "pan", "zoom"]) this.viewer.addHandler(name, settle);
    this.viewer.addHandler("canvas-click", (event) => {
      if (!event.quick || !this.base) return;
      const point = this.base.viewerElementToImageCoordinates(event.position);
      this.listeners.onClick(point.x + this.slide.x, point.y + this.slide.y, event.shift);
    });
    this.viewer.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = true;
    });
    this.viewer.addHandler("tile-load-failed", () => this.listeners.onTileFailed());
    this.viewer.container.addEventListener("pointermove", (event) => this.point(event));
    this.viewer.container.addEventListener("pointerleave", () => this.listeners.onPoint(null));
  }

  point(event) {
    if (!this.base) return;
    const frame = this.viewer.container.getBoundingClientRect();
    const at = new this.OSD.Point(event.clientX - frame.left, event.clientY - frame.top);
    const image = this.base.viewerElementToImageCoordinates(at);
    const isInside = image.x >= 0 && image.y >= 0 && image.x < this.slide.width && image.y < this.slide.height;
    this.listeners.onPoint(isInside ? { x: image.x + this.slide.x, y: image.y + this.slide.y } : null);
  }

  // A tile source on the slide's pyramid; every layer uses the same one, which is why they lie on the tissue: also
  // its tiles are of one size, since OpenSeadragon (6.1) stretches each by a pixel to hide the seams.
  source(addressOf) {
    const { slide } = this;
    return {
      width: slide.width,
      height: slide.height,
      tileSize: slide.tile_px,
      tileOverlap: 0,
      minLevel: coarsestLevel(slide),
      maxLevel: slide.n_levels - 1,
      getTileUrl: addressOf,
    };
  }

  open(slide) {
    this.slide = slide;
    this.base = null;
    this.layers.clear();
    this.wanted.clear();
    this.viewer.clearOverlays();
    this.selection = null;
    const address = tileAddress(slide);
    return new Promise((resolve, reject) => {
      this.viewer.addOnceHandler("open", () => {
        this.base = this.viewer.world.getItemAt(0);
        resolve();
      });
      this.viewer.addOnceHandler("open-failed", () => reject(new Error("The slide could not be opened.")));
      this.viewer.open({ tileSource: this.source(address) });
    });
  }

  // Show a layer at an opacity; 0 hides it. A layer once loaded stays, so that switching moves and fetches nothing.
  // What a layer showed before (`shown`) stays in sight until its successor is drawn, so that nothing flickers.
  setLayer(kind, address, opacity) {
    if (!this.base) return;
    this.listeners.onStir();
    this.wanted.set(kind, { address, opacity });
    const known = this.layers.get(kind);
    const inSight = known && (known.shown || known.item);
    if (opacity === 0 || (known && known.address === address)) {
      if (inSight) inSight.setOpacity(opacity);
      return;
    }
    if (known && known.shown && known.item) this.viewer.world.removeItem(known.item);
    const entry = { address, item: null, shown: inSight || null };
    this.layers.set(kind, entry);
    const slide = this.slide;
    this.viewer.addTiledImage({
      tileSource: this.source(address),
      x: 0,
      y: 0,
      width: 1,
      opacity: entry.shown ? 0 : opacity,
      preload: true,
      success: ({ item }) => this.layerArrived(kind, entry, item, slide),
    });
  }

  layerArrived(kind, entry, item, slide) {
    if (this.layers.get(kind) !== entry || this.slide !== slide) {
      this.viewer.world.removeItem(item);
      return;
    }
    entry.item = item;
    this.order();
    if (!entry.shown || item.getFullyLoaded()) this.succeed(kind, entry);
    else item.addHandler("fully-loaded-change", (event) => event.fullyLoaded && this.succeed(kind, entry));
  }

  // The new picture of a layer takes the place of the old one, in one frame.
  succeed(kind, entry) {
    if (this.layers.get(kind) !== entry || !entry.item) return;
    const wish = this.wanted.get(kind);
    entry.item.setPreload(false);
    if (entry.shown) this.viewer.world.removeItem(entry.shown);
    entry.shown = null;
    entry.item.setOpacity(wish.address === entry.address ? wish.opacity : 0);
  }

  // Fills lie below lines, whichever was switched on first.
  order() {
    const items = LAYER_ROWS.map((row) => this.layers.get(row.kind)).filter((entry) => entry && entry.item);
    items.forEach((entry, at) => this.viewer.world.setItemIndex(entry.item, at + 1));
  }

  select(box) {
    this.selection = this.cover(this.outline, box);
  }

  // Lay an element over a box, so that it moves, zooms and turns with the slide; without a box it is taken away.
  cover(element, box) {
    this.viewer.removeOverlay(element);
    if (!box || !this.base) return null;
    const location = this.base.imageToViewportRectangle(
      box.x_px - this.slide.x, box.y_px - this.slide.y, box.width_px, box.height_px,
    );
    this.viewer.addOverlay({ element, location, checkResize: false });
    return location;
  }

  // Zooming by key keeps this box where it is, as it does the selected patch; nothing is drawn around it.
  holdFast(box) {
    this.selection = !box || !this.base ? null : this.base.imageToViewportRectangle(
      box.x_px - this.slide.x, box.y_px - this.slide.y, box.width_px, box.height_px,
    );
  }

  // Bring a box into sight without changing the zoom; nothing moves when it is well inside already.
  reveal(box) {
    this.listeners.onStir();
    if (!box || !this.base) return;
    const centre = this.base.imageToViewportCoordinates(
      box.x_px - this.slide.x + box.width_px / 2, box.y_px - this.slide.y + box.height_px / 2,
    );
    const at = this.viewer.viewport.pixelFromPoint(centre, false);
    const size = this.viewer.viewport.getContainerSize();
    const free = size.x - this.veil();
    const isInside = at.x > free * 0.08 && at.x < free * 0.92 && at.y > size.y * 0.12 && at.y < size.y * 0.88;
    if (!isInside) this.viewer.viewport.panTo(centre.plus(this.turned(this.veil() / 2, 0)), false);
  }

  // The window in screen pixels, as {x, y}.
  get size() {
    return this.viewer.viewport.getContainerSize();
  }

  // The part of the window that lies under nothing.
  get freeSize() {
    return { x: this.size.x - this.veil(), y: this.size.y };
  }

  get view() {
    if (!this.base) return null;
    const viewport = this.viewer.viewport;
    const centre = this.base.viewportToImageCoordinates(viewport.getCenter(true));
    return {
      x: centre.x + this.slide.x,
      y: centre.y + this.slide.y,
      zoom: this.base.viewportToImageZoom(viewport.getZoom(true)),
      rotation: viewport.getRotation(true),
    };
  }

  // `zoom` is screen pixels per level-0 pixel.
  go(view, isImmediate = true) {
    this.listeners.onStir();
    const viewport = this.viewer.viewport;
    if (Number.isFinite(view.rotation)) viewport.setRotation(view.rotation, isImmediate);
    if (Number.isFinite(view.zoom) && view.zoom > 0) {
      viewport.zoomTo(this.base.imageToViewportZoom(view.zoom), null, isImmediate);
    }
    if (Number.isFinite(view.x) && Number.isFinite(view.y)) {
      const centre = this.base.imageToViewportCoordinates(view.x - this.slide.x, view.y - this.slide.y);
      viewport.panTo(centre, isImmediate);
    }
  }

  zoomTo(zoom) {
    this.listeners.onStir();
    this.viewer.viewport.zoomTo(this.base.imageToViewportZoom(zoom), this.fixedPoint);
    this.viewer.viewport.applyConstraints();
  }

  zoomBy(factor) {
    this.listeners.onStir();
    this.viewer.viewport.zoomBy(factor, this.fixedPoint);
    this.viewer.viewport.applyConstraints();
  }

  // Zooming by key or button keeps the selected patch where it is, while it is in sight.
  get fixedPoint() {
    if (!this.selection) return null;
    const centre = this.selection.getCenter();
    return this.viewer.viewport.getBounds(false).containsPoint(centre) ? centre : null;
  }

  panBy(x, y) {
    this.listeners.onStir();
    const size = this.viewer.viewport.getContainerSize();
    this.viewer.viewport.panBy(this.turned(x * size.x, y * size.y));
    this.viewer.viewport.applyConstraints();
  }

  // A way on the screen as a way on the slide, however it is turned.
  turned(x, y) {
    const way = this.viewer.viewport.deltaPointsFromPixels(new this.OSD.Point(x, y), false);
    return way.rotate(-this.viewer.viewport.getRotation());
  }

  fit(isImmediate = false) {
    this.listeners.onStir();
    const { viewport } = this.viewer;
    viewport.setRotation(0, isImmediate);
    if (!this.veil()) {
      viewport.goHome(isImmediate);
      return;
    }
    const { x, y, zoom } = fitOf(this.slide, this.freeSize);
    this.go({ x, y, zoom }, isImmediate);
    viewport.panBy(this.turned(this.veil() / 2, 0), isImmediate);
  }

  rotateBy(degrees) {
    this.listeners.onStir();
    this.viewer.viewport.setRotation(this.viewer.viewport.getRotation() + degrees);
  }

  useToken() {
    this.viewer.setAjaxHeaders(this.api.headers, true);
    this.viewer.world.resetItems();
  }

  get isAtRest() {
    const { viewport } = this.viewer;
    const [here, there] = [viewport.getCenter(true), viewport.getCenter(false)];
    const isThere = Math.abs(here.x - there.x) + Math.abs(here.y - there.y) < 1e-9;
    const isTurned = viewport.getRotation(true) === viewport.getRotation(false);
    return isThere && isTurned && viewport.getZoom(true) === viewport.getZoom(false);
  }

  // What the picture still waits for, in a word; nothing when all in sight is drawn.
  get waitsFor() {
    if (!this.base) return "slide";
    if (!this.isAtRest) return "rest";
    for (const [kind, entry] of this.layers) if (!entry.item || entry.shown) return `layer ${kind}`;
    const { world } = this.viewer;
    for (let at = 0; at < world.getItemCount(); at += 1) {
      const item = world.getItemAt(at);
      if (item.getOpacity() > 0 && !item.getFullyLoaded()) return `tiles of item ${at}`;
    }
    return "";
  }

  close() {
    this.viewer.destroy();
  }
}
