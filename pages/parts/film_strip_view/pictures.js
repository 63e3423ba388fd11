// Pictures of the patches that come next, fetched and decoded ahead, so that the next one is drawn without waiting.

const AT_ONCE = 4;
const THUMBNAIL_PX = 64;
const MOST_THUMBNAILS = 400;
const TRY_AGAIN_MS = 3000;

class Pictures {
  constructor(api, onPicture) {
    Object.assign(this, { api, onPicture, nUnderWay: 0, wanted: [] });
    this.held = new Map(); // key -> Map of a part's name -> {bitmap | problem | abort}
    this.thumbnails = new Map(); // key -> canvas
  }

  // Hold exactly these. Args: wanted: [{key, parts: {name: address}}], the most urgent first.
  want(wanted) {
    this.wanted = wanted;
    const keys = new Set(wanted.map((one) => one.key));
    for (const [key, parts] of this.held) {
      if (keys.has(key)) continue;
      this.held.delete(key);
      for (const part of parts.values()) {
        if (part.abort) part.abort.abort();
        if (part.bitmap) part.bitmap.close();
      }
    }
    this.fetchMore();
  }

  // Give what there is of a patch: bitmaps and problems by the name of the part.
  of(key) {
    const parts = this.held.get(key) || new Map();
    const bitmaps = {};
    const problems = {};
    for (const [name, part] of parts) {
      if (part.bitmap) bitmaps[name] = part.bitmap;
      if (part.problem) problems[name] = part.problem;
    }
    return { bitmaps, problems };
  }

  fetchMore() {
    for (const { key, parts } of this.wanted) {
      for (const [name, address] of Object.entries(parts)) {
        if (this.nUnderWay >= AT_ONCE) return;
        if (!this.held.has(key)) this.held.set(key, new Map());
        if (!this.held.get(key).has(name)) this.fetch(key, name, address);
      }
    }
  }

  fetch(key, name, address) {
    const part = { abort: new AbortController() };
    const parts = this.held.get(key);
    parts.set(name, part);
    this.nUnderWay += 1;
    const isHeld = () => this.held.get(key) === parts && parts.get(name) === part;
    this.api.bitmap(address, part.abort.signal).then((bitmap) => {
      if (!isHeld()) {
        bitmap.close();
        return;
      }
      Object.assign(part, { bitmap, abort: null });
      if (name === "patch") this.keepThumbnail(key, bitmap);
      this.onPicture(key, name);
    }).catch((error) => {
      if (!isHeld()) return;
      Object.assign(part, { problem: error.message, abort: null });
      this.onPicture(key, name);
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.retry(), TRY_AGAIN_MS);
    }).finally(() => {
      this.nUnderWay -= 1;
      this.fetchMore();
    });
  }

  keepThumbnail(key, bitmap) {
    const canvas = this.thumbnails.get(key) || make("canvas", { width: THUMBNAIL_PX, height: THUMBNAIL_PX });
    drawSharp(canvas, bitmap);
    this.thumbnails.delete(key);
    this.thumbnails.set(key, canvas);
    if (this.thumbnails.size > MOST_THUMBNAILS) this.thumbnails.delete(this.thumbnails.keys().next().value);
  }

  // Fetch again what was refused.
  retry() {
    for (const parts of this.held.values()) {
      for (const [name, part] of parts) if (part.problem) parts.delete(name);
    }
    this.fetchMore();
  }

  close() {
    clearTimeout(this.retryTimer);
    this.want([]);
    this.thumbnails.clear();
  }
}

function drawSharp(canvas, bitmap, opacity = 1) {
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.globalAlpha = opacity;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
}
