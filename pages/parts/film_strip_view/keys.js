// What each key does in the film strip.

const HELP = [
  ["1 … 7", "stage 0, 1a, 1b, 1c, 2, 3, 4"], ["A or Enter", "accept the call"],
  ["D", "defer"], ["X", "exclude"],
  ["N / P", "next / previous patch"], ["Ctrl+Z", "undo, as a new entry"],
  ["G", "Grad-CAM on the patch"], ["O", "open the slide at this patch"],
  ["S", "nearest to this patch first"], ["B", "back to the order before"],
  ["F", "filters and order"], ["Esc", "back to the patch"],
  ["R", "lay the order anew"], ["?", "this sheet"],
  ["Q", "annotation guide beside the patch"], ["Shift+Q", "pin the patch to the guide (lead)"],
];

function keyAction(event, room) {
  const guideAction = room.pinning.keyAction(event) || (isPinKey(event) ? () => room.pinPatch() : room.guide.keyAction(event));
  if (guideAction) return guideAction;
  if (event.ctrlKey || event.metaKey) {
    return event.key.toLowerCase() === "z" && !event.shiftKey && !event.altKey ? () => room.undo() : null;
  }
  if (event.altKey) return null;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code || "");
  if (digit) {
    const stage = event.shiftKey ? null : room.data.stages[Number(digit[1]) - 1];
    return stage ? () => room.act({ action: "stage", stage: stage.name }, event.timeStamp) : null;
  }
  return letterAction(event, room);
}

function letterAction(event, room) {
  const actions = {
    a: () => room.act({ action: "accept" }, event.timeStamp),
    enter: () => room.act({ action: "accept" }, event.timeStamp),
    d: () => room.act({ action: "defer" }, event.timeStamp),
    x: () => room.act({ action: "exclude" }, event.timeStamp),
    n: () => room.step(1),
    p: () => room.step(-1),
    arrowright: () => room.step(1),
    arrowleft: () => room.step(-1),
    g: () => room.toggleSaliency(),
    o: () => room.openSlide(),
    s: () => room.orderNearest(),
    b: () => room.leaveNearest(),
    f: () => room.filters.order.element.focus(),
    r: () => room.renew(),
    "?": () => room.toggleHelp(),
    escape: () => room.leave(),
  };
  return actions[event.key.toLowerCase()] || null;
}
