// The comparator: degraded, restored and clean side by side, a slider between two, maps of the error.

const NOISY = "noisy";
const CLEAN = "clean";
const GAINS = ["1", "2", "4", "8", "16"];
const HEAT = ["#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4"];

function imagesView() {
  const node = el("div", { class: "images-view" });
  let shown = "";
  let current = null;

  async function update() {
    const set = page.sets[state.set];
    if (!set) {
      node.replaceChildren(el("p", { class: "notice" }, "There are no per-image scores in this folder: no cell has finished here."));
      return;
    }
    const mark = `${state.set}|${state.iconv}`;
    if (mark === shown && current) return current.update();
    shown = mark;
    try {
      const parts = [part(`set${state.set}`), part(`set${state.set}-c${conventionOf(set, state.iconv)}`), set.pictures ? part(`set${state.set}-pictures`) : []];
      const [about, scores, pictures] = await Promise.all(parts);
      if (mark !== shown) return;
      current = setView(set, about, scores, pictures);
      node.replaceChildren(current.node);
      current.update();
    } catch (error) {
      node.replaceChildren(el("p", { class: "notice" }, error.message));
    }
  }

  update();
  return { node, update };
}

const conventionOf = (set, text) => (Number(text) < set.conventions.length ? Number(text) : 0);

function setView(set, about, scores, pictures) {
  const byName = new Map(pictures.map((picture) => [picture.name, picture]));
  const columns = set.records.map((id, at) => {
    const record = page.board.records[id];
    return { key: id, title: record ? record.label : id, about: id, baseline: record && record.baseline, values: floats(scores.psnr[at]) };
  });
  const stage = el("div", { class: "stage" });
  const list = imageList(about.names, set.plain ? null : columns, byName, (image) => change({ img: about.names[image], x: "0.5", y: "0.5", z: "1" }));
  const controls = el("div", { class: "controls" },
    choice("Images", page.sets.map((each, at) => [String(at), each.title]), state.set, (value) => change({ set: value, img: "", rows: "", a: "", b: "", iconv: "0", x: "0.5", y: "0.5", z: "1", isort: "", iq: "" })),
    !set.plain && choice("Convention", set.conventions.map((name, at) => [String(at), name]), String(conventionOf(set, state.iconv)), (value) => change({ iconv: value })),
    search("Filter images", state.iq, (text) => { change({ iq: text }, true); list.arrange(); }));
  let before = null;
  let comparator = null;

  function update() {
    const name = state.img || (pictures.find((picture) => picture.tags.length) || pictures[0] || { name: about.names[0] }).name;
    const wanted = [name, state.mode, state.rows, state.a, state.b, state.gain].join("\n");
    list.select(about.names.indexOf(name));
    if (wanted === before) return;
    before = wanted;
    if (comparator) comparator.stop();
    comparator = byName.has(name) ? comparatorOf(byName.get(name), columns, about.names.indexOf(name), set) : null;
    stage.replaceChildren(comparator ? comparator.node : nothing(set, name, columns, about.names.indexOf(name)));
    if (comparator) comparator.show();
  }

  const intro = el("p", { class: "muted small" }, set.plain ? `${counted(about.names.length, "picture")}. ` : `${counted(about.names.length, "image")} of ${counted(set.scenes, "scene")}, PSNR in dB. `,
    pictures.length && !set.plain ? `${pictures.length} can be looked at (▣). ` : "", set.missing);
  return { node: el("div", {}, controls, intro, pictures.length ? suggestions(pictures) : null, el("div", { class: "two" }, list.node, stage)), update };
}

/** Buttons for the images that were chosen for a reason. */
function suggestions(pictures) {
  const tagged = pictures.filter((picture) => picture.tags.length);
  if (!tagged.length) return null;
  const reasons = [...new Set(tagged.flatMap((picture) => picture.tags))];
  return el("div", { class: "chips", role: "group", "aria-label": "Images worth a look" }, reasons.map((reason) => [
    el("span", { class: "muted" }, `${reason}:`),
    tagged.filter((picture) => picture.tags.includes(reason)).slice(0, 4).map((picture) =>
      el("button", { type: "button", class: "chip", title: picture.name, on: { click: () => change({ img: picture.name, x: "0.5", y: "0.5", z: "1" }) } }, name_(picture.name)))]));
}

