// Reads on their way to the store: each waits here, and in sessionStorage, until its own receipt has come.

const SEND_AGAIN_MS = 4000;

class Outbox {
  constructor(reader, send, onChange) {
    this.reader = reader;
    this.send = send;
    this.onChange = onChange;
    const kept = remembered(`outbox.${reader}`, { n: 0, events: [] });
    this.n = kept.n;
    this.events = kept.events;
    this.beat = 0;
    this.timer = setInterval(() => {
      if (this.events.length && Date.now() - this.sentAt > SEND_AGAIN_MS) this.flush();
    }, SEND_AGAIN_MS);
    this.sentAt = 0;
  }

  // Send an event for good; give the name that its receipt will bear.
  put(event) {
    this.n += 1;
    const eid = newId();
    this.events.push({ n: this.n, eid, reader: this.reader, ...event });
    this.keep();
    this.flush();
    return eid;
  }

  flush() {
    this.sentAt = Date.now();
    this.beat += 1;
    this.send({ beat: this.beat, events: this.events.map((event) => ({ ...event })) });
  }

  // Take away what the store has answered; give the answers that were refusals.
  settle(receipts) {
    const answered = new Map(receipts.map((receipt) => [receipt.eid, receipt]));
    const refused = this.events.map((event) => answered.get(event.eid)).filter((receipt) => receipt && receipt.refused);
    const left = this.events.filter((event) => !answered.has(event.eid));
    const nSettled = this.events.length - left.length;
    if (nSettled) {
      this.events = left;
      this.keep();
    }
    return { nSettled, refused };
  }

  keep() {
    remember(`outbox.${this.reader}`, { n: this.n, events: this.events });
    this.onChange();
  }

  close() {
    clearInterval(this.timer);
  }
}
