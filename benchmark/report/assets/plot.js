// A chart's frame: scales, axes with round numbers, marks that differ in shape as well as in colour.

const COLOURS = 8;
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "star", "down", "ring"];

/** Round steps that cover a range. */
function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const part of high / low > 300 ? [1] : [1, 2, 5]) {
      const value = part * 10 ** power;
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found.length ? found : [Math.sqrt(low * high)];
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)} k`;
  return String(+value.toPrecision(4)).replace("-", "−");
}

/** A scale: values -> pixels. `pad` widens the range by a share on both sides. */
function scale(values, from, to, { log = false, pad = 0.06, zero = false } = {}) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high < low) [low, high] = log ? [1, 10] : [0, 1];
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const map = log ? Math.log10 : (value) => value;
  let [a, b] = [map(low), map(high)];
  const margin = (b - a || Math.abs(a) * 0.02 || 1) * pad;
  [a, b] = [a - margin, b + margin];
  const back = log ? (value) => 10 ** value : (value) => value;
  const place = (value) => from + ((map(value) - a) / (b - a)) * (to - from);
  return { place, ticks: (count) => (log ? logTicks(back(a), back(b)) : ticks(a, b, count)), range: [back(a), back(b)] };
}

/** Axes of a chart; returns its svg and a group to draw in. */
function frame(label, { width, height, left = 66, right = 16, top = 12, bottom = 44 }, makeX, makeY, xTitle, yTitle) {
  const x = makeX(left, width - right);
  const y = makeY(height - bottom, top);
  const group = svg("g");
  const node = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "chart" });
  for (const value of y.ticks(Math.max(2, height / 60))) {
    const at = y.place(value);
    node.append(svg("line", { x1: left, x2: width - right, y1: at, y2: at, class: "grid" }), svg("text", { x: left - 8, y: at + 4, class: "tick end" }, y.name ? y.name(value) : short(value)));
  }
  for (const value of x.ticks(Math.max(2, (width - left - right) / 80))) {
    const at = x.place(value);
    node.append(svg("line", { x1: at, x2: at, y1: height - bottom, y2: height - bottom + 5, class: "axis" }), svg("text", { x: at, y: height - bottom + 19, class: "tick middle" }, short(value)));
  }
  node.append(svg("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "axis" }),
    svg("text", { x: (left + width - right) / 2, y: height - 6, class: "axis-title middle" }, xTitle),
    yTitle && svg("text", { x: -(top + height - bottom) / 2, y: 14, class: "axis-title middle", transform: "rotate(-90)" }, yTitle), group);
  return { node, group, x, y, left, right: width - right, top, bottom: height - bottom };
}

/** A mark whose shape says the same as its colour. */
function mark(index, x, y, size = 6) {
  const shape = SHAPES[index % SHAPES.length];
  const kind = { class: `mark s${index % COLOURS}${shape === "ring" ? " hollow" : ""}` };
  if (shape === "circle" || shape === "ring") return svg("circle", { cx: x, cy: y, r: size, ...kind });
  const corners = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], triangle: [[0, -1.2], [1.2, 0.9], [-1.2, 0.9]], down: [[0, 1.2], [1.2, -0.9], [-1.2, -0.9]],
    diamond: [[0, -1.4], [1.2, 0], [0, 1.4], [-1.2, 0]],
    cross: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
    star: [...Array(10)].map((_, i) => [Math.sin((i * Math.PI) / 5) * (i % 2 ? 0.6 : 1.4), -Math.cos((i * Math.PI) / 5) * (i % 2 ? 0.6 : 1.4)]),
  }[shape];
  return svg("polygon", { points: corners.map(([u, v]) => `${(x + u * size).toFixed(1)},${(y + v * size).toFixed(1)}`).join(" "), ...kind });
}

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function legendOf(names, kind) {
  return el("ul", { class: "names" }, names.map((name, i) => el("li", {},
    svg("svg", { width: 22, height: 16, "aria-hidden": "true" }, kind === "line" ? svg("line", { x1: 1, x2: 21, y1: 8, y2: 8, class: `line s${i % COLOURS} d${i % 4}` }) : mark(i, 11, 8, 5)), name_(name))));
}
