"""Intervals: hand-made cases, scipy, coverage by simulation, and what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.scoring.estimates import freedom, seed_part, student_quantile
from benchmark.scoring.statistics import difference, interval, intervals, paired
from datasets.core.errors import UserError

quick = settings(max_examples=20, deadline=None)


def _draw(seed: int, scenes: int, spread: float = 1.0, most: int = 4) -> tuple[np.ndarray, list[str]]:
    """Scores around 0 whose scenes differ by `spread`, 1 to `most` images each."""
    generator = np.random.default_rng(seed)
    names = np.repeat(np.arange(scenes), generator.integers(1, most + 1, scenes))
    values = generator.normal(0, spread, scenes)[names] + generator.normal(0, 0.5, names.size)
    return values, [f"scene{k:03d}" for k in names]


def test_none_below_five_scenes() -> None:
    found = interval([30.0, 31.0, 33.0], ["a", "b", "b"])
    assert (found.mean, found.low, found.high, found.kind) == (pytest.approx(94 / 3), None, None, "none")
    assert found.reason == "2 scenes: an interval needs at least 5"
    assert (found.n, found.scenes) == (3, 2)
    assert interval([30.0], ["a"]).reason.startswith("1 scene:")


@pytest.mark.parametrize(("scenes", "kind"), [(4, "none"), (5, "skew-t"), (80, "skew-t")])
def test_kind_follows_the_number_of_scenes(scenes: int, kind: str) -> None:
    assert interval(np.arange(scenes), [str(k) for k in range(scenes)]).kind == kind


def test_symmetric_scenes_of_equal_size_give_the_t_interval_of_their_means() -> None:
    """Without skewness nothing is left to correct."""
    scene_means = np.array([30.0, 31.5, 29.0, 33.0, 31.0, 32.0, 30.0, 31.5]) + [0, 0, 0, 0, 0, -2.0, 2.0, 0]
    scene_means = np.concatenate([scene_means, 60 - scene_means])
    values = np.concatenate([scene_means - 0.7, scene_means + 0.7])
    found = interval(values, [f"s{k:02d}" for k in range(16)] * 2)
    low, high = stats.t.interval(0.95, 15, loc=scene_means.mean(), scale=stats.sem(scene_means))
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))
    _, estimate = difference([values], 30.2, [f"s{k:02d}" for k in range(16)] * 2)
    assert estimate.p_value() == pytest.approx(stats.ttest_1samp(scene_means, 30.2).pvalue, rel=1e-9)


def test_the_skewness_is_scipys_and_moves_the_interval_towards_the_tail() -> None:
    values = np.array([0.0, 0.05, 0.1, 0.2, 0.15, 0.1, 0.3, 0.45])
    names = [str(k) for k in range(8)]
    _, estimate = difference([values], 0.0, names)
    assert estimate.skewness == pytest.approx(stats.skew(values, bias=False))
    assert estimate.error == pytest.approx(stats.sem(values)) and estimate.freedom == pytest.approx(7)
    low, high = estimate.ends()
    plain = stats.t.interval(0.95, 7, loc=values.mean(), scale=stats.sem(values))
    assert low > plain[0] and high > plain[1]
    # Hall's transformation, written out, takes both ends to the quantiles of Student's t
    skew = estimate.skewness / np.sqrt(8)
    statistic = (values.mean() - np.array([low, high])) / estimate.error
    moved = statistic + skew / 3 * statistic**2 + skew**2 / 27 * statistic**3 + skew / 6
    assert moved == pytest.approx(stats.t.ppf([0.975, 0.025], 7), rel=1e-9)


def test_one_scene_that_stands_out_does_not_carry_an_end_away() -> None:
    values = np.array([30.0, 30.1, 30.2, 30.1, 45.0])
    _, estimate = difference([values], 0.0, [str(k) for k in range(5)])
    low, high = estimate.ends()
    error, quantile = stats.sem(values), stats.t.ppf(0.975, 4)
    assert values.mean() - quantile * error < low and high == pytest.approx(values.mean() + 2 * quantile * error)
    assert estimate.p_value(high + 1e-6) < 0.05 < estimate.p_value(high - 1e-6)
    assert estimate.p_value(low - 1e-6) < 0.05 < estimate.p_value(low + 1e-6)


@pytest.mark.parametrize("scenes", [5, 12, 40])
def test_variance_and_freedom_of_unequal_scenes(scenes: int) -> None:
    """The jackknife with every scene left out in turn; Bell and McCaffrey's matrix, written out."""
    values, names = _draw(scenes, scenes, most=9)
    index = np.unique(names, return_inverse=True)[1]
    _, estimate = difference([values], 0.0, names)
    left_out = np.array([values[index != k].mean() for k in range(scenes)])
    jackknife = (scenes - 1) / scenes * np.sum((left_out - values.mean()) ** 2)
    assert estimate.scene_variance == pytest.approx(jackknife, rel=1e-9)
    weights = np.bincount(index) / index.size
    centre = np.eye(scenes) - np.outer(np.ones(scenes), weights)
    form = centre.T @ np.diag((weights / (1 - weights)) ** 2) @ centre
    assert estimate.freedom == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form), rel=1e-9)
    assert estimate.freedom < scenes - 1


