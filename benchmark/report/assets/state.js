// What is shown, as one flat set of words that lives in the address: every state has a permalink.

const DEFAULTS = {
  view: "board", dataset: "", task: "", conv: "", sup: "", show: "", q: "", sort: "", dir: "",
  set: "0", img: "", mode: "tiles", rows: "", a: "", b: "", cut: "50", gain: "4", boxes: "1", x: "0.5", y: "0.5", z: "1",
  hide: "", isort: "", idir: "", iq: "", iconv: "0",
  csec: "", cmetric: "psnr", ccost: "gmacs", cconv: "", pset: "0", pconv: "0", pmetric: "psnr", pa: "", pb: "",
  oset: "0", orow: "", train: "0", loss: "",
};

const state = { ...DEFAULTS };
const watchers = [];

function readHash() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const key of Object.keys(DEFAULTS)) state[key] = given.get(key) ?? DEFAULTS[key];
}

function hashOf(values) {
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== DEFAULTS[key]) words.set(key, value);
  return `#${words}`;
}

let writing = 0;

/** Change the state. `quiet`: whoever changes it shows it already; the address follows within a moment. */
function change(values, quiet) {
  const before = state.view;
  for (const [key, value] of Object.entries(values)) state[key] = String(value);
  clearTimeout(writing);
  if (quiet) {
    writing = setTimeout(() => history.replaceState(null, "", hashOf(state)), 150);
    return;
  }
  const address = hashOf(state);
  if (address !== (location.hash || "#")) history[before === state.view ? "replaceState" : "pushState"](null, "", address);
  for (const watcher of watchers) watcher();
}

window.addEventListener("popstate", () => {
  readHash();
  for (const watcher of watchers) watcher();
});
