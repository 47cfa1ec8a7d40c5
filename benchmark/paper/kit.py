"""`paper`: every file of the kit, written from the records of a results folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.paper import charts, table
from benchmark.paper.boxes import Box
from benchmark.paper.crops import draw_crops, scores_csv
from benchmark.paper.drawing import expect_matplotlib
from benchmark.paper.metrics import USUAL
from benchmark.paper.pictures import Crop, crops, gallery
from benchmark.paper.ranks import draw_ranks
from benchmark.paper.rows import Paper, paper, row_name
from benchmark.progress import Report
from benchmark.records.record import Record
from benchmark.verdict.many import ranking
from datasets.core.errors import UserError
from datasets.core.files import write_bytes

PREVIEW = r"""% All of the kit on one page: pdflatex preview, bibtex preview, pdflatex preview, pdflatex preview
\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
\input{table}
FIGURES
\bibliographystyle{plain}
\bibliography{refs}
\end{document}
"""
_CAPTIONS = {
    "crops": "Crops; below each PSNR in dB and SSIM of the whole picture.",
    "cost": "Quality against cost.",
    "curves": "Trainings.",
}


@dataclass(frozen=True)
class PaperRequest:
    """What to write, and from what.

    Attributes:
        out: folder of the kit. results, data: roots of the records and of the prepared datasets.
        datasets, methods: only these; () = all. convention: '' = each dataset's own. columns: metrics of the table.
        boxes: of the crops; () = `crops` of them where the methods disagree most.
    """

    out: Path
    results: Path
    data: Path
    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    convention: str = ""
    columns: tuple[str, ...] = USUAL
    boxes: tuple[Box, ...] = ()
    crops: int = 2


@dataclass
class Kit:
    """The files that were written, and a sentence for each that was not."""

    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def write_kit(request: PaperRequest, records: Sequence[Record], report: Report = None) -> Kit:
    """Write the tables first, then every figure that the records have something for.

    Raises:
        UserError: unknown names, nothing to show, boxes that cannot be drawn, no matplotlib.
    """
    expect_matplotlib()
    kit = Kit()
    chosen = {"datasets": request.datasets, "chosen": request.methods, "columns": request.columns}
    what = paper(records, **chosen, convention=request.convention)
    texts = {
        "table.tex": table.latex(what),
        "table.md": table.markdown(what),
        "table.csv": table.as_csv(what),
        "refs.bib": table.references(what),
    }
    for name, text in texts.items():
        _write(kit, request.out / name, text)
    shown = [*_crops(request, what, kit, report), *_charts(request, what, kit), *_ranks(request, what, kit)]
    figures = "\n".join(
        rf"\begin{{figure}}[p]\centering\includegraphics[width=\linewidth]{{{name}.pdf}}\caption{{{text}}}\end{{figure}}"
        for name, text in shown
    )
    _write(kit, request.out / "preview.tex", PREVIEW.replace("FIGURES", figures))
    return kit


Shown = list[tuple[str, str]]  # stem of a figure's file, and its caption in LaTeX


def _write(kit: Kit, path: Path, text: str) -> None:
    write_bytes(path, text.encode())
    kit.files.append(path)


def _crops(request: PaperRequest, what: Paper, kit: Kit, report: Report) -> Shown:
    found, reasons = _find_crops(request, what, report)
    if not found:
        if request.boxes:
            raise UserError(" ".join(reasons))
        kit.remarks += [f"No crops: {reason}" for reason in reasons]
        return []
    kit.files += draw_crops(found, request.out / "crops.pdf", request.out / "crops.png")
    _write(kit, request.out / "crops.csv", scores_csv(found))
    return [("crops", _CAPTIONS["crops"])]


def _find_crops(request: PaperRequest, what: Paper, report: Report) -> tuple[list[Crop], list[str]]:
    """The crops of the first set that has them, and why those before it have none."""
    reasons = []
    for images in what.sets:
        try:
            found = crops(gallery(images, request.data, report), request.boxes, request.crops, report)
        except UserError as error:
            reasons.append(str(error))
        else:
            return found, reasons
    return [], reasons


def _charts(request: PaperRequest, what: Paper, kit: Kit) -> Shown:
    shown = []
    panels = charts.costs(what)
    if panels:
        kit.files += charts.draw_costs(panels, request.out / "cost.pdf")
        shown.append(("cost", _CAPTIONS["cost"]))
    else:
        kit.remarks.append("No cost.pdf: no set has two rows whose costs are known.")
    found = charts.curves(request.results, [row for images in what.sets for row in images.rows])
    if found:
        kit.files += charts.draw_curves(found, request.out / "curves.pdf")
        shown.append(("curves", _CAPTIONS["curves"]))
    else:
        kit.remarks.append(f"No curves.pdf: no row's weights were trained under {request.results}/training.")
    return shown


def _ranks(request: PaperRequest, what: Paper, kit: Kit) -> Shown:
    """A critical-difference diagram for each set with at least three rows."""
    shown = []
    for images in [each for each in what.sets if len(each.rows) > 2]:
        found = ranking([replace(row, label=row_name(row)) for row in images.rows])
        if found.critical is None:
            kit.remarks.append(f"No ranks of {images.title}: {found.reason}.")
            continue
        # of a file: letters and digits of the set's name, the rest as dashes
        dashed = (c if c.isascii() and c.isalnum() else "-" for c in images.title.replace(" · ", "-"))
        name = "ranks-" + "".join(dashed)
        kit.files += draw_ranks(found, request.out / f"{name}.pdf")
        shown.append((name, f"Mean ranks over {found.scenes} scenes; a bar joins rows that are not told apart."))
    return shown
