"""Intervals: hand-made cases, coverage by simulation, and what must not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.scoring.statistics import interval, paired
from datasets.ops.errors import UserError

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


@pytest.mark.parametrize(("scenes", "kind"), [(4, "none"), (5, "t"), (9, "t"), (10, "bootstrap")])
def test_kind_follows_the_number_of_scenes(scenes: int, kind: str) -> None:
    assert interval(np.arange(scenes), [str(k) for k in range(scenes)]).kind == kind


def test_equal_scenes_give_the_t_interval_of_their_means() -> None:
    scene_means = np.array([30.0, 31.5, 29.0, 34.0, 33.0, 30.5])
    values = np.concatenate([scene_means - 0.7, scene_means + 0.7])
    found = interval(values, list("abcdef") * 2)
    low, high = stats.t.interval(0.95, 5, loc=scene_means.mean(), scale=stats.sem(scene_means))
    assert (found.low, found.high) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))


def test_bootstrap_agrees_with_theory_for_many_scenes() -> None:
    values = np.random.default_rng(3).normal(30, 2, 400)
    found = interval(values, [str(k) for k in range(400)])
    half = 1.96 * values.std(ddof=1) / 20
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert found.mean == pytest.approx(values.mean())


@pytest.mark.parametrize("scenes", [5, 9, 10, 20])
def test_coverage(scenes: int) -> None:
    """95 % within what 150 simulations can tell (three standard errors: 0.053)."""
    hits = 0
    for seed in range(150):
        found = interval(*_draw(1000 * scenes + seed, scenes))
        hits += found.low <= 0 <= found.high
    assert 0.897 <= hits / 150 < 1


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
