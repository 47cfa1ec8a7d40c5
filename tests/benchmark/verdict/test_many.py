"""Many rows: against scipy, statsmodels and scikit-posthocs; rank intervals; the diagram."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.cli import main
from benchmark.leaderboard.compare import difference
from benchmark.records.files import read_records
from benchmark.verdict.diagram import diagram_svg, layout, summary
from benchmark.verdict.many import (
    Ranking,
    critical_difference,
    friedman,
    groups,
    holm,
    mean_ranks,
    rankings,
)
from benchmark.verdict.table import headline, matrix, ranks_sentence
from datasets.core.errors import UserError
from tests.helpers.scored_records import CONVENTION, draws, rows_of, scored


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Four rows on 15 scenes: two good ones that are hardly apart, two that are clearly behind."""
    hard = 30 + 3 * draws(0, 15)
    for key, (method, shift) in enumerate((("r2r", 2.0), ("dgunet", 1.95), ("blur", 1.0), ("input", 0.0)), 1):
        scored(tmp_path, method, hard + shift + 0.2 * draws(key, 15))
    return tmp_path


def only(results: Path) -> Ranking:
    (found,) = rankings(read_records(results))
    return found


@pytest.mark.parametrize("count", [1, 2, 6, 28])
def test_holm_is_statsmodels(count: int) -> None:
    p_values = list(np.random.default_rng(count).random(count) ** 4)
    p_values[-1] = p_values[0]  # a tie
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_friedman_is_scipys_and_ranks_are_shared_by_equal_scores() -> None:
    scores = np.round(draws(3, 4, 12), 1)
    assert friedman(scores) == pytest.approx(stats.friedmanchisquare(*scores).pvalue)
    assert friedman(scores[:2]) is None and friedman(np.ones((4, 9))) is None
    assert mean_ranks(np.array([[3.0, 3.0], [3.0, 1.0], [1.0, 2.0]])) == pytest.approx([1.25, 2.25, 2.5])


@pytest.mark.parametrize(("rows", "scenes"), [(3, 8), (5, 20)])
def test_the_critical_difference_is_where_nemenyis_p_value_is_one_twentieth(rows: int, scenes: int) -> None:
    """scikit-posthocs gives p-values: below 0.05 exactly for the pairs whose mean ranks lie further apart."""
    scores = draws(rows, rows, scenes) + np.arange(rows)[:, None] * 0.5
    p_values = scikit_posthocs.posthoc_nemenyi_friedman(scores.T).to_numpy()
    ranks = mean_ranks(scores)
    apart = np.abs(ranks[:, None] - ranks[None])
    for gap, p in zip(apart[np.triu_indices(rows, 1)], p_values[np.triu_indices(rows, 1)], strict=True):
        ours = stats.studentized_range.sf(gap / np.sqrt(rows * (rows + 1) / (6 * scenes)) * np.sqrt(2), rows, np.inf)
        assert ours == pytest.approx(p, abs=1e-6)
        assert (gap > critical_difference(rows, scenes)) == (p < 0.05)


def test_the_critical_difference_is_demsars() -> None:
    """His table of q: 2.569 for four rows; 14 data sets in his example."""
    assert critical_difference(4, 14) == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)


def test_pairs_of_symmetric_differences_are_scipys_paired_t_test(tmp_path: Path) -> None:
    hard = 30 + 3 * draws(0, 16)
    half = draws(1, 8)
    scored(tmp_path, "blur", hard)
    scored(tmp_path, "r2r", hard + 0.3 + np.concatenate([half, -half]))
    a, b = sorted(rows_of(tmp_path), key=lambda row: row.label, reverse=True)
    found = difference(a, b, CONVENTION)
    expected = stats.ttest_rel(hard + 0.3 + np.concatenate([half, -half]), hard)
    assert found.estimate and found.estimate.p_value() == pytest.approx(expected.pvalue, rel=1e-9)
    assert (found.psnr.low, found.psnr.high) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)


