"""The critical-difference diagram: mean ranks on a line, rows that are not told apart joined by a bar; as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from benchmark.verdict.many import Ranking

LINE, TOP, AXIS = 20.0, 58.0, 34.0  # heights: of a label, of the first one, of the axis
BAR = 7.0  # between two bars


@dataclass(frozen=True)
class Label:
    """A row's label: its text, the rank that it points at, its height, and whether it stands on the left."""

    text: str
    rank: float
    y: float
    left: bool


@dataclass(frozen=True)
class Layout:
    """Where everything stands; heights in pixels from the top, places on the axis as ranks.

    Attributes:
        count: of rows, the axis' last rank. bars: (first rank, last rank, height). critical: the bar above the axis.
    """

    count: int
    labels: tuple[Label, ...]
    bars: tuple[tuple[float, float, float], ...]
    critical: float
    height: float


def layout(ranking: Ranking) -> Layout:
    """Places of a ranking's parts: the better half on the left, the others on the right, outermost lowest."""
    order = sorted(ranking.standings, key=lambda each: each.mean_rank)
    ranks = [each.mean_rank for each in ranking.standings]
    top = TOP + BAR * len(ranking.groups)
    half = (len(order) + 1) // 2
    labels = [
        Label(f"{each.label} ({each.mean_rank:.2f})", each.mean_rank, top + LINE * place, place < half)
        for place, each in [*enumerate(order[:half])]
    ]
    labels += [
        Label(f"{each.label} ({each.mean_rank:.2f})", each.mean_rank, top + LINE * place, False)
        for place, each in enumerate(reversed(order[half:]))
    ]
    bars = [
        (min(ranks[k] for k in group), max(ranks[k] for k in group), AXIS + 10 + BAR * place)
        for place, group in enumerate(ranking.groups)
    ]
    return Layout(len(order), tuple(labels), tuple(bars), ranking.critical or 0.0, top + LINE * half)


def summary(ranking: Ranking) -> str:
    """What the diagram shows, in words for those who do not see it."""
    order = sorted(ranking.standings, key=lambda each: each.mean_rank)
    ranks = ", ".join(f"{each.label} {each.mean_rank:.2f}" for each in order)
    joined = "; ".join(" and ".join(ranking.standings[k].label for k in group) for group in ranking.groups)
    told = f"Not told apart: {joined}." if joined else "All are told apart."
    return f"Mean ranks over {ranking.scenes} scenes: {ranks}. Critical difference {ranking.critical or 0:.2f}. {told}"


def diagram_svg(ranking: Ranking, width: int = 640) -> str:
    """The diagram as an SVG that takes its colour from the page around it; '' where there is no verdict.

    Args:
        width: in pixels; the picture scales to the room that it is given.
    """
    if ranking.critical is None:
        return ""
    plan = layout(ranking)
    left, right = width * 0.32, width * 0.68

    def place(rank: float) -> float:
        return left + (rank - 1) / max(1, plan.count - 1) * (right - left)

    parts = [_line(left, AXIS, right, AXIS)]
    for rank in range(1, plan.count + 1):
        parts.append(_line(place(rank), AXIS - 4, place(rank), AXIS))
        parts.append(_text(place(rank), AXIS - 8, str(rank), "middle"))
    shown = min(plan.critical, plan.count - 1)
    parts.append(_line(left, 12, place(1 + shown), 12, 2))
    parts.append(_text(place(1 + shown) + 6, 16, f"critical difference {plan.critical:.2f}", "start"))
    parts += [_line(place(first) - 3, y, place(last) + 3, y, 4) for first, last, y in plan.bars]
    for label in plan.labels:
        edge = left - 12 if label.left else right + 12
        parts += [
            _line(place(label.rank), AXIS, place(label.rank), label.y),
            _line(place(label.rank), label.y, edge, label.y),
        ]
        parts.append(_text(edge + (-4 if label.left else 4), label.y + 4, label.text, "end" if label.left else "start"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {plan.height:g}" role="img" '
    head += 'font-family="sans-serif" font-size="12" fill="currentColor" stroke="none">'
    return "\n".join([head, f"<title>{escape(summary(ranking))}</title>", *parts, "</svg>"]) + "\n"


def _line(x1: float, y1: float, x2: float, y2: float, width: float = 1) -> str:
    ends = " ".join(f'{name}="{value:.1f}"' for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)))
    return f'<line {ends} stroke="currentColor" stroke-width="{width:g}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
