// All images of a set with every row's score: a window of table lines over compact arrays, so that 20,000 scroll.

const LINE = 34;
const AHEAD = 12;

/** @param columns [{title, values: Float32Array}], null for images without scores @param pick called with an image's number */
function imageList(names, columns, kept, pick) {
  const about = "greatest minus smallest score of the methods";
  const all = columns ? [{ key: "spread", title: "spread", about, values: spreads(columns, names.length) }, ...columns] : [];
  const body = el("tbody");
  const table = el("table", { class: "images", "aria-label": "Images and their scores" });
  const scroller = el("div", { class: "imagelist scroll", tabindex: "0", role: "region", "aria-label": "List of images", on: { scroll: () => draw() } }, table);
  let order = new Uint32Array(0);
  let selected = -1;

  function arrange() {
    const words = state.iq.trim().toLowerCase();
    const found = [];
    for (let i = 0; i < names.length; i++) if (!words || names[i].toLowerCase().includes(words)) found.push(i);
    order = Uint32Array.from(found);
    const column = all.find((each) => each.key === state.isort);
    const sign = state.idir === "desc" ? -1 : 1;
    if (column) {
      const value = (i) => (Number.isNaN(column.values[i]) ? -Infinity * sign : column.values[i]);
      order.sort((a, b) => { const [x, y] = [value(a), value(b)]; return x < y ? -sign : x > y ? sign : a - b; });
    } else if (state.isort === "name") {
      order.sort((a, b) => sign * (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : 0));
    }
    table.replaceChildren(head(), body);
    table.setAttribute("aria-rowcount", order.length + 1);
    drawn = "";
    draw();
  }

  function head() {
    const columnsHere = [{ key: "name", title: "image" }, ...all];
    return el("thead", {}, el("tr", {}, columnsHere.map((column) => {
      const active = state.isort === column.key;
      const press = () => {
        const first = column.key === "spread" ? "desc" : "asc";
        if (!active) change({ isort: column.key, idir: first }, true);
        else if (state.idir === first) change({ idir: first === "asc" ? "desc" : "asc" }, true);
        else change({ isort: "", idir: "" }, true);
        scroller.scrollTop = 0;
        arrange();
        const again = [...table.querySelectorAll("th button")].find((button) => button.dataset.key === column.key);
        if (again) again.focus();
      };
      return el("th", { scope: "col", class: column.key === "name" ? "words" : "figure", "aria-sort": active ? (state.idir === "desc" ? "descending" : "ascending") : "none" },
        el("button", { type: "button", "data-key": column.key, title: column.about || "", on: { click: press } }, name_(column.title),
          el("span", { class: "arrow", "aria-hidden": "true" }, active ? (state.idir === "desc" ? "▼" : "▲") : "↕")));
    })));
  }

  let drawn = "";
  function draw() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / LINE) - AHEAD);
    const last = Math.min(order.length, first + Math.ceil((scroller.clientHeight || 400) / LINE) + 2 * AHEAD);
    const mark = `${first}-${last}-${selected}`;
    if (mark === drawn) return;
    drawn = mark;
    const lines = [];
    for (let at = first; at < last; at++) lines.push(line(order[at], at));
    body.replaceChildren(space(first), ...lines, space(order.length - last));
  }

  const space = (count) => el("tr", { "aria-hidden": "true", class: "space", style: { height: `${count * LINE}px` } });

  function line(image, at) {
    const has = kept.has(names[image]);
    return el("tr", { "aria-rowindex": at + 2, class: image === selected ? "chosen" : "", on: { click: () => pick(image) } },
      el("th", { scope: "row", class: "words" },
        el("button", { type: "button", class: "link", "aria-pressed": String(image === selected), title: names[image] },
          has && el("span", { class: "has", title: "pictures can be compared" }, "▣ "), name_(names[image]))),
      all.map((column) => el("td", { class: "figure" }, fixed(column.values[image], column.digits || 2))));
  }

  arrange();
  return {
    node: scroller,
    arrange,
    select(image) { selected = image; draw(); },
    get order() { return order; },
  };
}

/** Greatest minus smallest score of the methods on each image. */
function spreads(columns, count) {
  const methods = columns.filter((column) => !column.baseline);
  const compared = methods.length > 1 ? methods : columns;
  const found = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let [low, high] = [Infinity, -Infinity];
    for (const column of compared) {
      const value = column.values[i];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    found[i] = high >= low ? high - low : NaN;
  }
  return found;
}
