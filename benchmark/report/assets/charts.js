// Charts: quality against cost, two rows image by image, one output under all conventions, trainings, noise.

const COSTS = [["gmacs", "GMAC", "10⁹ multiply-accumulates for 256×256 pixels"], ["ms_per_megapixel", "time", "ms per 10⁶ pixels"], ["params", "parameters", "parameters"], ["peak_mb", "memory", "peak memory, MB"]];

function chartsView() {
  const node = el("div", { class: "charts" });
  const draw = () => {
    const room = node.clientWidth || (node.parentNode && node.parentNode.clientWidth) || 700;
    const columns = Math.max(1, Math.floor((room + 18) / 618));
    const width = Math.max(260, Math.min(900, (room - 18 * (columns - 1)) / columns - 34));
    node.replaceChildren(costChart(width), pairChart(width), conventionChart(width), noiseChart(width), trainingChart(width));
  };
  let before = 0;
  new ResizeObserver(() => {
    if (node.clientWidth && Math.abs(node.clientWidth - before) > 4) { before = node.clientWidth; draw(); }
  }).observe(node);
  draw();
  return { node, update: draw };
}

function chartBox(title, about, controls, ...content) {
  return el("section", { class: "box" }, el("h2", {}, title), el("p", { class: "muted" }, about), controls.length > 0 && el("div", { class: "controls" }, controls), content);
}

const asTable = (caption, heads, rows) => el("details", {}, el("summary", {}, "Figures as a table"), plainTable(caption, heads, rows));

function costChart(width) {
  const sections = page.board.sections;
  const at = Object.fromEntries(page.board.columns.map((column, i) => [column.name, i]));
  const costed = (each) => new Set(each.rows.filter((row) => row.psnr && row.values[at.gmacs] > 0).map((row) => row.record)).size;
  const section = sections[state.csec === "" ? -1 : Number(state.csec)] || [...sections].sort((one, other) => costed(other) - costed(one))[0];
  const names = [...new Set(section.rows.map((row) => row.convention).filter(Boolean))];
  const convention = names.includes(state.cconv) ? state.cconv : names[0];
  const cost = COSTS.find(([key]) => key === state.ccost) || COSTS[0];
  const metric = state.cmetric === "ssim" ? "ssim" : "psnr";
  const rows = section.rows.filter((row) => row.convention === convention && row[metric]);
  const points = rows.map((row) => ({ row, label: page.board.records[row.record].label, x: row.values[at[cost[0]]], y: number(row[metric][0]), ends: row[metric].slice(1).map(number) }));
  const placed = points.filter((point) => point.x > 0 && Number.isFinite(point.y));
  const left = points.filter((point) => !placed.includes(point));
  const controls = [
    choice("Dataset", sections.map((each, i) => [String(i), each.title]), String(sections.indexOf(section)), (value) => change({ csec: value })),
    choice("Convention", names.map((name) => [name, name]), convention || "", (value) => change({ cconv: value })),
    choice("Quality", [["psnr", "PSNR"], ["ssim", "SSIM"]], metric, (value) => change({ cmetric: value })),
    choice("Cost", COSTS.map(([key, name]) => [key, name]), cost[0], (value) => change({ ccost: value }))];
  const about = "Up and to the left is better. Bars are 95 % intervals; the cost has a logarithmic scale.";
  if (!placed.length) return chartBox("Quality against cost", about, controls, el("p", { class: "notice" }, "No row here has both figures."));
  const values = placed.flatMap((point) => [point.y, ...point.ends.filter((end) => end !== null)]);
  const chart = frame(`${metric.toUpperCase()} against ${cost[1]}`, { width, height: 360 },
    (a, b) => scale(placed.map((point) => point.x), a, b, { log: true, pad: 0.14 }), (a, b) => scale(values, a, b), width > 420 ? cost[2] : cost[1], metric === "psnr" ? "PSNR, dB" : "SSIM");
  placed.forEach((point, i) => {
    const [x, y] = [chart.x.place(point.x), chart.y.place(point.y)];
    if (point.ends[0] !== null) chart.group.append(svg("line", { x1: x, x2: x, y1: chart.y.place(point.ends[0]), y2: chart.y.place(point.ends[1]), class: `line thin s${i % COLOURS}` }));
    chart.group.append(svg("g", { class: "hot", on: { click: () => showProvenance(point.row) } }, svg("title", {}, `${point.label}: ${fixed(point.y, metric === "psnr" ? 2 : 4)}, ${short(point.x)}`), mark(i, x, y)));
  });
  const without = left.length ? el("p", { class: "muted" }, `Without this cost, and so not in the chart: ${left.map((point) => point.label).join(", ")}.`) : null;
  return chartBox("Quality against cost", about, controls, chart.node, legendOf(placed.map((point) => point.label)), without,
    asTable("Quality and cost", ["row", metric.toUpperCase(), cost[2]], points.map((point) => [point.label, point.row.texts[at[metric]], point.x > 0 ? point.x.toLocaleString("en") : "–"])));
}

