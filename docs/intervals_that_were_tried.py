"""Rules for the interval that were weighed against the one in use: simulated, and written as a table of statistics.md.

    python docs/intervals_that_were_tried.py --page docs/statistics.md

The settings and draws are those of coverage_of_intervals.py. Draws are arrays, so that a rule is a few lines; the rule
in use is held to the program's own intervals before anything is counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import gammaincinv, stdtrit
from simulated_differences import DISTRIBUTIONS, SCENES, SETTINGS, Array, Draws, drawn

from benchmark.leaderboard.markdown_blocks import fill_block
from benchmark.scoring.estimates import WIDEST, Estimate
from benchmark.tables.markdown_table import pipe_table
from datasets.ops.noise import keyed_generator


@dataclass(frozen=True)
class Rule:
    """One rule: the one in use, unless told otherwise.

    Attributes:
        welch: degrees of freedom between seeds by Welch (1947), else Satterthwaite's. quantile: of the seeds' variance
            for the degrees of freedom; None = as it is. fewer: only where it leaves fewer of them. pooled: seeds of
            both rows have one variance. widest, nearest: bounds of an end in those of the t-interval. single: seeds'
            spread with the part of single scenes. correction: of the t statistic, its inverse.
    """

    name: str
    welch: bool = True
    quantile: float | None = 0.25
    fewer: bool = True
    pooled: bool = False
    widest: float = WIDEST
    nearest: float = 0.0
    single: bool = True
    correction: Callable[[Array, Array], Array] | None = None

    def ends(self, draws: Draws) -> tuple[Array, Array]:
        """Lower and upper ends."""
        parts = zip(draws.seeds, draws.single, strict=True)
        spread = sum((np.maximum(v - (0 if self.single else part), 0) for (v, _), part in parts), 0.0)
        total = draws.variance + spread
        skew = draws.skewness / np.sqrt(draws.scenes) * (draws.variance / total) ** 1.5
        quantile, error = stdtrit(self._freedom(draws), 0.975), np.sqrt(total)
        back = self.correction or hall
        far = [
            np.clip(side * back(side * quantile, skew), self.nearest * quantile, self.widest * quantile)
            for side in (1, -1)
        ]
        return draws.mean - far[0] * error, draws.mean + far[1] * error

    def _freedom(self, draws: Draws) -> Array:
        if not draws.seeds:
            return draws.freedom
        spread = sum(variance for variance, _ in draws.seeds)
        more = 2 if self.welch else 0
        own = 1 / sum((v / spread) ** 2 / (seeds - 1 + more) for v, seeds in draws.seeds) - more
        if self.pooled:
            own = np.full_like(own, sum(seeds - 1 for _, seeds in draws.seeds))
        found = []
        upper = spread if self.quantile is None else spread / (2 * gammaincinv(own / 2, self.quantile) / own)
        for variance in (upper, spread) if self.fewer else (upper,):
            total = draws.variance + variance
            found.append(1 / ((draws.variance / total) ** 2 / draws.freedom + (variance / total) ** 2 / own))
        return np.asarray(np.minimum.reduce(found))


def hall(value: Array, skew: Array) -> Array:
    """The statistic that Hall's cubic takes to this value."""
    a = np.where(np.abs(skew) < 1e-9, 1e-9, skew) / 3
    return np.asarray((np.cbrt(1 + 3 * a * (value - skew / 6)) - 1) / a)


def exponential(value: Array, skew: Array) -> Array:
    """The same by Hall's second transformation."""
    a = np.where(np.abs(skew) < 1e-9, 1e-9, skew) * 2 / 3
    inside = 1 + a * (value - skew / 6)
    return np.asarray(np.where(inside > 0, np.log(np.maximum(inside, 1e-300)) / a, np.sign(value) * 1e9))


def none(value: Array, skew: Array) -> Array:
    """No correction: Student's t."""
    return value


