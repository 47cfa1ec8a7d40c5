"""Tables in LaTeX, with the rules of the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from benchmark.tables.column import Column, Row, cell_texts, headings
from datasets.core.names import printable

# One pass, so that what stands for a character is not escaped again. Commands that need another encoding are left out.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "·": r"\textperiodcentered{}",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "×": r"$\times$",
    "⁹": r"$^9$",
    **{character: "\\" + character for character in "&%$#_{}"},
}
_ANY = re.compile("|".join(map(re.escape, _SPECIAL)))


def latex_table(columns: Sequence[Column[Row]], rows: Iterable[Row]) -> list[str]:
    """The lines of a tabular, whose first column stands left and whose others stand right."""
    return tabular([headings(columns)], [[latex_text(text) for text in line] for line in cell_texts(columns, rows)])


def tabular(heads: Sequence[Sequence[str]], lines: Iterable[Sequence[str]], groups: Sequence[int] = ()) -> list[str]:
    """A tabular of cells that are LaTeX already, such as bold ones.

    Args:
        heads: lines of headings, plain text, the last with a heading for each column. Where there are two, the first
            has a heading for each of `groups`: how many columns it spans. lines: cells in LaTeX.
    """
    last = heads[-1]
    body = [r"\begin{tabular}{l" + "r" * (len(last) - 1) + "}", r"\toprule"]
    if groups:
        body += _spanning(heads[0], groups)
    body += [_line(map(latex_text, last)), r"\midrule"]
    return [*body, *map(_line, lines), r"\bottomrule", r"\end{tabular}"]


def _spanning(titles: Sequence[str], groups: Sequence[int]) -> list[str]:
    cells, rules, start = [], [], 1
    for title, span in zip(titles, groups, strict=True):
        cells.append(rf"\multicolumn{{{span}}}{{c}}{{{latex_text(title)}}}" if title else "&" * (span - 1))
        rules += [rf"\cmidrule(lr){{{start}-{start + span - 1}}}"] if title else []
        start += span
    return [_line(cells), " ".join(rules)]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def latex_text(text: str) -> str:
    """Text for a document in any of LaTeX's encodings: no command, no mathematics and no comment begins in it.

    A character beyond the Latin alphabets, which pdflatex would stop at, stands as its number.
    """
    plain = _ANY.sub(lambda found: _SPECIAL[found[0]], printable(text).replace("\n", " "))
    return "".join(c if ord(c) < 0x180 else rf"\texttt{{U+{ord(c):04X}}}" for c in plain)
