"""One row against another: the verdict on each set of images, and whether its sign holds elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.leaderboard.compare import Difference, difference, differences, pairs
from benchmark.leaderboard.contenders import Contender
from benchmark.records.record import Record
from benchmark.verdict.power import scenes_needed, smallest_difference

BETTER, WORSE, UNDECIDED, NONE = "better", "worse", "undecided", "none"
CONVENTION, CAMERA, SENSITIVITY, IMAGES = "convention", "camera", "ISO", "images"

# Camera and ISO of each image of a dataset, where its manifest is at hand: (name, split) -> image name -> kind -> text.
Conditions = Callable[[str, str], Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True)
class Elsewhere:
    """The same two rows under another condition.

    Attributes:
        kind: CONVENTION, CAMERA, SENSITIVITY or IMAGES (another set, or the same one at another noise level).
        name: which one. difference: there. holds: whether its sign is that of the verdict.
    """

    kind: str
    name: str
    difference: Difference
    holds: bool

    @property
    def decided(self) -> bool:
        """Whether the interval there leaves 0 out."""
        return word(self.difference) in (BETTER, WORSE)


@dataclass(frozen=True)
class Verdict:
    """A against B on one set of images under its own convention.

    Attributes:
        main: the paired difference. word: of A: BETTER, WORSE, UNDECIDED, or NONE where there is no interval.
        p_value: two-sided, of no difference. smallest: the difference in dB that a set like this one finds four times
            in five. scenes_needed: how many scenes would find one as large as this; None = no number would.
        elsewhere: the same rows under other conditions.
    """

    main: Difference
    word: str
    p_value: float | None = None
    smallest: float | None = None
    scenes_needed: int | None = None
    elsewhere: tuple[Elsewhere, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for machines."""
        places = [
            {"kind": e.kind, "name": e.name, "holds": e.holds, "decided": e.decided, **e.difference.as_dict()}
            for e in self.elsewhere
        ]
        mine = {"verdict": self.word, "p_value": self.p_value, "smallest_difference": self.smallest}
        return {**self.main.as_dict(), **mine, "scenes_needed": self.scenes_needed, "elsewhere": places}


def word(found: Difference) -> str:
    """What a difference says of its first row: BETTER, WORSE, UNDECIDED; NONE where it has no interval."""
    if found.psnr.low is None or found.psnr.high is None:
        return NONE
    return BETTER if found.psnr.low > 0 else WORSE if found.psnr.high < 0 else UNDECIDED


def verdicts(
    records: Sequence[Record], a: str, b: str, *, dataset: str | None = None, conditions: Conditions | None = None
) -> list[Verdict]:
    """A against B on every set of images that both have.

    Args:
        a, b: names of rows (see `benchmark.leaderboard.contenders.chosen`). dataset: only this one.
        conditions: camera and ISO of the images; without it only conventions and other sets are looked at.
    Raises:
        UserError: unknown names, several rows to choose from, no common split or image, missing scores.
    """
    everywhere = [(first, second, differences(first, second)) for first, second in pairs(records, a, b)]
    everywhere = [entry for entry in everywhere if entry[2]]
    here = [entry for entry in everywhere if dataset in (None, entry[2][0].dataset)]
    if not here:  # says which of the two has no record of that dataset
        pairs(records, a, b, dataset=dataset)
    return [_verdict(entry, [other for other in everywhere if other is not entry], conditions) for entry in here]


Entry = tuple[Contender, Contender, list[Difference]]


def judged(main: Difference, elsewhere: Sequence[Elsewhere] = ()) -> Verdict:
    """The verdict on one difference."""
    estimate = main.estimate
    if estimate is None:
        return Verdict(main, word(main), elsewhere=tuple(elsewhere))
    power = smallest_difference(estimate), scenes_needed(estimate)
    return Verdict(main, word(main), estimate.p_value(), *power, tuple(elsewhere))


def _verdict(entry: Entry, others: Sequence[Entry], conditions: Conditions | None) -> Verdict:
    first, second, (main, *rest) = entry
    places = [(CONVENTION, line.convention, line) for line in rest]
    images = conditions(main.dataset, main.split) if conditions else {}
    for kind in (CAMERA, SENSITIVITY):
        groups: dict[str, list[str]] = {}
        for name in first.scores[0]:
            groups.setdefault(images.get(name, {}).get(kind, ""), []).append(name)
        if len(groups) > 1:  # one camera only is the verdict itself
            places += [
                (kind, group or "unknown", difference(first, second, main.convention, names))
                for group, names in sorted(groups.items(), key=lambda item: (len(item[0]), item[0]))
            ]
    places += [(IMAGES, lines[0].title, lines[0]) for _, _, lines in others]
    elsewhere = []
    for kind, name, line in places:
        here, there = main.psnr.mean, line.psnr.mean
        same_sign = there * here > 0 or there == here == 0
        elsewhere.append(Elsewhere(kind, name, line, same_sign))
    return judged(main, elsewhere)
