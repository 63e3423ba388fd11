// The next slide of the list, fetched while this one is read: its first tiles lie in the browser's cache when it opens.

const MOST_AHEAD = 160;
const AHEAD_AT_ONCE = 2;

class Ahead {
  constructor(api) {
    this.api = api;
    this.fetched = "";
  }

  // Fetch what a window of this size will ask for first; say whether all of it came. Nothing is shown of it.
  // Args: freeSize: the part of the window that a slide without a view is fitted into.
  async fetch(entry, view, { size, freeSize }) {
    if (!entry || this.fetched === entry) return false;
    this.fetched = entry;
    try {
      const slide = await this.api.json(`/slides/${entry}/layout`);
      const addresses = firstTiles(slide, view || fitOf(slide, freeSize), size).slice(0, MOST_AHEAD);
      await Promise.all(Array.from({ length: AHEAD_AT_ONCE }, () => this.drain(entry, addresses)));
      await this.api.fetchOk(`/slides/${entry}/tissue`);
      return this.fetched === entry;
    } catch {
      this.fetched = "";
    }
    return false;
  }

  async drain(entry, addresses) {
    while (addresses.length && this.fetched === entry) {
      const answer = await this.api.fetchOk(addresses.shift());
      await answer.arrayBuffer(); // the body has to come for the browser to keep it
    }
  }
}

function tileAddress(slide) {
  return (level, x, y) => `/tiles/${slide.id}/${slide.render_version}/${level}/${x}_${y}.jpg`;
}

function coarsestLevel(slide) {
  const smallest = Math.max(0, Math.ceil(Math.log2(Math.max(slide.width, slide.height) / slide.tile_px)));
  return Math.max(0, slide.n_levels - 1 - smallest);
}

function fitOf(slide, size) {
  return {
    x: slide.x + slide.width / 2,
    y: slide.y + slide.height / 2,
    zoom: Math.min(size.x / slide.width, size.y / slide.height),
  };
}

// The tiles of a view, coarse ones first. OpenSeadragon (6.1) draws down to the level whose pixels are at least half a
// screen pixel wide.
function firstTiles(slide, view, size) {
  const finest = slide.n_levels - 1;
  const last = Math.min(finest, Math.max(coarsestLevel(slide), Math.floor(finest + 1 + Math.log2(view.zoom))));
  const addressOf = tileAddress(slide);
  const addresses = [];
  for (let level = coarsestLevel(slide); level <= last; level += 1) {
    const span = slide.tile_px * 2 ** (finest - level);
    const range = (middle, origin, length, window_px) => {
      const [from, to] = [middle - window_px / view.zoom / 2, middle + window_px / view.zoom / 2];
      const end = Math.ceil(length / span) - 1;
      return [Math.max(0, Math.floor((from - origin) / span)), Math.min(end, Math.floor((to - origin) / span))];
    };
    const [left, right] = range(view.x, slide.x, slide.width, size.x);
    const [top, bottom] = range(view.y, slide.y, slide.height, size.y);
    for (let y = top; y <= bottom; y += 1) for (let x = left; x <= right; x += 1) addresses.push(addressOf(level, x, y));
  }
  return addresses;
}
