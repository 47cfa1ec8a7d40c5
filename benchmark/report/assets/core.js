// Elements, numbers, parts: what every view of the page uses. All text gets in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes, `on` for listeners, `class`, `data`; children are nodes or text; null is left out. */
function el(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A name that may be of any script: its direction does not touch what stands beside it. */
const name_ = (text, attributes) => el("bdi", attributes, text);

const number = (value) => (value === "inf" ? Infinity : value === "-inf" ? -Infinity : value);

function fixed(value, digits, sign) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const text = Math.abs(value).toFixed(digits);
  const minus = value < 0 && Number(text) !== 0;
  return (minus ? "−" : sign ? "+" : "") + text;
}

const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

const floats = (base64) => new Float32Array(bytesOf(base64));
const counts = (base64) => new Uint32Array(bytesOf(base64));

// Parts: `data/NAME.js` beside the page, or an element of the one file. Each is read once, when it is asked for.
const waiting = new Map();
const arrived = new Map();
window.reportPart = (name, value) => arrived.set(name, value);

function part(name) {
  if (!waiting.has(name)) waiting.set(name, fetched(name));
  return waiting.get(name);
}

function fetched(name) {
  const inside = document.getElementById(`part-${name}`);
  if (inside) return Promise.resolve(JSON.parse(inside.textContent));
  return new Promise((done, failed) => {
    const script = el("script", { src: `data/${name}.js` });
    script.onload = () => done(arrived.get(name));
    script.onerror = () => failed(new Error(`data/${name}.js is missing beside this page: copy the whole folder.`));
    document.head.append(script);
  });
}

/** Tell a screen reader. */
function announce(text) {
  document.getElementById("live").textContent = text;
}

let used = 0;
const fresh = (word) => `${word}-${++used}`;

/** A labelled control: select of [value, text] pairs. */
function choice(label, options, value, change) {
  const id = fresh("choice");
  const select = el("select", { id, on: { change: () => change(select.value) } });
  for (const [key, text] of options) select.append(el("option", { value: key, selected: key === value }, text));
  select.value = value;
  return el("div", { class: "field" }, el("label", { for: id }, label), select);
}

function search(label, value, change) {
  const id = fresh("search");
  const input = el("input", { id, type: "search", autocomplete: "off", spellcheck: "false", value });
  input.addEventListener("input", () => change(input.value));
  return el("div", { class: "field grow" }, el("label", { for: id }, label), input);
}

/** A row of buttons of which one is pressed. */
function segments(label, options, value, change) {
  const buttons = options.map(([key, text]) =>
    el("button", { type: "button", "aria-pressed": String(key === value), "data-value": key, on: { click: () => change(key) } }, text),
  );
  return el("div", { class: "segments", role: "group", "aria-label": label }, buttons);
}

/** A plain table of texts, for what a chart shows. */
function plainTable(caption, heads, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "plain" },
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, at) => (at ? el("td", {}, cell) : el("th", { scope: "row" }, name_(cell)))))))));
}