function pairChart(width) {
  const title = "Two rows, image by image";
  const about = "Difference A − B on each image, from the smallest to the greatest. The band is the 95 % interval of the mean difference, clustered by scene.";
  const usable = page.sets.map((set, i) => [i, set]).filter(([, set]) => set.records.length > 1 && !set.plain);
  if (!usable.length) return chartBox(title, about, [], el("p", { class: "notice" }, "No two finished rows here have images in common."));
  const [which, set] = usable.find(([i]) => String(i) === state.pset) || usable[0];
  const convention = conventionOf(set, state.pconv);
  const metric = state.pmetric === "ssim" ? "ssim" : "psnr";
  const labels = set.records.map((id) => (page.board.records[id] ? page.board.records[id].label : id));
  const methods = set.records.filter((id) => page.board.records[id] && !page.board.records[id].baseline);
  const a = set.records.includes(state.pa) ? state.pa : methods[0] || set.records[0];
  const b = set.records.includes(state.pb) && state.pb !== a ? state.pb : [...methods, ...set.records].find((id) => id !== a);
  const rows = set.records.map((id, i) => [id, labels[i]]);
  const box = el("div", { class: "loading" }, el("p", { class: "muted" }, "Reading…"));
  const controls = [
    choice("Images", usable.map(([i, each]) => [String(i), each.title]), String(which), (value) => change({ pset: value, pa: "", pb: "", pconv: "0" })),
    choice("Convention", set.conventions.map((name, i) => [String(i), name]), String(convention), (value) => change({ pconv: value })),
    choice("Measure", [["psnr", "PSNR"], ["ssim", "SSIM"]], metric, (value) => change({ pmetric: value })),
    choice("A", rows, a, (value) => change({ pa: value })), choice("B", rows, b, (value) => change({ pb: value }))];
  Promise.all([part(`set${which}`), part(`set${which}-c${convention}`)]).then(
    ([names, scores]) => box.replaceChildren(...pairContent(width, set, which, names, scores, [a, b].map((id) => set.records.indexOf(id)), labels, metric)),
    (error) => box.replaceChildren(el("p", { class: "notice" }, error.message)));
  return chartBox(title, about, controls, box);
}

