// The page: header, one view at a time, all of it following the address.

let page = null;
const VIEWS = [["board", "Leaderboard", boardView], ["images", "Images", imagesView], ["charts", "Charts", chartsView], ["cards", "Methods", cardsView]];

function theme() {
  const stored = () => { try { return localStorage.getItem("report-theme"); } catch { return null; } };
  const keep = (value) => { try { localStorage.setItem("report-theme", value); } catch { /* a page from disk may have no storage */ } };
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  if (stored()) document.documentElement.dataset.theme = stored();
  const button = el("button", { type: "button", class: "icon", "aria-label": "Light or dark", title: "Light or dark" }, "◐");
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    keep(document.documentElement.dataset.theme);
  });
  return button;
}

function start() {
  DEFAULTS.set = String(Math.max(0, page.sets.findIndex((set) => set.pictures))); // the first with something to look at
  readHash();
  const shown = VIEWS.filter(([key]) => !page.only || page.only.includes(key));
  if (!shown.some(([key]) => key === state.view)) state.view = shown[0][0];
  const views = new Map();
  const content = document.getElementById("content");
  const links = shown.map(([key, title]) => el("a", { href: `#view=${key}`, on: { click: (event) => { event.preventDefault(); change({ view: key }); content.focus({ preventScroll: true }); scrollTo(0, 0); } }, "data-view": key }, title));
  document.getElementById("top").replaceChildren(el("div", { class: "top" },
    el("div", {}, el("h1", {}, name_(page.title || "Restoration benchmark")), el("p", { class: "muted" }, page.headline)), theme()),
  links.length > 1 && el("nav", { "aria-label": "Views" }, links));
  document.getElementById("foot").replaceChildren(el("p", { class: "muted" }, `restoration-benchmark ${page.version} · results folder `, el("code", {}, page.results), " · this page needs no network"));

  function show() {
    if (!shown.some(([key]) => key === state.view)) state.view = shown[0][0];
    for (const link of links) link.toggleAttribute("aria-current", false);
    const link = links.find((each) => each.dataset.view === state.view);
    if (link) link.setAttribute("aria-current", "page");
    for (const [key, view] of views) view.box.hidden = key !== state.view;
    if (views.has(state.view)) return views.get(state.view).update();
    const [key, title, make] = shown.find(([each]) => each === state.view);
    const box = el("section", { class: `view-${key}`, "aria-label": title });
    content.append(box);
    const view = make();
    box.append(view.node);
    views.set(key, { box, update: view.update });
    if (key === "charts" || key === "images") view.update();
  }

  content.replaceChildren();
  watchers.push(show);
  show();
  document.documentElement.dataset.ready = "yes";
}

part("main").then((value) => { page = value; start(); }, (error) => {
  document.getElementById("content").replaceChildren(el("p", { class: "notice" }, error.message));
});
