// Where a figure comes from: one dialog for every row.

let dialog = null;

function openDialog(title, ...content) {
  if (!dialog) {
    dialog = el("dialog", { "aria-labelledby": "dialog-title" });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
  }
  const close = el("button", { type: "button", class: "close", "aria-label": "Close", on: { click: () => dialog.close() } }, "×");
  dialog.replaceChildren(el("div", { class: "sheet" },
    el("div", { class: "sheet-head" }, el("h2", { id: "dialog-title" }, title), close), content));
  dialog.showModal();
  dialog.scrollTop = 0;
}

/** A command with a button that copies it. */
function commandBox(command) {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copied(command);
    button.textContent = done ? "Copied" : "Select it";
    announce(done ? "The command is copied." : "Copying is not allowed here: select the command.");
  });
  return el("div", { class: "command" }, el("code", { tabindex: "0" }, command), button);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

const terms = (pairs) => el("dl", {}, pairs.map(([term, text]) => [el("dt", {}, term), el("dd", {}, name_(text))]));

function showProvenance(row) {
  const record = page.board.records[row.record];
  const columns = page.board.columns;
  const figures = columns.map((column, at) => [column.title + (column.unit && column.unit.length < 5 ? ` (${column.unit})` : ""), row.texts[at]])
    .filter(([, text], at) => text && !["label", "convention", "comparable"].includes(columns[at].name));
  const facts = Object.entries(page.board.conventions[row.convention] || {});
  openDialog(name_(record.label),
    row.convention && el("p", { class: "muted" }, "Convention ", el("code", {}, row.convention), facts.length ? `: ${facts.map((pair) => pair.join(" ")).join("; ")}.` : "."),
    record.status !== "done" && el("p", {}, statusBadge(record.status), " ", name_(record.remark)),
    terms(figures),
    row.reasons.length > 0 && [el("h3", {}, "Why it is not the paper's figure"), el("ul", {}, row.reasons.map((reason) => el("li", {}, name_(reason))))],
    row.source && [el("h3", {}, "Published figure"), el("p", {}, name_(row.source))],
    row.why && el("p", { class: "muted" }, `No interval: ${row.why}.`),
    record.status === "done" && record.remark && [el("h3", {}, "Remarks"), el("p", {}, name_(record.remark))],
    el("h3", {}, "Record"),
    record.here
      ? [el("p", {}, el("code", {}, `${page.results}/${record.folder}/record.json`)),
        el("p", { class: "muted" }, "The command that makes it again:"), commandBox(record.command), terms(record.facts)]
      : el("p", {}, "The record ", el("code", {}, record.folder), " is not in this folder; the row is that of leaderboard.csv."));
}

function statusBadge(status) {
  return el("span", { class: `badge ${status === "failed" ? "bad" : "idle"}` }, status);
}
