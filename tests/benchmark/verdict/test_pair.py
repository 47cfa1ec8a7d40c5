"""Two rows: the verdict, its sentence, seeds, other conditions, published figures, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmark.cli import main
from benchmark.leaderboard.compare import compare
from benchmark.records.files import read_records
from benchmark.records.record import Training
from benchmark.scoring.estimates import Estimate
from benchmark.verdict.pair import CAMERA, IMAGES, SENSITIVITY, Verdict, verdicts
from benchmark.verdict.power import scenes_needed, smallest_difference
from benchmark.verdict.published import against_published
from benchmark.verdict.published import sentence as published_sentence
from benchmark.verdict.words import further, interval_text, rounded, sentence, two_digits
from datasets.core.errors import UserError
from tests.benchmark.leaderboard.test_published import a_figure
from tests.helpers.scored_records import draws, rows_of, scored


def one(results: Path, a: str = "r2r", b: str = "blur", **more: Any) -> Verdict:
    (found,) = verdicts(read_records(results), a, b, **more)
    return found


@pytest.mark.parametrize(("shift", "word"), [(0.5, "better"), (-0.5, "worse"), (0.01, "undecided")])
def test_the_first_sentence(tmp_path: Path, shift: float, word: str) -> None:
    hard = 30 + 3 * draws(1, 20)
    gap = 0.2 * draws(2, 20)
    scored(tmp_path, "blur", hard)
    scored(tmp_path, "r2r", hard + shift + gap - gap.mean())
    found = one(tmp_path)
    assert found.word == word
    said = sentence(found)
    assert said.count(". ") == 0 and "at 95 % over 20 scenes" in said and "this set could show 0.1" in said
    assert f"{shift:+.2f} dB [" in said
    assert said.startswith("r2r sidd-paper and blur are undecided on sidd · validation · real (float-gauss)") == (
        word == "undecided"
    )
    assert ("scenes would settle" in said) == (word == "undecided")
    if word != "undecided":
        assert said.startswith(f"r2r sidd-paper is {word} than blur on sidd")
    back = one(tmp_path, "blur", "r2r")
    assert back.word == {"better": "worse", "worse": "better"}.get(word, word)
    assert back.p_value == pytest.approx(found.p_value) and back.smallest == pytest.approx(found.smallest)


def test_the_smallest_difference_has_the_power_of_the_t_test() -> None:
    """Exact power by the noncentral t distribution; the sum of quantiles comes within two points of 80 %."""
    for scenes in (5, 12, 80):
        estimate = Estimate(0.3, scenes, 0.04, scenes - 1)
        shift = smallest_difference(estimate) / estimate.error
        limit = stats.t.ppf(0.975, scenes - 1)
        assert stats.nct.sf(limit, scenes - 1, shift) == pytest.approx(0.8, abs=0.03)


def test_scenes_needed_find_the_difference_and_one_less_does_not() -> None:
    estimate = Estimate(0.1, 20, 0.01, 19)
    needed = scenes_needed(estimate)
    assert needed and needed > 20

    def reach(scenes: int) -> float:
        return smallest_difference(Estimate(0.1, scenes, 0.01 * 20 / scenes, scenes - 1))

    assert reach(needed) <= 0.1 < reach(needed - 1)
    assert scenes_needed(Estimate(0.0, 20, 0.01, 19)) is None
    assert scenes_needed(Estimate(0.1, 20, 0.01, 19, seeds=((0.02, 3),))) is None  # the seeds alone hide it
    assert scenes_needed(Estimate(5.0, 20, 0.01, 19)) == 5


def test_several_seeds_are_compared_and_widen_the_interval(tmp_path: Path) -> None:
    hard = 30 + 3 * draws(1, 30)
    scored(tmp_path, "blur", hard)
    gaps = 0.5 + 0.1 * draws(2, 30)
    for seed, shift in enumerate((0.0, 0.4, -0.4)):
        scored(tmp_path, "r2r", hard + gaps + shift, seed=seed)
    found = one(tmp_path)
    assert found.main.seeds == (3, 1) and found.main.psnr.mean == pytest.approx(float(gaps.mean()))
    assert found.main.estimate and found.main.estimate.seed_variance == pytest.approx(0.16 / 3)
    assert found.word == "undecided" and "and 3 and 1 seeds" in sentence(found)
    assert "the spread over seeds alone hides it" in sentence(found)
    assert any("blur has one seed" in line for line in further(found))
    alone = one(tmp_path, f"r2r-sidd-{'a' * 11}0")  # one record of the three
    assert alone.word == "better" and alone.main.seeds == (1, 1)


def test_two_records_with_one_seed_are_no_seeds(tmp_path: Path) -> None:
    scored(tmp_path, "blur", 30 + draws(1, 8))
    scored(tmp_path, "r2r", 31 + draws(1, 8), key="b" * 12, weights="b.safetensors", weights_sha256="b" * 64)
    scored(tmp_path, "r2r", 32 + draws(1, 8), key="c" * 12, weights="c.safetensors", weights_sha256="c" * 64)
    with pytest.raises(UserError, match=r"several rows .* METHOD:RECIPE"):
        one(tmp_path)
    assert one(tmp_path, "r2r-sidd-c").main.psnr.mean == pytest.approx(2)
    scored(tmp_path, "r2r", 33 + draws(1, 8), key="d" * 12, recipe="other", recipe_digest="d")
    assert one(tmp_path, "r2r:other").main.psnr.mean == pytest.approx(3)


def test_seeds_that_were_trained_by_the_clock_differ_in_their_steps(tmp_path: Path) -> None:
    for seed, steps in enumerate((1000, 1700)):
        scored(tmp_path, "r2r", 31 + draws(seed, 8), seed=seed, training=Training(steps=steps))
    (row,) = rows_of(tmp_path)
    assert row.seeds == (0, 1)
    scored(tmp_path, "r2r", 31 + draws(2, 8), seed=2, training=Training(steps=2100))
    assert [row.seeds for row in rows_of(tmp_path)] == [(0,), (1,), (2,)]


def test_few_scenes_have_no_verdict(tmp_path: Path) -> None:
    for method, shift in (("blur", 0.0), ("r2r", 1.0)):
        scored(tmp_path, method, 30 + shift + draws(1, 3, 20))
    found = one(tmp_path)
    assert (found.word, found.p_value, found.smallest) == ("none", None, None)
    assert sentence(found).endswith(
        "have no verdict on sidd · validation · real (float-gauss): 3 scenes: an interval needs at least 5; "
        "+1.00 dB on these images."
    )


def test_whether_the_sign_holds(tmp_path: Path) -> None:
    """Under another convention it turns; so does it for one of two cameras; at another noise level it holds."""
    hard = 30 + draws(1, 12)
    turned = {"uint8-gauss": hard - 1, "trunc-uint8": hard + 1}
    gaps = np.where(np.arange(12) < 6, 2.0, -1.0) + 0.1 * draws(2, 12)
    scored(tmp_path, "blur", hard, conventions={"uint8-gauss": hard, "trunc-uint8": hard})
    scored(tmp_path, "r2r", hard + gaps, conventions=turned)
    for method, shift in (("blur", 0.0), ("r2r", 0.7)):
        scored(tmp_path, method, hard + shift, degradation="sigma50", fingerprint="5" * 64, key="5" * 12)

    def conditions(name: str, split: str) -> dict[str, dict[str, str]]:
        assert (name, split) == ("sidd", "validation")
        return {f"s{k:03d}-0": {CAMERA: "one" if k < 6 else "two", SENSITIVITY: "100"} for k in range(12)}

    found = next(
        v
        for v in verdicts(read_records(tmp_path), "r2r", "blur", conditions=conditions)
        if v.main.degradation == "real"
    )
    places = {(place.kind, place.name): place for place in found.elsewhere}
    assert not places["convention", "uint8-gauss"].holds and places["convention", "trunc-uint8"].holds
    assert places[CAMERA, "one"].holds and places[CAMERA, "one"].difference.psnr.mean == pytest.approx(gaps[:6].mean())
    assert not places[CAMERA, "two"].holds and places[CAMERA, "two"].decided
    assert not any(kind == SENSITIVITY for kind, _ in places)  # there is one only
    assert places[IMAGES, "sidd · validation · sigma50"].holds
    said = further(found)
    assert said[0].startswith(
        "The sign does not hold for the other conventions: it does in 1 of 2, and not for uint8-gauss (-1"
    )
    assert "for each camera: it does in 1 of 2, and not for two (-0.99 dB [" in said[1]
    assert said[2] == "The sign holds for other images: 1 of 1, decided in 1."


def test_against_a_published_figure(tmp_path: Path) -> None:
    scored(tmp_path, "r2r", 35 + 0.3 * draws(1, 40), variant="R2R")
    published = [
        a_figure(psnr=p, psnr_convention=c, variant=v)
        for p, c, v in ((34.0, "float-gauss", "R2R"), (35.05, "float-gauss", "Other"), (36.0, "unknown", "Third"))
    ]
    records = read_records(tmp_path)
    found = {
        name: against_published(records, "r2r", name, figures=published)[0]
        for name in ("published", "published:Other", "published:Third")
    }
    assert [line.word for line in found.values()] == ["better", "undecided", "none"]
    ours = found["published"]
    assert ours.gap == pytest.approx(ours.ours.mean - 34)
    said = published_sentence(ours)
    assert "R2R is published with 34 dB, without an interval (a paper): +1.0" in said and "over 40 scenes" in said
    assert "cannot be subtracted" in published_sentence(found["published:Third"])
    with pytest.raises(UserError, match="no published figure named 'Nobody'"):
        against_published(records, "r2r", "published:Nobody", figures=published)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hard = 30 + draws(1, 12)
    scored(tmp_path, "blur", hard)
    scored(tmp_path, "r2r", hard + 1 + 0.1 * draws(2, 12))
    words = ["leaderboard", "--results", str(tmp_path), "--data", str(tmp_path), "--compare"]
    assert main([*words, "r2r", "blur"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("r2r sidd-paper is better than blur on")
    assert main([*words, "r2r", "blur", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["sentence"] == first and found["verdict"] == "better" and found["psnr"]["low"] > 0
    assert found["n"] == 12 and found["scenes_needed"] >= 5 and found["elsewhere"] == []
    for wrong in (["r2r"], ["a", "b", "c"], ["published", "r2r"], ["r2r", "blur", "--diagram", "x.svg"]):
        assert main([*words, *wrong]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_compare_still_has_a_line_for_each_convention(tmp_path: Path) -> None:
    hard = 30 + draws(1, 12)
    for method, shift in (("blur", 0.0), ("r2r", 0.5)):
        scored(tmp_path, method, hard + shift, conventions={"uint8-gauss": hard + 2 * shift})
    lines = compare(read_records(tmp_path), "r2r", "blur")
    assert [(line.convention, round(line.psnr.mean, 9)) for line in lines] == [
        ("float-gauss", 0.5),
        ("uint8-gauss", 1.0),
    ]


def test_words_for_numbers() -> None:
    from benchmark.scoring.statistics import Interval

    assert [two_digits(v) for v in (0.412, 1.26, 12.4, 0.00314, 0.0)] == ["0.41", "1.3", "12", "0.0031", "0"]
    assert [rounded(v) for v in (7, 17, 134, 1301)] == ["7", "17", "140", "1,400"]
    assert interval_text(Interval(0.012, 0.009, 0.0151, "skew-t", "", 9, 9)) == "+0.0120 dB [+0.0090, +0.0151]"
    assert interval_text(Interval(1.0, None, None, "none", "few", 9, 3)) == "+1.00 dB"