@pytest.mark.parametrize("scenes", [5, 20])
def test_p_value_and_interval_agree(scenes: int) -> None:
    values, names = _draw(scenes, scenes)
    _, estimate = difference([values], 0.0, names)
    for end in estimate.ends():
        assert estimate.p_value(end) == pytest.approx(0.05, rel=1e-6)
    assert estimate.p_value(estimate.mean + 100) < 0.001


def test_seeds_are_a_second_source_of_spread() -> None:
    """The sum of the two variances and its degrees of freedom, written out; a row with one seed adds none."""
    values, names = _draw(4, 12, most=1)
    moved = [values + shift for shift in (0.0, 0.3, -0.6)]
    alone, one = difference([values], [values * 0.5], names)
    found, estimate = difference(moved, [values * 0.5], names)
    part = np.var([0.0, 0.3, -0.6], ddof=1) / 3
    assert estimate.scene_variance == pytest.approx(one.scene_variance)
    assert estimate.seed_variance == pytest.approx(part)
    upper = part * 2 / stats.chi2.ppf(0.25, 2)  # the upper quartile of what three seeds may have

    def satterthwaite(seeds: float) -> float:
        return (one.scene_variance + seeds) ** 2 / (one.scene_variance**2 / 11 + seeds**2 / 2)

    assert satterthwaite(upper) < satterthwaite(part)
    assert estimate.freedom == pytest.approx(satterthwaite(upper))
    assert found.high - found.low > alone.high - alone.low
    both, _ = difference(moved, [values * 0.5, values * 0.5 + 1], names)
    assert both.high - both.low > found.high - found.low


def test_seeds_of_two_rows_have_the_freedom_of_welch() -> None:
    """Equal spread of two seeds each: 4, where Satterthwaite's formula gives 2; one row's spread alone: its own 1."""
    assert freedom(0.0, 1e6, [(0.5, 2), (0.5, 2)]) == pytest.approx(4)
    assert freedom(0.0, 1e6, [(0.5, 2), (0.0, 2)]) == pytest.approx(1)
    assert freedom(0.0, 1e6, [(0.5, 3)]) == pytest.approx(2)
    three, five = 0.2, 0.7
    welch = (three + five) ** 2 / (three**2 / 4 + five**2 / 6) - 2
    assert freedom(0.0, 1e6, [(three, 3), (five, 5)]) == pytest.approx(welch)


@pytest.mark.parametrize("variance", [0.0, 1e-6, 0.01, 0.3, 5.0])
def test_seeds_that_come_out_alike_by_chance_lend_the_scenes_no_freedom(variance: float) -> None:
    """The fewer of two: of the seeds' variance as it is, and at its upper quartile."""
    found = freedom(1.0, 4.0, [(variance, 5)])
    upper = variance * 4 / stats.chi2.ppf(0.25, 4)
    both = [(1 + seeds) ** 2 / (1 / 4 + seeds**2 / 4) for seeds in (variance, upper)]
    assert found == pytest.approx(min(both))


@pytest.mark.parametrize("ratio", [1.0, 4.0, 100.0])
def test_coverage_of_two_seeds_against_two(ratio: float) -> None:
    """Where seeds are all that varies; Satterthwaite's formula holds in 98 % of draws here where they vary alike."""
    generator, draws = np.random.default_rng(5), 2000
    spread = np.sqrt([1.0, 1.0, ratio, ratio])
    hits = 0
    for scores in generator.normal(size=(draws, 4)) * spread:
        parts = [seed_part(list(scores[:2])), seed_part(list(scores[2:]))]
        mean = scores[:2].mean() - scores[2:].mean()
        hits += abs(mean) <= student_quantile(freedom(0.0, 1e6, parts), 0.975) * math.sqrt(parts[0][0] + parts[1][0])
    assert 0.90 < hits / draws < 0.965


def test_ends_stay_within_the_range_of_the_metric() -> None:
    found = interval([0.99, 0.98, 0.999, 0.5, 0.97], [str(k) for k in range(5)])
    assert found.high > 1
    inside = found.within(-1, 1)
    assert (inside.mean, inside.low, inside.high) == (found.mean, found.low, 1)
    assert found.within(-2, 2) is found
    assert interval([1.0, 2.0], ["a", "b"]).within(-1, 1).high is None
    assert interval([3.0, 3.0, 3.0, 3.0, 3.1], list("abcde")).within(-1, 1).high >= 3.02  # never below its mean


def test_agrees_with_theory_for_many_scenes() -> None:
    values = np.random.default_rng(3).normal(30, 2, 400)
    found = interval(values, [str(k) for k in range(400)])
    half = 1.96 * values.std(ddof=1) / 20
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert found.mean == pytest.approx(values.mean())


