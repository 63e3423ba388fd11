// The keyboard. It listens on the whole document, so that it works wherever the focus is, and rests in fields.

const TEXT_INPUTS = new Set(["text", "search", "number", "email", "password", "url", "tel", "date", "time"]);

function isTyping(event) {
  const [origin] = event.composedPath();
  if (!(origin instanceof Element)) return false;
  if (origin.isContentEditable || origin.tagName === "TEXTAREA" || origin.tagName === "SELECT") return true;
  return origin.tagName === "INPUT" && TEXT_INPUTS.has((origin.getAttribute("type") || "text").toLowerCase());
}

// Controls that have keys of their own keep them: arrows move a slider, Enter presses a focused button.
function belongsToControl(event) {
  const [origin] = event.composedPath();
  if (!(origin instanceof Element)) return false;
  if (origin.tagName === "INPUT") return event.key.startsWith("Arrow") || event.key === " ";
  const isPress = event.key === "Enter" || event.key === " ";
  return isPress && (origin.tagName === "BUTTON" || origin.tagName === "A" || origin.getAttribute("role") === "tab");
}

// Call what `actionOf` gives for a key. A function that carries `mayRepeat` is called again while the key is held.
function listenToKeys(actionOf) {
  const listener = (event) => {
    if (event.defaultPrevented || event.isComposing || isTyping(event) || belongsToControl(event)) return;
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Streamlit has keys of its own (R, C), OpenSeadragon too
    if (event.repeat && !action.mayRepeat) return; // a key held down is one entry
    action();
  };
  document.addEventListener("keydown", listener, true);
  return () => document.removeEventListener("keydown", listener, true);
}
