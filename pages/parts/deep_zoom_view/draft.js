// What is entered and not signed, on its way to the server; and how long the reader was really at it.

const DRAFT_REST_MS = 1000;
const DRAFT_MOST_MS = 3000;
const IDLE_AFTER_MS = 60000;

class DraftKeeper {
  constructor(compose, send) {
    Object.assign(this, { compose, send, sentAt: 0, changedAt: null, timer: null });
    this.leaving = () => document.visibilityState === "hidden" && this.flush();
    this.closing = () => this.flush();
    document.addEventListener("visibilitychange", this.leaving);
    window.addEventListener("pagehide", this.closing);
  }

  // Sent a second after the last change, never twice within three seconds, never left waiting for longer.
  changed() {
    const now = Date.now();
    if (this.changedAt === null) this.changedAt = now;
    const draft = this.compose();
    if (draft) remember(`draft.${draft.entry}`, draft);
    const rested_at = Math.min(now + DRAFT_REST_MS, this.changedAt + DRAFT_MOST_MS);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), Math.max(rested_at, this.sentAt + DRAFT_MOST_MS) - now);
  }

  flush() {
    clearTimeout(this.timer);
    if (this.changedAt === null) return;
    Object.assign(this, { changedAt: null, sentAt: Date.now() });
    this.keep(this.compose());
  }

  keep(draft) {
    if (!draft) return;
    remember(`draft.${draft.entry}`, draft);
    this.last = draft;
    this.send(draft);
  }

  // Whether the server has all that was entered.
  isKept(kept) {
    return this.changedAt === null && (!this.last || Boolean(kept && kept.at >= this.last.at));
  }

  // What is unsent stays in this tab alone.
  drop() {
    clearTimeout(this.timer);
    this.changedAt = null;
  }

  // The later of what the server kept and what this tab remembers.
  latest(entry, kept) {
    this.last = null;
    const own = remembered(`draft.${entry}`, null);
    if (!own || !kept) return own || kept;
    return own.at > kept.at ? own : kept;
  }

  close() {
    this.flush();
    document.removeEventListener("visibilitychange", this.leaving);
    window.removeEventListener("pagehide", this.closing);
  }
}

// Seconds with the tab in front and some input in the last minute.
class ActiveTime {
  constructor() {
    this.seconds = 0;
    this.inputAt = this.countedAt = performance.now();
    this.stirred = () => { this.inputAt = performance.now(); };
    this.inputs = ["pointermove", "pointerdown", "wheel", "keydown"];
    for (const name of this.inputs) window.addEventListener(name, this.stirred, { capture: true, passive: true });
  }

  get isActive() {
    return document.visibilityState === "visible" && performance.now() - this.inputAt < IDLE_AFTER_MS;
  }

  // Called often; a gap longer than a throttled timer's is sleep, and counts for nothing.
  count() {
    const now = performance.now();
    const passed_s = (now - this.countedAt) / 1000;
    this.countedAt = now;
    if (this.isActive && passed_s < 5) this.seconds += passed_s;
  }

  close() {
    for (const name of this.inputs) window.removeEventListener(name, this.stirred, { capture: true });
  }
}