def test_a_ranking(four: Path) -> None:
    found = only(four)
    assert [row.label for row in found.standings] == ["r2r sidd-paper", "dgunet sidd-paper", "blur", "input"]
    assert [(row.best, row.worst) for row in found.standings] == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert [(p.first, p.second) for p in found.pairs if not p.separated] == [(0, 1)]
    raw = [pair.difference.estimate.p_value() for pair in found.pairs if pair.difference.estimate]
    assert [pair.p_value for pair in found.pairs] == pytest.approx(multipletests(raw, method="holm")[1])
    assert found.critical == pytest.approx(critical_difference(4, 15)) and found.friedman is not None
    assert headline(found).startswith(
        "On sidd · validation · real (float-gauss) the best row is undecided at 95 %: r2r"
    )
    assert "not told apart from dgunet sidd-paper, over 15 scenes" in headline(found)
    heads, lines = matrix(found)
    assert heads[5:] == ["minus r2r sidd-paper", "minus dgunet sidd-paper", "minus blur", "minus input"]
    assert lines[0][3] == "1 to 2" and lines[3][3] == "4"
    assert not lines[0][6].endswith("*") and lines[0][7].endswith("*") and lines[3][5].startswith("-")
    assert "not told apart from each other: r2r sidd-paper, dgunet sidd-paper" in ranks_sentence(found)


def test_the_best_that_is_ahead_of_all(tmp_path: Path) -> None:
    hard = 30 + draws(0, 10)
    for key, (method, shift) in enumerate((("r2r", 2.0), ("blur", 1.0), ("input", 0.0)), 1):
        for seed in range(2 if method == "r2r" else 1):
            scored(tmp_path, method, hard + shift + 0.05 * draws(key + 10 * seed, 10), seed=seed)
    found = only(tmp_path)
    assert "r2r sidd-paper is best: 3" in headline(found) and "ahead of all 2 other rows at 95 %" in headline(found)
    assert found.standings[0].seeds == 2 and found.standings[0].mean_rank == 1


def test_few_scenes_have_no_ranks(tmp_path: Path) -> None:
    for method, shift in (("r2r", 1.0), ("blur", 0.0)):
        scored(tmp_path, method, 30 + shift + draws(0, 3, 9))
    found = only(tmp_path)
    assert found.reason == "3 scenes: a verdict needs at least 5" and found.critical is None
    assert headline(found).endswith("there is no verdict: 3 scenes: a verdict needs at least 5.")
    assert diagram_svg(found) == "" and ranks_sentence(found) == "" and matrix(found)[1][0][3] == ""
    with pytest.raises(UserError, match="two finished rows"):
        rankings(read_records(tmp_path), dataset="dnd")


def test_groups_overlap_and_none_lies_within_another() -> None:
    assert groups([1.0, 2.0, 3.0, 6.0], 1.5) == [(0, 1), (1, 2)]
    assert groups([3.0, 1.0, 2.0], 5) == [(1, 2, 0)]
    assert groups([1.0, 5.0], 1) == []


def test_the_diagram(four: Path) -> None:
    found = only(four)
    plan = layout(found)
    assert sorted(label.text.split(" (")[0] for label in plan.labels) == sorted(row.label for row in found.standings)
    assert [label.left for label in plan.labels] == [True, True, False, False]
    picture = diagram_svg(found)
    tree = ElementTree.fromstring(picture)
    assert tree.tag.endswith("svg") and tree[0].text == summary(found)
    assert "Not told apart: r2r sidd-paper and dgunet sidd-paper" in summary(found)
    assert picture == diagram_svg(only(four))


def test_names_in_the_diagram_are_text_only(tmp_path: Path) -> None:
    for method, shift in (("<script>", 1.0), ('b&"', 0.0)):
        scored(tmp_path, method, 30 + shift + draws(0, 6), cell=f"cell-{shift:g}")
    picture = diagram_svg(only(tmp_path))
    assert "<script>" not in picture
    ElementTree.fromstring(picture)


def test_the_command_line(four: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["leaderboard", "--results", str(four), "--compare", "all"]
    assert main([*words, "--diagram", str(four / "ranks.svg")]) == 0
    assert capsys.readouterr().out.startswith("On sidd · validation · real (float-gauss) the best row is undecided")
    assert (four / "ranks.svg").read_text().startswith("<svg")
    assert main([*words, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert [row["label"] for row in found["rows"]][0] == "r2r sidd-paper" and len(found["pairs"]) == 6
    assert sum(pair["separated"] for pair in found["pairs"]) == 5
