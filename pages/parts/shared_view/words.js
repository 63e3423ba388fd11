// Small words of the viewer: DOM without markup, lengths in microns, shares in percent.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function pushButton(words, title, act, further = {}) {
  const button = make("button", { type: "button", text: words, title, ...further });
  button.addEventListener("click", (event) => {
    act(event);
    // A pointer must not leave the focus here: Enter would then repeat this button instead of accepting.
    if (event.detail > 0) button.blur();
  });
  return button;
}

function lengthWords(um) {
  if (um >= 1000) return `${trimmed(um / 1000)} mm`;
  return `${trimmed(um)} µm`;
}

function trimmed(value) {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function percentWords(fraction) {
  if (fraction === null || fraction === undefined) return "–";
  const percent = fraction * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

function roundLength(largestUm) {
  const power = 10 ** Math.floor(Math.log10(largestUm));
  for (const step of [5, 2, 1]) if (step * power <= largestUm) return step * power;
  return power;
}

function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 128 ? "#1e1b4b" : "#ffffff";
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function remembered(name, fallback) {
  try {
    const text = sessionStorage.getItem(`fibroread.${name}`);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(`fibroread.${name}`, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs the memory of a reload, nothing else.
  }
}

function rested(wait_ms, act) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait_ms);
  };
}
