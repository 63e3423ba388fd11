// Probabilities as bars in the colours of the stages, and single facts.

function bars(stages, probabilities, called) {
  const grid = make("div", { class: "fr-bars", role: "list", "aria-label": "Probability of each stage" });
  stages.forEach((stage, at) => {
    const share = probabilities ? probabilities[at] : 0;
    const weight = stage.name === called ? "fr-called" : "";
    const fill = make("i", { style: { width: `${(share * 100).toFixed(1)}%`, background: stage.colour } });
    grid.append(
      make("span", { class: weight, text: stage.name, title: stage.description }),
      make("div", { class: "fr-bar" }, fill),
      make("span", { class: `fr-share ${weight}`, text: probabilities ? share.toFixed(2) : "–" }),
    );
  });
  return grid;
}

function fact(words, value, title) {
  return make("div", { class: "fr-fact", title }, make("span", { class: "fr-muted", text: words }), make("b", { text: value }));
}