USED = Rule("the rule in use")
RULES = (
    USED,
    Rule("Satterthwaite between seeds", welch=False),
    Rule("one variance of both rows' seeds (pooled)", pooled=True),
    Rule("seeds' variance as it is", quantile=None),
    Rule("seeds' variance at its median", quantile=0.5),
    Rule("seeds' variance at its upper quartile always", fewer=False),
    Rule("seeds' spread without that of single scenes", single=False),
    Rule("no bound on the ends", widest=np.inf),
    Rule("ends at least as far as in the t-interval", nearest=1.0),
    Rule("Hall's exponential transformation", correction=exponential),
    Rule("no correction for skewness", correction=none),
)


def held(draws: Draws, count: int = 20) -> None:
    """The rule in use, as it stands here, gives the program's ends."""
    low, high = USED.ends(draws)
    for k in range(count):
        values = draws.mean[k], draws.scenes, draws.variance[k], draws.freedom[k], draws.skewness[k]
        seeds = tuple((float(variance[k]), number) for variance, number in draws.seeds)
        np.testing.assert_allclose((low[k], high[k]), Estimate(*values, seeds=seeds).ends(), rtol=1e-5, atol=1e-7)


def table(draws: int) -> str:
    """A line for each rule, in Markdown."""
    shares: dict[str, list[float]] = {rule.name: [] for rule in RULES}
    few: dict[tuple[str, str], float] = {}
    for distribution in DISTRIBUTIONS:
        for setting in SETTINGS:
            for scenes in SCENES:
                found = drawn(setting, distribution, scenes, draws)
                held(found)
                for rule in RULES:
                    low, high = rule.ends(found)
                    share = 100 * float(np.mean((low <= 0) & (high >= 0)))
                    shares[rule.name].append(share)
                    if scenes == min(SCENES) and setting == SETTINGS[0]:
                        few[rule.name, distribution] = share
    heads = ["rule", "within 93 to 97 %", "lowest", "highest", "distance to 95", "5 normal", "5 exponential"]
    lines = []
    for name, all_ in shares.items():
        inside, away = sum(93 <= share <= 97 for share in all_), np.sqrt(np.mean((np.array(all_) - 95) ** 2))
        ends = [f"{few[name, kind]:.1f}" for kind in ("normal", "skewness 2 (exponential)")]
        lines.append([name, f"{inside} of {len(all_)}", f"{min(all_):.1f}", f"{max(all_):.1f}", f"{away:.2f}", *ends])
    about = (
        f"{draws:,} draws of each setting; each line changes one part of the rule. Distance: root mean square, in %."
    )
    return "\n".join([about, "", *pipe_table(heads, lines), "", *between(draws * 25)])


def between(draws: int) -> list[str]:
    """Coverage where seeds are all that varies, by how much more those of the second row vary."""
    rules = (
        replace(USED, quantile=None),
        replace(USED, quantile=None, welch=False),
        replace(USED, quantile=None, pooled=True),
    )
    lines = []
    for first, second in ((2, 2), (2, 3), (3, 3), (5, 5)):
        for ratio in (1, 4, 16, np.inf):
            generator = keyed_generator("tried", "seeds", first, second, str(ratio))
            spread = 0.0 if ratio == np.inf else 1.0, 1.0 if ratio == np.inf else float(np.sqrt(ratio))
            rows = [s * generator.standard_normal((draws, k)) for s, k in zip(spread, (first, second), strict=True)]
            zero = np.zeros(draws)
            parts = tuple((row.var(1, ddof=1) / row.shape[1], row.shape[1]) for row in rows)
            made = Draws(rows[0].mean(1) - rows[1].mean(1), 9, zero, zero + 8, zero, parts, (zero, zero), zero)
            ends = [rule.ends(made) for rule in rules]
            found = [f"{100 * np.mean((low <= 0) & (high >= 0)):.1f}" for low, high in ends]
            lines.append([f"{first} and {second}", "only the second" if ratio == np.inf else str(ratio), *found])
    about = f"Where seeds are all that varies ({draws:,} draws); ratio: of the second row's variance to the first's."
    return [about, "", *pipe_table(["seeds", "ratio", "Welch", "Satterthwaite", "pooled"], lines)]


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print, and fill the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=8000, help="of each setting (default 8000)")
    parser.add_argument("--page", type=Path, help="put the tables between its <!-- tried --> marks")
    args = parser.parse_args(argv)
    text = table(args.draws)
    print(text)
    if args.page:
        fill_block(args.page, "tried", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
