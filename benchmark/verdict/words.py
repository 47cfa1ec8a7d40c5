"""A verdict in sentences, the first of which says whether a row is better."""

from __future__ import annotations

import math

from benchmark.scoring.statistics import Interval
from benchmark.verdict.pair import IMAGES, NONE, UNDECIDED, Elsewhere, Verdict


def sentence(verdict: Verdict) -> str:
    """The verdict in one sentence: who is better, by how much, and what this set could show."""
    main = verdict.main
    where = f"on {main.title} ({main.convention})"
    if verdict.word == NONE:
        seen = f"{main.psnr.mean:+.2f} dB on these images"
        return f"{main.a} and {main.b} have no verdict {where}: {main.psnr.reason}; {seen}."
    over = f"over {main.psnr.scenes} scenes"
    over += f" ({main.n} images)" if main.n != main.psnr.scenes else ""
    over += f" and {main.seeds[0]} and {main.seeds[1]} seeds" if max(main.seeds) > 1 else ""
    if verdict.word != UNDECIDED:
        said = f"{main.a} is {verdict.word} than {main.b} {where}: {interval_text(main.psnr)} at 95 % {over}"
        return f"{said}; {_smallest(verdict)}."
    said = f"{main.a} and {main.b} are undecided {where}: {interval_text(main.psnr)} at 95 % {over}"
    if main.psnr.mean == 0:
        needed = "there is no difference that more scenes could settle"
    elif verdict.scenes_needed is None:
        needed = "no number of scenes would settle a difference of this size: the spread over seeds alone hides it"
    else:
        needed = f"about {rounded(verdict.scenes_needed)} scenes would settle a difference of this size"
    return f"{said}; {_smallest(verdict)}, and {needed}."


def further(verdict: Verdict) -> list[str]:
    """Whether the sign holds under each kind of other conditions, a sentence for each; what else must be known."""
    kinds = dict.fromkeys(place.kind for place in verdict.elsewhere)
    lines = [_holding(kind, [p for p in verdict.elsewhere if p.kind == kind]) for kind in kinds]
    seeds = verdict.main.seeds
    if min(seeds) == 1 < max(seeds):
        one = verdict.main.a if seeds[0] == 1 else verdict.main.b
        lines.append(f"{one} has one seed: what another of its trainings would give is not in the interval.")
    return lines


def interval_text(value: Interval, sign: str = "+") -> str:
    """``+0.31 dB [+0.12, +0.52]``; without the brackets where there is no interval. '' as `sign`: of a level."""
    if value.low is None or value.high is None:
        return f"{value.mean:{sign}.2f} dB"
    half = (value.high - value.low) / 2
    # two decimals, or as many as keep the ends of a narrow interval apart
    digits = 2 if half <= 0 or half >= 0.05 else min(6, 1 - math.floor(math.log10(half)))
    return f"{value.mean:{sign}.{digits}f} dB [{value.low:{sign}.{digits}f}, {value.high:{sign}.{digits}f}]"


def _smallest(verdict: Verdict) -> str:
    return f"this set could show {two_digits(verdict.smallest or 0.0)} dB (four times in five)"


def two_digits(value: float) -> str:
    """Two significant digits without an exponent: ``0.41``, ``1.2``, ``0.0031``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(abs(value))))}f}"


def rounded(count: int) -> str:
    """Two significant digits of a large count, rounded up: ``17``, ``1,400``."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def _holding(kind: str, places: list[Elsewhere]) -> str:
    other = "the other conventions" if kind == "convention" else "other images" if kind == IMAGES else f"each {kind}"
    if places[0].difference.psnr.mean and all(place.holds for place in places):
        decided = sum(place.decided for place in places)
        return f"The sign holds for {other}: {len(places)} of {len(places)}, decided in {decided}."
    turned = [f"{p.name} ({interval_text(p.difference.psnr)})" for p in places if not p.holds]
    held = len(places) - len(turned)
    return f"The sign does not hold for {other}: it does in {held} of {len(places)}, and not for {', '.join(turned)}."
