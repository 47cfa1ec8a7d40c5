"""How often the 95 % intervals hold what they should: simulated, and written as the tables of docs/statistics.md.

    python docs/coverage_of_intervals.py --page docs/statistics.md

Paired differences are drawn whose true mean is 0: normal ones and skewed ones, over scenes of one image or of 1 to 4,
of rows with one seed or with several. The draws are arrays, and so are the formulas; these are held to the program's
own intervals on some draws of each setting. Beside them stand three other intervals, on the same draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from intervals_that_were_tried import USED, held
from scipy.special import ndtr, ndtri, stdtrit
from simulated_differences import DISTRIBUTIONS, SCENES, SETTINGS, Setting, drawn

from benchmark.leaderboard.markdown_blocks import fill_block
from benchmark.tables.markdown_table import pipe_table
from datasets.ops.noise import keyed_generator

RESAMPLES, COMPARED = 1000, 1000  # of the bootstraps that are compared, and on how many draws


def coverage(setting: Setting, distribution: str, scenes: int, draws: int) -> float:
    """The share of intervals that hold the true mean, 0."""
    found = drawn(setting, distribution, scenes, draws)
    held(found)
    low, high = USED.ends(found)
    return float(np.mean((low <= 0) & (high >= 0)))


def student(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plain t-intervals: (draws, scenes) -> the two ends of each draw."""
    count = values.shape[1]
    half = stdtrit(count - 1, 0.975) * values.std(axis=1, ddof=1) / np.sqrt(count)
    return values.mean(axis=1) - half, values.mean(axis=1) + half


def expanded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap percentiles widened to the t distribution's (Hesterberg 2015)."""
    count = values.shape[1]
    tail = ndtr(stdtrit(count - 1, 0.025) * np.sqrt(count / (count - 1)))
    ends = [np.quantile(means, [tail, 1 - tail]) for means in _resampled(values)]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])


def accelerated(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bias-corrected and accelerated bootstrap, BCa (Efron 1987)."""
    lows, highs = [], []
    for each, means in zip(values, _resampled(values), strict=True):
        moved = each - each.mean()
        bias = ndtri(np.clip(np.mean(means < each.mean()), 1e-3, 1 - 1e-3))
        pull = np.sum(moved**3) / (6 * np.sum(moved**2) ** 1.5)
        ends = bias + ndtri(np.array([0.025, 0.975]))
        low, high = np.quantile(means, ndtr(bias + ends / (1 - pull * ends)))
        lows.append(low)
        highs.append(high)
    return np.array(lows), np.array(highs)


def _resampled(values: np.ndarray):
    count = values.shape[1]
    generator = keyed_generator("coverage", "bootstrap", count)
    counts = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count
    return (counts @ each for each in values)


OTHERS = {"Student's t": student, "expanded percentile bootstrap": expanded, "BCa bootstrap": accelerated}


def compared(distribution: str, scenes: int, draws: int) -> list[float]:
    """Coverage of the other intervals on the draws of the first setting."""
    one_image_each = drawn(SETTINGS[0], distribution, scenes, draws)
    values = one_image_each.mean[:, None] + one_image_each.moves
    found = [make(values) for make in OTHERS.values()]
    return [float(np.mean((low <= 0) & (high >= 0))) for low, high in found]


def all_shares(draws: int, workers: int) -> dict[tuple[str, str, int], float]:
    """(distribution, setting, scenes) -> per cent, from several processes: each draw has its own key."""
    keys = [(name, setting, scenes) for name in DISTRIBUTIONS for setting in SETTINGS for scenes in SCENES]
    with ProcessPoolExecutor(workers) as pool:
        found = pool.map(coverage, *zip(*((s, name, n, draws) for name, s, n in keys), strict=True))
        return {(name, s.name, n): round(100 * share, 1) for (name, s, n), share in zip(keys, found, strict=True)}


def tables(draws: int, workers: int) -> str:
    """All tables, in Markdown, with what lies outside of 93 to 97 % before them."""
    error = 100 * np.sqrt(0.95 * 0.05 / draws)
    heads = ["scenes", *map(str, SCENES)]
    parts, shares = [], all_shares(draws, workers)
    for name in DISTRIBUTIONS:
        lines = [[s.name, *(f"{shares[name, s.name, scenes]:.1f}" for scenes in SCENES)] for s in SETTINGS]
        parts += [f"**{name}**", "", *pipe_table(heads, lines), ""]
    parts += [
        f"**Other intervals, on {min(draws, COMPARED):,} draws of each first line ({RESAMPLES} resamples)**",
        "",
    ]
    lines = []
    for name in DISTRIBUTIONS:
        by_scenes = [compared(name, scenes, min(draws, COMPARED)) for scenes in SCENES]
        lines += [
            [f"{other}, {name}", *(f"{100 * found[k]:.1f}" for found in by_scenes)] for k, other in enumerate(OTHERS)
        ]
    about = f"Each figure is the share of {draws:,} intervals, in per cent; its standard error is {error:.1f}."
    return "\n".join([about, *outside(shares), "", *parts, *pipe_table(heads, lines)])


def outside(shares: dict[tuple[str, str, int], float]) -> list[str]:
    """How many figures lie within 93 to 97 %, and a line for each setting and distribution where some do not."""
    inner = sum(93 <= share <= 97 for share in shares.values())
    lines = [f"Of {len(shares)} figures {inner} lie within 93 to 97 %. Outside of that:", ""]
    for name in DISTRIBUTIONS:
        for setting in SETTINGS:
            wrong = {n: shares[name, setting.name, n] for n in SCENES if not 93 <= shares[name, setting.name, n] <= 97}
            if wrong:
                where = ", ".join(f"{share:.1f} at {scenes}" for scenes, share in wrong.items())
                lines.append(f"- {setting.name}, {name}: {where} scenes")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print, and fill the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=4000, help="of each figure (default 4000)")
    parser.add_argument("--page", type=Path, help="put the tables between its <!-- coverage --> marks")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2); the tables do not depend on it")
    args = parser.parse_args(argv)
    text = tables(args.draws, args.workers)
    print(text)
    if args.page:
        fill_block(args.page, "coverage", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
