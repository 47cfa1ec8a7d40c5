"""Whether two rows of the leaderboard really differ: paired intervals over the images that both restored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmark.leaderboard.contenders import Contender, chosen
from benchmark.records.record import DONE, ImageScore, Record
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.scoring.estimates import Estimate
    from benchmark.scoring.statistics import Interval


@dataclass(frozen=True)
class Difference:
    """A minus B under one convention over `n` common images; intervals at 95 %, clustered by scene.

    Attributes:
        a, b: labels of the two rows. seeds: how many each has.
        psnr, ssim: with their intervals; ssim is None where the convention has none.
        estimate: behind the interval of the PSNR; None where there is none.
    """

    dataset: str
    split: str
    degradation: str
    convention: str
    n: int
    psnr: Interval
    ssim: Interval | None
    a: str = ""
    b: str = ""
    seeds: tuple[int, int] = (1, 1)
    estimate: Estimate | None = None

    @property
    def title(self) -> str:
        """The images in words."""
        return " · ".join(part for part in (self.dataset, self.split, self.degradation) if part)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for machines."""
        return {name: value for name, value in asdict(self).items() if name != "estimate"}


def compare(records: Iterable[Record], a: str, b: str, *, dataset: str | None = None) -> list[Difference]:
    """Paired differences A - B on every split that both have, under every convention that both have.

    A method with several seeds is compared by its mean over them, and their spread widens the interval.

    Args:
        a, b: a method's name, METHOD:RECIPE, or a cell id or its beginning (see `contenders.chosen`).
    Raises:
        UserError: unknown names, several rows to choose from, no common split or image.
    """
    return [line for first, second in pairs(records, a, b, dataset=dataset) for line in differences(first, second)]


def pairs(
    records: Iterable[Record], a: str, b: str, *, dataset: str | None = None
) -> list[tuple[Contender, Contender]]:
    """The rows A and B on every set of images that both have. Arguments and errors are those of `compare`."""
    done = [r for r in records if r.status == DONE and dataset in (None, r.cell.data.name)]
    first, second = chosen(done, a), chosen(done, b)
    common = [key for key in first if key in second]
    if not common:
        raise UserError(f"{a!r} and {b!r} have no finished record of the same split: run both on one dataset first.")
    return [(first[key], second[key]) for key in common]


def differences(a: Contender, b: Contender) -> list[Difference]:
    """A - B under every convention that both have, the dataset's own first. Raises UserError for missing scores."""
    return [difference(a, b, name) for name in a.conventions if name in b.conventions]


def difference(a: Contender, b: Contender, convention: str, only: Collection[str] | None = None) -> Difference:
    """A - B under one convention.

    Args:
        only: names of the images to look at; default: all that both have.
    Raises:
        UserError: no common image, or scores that one of the rows lacks.
    """
    psnr, ssim = (paired_estimate(a.scores, b.scores, f"{metric}[{convention}]", only) for metric in ("psnr", "ssim"))
    if psnr is None:
        if not set(a.scores[0]) & set(b.scores[0]):
            raise UserError(
                f"The cells {a.first.id} and {b.first.id} have no image in common: run both without --limit."
            )
        raise UserError(
            f"The per-image scores of {a.first.id} or {b.first.id} lack {convention}: "
            "run the two cells again with --force."
        )
    cell, seeds = a.first.cell, (len(a.records), len(b.records))
    where = cell.data.name, cell.data.split, cell.degradation, convention
    return Difference(*where, psnr[0].n, psnr[0], ssim[0] if ssim else None, a.label, b.label, seeds, psnr[1])


def paired_scores(ours: Sequence[ImageScore], theirs: Sequence[ImageScore], column: str) -> Interval | None:
    """Mean paired difference ours - theirs in one column of scores.csv, over the images that both have.

    None where there is none, or where one has a score that the other lacks: a mean over the images that happen to be
    scored in both would say nothing about the set.
    """
    first, second = ([{row.name: row for row in rows}] for rows in (ours, theirs))
    found = paired_estimate(first, second, column)
    return found[0] if found else None


def paired_estimate(
    ours: Sequence[Mapping[str, ImageScore]],
    theirs: Sequence[Mapping[str, ImageScore]],
    column: str,
    only: Collection[str] | None = None,
) -> tuple[Interval, Estimate | None] | None:
    """The same for rows of several seeds, with the estimate behind the interval.

    Args:
        ours, theirs: for each seed image name -> its scores. only: names of the images to look at; default: all.
    """
    from benchmark.scoring.statistics import SSIM_DIFFERENCES
    from benchmark.scoring.statistics import difference as mean_difference

    every = [*ours, *theirs]
    names = [name for name in every[0] if all(name in rows for rows in every) and (only is None or name in only)]
    values = [[rows[name].values.get(column) for name in names] for rows in every]
    absent = [[value is None for value in row] for row in values]
    if any(row != absent[0] for row in absent):
        return None
    used = [index for index, missing in enumerate(absent[0]) if not missing]
    if not used:
        return None
    found = [[float(row[index]) for index in used] for row in values]  # type: ignore[arg-type]  # None is left out
    scenes = [every[0][names[index]].scene for index in used]
    gap, estimate = mean_difference(found[: len(ours)], found[len(ours) :], scenes)
    return (gap.within(*SSIM_DIFFERENCES) if column.startswith("ssim[") else gap), estimate
