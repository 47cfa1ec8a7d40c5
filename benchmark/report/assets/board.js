// The leaderboard: a table for each dataset, split and degradation, one order and one set of selectors for all.

const SMALL_FIRST = new Set(["params", "gmacs", "ms_per_megapixel", "peak_mb"]);
const WORDS = new Set(["label", "convention", "comparable", "device"]);
const smallFirst = (column) => SMALL_FIRST.has(column.name) || column.title.endsWith("↓");

function boardView() {
  const board = page.board;
  const index = Object.fromEntries(board.columns.map((column, at) => [column.name, at]));
  const tables = el("div", { class: "tables" });
  const told = el("p", { class: "muted count" });
  const controls = el("div", { class: "controls" });

  const hidden = () => new Set(state.hide.split(",").filter(Boolean));
  const boxes = board.columns
    .filter((column, at) => column.name !== "label" && board.sections.some((section) => section.rows.some((row) => row.texts[at])))
    .map((column) => {
      const press = () => {
        const out = hidden();
        if (box.checked) out.delete(column.name);
        else out.add(column.name);
        change({ hide: [...out].join(",") });
      };
      const box = el("input", { type: "checkbox", value: column.name, on: { change: press } });
      return el("label", { title: column.about }, box, column.title);
    });
  const columns = el("details", { class: "columns" }, el("summary", {}, "Columns"),
    el("fieldset", {}, el("legend", { class: "unseen" }, "Columns that are shown"), boxes));

  function options(key, all) {
    const found = new Set(Object.values(board.records).map((record) => record[key]).filter(Boolean));
    return [["", all], ...[...found].sort().map((value) => [value, value])];
  }

  function addControls() {
    const set = (key) => (value) => change({ [key]: value });
    controls.replaceChildren(
      choice("Dataset", [["", "all"], ...board.sections.map((section) => [section.title, section.title])], state.dataset, set("dataset")),
      choice("Task", options("task", "all"), state.task, set("task")),
      choice("Convention", [["", "each set's own"], ["*", "all"], ...Object.keys(board.conventions).sort().map((name) => [name, name])], state.conv, set("conv")),
      choice("Supervision", options("supervision", "all"), state.sup, set("sup")),
      choice("Rows", [["", "all"], ["comparable", "comparable with the paper"], ["published", "with a published figure"], ["methods", "without baselines"], ["missing", "failed or skipped"]], state.show, set("show")),
      search("Filter", state.q, (text) => { state.q = text; change({ q: text }, true); fill(); }),
      el("button", { type: "button", class: "plain-button", on: { click: () => change({ dataset: "", task: "", conv: "", sup: "", show: "", q: "", sort: "", dir: "", hide: "" }) } }, "Reset"));
    const out = hidden();
    for (const box of columns.querySelectorAll("input")) box.checked = !out.has(box.value);
  }

  function wanted(row) {
    const record = board.records[row.record];
    if (state.task && record.task !== state.task) return false;
    if (state.sup && record.supervision !== state.sup) return false;
    if (row.convention && state.conv !== "*" && (state.conv ? row.convention !== state.conv : !row.first && row.values[index.delta_psnr] === null)) return false;
    if (state.show === "comparable" && row.texts[index.comparable] !== "yes") return false;
    if (state.show === "published" && row.values[index.published_psnr] === null) return false;
    if (state.show === "methods" && record.baseline) return false;
    if (state.show === "missing" && record.status === "done") return false;
    const words = state.q.trim().toLowerCase();
    return !words || [...row.texts, record.remark, row.source, row.record].join(" ").toLowerCase().includes(words);
  }

  function sorted(rows) {
    const at = index[state.sort];
    if (at === undefined) return rows;
    const sign = state.dir === "desc" ? -1 : 1;
    const key = (row) => number(WORDS.has(state.sort) ? row.texts[at].toLowerCase() : row.values[at]);
    return [...rows].sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      const empty = (value) => value === null || value === "";
      if (empty(a) || empty(b)) return empty(a) - empty(b);
      return a < b ? -sign : a > b ? sign : 0;
    });
  }

  function fill() {
    let count = 0;
    const sections = board.sections.filter((section) => !state.dataset || section.title === state.dataset);
    const shown = sections.map((section) => [section, sorted(section.rows.filter(wanted))]).filter(([, rows]) => rows.length);
    for (const [, rows] of shown) count += rows.length;
    tables.replaceChildren(...shown.map(([section, rows]) => sectionTable(section, rows)));
    if (!shown.length) tables.append(el("p", { class: "notice" }, "No row fits these selectors."));
    told.textContent = `${counted(count, "row")} of ${counted(shown.length, "set")} of images`;
    announce(told.textContent);
  }

  function sectionTable(section, rows) {
    const conventions = [...new Set(rows.map((row) => row.convention).filter(Boolean))];
    const out = hidden();
    const used = board.columns.filter((column) => !out.has(column.name)).filter((column) =>
      column.name === "label" || (column.name === "comparable" && rows.some((row) => row.psnr)) || (column.name === "convention" ? conventions.length > 1 : rows.some((row) => row.texts[index[column.name]] && board.records[row.record].status === "done")));
    const finite = rows.flatMap((row) => (row.psnr || []).map(number)).filter(Number.isFinite);
    const range = finite.length && !out.has("psnr") ? [Math.min(...finite), Math.max(...finite)] : null;
    const id = fresh("set");
    const head = el("tr", {}, used.flatMap((column) => [heading(column), column.name === "psnr" && range ? el("td", { class: "forest", "aria-hidden": "true" }) : null]));
    const body = rows.map((row) => line(row, used, range));
    const table = el("table", { class: "board", "aria-labelledby": id }, el("thead", {}, head), el("tbody", {}, body));
    return el("section", { class: "set" },
      el("div", { class: "set-head" }, el("h2", { id }, name_(section.title)),
        conventions.length === 1 && el("span", { class: "muted" }, "convention ", el("code", {}, conventions[0]))),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": id }, table));
  }

  function heading(column) {
    const active = state.sort === column.name;
    const order = active ? (state.dir === "desc" ? "descending" : "ascending") : "none";
    const unit = column.unit && column.unit.length < 4 ? el("span", { class: "unit" }, ` ${column.unit}`) : null;
    const press = () => {
      const first = WORDS.has(column.name) || smallFirst(column) ? "asc" : "desc";
      const second = first === "asc" ? "desc" : "asc";
      if (!active) change({ sort: column.name, dir: first });
      else if (state.dir === first) change({ dir: second });
      else change({ sort: "", dir: "" });
      const again = document.querySelector(`th[data-column="${column.name}"] button`);
      if (again) again.focus();
    };
    return el("th", { scope: "col", "aria-sort": order, "data-column": column.name, class: WORDS.has(column.name) ? "words" : "figure" },
      el("button", { type: "button", title: column.about, on: { click: press } }, column.title, unit,
        el("span", { class: "arrow", "aria-hidden": "true" }, active ? (order === "ascending" ? "▲" : "▼") : "↕")));
  }

  function line(row, used, range) {
    const record = board.records[row.record];
    const open = () => showProvenance(row);
    const label = el("th", { scope: "row", class: "label" },
      el("button", { type: "button", class: "link", title: "Where these figures come from", on: { click: open } }, name_(record.label)),
      !record.here && el("span", { class: "sub" }, "record not in this folder"),
      row.reasons.length > 0 && el("span", { class: "sub narrow" }, row.reasons.join("; ")));
    if (record.status !== "done") {
      const span = used.length - 1 + (range ? 1 : 0);
      return el("tr", { class: record.status, "data-record": row.record }, label,
        el("td", { colspan: Math.max(span, 1), class: "why" }, statusBadge(record.status), " ", name_(record.remark)));
    }
    return el("tr", { class: row.best ? "best" : "", "data-record": row.record }, used.flatMap((column) => {
      if (column.name === "label") return [label];
      const text = row.texts[index[column.name]];
      const cell = figureCell(column, text, row, open);
      return column.name === "psnr" && range ? [cell, el("td", { class: "forest", "aria-hidden": "true" }, forest(row.psnr, range))] : [cell];
    }));
  }

  function figureCell(column, text, row, open) {
    if (column.name === "comparable") return el("td", { class: "words why" }, verdict(text, row));
    if (WORDS.has(column.name)) return el("td", { class: "words" }, name_(text));
    const [mean, ...rest] = text.split(" [");
    const ends = rest.length ? el("span", { class: "ends" }, `[${rest.join(" [")}`) : null;
    const bare = ends || !mean.includes(" (") ? mean : [mean.split(" (")[0], el("span", { class: "ends" }, `(${mean.split(" (")[1]}`)];
    return el("td", { class: `figure ${text ? "source" : ""} c-${column.name}`, on: text ? { click: open } : {} }, bare, ends);
  }

  function verdict(text, row) {
    if (text === "yes") return [el("span", { class: "dot good", "aria-hidden": "true" }), "comparable"];
    if (!text) return el("span", { class: "muted" }, "no published figure");
    return [el("span", { class: "dot warn", "aria-hidden": "true" }), name_(row.reasons.join("; ") || text)];
  }

  addControls();
  fill();
  return {
    node: el("div", {}, reading(), controls, columns, told, tables),
    update() { addControls(); fill(); },
  };
}