@pytest.mark.parametrize("scenes", [5, 9, 20])
@pytest.mark.parametrize("shape", [None, 1.0])
def test_coverage(scenes: int, shape: float | None) -> None:
    """Normal and exponential scenes of 1 to 4 images: 95 % within what 300 draws can tell (three errors: 0.038)."""
    hits = 0
    for seed in range(300):
        generator = np.random.default_rng(1000 * scenes + seed)
        index = np.repeat(np.arange(scenes), generator.integers(1, 5, scenes))
        each = generator.normal(size=scenes) if shape is None else generator.gamma(shape, size=scenes) - shape
        found = interval(each[index] + generator.normal(0, 0.5, index.size), [str(k) for k in index])
        hits += found.low <= 0 <= found.high
    assert 0.905 <= hits / 300 < 1


def test_more_scenes_are_narrower() -> None:
    widths = []
    for scenes in (5, 10, 40, 160):
        found = [interval(*_draw(seed, scenes)) for seed in range(8)]
        widths.append(np.mean([f.high - f.low for f in found]))
    assert widths == sorted(widths, reverse=True)
    assert widths[-2] / widths[-1] == pytest.approx(2, rel=0.2)


def test_more_images_of_the_same_scenes_add_little() -> None:
    values, scenes = _draw(7, 12)
    once, copied = interval(values, scenes), interval(np.tile(values, 10), scenes * 10)
    assert copied.low == pytest.approx(once.low) and copied.high == pytest.approx(once.high)
    wrong = interval(np.tile(values, 10), [str(k) for k in range(10 * len(scenes))])
    assert wrong.high - wrong.low < 0.6 * (once.high - once.low)


@quick
@given(st.integers(0, 10**6), st.sampled_from([6, 12]), st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_and_scale(seed: int, scenes: int, shift: float, scale: float) -> None:
    values, names = _draw(seed, scenes)
    plain, moved = interval(values, names), interval(values * scale + shift, names)
    for key in ("mean", "low", "high"):
        assert getattr(moved, key) == pytest.approx(getattr(plain, key) * scale + shift, rel=1e-9, abs=1e-9)


@quick
@given(st.integers(0, 10**6), st.sampled_from([6, 12]))
def test_order_of_images_does_not_matter(seed: int, scenes: int) -> None:
    values, names = _draw(seed, scenes)
    order = np.random.default_rng(seed).permutation(len(names))
    plain, shuffled = interval(values, names), interval(values[order], [names[k] for k in order])
    for key in ("mean", "low", "high"):
        assert getattr(shuffled, key) == pytest.approx(getattr(plain, key), rel=1e-9, abs=1e-12)


def test_same_figures_each_time() -> None:
    assert interval(*_draw(1, 15)) == interval(*_draw(1, 15))


def test_equal_scores_have_no_width() -> None:
    for scenes in (6, 12):
        found = interval([31.25] * scenes, [str(k) for k in range(scenes)])
        assert found.low == found.mean == found.high == 31.25


@quick
@given(st.integers(0, 10**6), st.sampled_from([6, 12]))
def test_paired_is_antisymmetric_and_sharper(seed: int, scenes: int) -> None:
    values, names = _draw(seed, scenes, spread=3.0)
    better = values + 0.2 + np.random.default_rng(seed).normal(0, 0.02, values.size)
    forth, back = paired(better, values, names), paired(values, better, names)
    assert (forth.mean, forth.low, forth.high) == pytest.approx((-back.mean, -back.high, -back.low), rel=1e-9)
    assert forth.low > 0
    alone = interval(better, names)
    assert forth.high - forth.low < 0.3 * (alone.high - alone.low)


def test_infinite_scores() -> None:
    names = [str(k) for k in range(6)]
    values = np.array([math.inf, 30, 31, 32, 33, 34])
    found = interval(values, names)
    assert (found.mean, found.low, found.reason) == (math.inf, None, "1 of 6 scores are infinite")
    assert paired(values, values - 1, names).mean == pytest.approx(5 / 6)
    one_sided = paired(values, np.arange(6.0), names)
    assert one_sided.mean == math.inf and one_sided.kind == "none"
    assert math.isnan(interval([math.inf, -math.inf], ["a", "b"]).mean)


@pytest.mark.parametrize(
    ("values", "scenes", "says"),
    [
        ([], [], "at least one"),
        ([1.0, 2.0], ["a"], "a scene for each"),
        ([math.nan, 1.0], ["a", "b"], "1 of 2 scores are NaN"),
    ],
)
def test_refusals(values: list[float], scenes: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        interval(values, scenes)


def test_paired_rows_must_match() -> None:
    with pytest.raises(UserError, match="same images"):
        paired([1.0, 2.0], [1.0], ["a", "b"])


@pytest.mark.parametrize("scenes", [4, 7, 12, 700])
def test_columns_together_are_the_columns_alone(scenes: int) -> None:
    """Bit for bit, also beside a column without an interval."""
    values, names = _draw(3, scenes)
    columns = [values, values * 2 + 1, np.where(np.arange(values.size) == 1, math.inf, values), values**2]
    assert intervals(columns, names) == [interval(column, names) for column in columns]
    kinds = [found.kind for found in intervals(columns, names)]
    expected = "none" if scenes < 5 else "skew-t"
    assert kinds == [expected, expected, "none", expected]
