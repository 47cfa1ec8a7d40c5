// A card per method: where it comes from, what it was trained on, and in what it is not the paper's.

function cardsView() {
  return { node: el("div", { class: "cards" }, page.cards.map(card)), update() {} };
}

function card(method) {
  const tags = [...method.tasks, ...method.supervision.map((word) => (word === "no training" ? word : `training: ${word}`))];
  return el("article", { class: "box card", id: `card-${method.name}` },
    el("h2", {}, name_(method.title), method.title !== method.name && el("span", { class: "muted small" }, ` ${method.name}`)),
    el("p", { class: "tags" }, tags.map((tag) => el("span", { class: "badge idle" }, tag))),
    method.about && el("p", {}, method.about),
    method.papers.length > 0 && el("h3", {}, method.papers.length > 1 ? "Papers" : "Paper"),
    method.papers.map((paper) => el("p", {}, paper.link ? el("a", { href: paper.link, rel: "noreferrer" }, name_(paper.title)) : name_(paper.title),
      el("span", { class: "muted" }, el("br"), name_([paper.authors, paper.venue, paper.year].filter(Boolean).join(", "))))),
    method.recipes.length > 0 && [el("h3", {}, "Recipes here"), el("p", {}, method.recipes.map((recipe) => [el("code", {}, recipe), " "]))],
    method.reasons.length > 0 && [el("h3", {}, "Not the paper's"), el("ul", {}, method.reasons.map((reason) => el("li", {}, reason)))],
    method.weights.length > 0 && [el("h3", {}, "Weights"), method.weights.map(weights)],
    method.differences.map((section) => el("details", {}, el("summary", {}, section.heading), blocks(section.blocks))));
}

function weights(file) {
  return el("div", { class: "weights" }, el("p", {}, el("code", {}, file.file)), terms([
    ["made", file.facts.join(" · ")],
    ["licence of the data", file.licence],
    ["SHA-256", file.sha256],
  ].filter(([, text]) => text)));
}

function blocks(list) {
  const found = [];
  let rows = null;
  for (const block of list) {
    if (block.cells) {
      if (!rows) found.push((rows = el("table", { class: "plain" }, el("tbody"))));
      rows.firstChild.append(el("tr", {}, block.cells.map((cell) => el("td", {}, name_(cell)))));
      continue;
    }
    rows = null;
    found.push(el("p", {}, block.item ? "• " : "", name_(block.item || block.text)));
  }
  return found.map((node) => (node.tagName === "TABLE" ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Differences" }, node) : node));
}
