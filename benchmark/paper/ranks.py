"""The critical-difference diagram as a figure of the paper; the same layout as on a page."""

from __future__ import annotations

from pathlib import Path

from benchmark.paper.drawing import WIDTH, figure, save, short
from benchmark.verdict.diagram import AXIS, layout
from benchmark.verdict.many import Ranking

_DOTS = 96  # pixels of the layout in an inch


def draw_ranks(ranking: Ranking, path: Path) -> list[Path]:
    """Draw the diagram of a ranking that has a verdict."""
    plan = layout(ranking)
    wide = WIDTH * _DOTS
    left, right = 0.32 * wide, 0.68 * wide
    with figure(WIDTH, plan.height / _DOTS) as drawn:
        axes = drawn.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, wide), ylim=(plan.height, 0))
        axes.set_axis_off()

        def place(rank: float) -> float:
            return left + (rank - 1) / max(1, plan.count - 1) * (right - left)

        def line(x: tuple[float, float], y: tuple[float, float], width: float = 0.6) -> None:
            axes.plot(x, y, color="black", linewidth=width, solid_capstyle="butt")

        line((left, right), (AXIS, AXIS))
        for rank in range(1, plan.count + 1):
            line((place(rank), place(rank)), (AXIS - 4, AXIS))
            axes.text(place(rank), AXIS - 6, str(rank), ha="center", va="bottom", fontsize=7)
        end = place(1 + min(plan.critical, plan.count - 1))
        line((left, end), (12, 12), 1.5)
        axes.text(end + 6, 12, f"critical difference {plan.critical:.2f}", va="center", fontsize=7)
        for first, last, y in plan.bars:
            line((place(first) - 3, place(last) + 3), (y, y), 2.5)
        for label in plan.labels:
            edge = left - 12 if label.left else right + 12
            line((place(label.rank), place(label.rank)), (AXIS, label.y))
            line((place(label.rank), edge), (label.y, label.y))
            align = "right" if label.left else "left"
            axes.text(
                edge + (-4 if label.left else 4), label.y, short(label.text, 40), ha=align, va="center", fontsize=7
            )
        return save(drawn, path)