function pairContent(width, set, which, about, scores, [a, b], labels, metric) {
  const [ours, theirs] = [floats(scores[metric][a]), floats(scores[metric][b])];
  const found = [];
  for (let i = 0; i < ours.length; i++) {
    const gap = ours[i] === theirs[i] ? 0 : ours[i] - theirs[i];
    if (Number.isFinite(gap)) found.push([gap, i]);
  }
  if (!found.length) return [el("p", { class: "notice" }, `These two have no finite ${metric.toUpperCase()} in common under this convention.`)];
  found.sort((one, other) => one[0] - other[0]);
  const digits = metric === "psnr" ? 2 : 4;
  const pair = scores.pairs.find(([i, j, m]) => m === metric && ((i === a && j === b) || (i === b && j === a)));
  const sign = pair && pair[0] === b ? -1 : 1;
  const ends = pair && pair[4] !== null ? [number(pair[4]) * sign, number(pair[5]) * sign].sort((one, other) => one - other) : null;
  const mean = pair && pair[3] !== null ? number(pair[3]) * sign : null;
  const values = found.map(([gap]) => gap);
  const chart = frame(`${labels[a]} minus ${labels[b]}, sorted`, { width, height: 300 },
    (from, to) => scale([0.5, found.length + 0.5], from, to, { pad: 0.01 }), (from, to) => scale(values.concat(ends || []), from, to, { zero: true }), "images, sorted by difference", metric === "psnr" ? "A − B, dB" : "A − B");
  const zero = chart.y.place(0);
  if (ends) chart.group.append(svg("rect", { x: chart.left, width: chart.right - chart.left, y: chart.y.place(ends[1]), height: Math.max(1, chart.y.place(ends[0]) - chart.y.place(ends[1])), class: "band" }));
  if (found.length <= 400) {
    const wide = Math.max(1, ((chart.right - chart.left) / found.length) * 0.7);
    found.forEach(([gap, i], rank) => {
      const [x, y] = [chart.x.place(rank + 1), chart.y.place(gap)];
      chart.group.append(svg("rect", { x: x - wide / 2, width: wide, y: Math.min(y, zero), height: Math.max(0.5, Math.abs(y - zero)), class: `gap ${gap < 0 ? "below" : "above-zero"}`, on: { click: () => change({ view: "images", set: String(which), img: about.names[i] }) } },
        svg("title", {}, `${about.names[i]}: ${fixed(gap, digits, true)}`)));
    });
  } else {
    const step = Math.max(1, Math.floor(found.length / 2000));
    const line = found.filter((_, rank) => rank % step === 0 || rank === found.length - 1).map(([gap], k) => [chart.x.place(Math.min(k * step + 1, found.length)), chart.y.place(gap)]);
    chart.group.append(svg("path", { d: `${path(line)}L${line[line.length - 1][0].toFixed(1)} ${zero}L${line[0][0].toFixed(1)} ${zero}Z`, class: "fill" }), svg("path", { d: path(line), class: "line s0" }));
  }
  chart.group.append(svg("line", { x1: chart.left, x2: chart.right, y1: zero, y2: zero, class: "axis" }));
  if (mean !== null && Number.isFinite(mean)) chart.group.append(svg("line", { x1: chart.left, x2: chart.right, y1: chart.y.place(mean), y2: chart.y.place(mean), class: "average" }));
  const better = values.filter((gap) => gap > 0).length;
  const said = mean === null
    ? "The interval of this pair was not computed: use leaderboard --compare A B."
    : `Mean difference ${fixed(mean, digits + 1, true)}${ends ? `, 95 % interval [${fixed(ends[0], digits + 1, true)}, ${fixed(ends[1], digits + 1, true)}]` : `; no interval: ${pair[6]}`}. A is better on ${better} of ${counted(found.length, "image")}.`;
  const listed = [...found.slice(0, 10), ...found.slice(-Math.min(10, Math.max(0, found.length - 10)))];
  return [el("p", { class: "finding" }, said), chart.node,
    asTable("Smallest and greatest differences", ["image", "A", "B", "A − B"], listed.map(([gap, i]) => [about.names[i], fixed(ours[i], digits), fixed(theirs[i], digits), fixed(gap, digits, true)]))];
}

function conventionChart(width) {
  const title = "One output under all conventions";
  const about = "The same restored images, scored as different papers do. Circles are means, bars 95 % intervals.";
  const rows = page.board.sections.flatMap((section) => section.rows.filter((row) => row.psnr));
  const records = [...new Set(rows.map((row) => row.record))];
  if (!records.length) return chartBox(title, about, [], el("p", { class: "notice" }, "No cell has figures."));
  const methods = records.filter((id) => !page.board.records[id].baseline);
  const here = methods.filter((each) => page.board.records[each].here);
  const id = records.includes(state.orow) ? state.orow : here[0] || methods[0] || records[0];
  const own = rows.filter((row) => row.record === id).map((row) => ({ name: row.convention, values: row.psnr.map(number), text: row.texts })).filter((each) => Number.isFinite(each.values[0])).sort((one, other) => other.values[0] - one.values[0]);
  const options = records.map((each) => [each, `${page.board.records[each].dataset} · ${page.board.records[each].label}`]);
  const controls = [choice("Row", options, id, (value) => change({ orow: value }))];
  if (!own.length) return chartBox(title, about, controls, el("p", { class: "notice" }, "This row has no finite PSNR."));
  const wide = width > 520 ? 170 : 128;
  const row = 26;
  const chart = frame("PSNR under each convention", { width, height: own.length * row + 56, left: wide, right: 60 },
    (a, b) => scale(own.flatMap((each) => each.values.filter((value) => value !== null)), a, b),
    (a, b) => ({ place: (i) => b + 12 + i * ((a - b) / own.length), ticks: () => own.map((_, i) => i), name: (i) => own[i].name }), "PSNR, dB", "");
  own.forEach((each, i) => {
    const y = chart.y.place(i);
    const [mean, low, high] = each.values;
    if (low !== null) chart.group.append(svg("line", { x1: chart.x.place(low), x2: chart.x.place(high), y1: y, y2: y, class: "line thin s0" }));
    chart.group.append(svg("circle", { cx: chart.x.place(mean), cy: y, r: 5, class: "mark s0" }, svg("title", {}, `${each.name}: ${fixed(mean, 3)} dB`)), svg("text", { x: chart.right + 8, y: y + 4, class: "tick" }, fixed(mean, 2)));
  });
  const ssim = page.board.columns.findIndex((column) => column.name === "ssim");
  const psnr = page.board.columns.findIndex((column) => column.name === "psnr");
  return chartBox(title, about, controls, chart.node, asTable("Under each convention", ["convention", "PSNR", "SSIM"], own.map((each) => [each.name, each.text[psnr], each.text[ssim] || "–"])));
}

