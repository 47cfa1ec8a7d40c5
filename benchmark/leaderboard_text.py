"""The leaderboard for people: Markdown for a page, a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.console import Console

Board = Sequence[Mapping[str, Any]]
HEAD = ("method", "recipe", "PSNR", "SSIM", "minus best", "n", "published", "difference", "comparable")
COSTS = ("method", "parameters", "GMAC", "ms/MP", "MB", "device", "weights")
_NARROW = HEAD.index("comparable")  # columns of the terminal's table
_ABOUT = (
    "PSNR in dB. In brackets: 95 % intervals, clustered by scene. `minus best`: paired difference in PSNR to the best "
    "row, over the same images. `difference`: to the published figure. GMAC: 10⁹ multiply-accumulates for 256x256 "
    "pixels. ms/MP: wall time per 10⁶ input pixels. MB: peak memory of the device, or of the process on a CPU. "
    "`x8`: mean over 8 flips and rotations."
)


def _place(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["dataset"], row["split"], row["degradation"] or "", row["task"] or ""


def groups(board: Board) -> Iterator[tuple[str, Board]]:
    """Title and rows of each dataset, split and degradation."""
    ordered = sorted(board, key=lambda row: (row["dataset"], row["split"]))
    for (dataset, split), found in groupby(ordered, key=lambda row: (row["dataset"], row["split"])):
        members = list(found)
        kinds = list(dict.fromkeys(row["degradation"] for row in members if row["degradation"])) or [""]
        for kind in kinds:
            # a failed or skipped row may not know its degradation: it stands with the first
            mine = [row for row in members if (row["degradation"] or kinds[0]) == kind]
            yield " · ".join(part for part in (dataset, split, kind) if part), mine


def first_lines(board: Board) -> list[Mapping[str, Any]]:
    """The first row of each record: the one under the dataset's own convention, where it was scored."""
    return [next(lines) for _, lines in groupby(board, key=lambda row: row["record"])]


def shown_lines(board: Board) -> list[Mapping[str, Any]]:
    """The first row of each record, and those under a paper's convention, where its figure may be held against ours."""
    first = {id(row) for row in first_lines(board)}
    return [row for row in board if id(row) in first or row["delta_psnr"] is not None or row["delta_ssim"] is not None]


def figure(row: Mapping[str, Any], metric: str) -> str:
    """A mean with its interval: ``37.20 [36.90, 37.51]``; '' where there is none."""
    value, low, high = row[metric], row[f"{metric}_low"], row[f"{metric}_high"]
    digits = 2 if metric == "psnr" else 4
    if value is None:
        return ""
    interval = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{value:.{digits}f}{interval}"


