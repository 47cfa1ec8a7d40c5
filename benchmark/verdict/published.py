"""A row against a figure that a paper prints: ours with an interval, theirs without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmark.leaderboard.contenders import Contender, chosen
from benchmark.leaderboard.published import PublishedFigure, caveats, conventions_agree, find_published
from benchmark.records.record import DONE, Record
from benchmark.scoring.statistics import Interval, difference
from benchmark.verdict.words import interval_text
from datasets.core.errors import UserError

PUBLISHED = "published"  # the paper's own figure; ``published:NAME`` is that of another method, as it is printed


@dataclass(frozen=True)
class AgainstPublished:
    """Our PSNR under one convention beside a published one.

    Attributes:
        label: of our row. title: of the images. convention: of ours. ours: with its interval, over scenes and seeds.
        theirs: the published figure. gap: ours minus theirs in dB; None where the conventions differ or images are
            missing. caveats: why the two may not be compared, the strongest first.
    """

    label: str
    title: str
    convention: str
    seeds: int
    ours: Interval
    theirs: PublishedFigure
    gap: float | None
    caveats: tuple[str, ...]

    @property
    def word(self) -> str:
        """``better``, ``worse``, ``undecided`` (theirs lies within our interval) or ``none``."""
        if self.gap is None or self.ours.low is None or self.ours.high is None:
            return "none"
        return (
            "better"
            if self.ours.low > self.theirs.psnr
            else "worse"
            if self.ours.high < self.theirs.psnr
            else "undecided"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return {**asdict(self), "verdict": self.word, "sentence": sentence(self)}


def is_published(name: str) -> bool:
    """Whether a name means a published figure."""
    return name == PUBLISHED or name.startswith(PUBLISHED + ":")


def against_published(
    records: Sequence[Record],
    a: str,
    b: str,
    *,
    dataset: str | None = None,
    figures: Sequence[PublishedFigure] | None = None,
) -> list[AgainstPublished]:
    """The row A beside a published figure, on every set of images for which one is known.

    Args:
        a: name of a row. b: ``published``, the figure of A's own paper, or ``published:NAME``, NAME as printed.
        figures: default: those that come with the project.
    Raises:
        UserError: unknown row, or no published figure of that name for its images.
    """
    done = [r for r in records if r.status == DONE and dataset in (None, r.cell.data.name)]
    variant = b.partition(":")[2]
    found = [_beside(one, variant or one.first.variant, figures) for one in chosen(done, a).values()]
    kept = [line for line in found if line]
    if not kept:
        whose = f"named {variant!r}" if variant else f"of {a!r} itself"
        raise UserError(
            f"There is no published figure {whose} for the images that {a!r} has restored: docs/boards.md and "
            "results/published.csv list those that are known."
        )
    return kept


def sentence(found: AgainstPublished) -> str:
    """In one sentence: ours with its interval, theirs with its source, and what that allows to say."""
    seeds = f" and {found.seeds} seeds" if found.seeds > 1 else ""
    ours = f"{found.label} on {found.title} ({found.convention}): {interval_text(found.ours, '')} at 95 %"
    ours += f" over {found.ours.scenes} scenes{seeds}"
    figure = found.theirs
    theirs = f"{figure.variant} is published with {figure.psnr:g} dB, without an interval ({figure.source})"
    but = f"; not like with like: {'; '.join(found.caveats)}" if found.caveats else ""
    return f"{ours}; {theirs}: {_conclusion(found)}{but}."


def _conclusion(found: AgainstPublished) -> str:
    if found.gap is None:
        return "the two cannot be subtracted"
    if found.word == "none":
        return f"{found.gap:+.2f} dB on these images, and ours has no interval ({found.ours.reason})"
    said = {
        "better": "better, theirs lies below our interval",
        "worse": "worse, theirs lies above our interval",
        "undecided": "undecided, theirs lies within our interval",
    }
    return f"{found.gap:+.2f} dB, {said[found.word]}"


def _beside(row: Contender, variant: str, figures: Sequence[PublishedFigure] | None) -> AgainstPublished | None:
    cell, partial = row.first.cell, row.first.data.partial
    lines = []
    for name in row.conventions:
        theirs = find_published(variant, cell.data.name, cell.data.split, cell.degradation, name, figures)
        if theirs is not None:
            agrees = conventions_agree(theirs, name)[0] and not partial
            lines.append((not agrees, name, theirs))
    if not lines:
        return None
    differs, name, theirs = min(lines, key=lambda line: line[0])
    ours = _mean(row, name)
    reasons = caveats(theirs, name, ensemble=cell.inference.ensemble, partial=partial)
    title = " · ".join(part for part in (cell.data.name, cell.data.split, cell.degradation) if part)
    gap = None if differs else ours.mean - theirs.psnr
    return AgainstPublished(row.label, title, name, len(row.records), ours, theirs, gap, tuple(reasons))


def _mean(row: Contender, convention: str) -> Interval:
    """Our mean with its interval over scenes, and over seeds where there are several."""
    column = f"psnr[{convention}]"
    names = [name for name, score in row.scores[0].items() if score.values.get(column) is not None]
    values = [[scores[name].values.get(column) if name in scores else None for name in names] for scores in row.scores]
    known = [[value for value in line if value is not None] for line in values]
    if not names or any(len(line) < len(names) for line in known):
        raise UserError(f"The per-image scores of {row.first.id} lack {convention}: run the cell again with --force.")
    return difference(known, 0.0, [row.scores[0][name].scene for name in names])[0]
