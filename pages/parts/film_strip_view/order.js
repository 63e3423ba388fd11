// The patches in the order that was laid on the server, fetched a stretch at a time and kept.

const STRETCH = 200;

class Order {
  // `overlay` gives what is known here of this reader's read of a patch, undefined where the server knows best.
  constructor(api, overlay, onGone) {
    Object.assign(this, { api, overlay, onGone, nAsked: 0 });
    this.clear("");
  }

  clear(query) {
    Object.assign(this, { query, laid: "", n: 0, nAll: 0, nRead: 0, near: null });
    this.entries = new Map(); // position -> entry
    this.positions = new Map(); // key -> position
    this.stretches = new Map(); // number of a stretch -> promise
  }

  // Lay an order by its settings and give where to begin: at the patch named by `find`, else at the first unread one.
  // Args: isSame: go on with the order that was laid last for these settings, as long as the server has it.
  // An answer that comes when another order has been asked for meanwhile changes nothing, and gives null.
  async lay(settings, find, isSame) {
    const mine = (this.nAsked += 1);
    const query = new URLSearchParams(settings).toString();
    const former = remembered("strip.laid", {});
    const asked = { ...settings, limit: STRETCH };
    if (find) asked.find = find;
    if (isSame && former.query === query) asked.laid = former.name;
    const answer = await this.api.json(`/film-strip/page?${new URLSearchParams(asked)}`);
    if (mine !== this.nAsked) return null;
    this.clear(query);
    Object.assign(this, { laid: answer.laid, n: answer.n, nAll: answer.n_all, near: answer.near });
    remember("strip.laid", { query, name: answer.laid });
    this.take(answer);
    this.stretches.set(answer.offset / STRETCH, Promise.resolve());
    const start = answer.found_at ?? answer.first_unread ?? 0;
    if (this.n) await this.load(start);
    return start;
  }

  take(answer) {
    answer.patches.forEach((patch, at) => {
      const run = answer.runs[patch.run];
      const entry = { ...run, ...patch, run: run.run, key: `${run.run}:${patch.index}` };
      const known = this.overlay(entry.key);
      if (known !== undefined) entry.read = known;
      this.entries.set(answer.offset + at, entry);
      this.positions.set(entry.key, answer.offset + at);
    });
    this.nRead = answer.n_read;
  }

  load(position) {
    const stretch = Math.floor(position / STRETCH);
    if (!this.stretches.has(stretch)) {
      const { laid, query } = this;
      const address = `/film-strip/page?${query}&limit=${STRETCH}&offset=${stretch * STRETCH}&laid=${laid}`;
      const promise = this.api.json(address).then((answer) => {
        if (laid !== this.laid) return;
        if (answer.laid === laid) this.take(answer);
        else this.onGone(); // the server laid it anew: places mean other patches now
      });
      promise.catch(() => this.stretches.delete(stretch));
      this.stretches.set(stretch, promise);
    }
    return this.stretches.get(stretch);
  }

  entryAt(position) {
    if (position + STRETCH / 2 < this.n) this.load(position + STRETCH / 2).catch(() => {});
    return this.entries.get(position);
  }

  entryOf(key) {
    return this.entries.get(this.positions.get(key));
  }

  // The place of the next patch without a read, -1 at the end, or a promise of it where the patches are not here yet.
  nextUnread(position) {
    for (let at = position + 1; at < this.n; at += 1) {
      const entry = this.entryAt(at);
      if (!entry) return this.load(at).then(() => (this.entries.has(at) ? this.nextUnread(at - 1) : -1));
      if (!isRead(entry.read)) return at;
    }
    return -1;
  }

  setRead(key, read) {
    const entry = this.entryOf(key);
    if (!entry) return;
    this.nRead += Number(isRead(read)) - Number(isRead(entry.read));
    entry.read = read;
  }
}
