"""Verdicts as tables: the conditions of one pair, and the matrix of many rows."""

from __future__ import annotations

from benchmark.leaderboard.compare import Difference
from benchmark.tables.column import Column
from benchmark.tables.formats import WithInterval
from benchmark.verdict.many import Ranking
from benchmark.verdict.pair import Verdict, word
from benchmark.verdict.words import two_digits

_PSNR, _SSIM = WithInterval("+.3f", ".6g"), WithInterval("+.5f", ".6g")


def _ends(format: WithInterval, line: Difference, metric: str) -> str:
    """The interval, or ``none`` where a mean has none: its absence is a result, and the remark says why."""
    value = getattr(line, metric)
    return format.ends_text(value) or ("none" if format.mean_text(value) else "")


Line = tuple[str, str, Difference]  # of what kind the condition is, its name, and the difference there

CONDITIONS: tuple[Column[Line], ...] = (
    Column("under", lambda line: line[0]),
    Column("which", lambda line: line[1]),
    Column("n", lambda line: line[2].n),
    Column("scenes", lambda line: line[2].psnr.scenes),
    Column("psnr", lambda line: line[2].psnr, "PSNR", _PSNR, "dB", shown=lambda line: _PSNR.mean_text(line[2].psnr)),
    Column("psnr_interval", lambda line: _ends(_PSNR, line[2], "psnr"), "95 % interval"),
    Column("verdict", lambda line: word(line[2])),
    Column("ssim", lambda line: line[2].ssim, "SSIM", _SSIM, shown=lambda line: _SSIM.mean_text(line[2].ssim)),
    Column("ssim_interval", lambda line: _ends(_SSIM, line[2], "ssim"), "95 % interval"),
    Column("remark", lambda line: line[2].psnr.reason),
)


def condition_lines(verdict: Verdict) -> list[Line]:
    """The verdict's own line, then one for each other condition."""
    return [
        ("convention", verdict.main.convention, verdict.main),
        *((place.kind, place.name, place.difference) for place in verdict.elsewhere),
    ]


def matrix(ranking: Ranking) -> tuple[list[str], list[list[str]]]:
    """Heads and cells: a line per row with its mean, its ranks, and its difference to each other row in dB.

    A star marks differences that hold together at 95 % (Holm).
    """
    labels = [each.label for each in ranking.standings]
    heads = ["row", "seeds", "PSNR", "rank at 95 %", "mean rank", *(f"minus {label}" for label in labels)]
    lines = []
    for k, each in enumerate(ranking.standings):
        span = f"{each.best}" if each.best == each.worst else f"{each.best} to {each.worst}"
        span = "" if ranking.reason else span
        known = [str(each.seeds), f"{each.psnr:.2f}", span, f"{each.mean_rank:.2f}"]
        lines.append([each.label, *known, *(_cell(ranking, k, other) for other in range(len(labels)))])
    return heads, lines


def _cell(ranking: Ranking, row: int, other: int) -> str:
    if row == other:
        return ""
    pair, sign = ranking.pair(row, other)
    return f"{sign * pair.difference.psnr.mean:+.2f}{'*' if pair.separated else ''}"


def headline(ranking: Ranking) -> str:
    """A ranking in one sentence: which row is best, and from how many of the others that is certain."""
    first, others = ranking.standings[0], len(ranking.standings) - 1
    where = f"On {ranking.title} ({ranking.convention})"
    if ranking.reason:
        highest = f"{first.label} has the highest mean, {first.psnr:.2f} dB"
        return f"{where} {highest}, and there is no verdict: {ranking.reason}."
    pairs = [pair for pair in ranking.pairs if 0 in (pair.first, pair.second)]
    surely = sum(pair.separated for pair in pairs)
    if surely == others:
        said = f"{first.label} is best: {first.psnr:.2f} dB, ahead of all {others} other rows at 95 %"
    else:
        rivals = [ranking.standings[max(p.first, p.second)].label for p in pairs if not p.separated]
        said = f"the best row is undecided at 95 %: {first.label} has {first.psnr:.2f} dB, not told apart from "
        said += ", ".join(rivals)
    return f"{where} {said}, over {ranking.scenes} scenes (Holm's correction for {len(ranking.pairs)} pairs)."


def ranks_sentence(ranking: Ranking) -> str:
    """What the ranks by scene say; '' where there is no verdict."""
    if ranking.critical is None:
        return ""
    test = "" if ranking.friedman is None else f"Friedman's p is {two_digits(ranking.friedman)}; "
    told = [", ".join(ranking.standings[k].label for k in group) for group in ranking.groups]
    apart = f"not told apart from each other: {'; '.join(told)}" if told else "all rows are told apart"
    return f"Ranked scene by scene: {test}mean ranks differ from {ranking.critical:.2f} on (Nemenyi), {apart}."