def minus_best(row: Mapping[str, Any]) -> str:
    """The paired difference to the best row: ``-0.31 [-0.50, -0.12]``; ``best`` for that row, '' for a lone one."""
    value, low, high = (row[f"minus_best_psnr{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return "best" if row["best"] == row["record"] else ""
    return f"{value:+.2f}" + ("" if low is None or high is None else f" [{low:+.2f}, {high:+.2f}]")


def cells(row: Mapping[str, Any], main: str) -> list[str]:
    """One row of the readable table, in the order of HEAD; a convention that is not the table's `main` one is named."""
    name = row["method"] if row["convention"] in (main, None) else f"{row['method']} ({row['convention']})"
    size = "" if row["n"] is None else f"{row['n']} ({row['scenes']} scene{'s' if row['scenes'] != 1 else ''})"
    return [name, variety(row), figure(row, "psnr"), figure(row, "ssim"), minus_best(row), size, *_published(row)]


def _published(row: Mapping[str, Any]) -> list[str]:
    """The paper's figures, ours minus theirs, and whether they may be compared."""
    theirs = [] if row["published_psnr"] is None else [f"{row['published_psnr']:g}"]
    theirs += [] if row["published_ssim"] is None else [f"{row['published_ssim']:g}"]
    change = [] if row["delta_psnr"] is None else [f"{row['delta_psnr']:+.2f}"]
    change += [] if row["delta_ssim"] is None else [f"{row['delta_ssim']:+.4f}"]
    comparable = row["comparable"].removesuffix("no published figure").removesuffix("; ")
    return [" / ".join(theirs), " / ".join(change), comparable]


def costs(row: Mapping[str, Any]) -> list[str]:
    """What restoring costs, in the order of COSTS."""
    params = f"{row['params']:,}" if row["params"] else ""
    gmacs = "" if row["gmacs"] is None else f"{row['gmacs']:.2f}"
    speed, memory = ("" if row[key] is None else f"{row[key]:.0f}" for key in ("ms_per_megapixel", "peak_mb"))
    tile = f", tiles of {row['tile']}" if row["tile"] else ""
    return [label(row), params, gmacs, speed, memory, f"{row['device']}, {row['precision']}{tile}", row["weights"]]


def _convention(board: Board) -> str:
    return next((row["convention"] for row in first_lines(board) if row["convention"]), "")


def markdown(board: Board) -> str:
    """The whole leaderboard as a Markdown page."""
    parts = [
        "# Leaderboard",
        "",
        _ABOUT,
        "",
    ]
    for title, mine in groups(board):
        parts += [f"## {title}", "", *_main_table(mine), *_matrix(mine), *_sections(mine), *_remarks(mine)]
    if not board:
        parts += ["No records yet."]
    return "\n".join(parts).rstrip() + "\n"


def main_tables(board: Board) -> str:
    """One table per dataset and split under its own convention, with remarks, for a page that shows the gist."""
    parts = [
        line for title, mine in groups(board) for line in [f"**{title}**", "", *_main_table(mine), *_remarks(mine)]
    ]
    return "\n".join(parts).strip()


def _main_table(board: Board) -> list[str]:
    done = [row for row in shown_lines(board) if row["status"] == "done"]
    if not done:
        return []
    main = _convention(done)
    prices = [costs(row) for row in first_lines(done)]
    return [
        f"Convention: `{main}`",
        "",
        *table(HEAD, [cells(row, main) for row in done]),
        "",
        *table(COSTS, prices),
        "",
    ]


def _matrix(board: Board) -> list[str]:
    done = [row for row in board if row["convention"]]
    names = list(dict.fromkeys(row["convention"] for row in done if row["convention"] != _convention(done)))
    if not names:
        return []
    lines = []
    for _, mine in groupby(done, key=lambda row: row["record"]):
        by_name = {row["convention"]: row for row in mine}
        first = next(iter(by_name.values()))
        lines.append([label(first), *(_pair(by_name.get(name)) for name in names)])
    return ["Under the other conventions (PSNR / SSIM):", "", *table(("method", *names), lines), ""]


def _sections(board: Board) -> list[str]:
    """A folded table for each convention, with what the wide one has no room for."""
    done = [row for row in board if row["convention"]]
    lines = []
    for name in dict.fromkeys(row["convention"] for row in done):
        mine = [[label(row), *cells(row, name)[2:]] for row in done if row["convention"] == name]
        lines += [f"`{name}`", "", *table((HEAD[0], *HEAD[2:]), mine), ""]
    summary = "<details><summary>Every convention, with intervals and differences</summary>"
    return [summary, "", *lines, "</details>", ""] if lines else []


def label(row: Mapping[str, Any]) -> str:
    """Method, recipe and what else tells rows apart, in a few words."""
    return " ".join(part for part in (row["method"], variety(row)) if part)


def variety(row: Mapping[str, Any]) -> str:
    """Recipe, seed where it is not 0, and self-ensemble."""
    seed = f", seed {row['seed']}" if row["seed"] else ""
    return str(row["recipe"]) + seed + (", x8" if row["ensemble"] == "x8" else "")


def _pair(row: Mapping[str, Any] | None) -> str:
    if row is None or row["psnr"] is None:
        return ""
    return f"{row['psnr']:.2f}" if row["ssim"] is None else f"{row['psnr']:.2f} / {row['ssim']:.4f}"


def _remarks(board: Board) -> list[str]:
    lines = []
    for row in first_lines(board):
        if row["status"] != "done":
            lines.append(f"- {label(row)}: {row['status']}: {row['note']}")
        elif row["note"]:
            lines.append(f"- {label(row)}: {row['note']}")
        if row["published_source"]:
            lines.append(f"- {label(row)}: published figure from {row['published_source']}")
    return [*dict.fromkeys(lines), ""] if lines else []


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *body]


def show(board: Board, console: Console) -> None:
    """Print the main tables: one per dataset and split, under its own convention, with remarks below them."""
    for title, mine in groups(board):
        name = _convention(mine)
        lines = [(row, cells(row, name)) for row in shown_lines(mine)]
        # a terminal is narrow: what is a sentence goes below the table, the rest is in leaderboard.md
        console.table(f"{title} ({name})" if name else title, HEAD[:_NARROW], [line[:_NARROW] for _, line in lines])
        for row, line in lines:
            remark = line[_NARROW] if row["status"] == "done" else f"{row['status']}: {row['note']}"
            if remark:
                console.remark(f"{' '.join(part for part in line[:2] if part)}: {remark}")