function nothing(set, name, columns, at) {
  return el("div", {}, el("p", { class: "notice" }, set.pictures ? "This image is not among those that were put beside the page: write it again with a larger --images N." : set.missing),
    at >= 0 && plainTable(`PSNR of ${name}`, ["row", "PSNR"], columns.map((column) => [column.title, fixed(column.values[at], 2)])));
}

/** The comparator of one image. `columns` and `at` give its score; without them there is none (own photographs). */
function comparatorOf(picture, columns, at, set) {
  const size = { w: picture.w, h: picture.h };
  const titles = new Map(columns.map((column) => [column.key, column.title]));
  titles.set(NOISY, set.degraded || "degraded").set(CLEAN, "clean");
  const address = (key) => (key === NOISY ? picture.degraded : key === CLEAN ? picture.clean : picture.files[key]);
  const restored = columns.filter((column) => picture.files[column.key]).map((column) => column.key);
  const every = [NOISY, ...restored, CLEAN].filter((key) => address(key));
  const errors = new Map(Object.entries(picture.sse).map(([key, text]) => [key, counts(text)]));
  if (picture.noisy_sse) errors.set(NOISY, counts(picture.noisy_sse));
  const reference = picture.clean ? CLEAN : NOISY;

  let rows = state.rows ? state.rows.split(" ").filter((key) => address(key)) : preferred();
  if (!rows.length) rows = preferred();
  const [a, b] = [address(state.a) ? state.a : rows.find((key) => key !== CLEAN) || every[0], address(state.b) ? state.b : rows[rows.length - 1]];
  const outputs = new Map();
  const view = viewport(size, moved);
  const table = el("div");

  /** Degraded, the four best of the methods here (of all rows, where there are fewer than two), clean. */
  function preferred() {
    const scored = restored.filter((key) => !columns.find((column) => column.key === key).baseline);
    const score = (key) => columns.find((column) => column.key === key).values[at] ?? 0;
    const best = (scored.length > 1 ? scored : [...restored]).sort((one, other) => score(other) - score(one)).slice(0, 4);
    return [NOISY, ...best, CLEAN].filter((key) => address(key));
  }

  const img = (key, kind) => el("img", { src: address(key), alt: "", draggable: "false", class: kind || "" });
  const boxes = () => el("div", { class: "layer boxes", "aria-hidden": "true", style: { width: `${size.w}px`, height: `${size.h}px` } },
    picture.crops.map((crop) => el("i", { style: { left: `${crop.x}px`, top: `${crop.y}px`, width: `${crop.side}px`, height: `${crop.side}px` } })));
  const layer = (child, kind) => el("div", { class: `layer ${kind || ""}` }, child);

  function tile(key, isMap) {
    const label = titles.get(key) || key;
    const layers = isMap ? [el("div", { class: "heat" }, layer(img(key)), layer(img(reference), "minus"))] : [layer(img(key)), boxes()];
    const output = el("span", { class: "here" });
    outputs.set(key, output);
    return el("figure", { class: "tile", "data-row": key }, view.port(isMap ? `${label}, error map` : label, layers),
      el("figcaption", {}, name_(label, { class: "tile-name", title: label }), output));
  }

  function tiles(isMap) {
    const keys = isMap ? rows.filter((key) => key !== reference) : rows;
    return el("div", { class: "tiles", style: { "--columns": String(Math.min(3, keys.length)) } }, keys.map((key) => tile(key, isMap)));
  }

  function slider() {
    const line = el("div", { class: "cut" }, el("div", { class: "handle", "aria-hidden": "true" }, "⇔"));
    const above = el("div", { class: "above" }, layer(img(b)));
    const port = view.port(`${titles.get(a)} and ${titles.get(b)}`, [layer(img(a)), above, line]);
    const range = el("input", { type: "range", min: "0", max: "100", step: "0.5", value: state.cut, "aria-label": `Slider between ${titles.get(a)} and ${titles.get(b)}` });
    const cut = (value) => {
      range.value = value;
      port.style.setProperty("--cut", `${range.value}%`);
      change({ cut: range.value }, true);
    };
    range.addEventListener("input", () => cut(range.value));
    const handle = line.firstChild;
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const at = port.getBoundingClientRect();
      cut((100 * (event.clientX - at.left)) / at.width);
    });
    cut(state.cut);
    for (const key of [a, b]) outputs.set(key, el("span", { class: "here" }));
    const options = every.map((key) => [key, titles.get(key)]);
    return el("div", { class: "slider" }, port, range, el("div", { class: "controls" },
      choice("Left", options, a, (value) => change({ a: value })), outputs.get(a),
      choice("Right", options, b, (value) => change({ b: value })), outputs.get(b)));
  }

  /** PSNR of a rectangle, out of whole blocks; null where nothing was counted. */
  function psnr(key, area) {
    const sums = errors.get(key);
    if (!sums) return null;
    const side = picture.block;
    const across = Math.ceil(size.w / side);
    const [left, top] = [Math.max(0, Math.floor(area.x / side + 1e-6)), Math.max(0, Math.floor(area.y / side + 1e-6))];
    const right = Math.min(across, Math.max(left + 1, Math.ceil((area.x + area.w) / side - 1e-6)));
    const bottom = Math.min(Math.ceil(size.h / side), Math.max(top + 1, Math.ceil((area.y + area.h) / side - 1e-6)));
    let sum = 0;
    for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) sum += sums[row * across + column];
    const pixels = (Math.min(size.w, right * side) - left * side) * (Math.min(size.h, bottom * side) - top * side);
    return 10 * Math.log10((255 * 255 * pixels * picture.channels) / sum);
  }

  function moved(area) {
    for (const [key, output] of outputs) {
      const value = psnr(key, area);
      output.textContent = value === null ? "" : `${fixed(value, 2)} dB${area.whole ? "" : " here"}`;
    }
  }

  function cropTable() {
    const keys = every.filter((key) => errors.has(key));
    if (!keys.length) return null;
    const areas = picture.crops.map((crop) => ({ x: crop.x, y: crop.y, w: crop.side, h: crop.side }));
    const heads = ["PSNR in dB, 8-bit levels", "whole image", ...picture.crops.map((_, i) => `crop ${i + 1}`)];
    const figures = keys.map((key) => [{ x: 0, y: 0, w: size.w, h: size.h }, ...areas].map((area) => psnr(key, area)));
    return el("details", { open: true, class: "crops" }, el("summary", {}, "PSNR of the proposed crops"),
      plainTable(`Crops of ${picture.name}, in whole blocks of ${picture.block} pixels`, heads, keys.map((key, i) => [titles.get(key), ...figures[i].map((value) => fixed(value, 2))])));
  }

  function legend() {
    const most = Math.round(255 / Number(state.gain));
    return el("div", { class: "legend" },
      el("span", {}, "0"), el("span", { class: "ramp", style: { background: `linear-gradient(90deg, ${HEAT.join(", ")})` } }), el("span", {}, `${most} or more`),
      el("span", { class: "muted" }, `mean over colours of |image − ${titles.get(reference)}|, in levels of 0 to 255`),
      choice("Scale", GAINS.map((gain) => [gain, `0 to ${Math.round(255 / Number(gain))}`]), state.gain, (value) => change({ gain: value })));
  }

  function picker() {
    return el("details", { class: "picker" }, el("summary", {}, `Rows shown (${rows.length} of ${every.length})`),
      el("fieldset", {}, el("legend", { class: "unseen" }, "Rows shown"), every.map((key) => {
        const box = el("input", { type: "checkbox", checked: rows.includes(key) });
        box.addEventListener("change", () => {
          const next = every.filter((other) => (other === key ? box.checked : rows.includes(other)));
          change({ rows: next.join(" ") });
          const open = document.querySelector(".picker");
          if (open) open.open = true;
        });
        return el("label", { class: "check" }, box, " ", name_(titles.get(key)));
      })));
  }

  function outlines() {
    const button = el("button", { type: "button", class: "chip", "aria-pressed": String(state.boxes === "1") }, "outlines");
    button.addEventListener("click", () => {
      change({ boxes: state.boxes === "1" ? "0" : "1" }, true);
      button.setAttribute("aria-pressed", String(state.boxes === "1"));
      node.classList.toggle("bare", state.boxes !== "1");
    });
    return button;
  }

  const hasMap = Boolean(address(reference)) && every.length > 1;
  const modes = [["tiles", "Side by side"], ["slider", "Slider"], ...(hasMap ? [["map", "Error map"]] : [])];
  const mode = modes.some(([key]) => key === state.mode) && every.length > 1 ? state.mode : "tiles";
  const icon = (text, label, act) => el("button", { type: "button", class: "icon", "aria-label": label, title: label, on: { click: act } }, text);
  const bar = el("div", { class: "bar" },
    segments("How to compare", modes, mode, (value) => change({ mode: value })),
    el("div", { class: "zooms", role: "group", "aria-label": "Zoom" },
      icon("−", "Zoom out", () => view.zoom(1 / 1.5)), icon("+", "Zoom in", () => view.zoom(1.5)), icon("⤢", "Whole image", view.whole)),
    el("div", { class: "chips", role: "group", "aria-label": "Proposed crops" }, picture.crops.map((crop, i) =>
      el("button", { type: "button", class: "chip", title: `${crop.why}, at ${crop.x}, ${crop.y}`, on: { click: () => view.frame(crop) } }, `crop ${i + 1}`)),
      picture.crops.length > 0 && mode === "tiles" && outlines()));
  if (mode === "map") setHeat(Number(state.gain));
  const content = mode === "slider" ? slider() : tiles(mode === "map");
  const node = el("div", { class: `comparator${state.boxes === "1" ? "" : " bare"}` },
    el("h2", {}, name_(picture.name)), el("p", { class: "muted" }, `${picture.w} × ${picture.h} pixels`, picture.tags.length ? ` · ${picture.tags.join(", ")}` : ""),
    bar, mode === "map" && legend(), content, picker(), cropTable(), table,
    el("p", { class: "muted hint" }, "Drag to move, wheel or pinch to zoom, double-click to magnify; with the keyboard arrows, + − and 0.", errors.size > 0 && " “Here” is the PSNR of what is visible, in whole blocks."));
  return { node, show: view.show, stop: view.stop };
}

/** The filter that turns a difference into colours; its first matrix is mean and gain. */
function setHeat(gain) {
  const old = document.getElementById("heat-defs");
  if (old) old.remove();
  const share = (gain / 3).toFixed(5);
  const row = `${share} ${share} ${share} 0 0 `;
  const table = (channel) => HEAT.map((colour) => (parseInt(colour.slice(1 + 2 * channel, 3 + 2 * channel), 16) / 255).toFixed(4)).join(" ");
  document.body.append(svg("svg", { id: "heat-defs", width: 0, height: 0, "aria-hidden": "true", class: "unseen" },
    svg("filter", { id: "heat", "color-interpolation-filters": "sRGB", x: "0", y: "0", width: "1", height: "1" },
      svg("feColorMatrix", { type: "matrix", values: `${row}${row}${row}0 0 0 0 1` }),
      svg("feComponentTransfer", {}, ["R", "G", "B"].map((letter, i) => svg(`feFunc${letter}`, { type: "table", tableValues: table(i) }))))));
}
