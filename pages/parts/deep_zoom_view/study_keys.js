// The keys of a reader in a study. Whatever moves the view is as everywhere; the rest is the study's own.

const CONFIDENCE_KEYS = { u: 1, i: 2, o: 3 };
const VIEW_LETTERS = new Set(["r", "f", "?"]);
const RUN_LETTERS = new Set(["h", "g", "s"]);
const STUDY_HELP = [
  ["1, 2, 3 …", "choose the stage"], ["U / I / O", "unsure / fairly sure / sure"],
  ["T", "write a comment; Enter leaves it"], ["Enter", "show what will be signed; again: sign"],
  ["Esc", "one step back"], ["Ctrl+Z", "undo, until it is signed"],
  ["D", "defer this slide"], ["N", "next slide, once this one is signed"],
  ["A", "accept the call, once it is shown"], ["W", "say why the final read differs"],
  ["E", "amend a signed read"], ["L", "back to the worklist"],
  ["C", "tissue not yet seen at 10x"], ["H", "stage heatmap, once it is shown"],
  ["G / Shift+G", "Grad-CAM on the patch / the slide"], ["S", "about the patch / the slide"],
  ["Shift+1 … 5", "2.5, 5, 10, 20, 40x"], ["+ / −", "zoom"],
  ["Arrows", "pan"], ["F", "fit the slide"],
  ["R", "rotate by 90°"], ["Q", "annotation guide beside the slide"],
  ["?", "this sheet"],
];

function studyKeyAction(event, room) {
  const { study } = room;
  const key = event.key.toLowerCase();
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code || "");
  if (event.ctrlKey || event.metaKey) return key === "z" && !event.shiftKey && !event.altKey ? () => study.undo() : null;
  if (event.altKey) return null;
  if (digit && event.shiftKey) return digitAction(Number(digit[1]), true, room);
  if (digit) return () => (study.sheet === "why" ? study.chooseReason(Number(digit[1])) : study.stage(Number(digit[1])));
  if (key in CONFIDENCE_KEYS) return () => study.confide(CONFIDENCE_KEYS[key]);
  if (VIEW_LETTERS.has(key)) return letterAction(event, room);
  if (RUN_LETTERS.has(key)) return room.run ? letterAction(event, room) : () => study.sayHidden();
  return studyLetterAction(key, study) || moveAction(event, room);
}

function studyLetterAction(key, study) {
  const actions = {
    enter: () => (study.sheet ? study.goOn() : study.ask()),
    escape: () => study.back(),
    a: () => study.accept(),
    c: () => study.coverage.toggle(),
    d: () => study.defer(),
    e: () => study.amend(),
    l: () => study.leave("worklist"),
    n: () => study.next(),
    t: () => study.panel.focusWords(),
    w: () => study.why(),
  };
  return actions[key] || null;
}
