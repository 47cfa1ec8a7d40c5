"""The table of a paper in LaTeX, Markdown and CSV, with its caption and its references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import datasets
import methods
from benchmark.leaderboard.columns import COLUMNS
from benchmark.leaderboard.perceptual import stored as stored_name
from benchmark.paper.metrics import Metric
from benchmark.paper.rows import BEST, SECOND, Entry, ImageSet, Paper, PaperRow
from benchmark.tables.column import Column, pick
from benchmark.tables.csv_table import csv_table
from benchmark.tables.latex_table import latex_text, tabular
from benchmark.tables.markdown_table import markdown_text, pipe_table
from datasets.core.errors import UserError

_PER_TABLE = 6  # figures of a row: more columns do not fit beside each other
_KEY = re.compile(r"@\w+\s*\{\s*([^,\s]+)\s*,")
_LATEX = {BEST: r"\textbf{%s}", SECOND: r"\underline{%s}", "": "%s"}
_MARKDOWN = {BEST: "**%s**", SECOND: "*%s*", "": "%s"}
_COSTS = pick(COLUMNS, "params gmacs")


def latex(paper: Paper) -> str:
    """table.tex: one table for each three sets, for a document with the packages booktabs and graphicx."""
    blocks = ["% Written by the software from its records; needs \\usepackage{booktabs,graphicx}."]
    for number, sets in enumerate(_portions(paper)):
        heads, groups = _heads(paper, sets)
        lines = [
            [
                latex_text(row.name) + _cite(_bibtex_of_method(row.method)),
                *_cells(paper, row, sets, _LATEX, "--", latex_text),
                *(latex_text(cost) for cost in _costs(row)),
            ]
            for row in _present(paper, sets)
        ]
        body = tabular(heads, lines, groups)
        label = "tab:results" + (f"-{number + 1}" if number else "")
        blocks.append(
            "\n".join(
                [
                    r"\begin{table}[t]",
                    r"\centering",
                    rf"\caption{{{_caption(paper, sets, latex_text, _cited, 'bold', 'underlined')}}}",
                    rf"\label{{{label}}}",
                    r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
                    *body[:-1],
                    body[-1] + "}",
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(blocks) + "\n"


def markdown(paper: Paper) -> str:
    """table.md: the same; the second best is in italics, since Markdown does not underline."""
    parts = []
    for sets in _portions(paper):
        (titles, names), groups = _heads(paper, sets)
        spans = [title for title, span in zip(titles, groups, strict=True) for _ in range(span)]
        heads = [" ".join(filter(None, pair)) for pair in zip(spans, names, strict=True)]
        lines = [
            [row.name, *_cells(paper, row, sets, _MARKDOWN, "", lambda text: text), *_costs(row)]
            for row in _present(paper, sets)
        ]
        caption = _caption(paper, sets, markdown_text, lambda name: "", "bold", "in italics")
        parts += [caption, "", *pipe_table(heads, lines), ""]
    return "\n".join(parts).rstrip() + "\n"


Line = tuple[PaperRow, ImageSet]


def _entry(line: Line, metric: Metric) -> Entry | None:
    return line[1].entries.get((line[0].name, metric.name))


def _metric(metric: Metric) -> tuple[Column[Line], Column[Line]]:
    name = stored_name(metric.name)
    return (
        Column(name, lambda line: e.value if (e := _entry(line, metric)) else None, format=metric.format),
        Column(f"{name}_mark", lambda line: e.mark if (e := _entry(line, metric)) else ""),
    )


_WHERE: tuple[Column[Line], ...] = (
    Column("dataset", lambda line: line[1].dataset),
    Column("split", lambda line: line[1].split),
    Column("degradation", lambda line: line[1].degradation),
    Column("convention", lambda line: line[1].convention),
    Column("row", lambda line: line[0].name),
    Column("method", lambda line: line[0].method),
    Column("seeds", lambda line: line[0].seeds),
)
_COST: tuple[Column[Line], ...] = (
    Column("params", lambda line: line[0].params),
    Column("gmacs", lambda line: line[0].gmacs, format=_COSTS[1].format),
)


def as_csv(paper: Paper) -> str:
    """table.csv: a line for each row on each set, at the decimals that the table shows."""
    columns = (*_WHERE, *(column for metric in paper.metrics for column in _metric(metric)), *_COST)
    return csv_table(columns, [(row, each) for each in paper.sets for row in _present(paper, [each])])


def references(paper: Paper) -> str:
    """refs.bib: the entries of the table's methods and datasets, as `cite` prints them; each once."""
    named = [_bibtex_of_method(row.method) for row in paper.rows] + [_bibtex_of_dataset(s.dataset) for s in paper.sets]
    entries = [entry.strip() for text in named for entry in re.split(r"\n(?=@)", text) if entry.strip()]
    by_key = {match[1]: entry for entry in entries if (match := _KEY.match(entry))}
    return "\n\n".join(by_key[key] for key in sorted(by_key)) + "\n"


