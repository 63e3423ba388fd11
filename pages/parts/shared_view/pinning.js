// Pinning a patch to the annotation guide: the question of which stage it shows, the entry, its receipt, the way back.

class Pinning {
  // `acts`: note(words), done(deed) once an entry is made, left() when the question closes.
  constructor(element, outbox, { stages, may_pin: mayPin }, acts) {
    Object.assign(this, { element, outbox, stages, mayPin, acts, awaited: new Map() });
  }

  // Ask which stage a patch shows. Args: patch: slide, run, index; likely: the stage that Enter takes.
  ask(patch, likely) {
    if (!this.mayPin) {
      this.acts.note("Only a study lead pins examples to the guide.");
      return;
    }
    this.patch = patch;
    this.buttons = this.stages.map((stage, at) => {
      const button = pushButton("", `${stage.name}: ${stage.description} (key ${at + 1})`, () => this.pin(stage.name), {
        style: { background: stage.colour, color: inkOn(stage.colour) }, "aria-label": `Stage ${stage.name}`,
      });
      button.append(stage.name, make("small", { text: `key ${at + 1}` }));
      button.setAttribute("aria-pressed", String(stage.name === likely));
      return button;
    });
    this.element.replaceChildren(
      make("p", {}, make("b", { text: `Pin patch ${patch.index} to the guide, as an example of which stage?` })),
      make("div", { class: "fr-stages" }, ...this.buttons),
      make("p", { class: "fr-muted", text: likely ? `Enter takes ${likely}. Esc leaves everything as it is.` : "Esc leaves everything as it is." }),
    );
    this.element.hidden = false;
    const first = this.buttons[this.stages.findIndex((stage) => stage.name === likely)] || this.element;
    first.focus({ preventScroll: true });
  }

  get isAsking() {
    return !this.element.hidden;
  }

  close() {
    this.element.hidden = true;
    this.acts.left();
  }

  pin(stage) {
    const { slide, run, index } = this.patch;
    const eid = this.outbox.put({ action: "guide-pin", slide, patch: "guide", run, index, stage });
    this.awaited.set(eid, `Patch ${index} is pinned as an example of stage ${stage}; the guide's next version shows it. Ctrl+Z takes it back.`);
    this.acts.done({ pinned: eid, slide, run, index });
    this.close();
  }

  takeBack({ pinned, slide, index }) {
    const eid = this.outbox.put({ action: "guide-unpin", slide, patch: "guide", run: null, undoes: pinned });
    this.awaited.set(eid, `Taken back: patch ${index} is no example any more.`);
  }

  // Say what the store has answered; a refusal is said by the room. Gives the pins that were refused.
  settle(refused) {
    const waiting = new Set(this.outbox.events.map((event) => event.eid));
    const names = new Set(refused.map((receipt) => receipt.eid));
    for (const [eid, words] of this.awaited) {
      if (waiting.has(eid)) continue;
      this.awaited.delete(eid);
      if (!names.has(eid)) this.acts.note(words);
    }
    return names;
  }

  // While it asks, every key is its own but Tab and those of the browser.
  keyAction(event) {
    if (!this.isAsking) return null;
    if (event.key === "Escape") return () => this.close();
    const isOfBrowser = (event.ctrlKey || event.metaKey || event.altKey) && event.key.toLowerCase() !== "z";
    if (isOfBrowser || event.key === "Tab") return null;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code || "");
    const stage = digit && !event.shiftKey ? this.stages[Number(digit[1]) - 1] : null;
    if (stage) return () => this.pin(stage.name);
    const chosen = this.buttons.find((button) => button.getAttribute("aria-pressed") === "true");
    return () => { if (event.key === "Enter" && chosen) chosen.click(); };
  }
}

// The stage that a patch most likely shows: as this reader read it, else its call.
function likelyStage(read, call) {
  const isStaged = isRead(read) && !["deferred", "excluded"].includes(read.disposition);
  return (isStaged && read.stage) || call;
}

function isPinKey(event) {
  return event.key.toLowerCase() === "q" && event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
}