function trainingChart(width) {
  const title = "Training curves";
  if (!page.curves) return chartBox(title, "", [], el("p", { class: "notice" }, "No training has left a log in this results folder (training/*/log.csv)."));
  const box = el("div", { class: "loading" });
  part("curves").then((trainings) => box.replaceChildren(...trainingContent(width, trainings)), (error) => box.replaceChildren(el("p", { class: "notice" }, error.message)));
  return chartBox(title, "Losses are means over neighbouring steps; PSNR is that of the validation.", [], box);
}

function trainingContent(width, trainings) {
  const training = trainings[Number(state.train)] || trainings[0];
  const losses = [...new Set(training.lines.map((line) => line.loss))];
  const loss = losses.includes(state.loss) ? state.loss : losses[0];
  const lines = training.lines.filter((line) => line.loss === loss);
  const values = lines.flatMap((line) => line.values);
  const log = values.every((value) => value > 0) && Math.max(...values) / Math.min(...values) > 50;
  const chart = frame(`${loss} of ${training.name}`, { width, height: 280 },
    (a, b) => scale(lines.flatMap((line) => line.steps), a, b, { zero: true, pad: 0.01 }), (a, b) => scale(values, a, b, { log }), "step of the stage", loss + (log ? ", logarithmic" : ""));
  lines.forEach((line, i) => {
    const points = line.steps.map((step, k) => [chart.x.place(step), chart.y.place(line.values[k])]);
    chart.group.append(points.length > 1 ? svg("path", { d: path(points), class: `line s${i % COLOURS} d${i % 4}` }) : mark(i, ...points[0], 4));
  });
  return [el("div", { class: "controls" },
    choice("Training", trainings.map((each, i) => [String(i), each.name]), String(trainings.indexOf(training)), (value) => change({ train: value, loss: "" })),
    choice("Curve", losses.map((name) => [name, name]), loss, (value) => change({ loss: value }))),
    chart.node, legendOf(lines.map((line) => line.stage), "line"),
    asTable("First and last values", ["stage", "steps", "first", "last"], lines.map((line) => [line.stage, String(line.steps.at(-1)), short(line.values[0]), short(line.values.at(-1))]))];
}

function noiseChart(width) {
  const title = "Noise of the images";
  const known = page.sets.map((set, i) => [i, set]).filter(([, set]) => set.noise);
  if (!known.length) return chartBox(title, "", [], el("p", { class: "notice" }, "There are no pairs of clean and degraded images beside this page, so nothing is known of the noise."));
  const [, set] = known.find(([i]) => String(i) === state.oset) || known[0];
  const noise = set.noise;
  const controls = [choice("Images", known.map(([i, each]) => [String(i), each.title]), state.oset, (value) => change({ oset: value }))];
  const half = width > 640 ? Math.floor(width / 2) - 8 : width;
  const curve = (label, xs, ys, xTitle, yTitle) => {
    const chart = frame(label, { width: half, height: 240 }, (a, b) => scale(xs, a, b, { pad: 0.03 }), (a, b) => scale(ys, a, b, { zero: true }), xTitle, yTitle);
    chart.group.append(svg("path", { d: path(xs.map((x, i) => [chart.x.place(x), chart.y.place(ys[i])])), class: "line s0" }));
    return chart.node;
  };
  const about = `Over ${counted(noise.images, "image")} shown here: standard deviation ${fixed(noise.deviation * 255, 1)} on the scale of 0 to 255, correlation of neighbours ${fixed(noise.neighbours, 2)} (0 = white noise).`;
  return chartBox(title, about, controls,
    el("div", { class: "pair" }, noise.intensity.length > 1 && curve("Variance by clean intensity", noise.intensity, noise.variance, "clean intensity", "variance"), noise.value.length > 1 && curve("Histogram of the noise", noise.value, noise.share, "noise, in levels of 0 to 255", "share")),
    asTable("Variance by intensity", ["clean intensity", "variance"], noise.intensity.map((value, i) => [String(value), noise.variance[i].toPrecision(3)])));
}