def _bibtex_of_method(name: str) -> str:
    return methods.paper(name) if name in methods.names() else ""


def _bibtex_of_dataset(name: str) -> str:
    try:
        return datasets.facts(name).citation
    except UserError:  # a record of a dataset that is not installed here
        return ""


def _cite(text: str) -> str:
    keys = _KEY.findall(text)
    return rf"~\cite{{{','.join(dict.fromkeys(keys))}}}" if keys else ""


def _cited(dataset: str) -> str:
    return _cite(_bibtex_of_dataset(dataset))


def _portions(paper: Paper) -> Iterable[Sequence[ImageSet]]:
    sets, width = [each for each in paper.sets if _metrics(paper, each)], max(1, _PER_TABLE // len(paper.metrics))
    return [sets[start : start + width] for start in range(0, len(sets), width)]


def _metrics(paper: Paper, each: ImageSet) -> list[Metric]:
    """Those of the table that any row of the set has: some conventions have no SSIM."""
    return [metric for metric in paper.metrics if any(key[1] == metric.name for key in each.entries)]


def _heads(paper: Paper, sets: Sequence[ImageSet]) -> tuple[list[list[str]], list[int]]:
    groups = [1, *(len(_metrics(paper, each)) for each in sets), 1, 1]
    titles = ["", *(each.title for each in sets), "", ""]
    names = ["Method", *(metric.head for each in sets for metric in _metrics(paper, each)), "Parameters", "GMAC"]
    return [titles, names], groups


def _present(paper: Paper, sets: Sequence[ImageSet]) -> list[PaperRow]:
    shown = [metric.name for metric in paper.metrics]
    return [row for row in paper.rows if any((row.name, name) in each.entries for each in sets for name in shown)]


def _cells(
    paper: Paper, row: PaperRow, sets: Sequence[ImageSet], marks: dict[str, str], absent: str, plain
) -> list[str]:
    cells = []
    for each in sets:
        for metric in _metrics(paper, each):
            entry = _entry((row, each), metric)
            if entry:
                shown = metric.format.text(entry.value).replace("inf", "∞")
                cells.append(marks[entry.mark] % plain(shown))
            else:
                cells.append(absent)
    return cells


def _costs(row: PaperRow) -> list[str]:
    return [column.format.text(value) for column, value in zip(_COSTS, (row.params, row.gmacs), strict=True)]


def _caption(paper: Paper, sets: Sequence[ImageSet], plain, cited, best: str, second: str) -> str:
    """What the figures are, under which convention, and what a mark says."""
    by_convention: dict[str, list[ImageSet]] = {}
    for each in sets:
        by_convention.setdefault(each.convention, []).append(each)
    where = [
        " and ".join(plain(f"{each.title} ({_count(each)})") + cited(each.dataset) for each in same)
        + plain(f" under the convention {name}")
        for name, same in by_convention.items()
    ]
    shown = [metric for metric in paper.metrics if any(metric in _metrics(paper, each) for each in sets)]
    *first, last = [plain(metric.said) for metric in shown]
    text = f"{', '.join(first)}{' and ' if first else ''}{last}, means over images: {'; '.join(where)}."
    if any(row.seeds > 1 for row in _present(paper, sets)):
        text += plain(" ±: sample standard deviation over seeds, where a row has several.")
    text += (
        f" The best is {best}, the second {second}, only where the paired 95 {plain('%')} interval, clustered by scene,"
    )
    return text + " separates it from the row behind it. " + plain("GMAC: 10⁹ multiply-accumulates for 256x256 pixels.")


def _count(each: ImageSet) -> str:
    images = f"{each.images} image{'s' if each.images != 1 else ''}"
    return images if each.images == each.scenes else f"{images} of {each.scenes} scene{'s' if each.scenes != 1 else ''}"
