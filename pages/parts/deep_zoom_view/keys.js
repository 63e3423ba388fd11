// What each key does in the viewer.

const PAN_STEP = 0.12;

function keyAction(event, room) {
  if (!room.study && belongsToPopover(event)) return null;
  const guideAction = guideKeyAction(event, room);
  if (guideAction) return guideAction;
  if (room.study) return studyKeyAction(event, room);
  const regionAction = room.drawing ? regionKeyAction(event, room) : null;
  if (regionAction) return regionAction;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code || "");
  if (event.ctrlKey || event.metaKey) {
    return event.key.toLowerCase() === "z" && !event.shiftKey && !event.altKey ? () => room.act({ action: "undo" }) : null;
  }
  if (event.altKey) return null;
  if (room.data.look_only) return lookAction(event, digit, room);
  if (digit) return digitAction(Number(digit[1]), event.shiftKey, room);
  return letterAction(event, room) || moveAction(event, room);
}

// What the page opens over the viewer keeps its keys while the focus is in it, and Escape as long as it is open.
function belongsToPopover(event) {
  const body = document.querySelector('[data-testid="stPopoverBody"]');
  return body !== null && (event.key === "Escape" || event.composedPath().includes(body));
}

// Regions first: a tool in hand, a question, and what is chosen while the keys act on regions.
function regionKeyAction(event, room) {
  const isAsking = room.regionPanel.isAsking;
  if (isAsking && event.key === "Escape") return () => room.regionPanel.dismiss();
  if (isAsking) return event.key === "Tab" || event.ctrlKey || event.metaKey ? null : () => {};
  if (event.key === "Delete" && room.target === "region") return () => room.removeRegions();
  return room.furniture.help.hidden || event.key !== "Escape" ? room.drawing.keyAction(event) : null;
}

// The guide is the same in every reading; a question about regions keeps its keys.
function guideKeyAction(event, room) {
  if (room.regionPanel && room.regionPanel.isAsking) return null;
  const answer = room.pinning.keyAction(event);
  if (answer) return answer;
  return isPinKey(event) ? () => room.pinPatch() : room.guide.keyAction(event);
}

// Where nothing is graded the keys of grading belong to the page.
function lookAction(event, digit, room) {
  if (digit) return event.shiftKey ? digitAction(Number(digit[1]), true, room) : null;
  const looks = new Set(["r", "f", "?", "escape"]);
  return moveAction(event, room) || (looks.has(event.key.toLowerCase()) ? letterAction(event, room) : null);
}

function digitAction(digit, isShifted, room) {
  if (isShifted) return digit <= MAGNIFICATIONS.length ? () => room.furniture.magnify(MAGNIFICATIONS[digit - 1]) : null;
  const stage = room.data.stages[digit - 1];
  return stage ? () => room.act({ action: "stage", stage: stage.name }) : null;
}

function letterAction(event, room) {
  const actions = {
    a: () => room.act({ action: "accept" }),
    enter: () => room.act({ action: "accept" }),
    d: () => room.act({ action: "defer" }),
    x: () => room.act({ action: "exclude" }),
    b: () => room.bringBack(),
    c: () => room.blinkVersions(event.shiftKey),
    n: () => room.step(1),
    p: () => room.step(-1),
    h: () => room.layers.toggle("stage"),
    g: () => (event.shiftKey ? room.layers.toggle("saliency") : room.aboutPatch.showSaliency(!room.aboutPatch.isSaliencyOn)),
    s: () => room.setTarget(room.target === "patch" ? "slide" : "patch"),
    r: () => room.scene.rotateBy(event.shiftKey ? -90 : 90),
    f: () => room.scene.fit(),
    "?": () => room.furniture.toggleHelp(),
    escape: () => room.leaveOverlay(),
  };
  return actions[event.key.toLowerCase()] || null;
}

function moveAction(event, room) {
  const moves = {
    "+": () => room.scene.zoomBy(1.5),
    "=": () => room.scene.zoomBy(1.5),
    "-": () => room.scene.zoomBy(1 / 1.5),
    "_": () => room.scene.zoomBy(1 / 1.5),
    ArrowLeft: () => room.scene.panBy(-PAN_STEP, 0),
    ArrowRight: () => room.scene.panBy(PAN_STEP, 0),
    ArrowUp: () => room.scene.panBy(0, -PAN_STEP),
    ArrowDown: () => room.scene.panBy(0, PAN_STEP),
  };
  const move = moves[event.key];
  return move ? Object.assign(() => move(), { mayRepeat: true }) : null;
}
