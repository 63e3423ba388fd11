// The order that starts from a patch, nearest first: begun at the patch in sight, said above it, left as one came.

const NEAREST = "nearest";

Object.assign(StripRoom.prototype, {
  orderNearest() {
    const entry = this.current;
    const { order, near } = this.filters.settings;
    if (!entry || near === entry.key) {
      this.filters.draw(); // what the list of orders shows is what is laid
      this.note(entry ? "This order starts from this patch already." : "No patch is in sight to start from.");
      return;
    }
    if (order !== NEAREST) remember(formerOrderOf(this), { order, key: entry.key });
    this.filters.change({ order: NEAREST, near: entry.key }, entry.key);
  },

  // Back to the order before, at the patch that was left there.
  leaveNearest() {
    if (this.filters.settings.order !== NEAREST) {
      this.note("B leads back from the order nearest to a patch. S begins it.");
      return;
    }
    const { order, key } = remembered(formerOrderOf(this), { order: "uncertain", key: this.shownLast });
    this.filters.change({ order, near: undefined }, key);
  },

  // Say what the name of the order cannot say: which patch it starts from, what it is mixed of.
  drawAbout() {
    const { order } = this.filters.settings;
    const isNear = order === NEAREST;
    const words = isNear ? nearWords(this.order.near) : this.filters.aboutOrder(order);
    this.root.classList.toggle("fs-is-told", Boolean(words));
    const line = this.find("order-about");
    line.hidden = !words;
    line.replaceChildren(make("span", { text: words, title: words }));
    if (isNear) line.append(pushButton("Back (B)", "Back to the order before", () => this.leaveNearest()));
  },
});

function formerOrderOf(room) {
  return `strip.former.${room.data.reader}`;
}

function nearWords(near) {
  if (!near) return "The patch that this order starts from is not among the patches here any more.";
  const left = near.n_left_out ? ` · ${near.n_left_out.toLocaleString()} left out, which another model predicted` : "";
  return `Nearest to patch ${near.index} of ${near.name}, as the model sees them${left}`;
}