/** Mean and interval on the section's scale. */
function forest(ends, [low, high]) {
  if (!ends) return null;
  const [mean, from, to] = ends.map(number);
  const place = (value) => (4 + (112 * (value - low)) / (high - low || 1)).toFixed(1);
  if (!Number.isFinite(mean)) return null;
  return svg("svg", { width: 120, height: 18, viewBox: "0 0 120 18" },
    svg("line", { x1: 4, x2: 116, y1: 9, y2: 9, class: "rail" }),
    from !== null && svg("line", { x1: place(from), x2: place(to), y1: 9, y2: 9, class: "whisker" }),
    svg("circle", { cx: place(mean), cy: 9, r: 3.5, class: "mean" }));
}

function reading() {
  return el("details", { class: "reading" }, el("summary", {}, "How to read this table"),
    el("p", {}, "PSNR is in dB; in brackets are 95 % intervals, clustered by scene. “Minus best” is the paired difference to the best row on the same images. “Difference” is ours minus the paper's; where it is empty, the last words of the row say why. GMAC are 10⁹ multiply-accumulates for 256×256 pixels, ms/MP wall time per 10⁶ pixels, MB the peak memory."),
    el("p", {}, "A row's name, and each of its figures, opens the record that it comes from and the command that makes it again. The address of the page keeps what is shown."));
}
