"""Selections: names checked first, then cells; which weights are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark import finding
from benchmark.grid import Selection, cells
from datasets import open_dataset
from datasets.ops.errors import UserError
from methods.recipes import recipe
from tests.benchmark.world import Half, Net, Pair, Squares, weights, world  # noqa: F401

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def select(tmp_path, monkeypatch):
    monkeypatch.setattr(finding, "shipped", lambda relative: tmp_path / "shipped" / relative)
    monkeypatch.setattr(finding, "minutes_of", lambda *_: 7.4)
    base = Selection(("half",), ("squares",), data=tmp_path / "data", results=tmp_path / "results")
    return lambda **more: replace(base, **more)


def methods_of(found):
    return [cell.method for cell in found]


def test_reference_rows_come_first_and_do_not_depend_on_the_manner(select):
    plain, manner = list(cells(select())), list(cells(select(ensemble=True, tile=64, precision="bf16", tf32=True)))
    assert methods_of(plain) == ["input", "blur", "nlm", "half"]
    assert [c.id for c in plain[:3]] == [c.id for c in manner[:3]] and plain[3].id != manner[3].id
    assert methods_of(cells(select(references=False))) == ["half"]
    assert methods_of(cells(select(methods=("input", "half", "half")))) == ["input", "blur", "nlm", "half"]


def test_a_cell_knows_its_data(select):
    one = list(cells(select(datasets=("squares[sigma=50]",), limit=3, noise_seed=5)))[-1]
    assert one.options == (("sigma", 50.0),) and (one.limit, one.noise_seed) == (3, 5)
    assert one.fingerprint == Squares(None, limit=3).fingerprint
    other = list(cells(select(settings={"dataset.sigma": 15.0})))[-1]
    assert other.options == (("sigma", 15.0),)


def test_all_methods_with_those_that_cannot_skipped(select):
    found = {
        c.method: c for c in cells(select(methods=("all",), datasets=("squares", "greys"))) if c.dataset == "squares"
    }
    assert {"half", "net", "deblurrer", "r2r"} <= set(found)
    assert found["deblurrer"].skip == "squares is for denoise; this method is for deblur"
    greys = {c.method: c for c in cells(select(methods=("half", "picky"), datasets=("greys",)))}
    assert "--grey-as-rgb" in greys["picky"].skip
    again = {c.method: c for c in cells(select(methods=("picky",), datasets=("greys",), grey_as_rgb=True))}
    assert not again["picky"].skip and again["picky"].grey_as_rgb


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"methods": ("half", "nett")}, "Unknown method 'nett'. Did you mean 'net'"),
        ({"datasets": ("squares", "square")}, "Did you mean 'squares'"),
        ({"datasets": ("squares[sigmo=1]",)}, "sigmo"),
        ({"split": "tests"}, "Did you mean 'test'"),
        ({"recipe": "plane"}, "Did you mean 'plain'"),
        ({"settings": {"restor.part": 1}}, "Unknown setting 'restor.part'"),
        ({"settings": {"restore.parts": 1.0}}, "restore.part"),
        ({"weights": "nowhere.safetensors"}, "A weights file was expected at nowhere.safetensors"),
        ({"precision": "fp64"}, "--precision"),
        ({"train": "often"}, "--train"),
        ({"tile": -1}, "--tile"),
        ({"seeds": ()}, "--seeds"),
    ],
)
def test_a_broken_selection_is_said_before_anything_runs(select, wrong, words):
    with pytest.raises(UserError) as raised:
        list(cells(select(**wrong)))
    assert words in str(raised.value)


def test_names_are_checked_before_the_first_cell(select):
    with pytest.raises(UserError):
        cells(select(methods=("half", "nett")))


def test_settings_for_one_method_or_for_all(select):
    found = {c.method: c for c in cells(select(methods=("half", "pair"), settings={"half.restore.part": 0.25}))}
    assert found["half"].settings == (("restore.part", 0.25),) and found["pair"].settings == ()
    assert found["half"].recipe_digest == recipe(Half, "plain", {"restore.part": 0.25}).digest
    assert found["pair"].recipe_digest == recipe(Pair, "plain").digest


def test_missing_weights_give_the_command(select, tmp_path):
    one = list(cells(select(methods=("net",), seeds=(3,))))[-1]
    command = "python -m benchmark train --methods net --recipe budget --dataset squares"
    assert one.missing.startswith("No weights of net for squares were found.") and command in one.missing
    assert (
        f"--data {tmp_path / 'data'} --results {tmp_path / 'results'} --seeds 3 (about 7 minutes here)." in one.missing
    )
    assert (one.recipe, one.weights) == ("budget", "")


def test_the_command_makes_weights_for_the_options_and_settings_asked_for(select):
    one = list(cells(select(methods=("net",), datasets=("squares[sigma=50]",))))[-1]
    assert "--dataset squares --set train.sigma=50.0 --data" in one.missing
    one = list(cells(select(methods=("net",), datasets=("squares[sigma=50]",), settings={"train.sigma": 15})))[-1]
    assert "--set train.sigma=15.0 --data" in one.missing


def test_explicit_weights(select, tmp_path):
    path = weights(tmp_path / "mine.safetensors", seed=4, recipe="cpu")
    for text in (str(path), f"net={path}"):
        one = list(cells(select(methods=("net",), weights=text)))[-1]
        assert (one.recipe, one.seed, one.weights, one.missing) == ("cpu", 4, str(path), "")
        assert one.recipe_digest == recipe(Net, "cpu").digest and len(one.weights_sha256) == 64
    with pytest.raises(UserError, match="r2r=A,lir=B"):
        list(cells(select(methods=("net", "half"), weights=str(path))))
    with pytest.raises(UserError, match="one of the two"):
        list(cells(select(methods=("net",), weights=str(path), train="always")))


def found(select, **more) -> str:
    one = list(cells(select(methods=("net",), references=False, **more)))[-1]
    return one.weights.rpartition("/")[2] or one.missing


def test_the_ranking_of_weights(select, tmp_path):
    shipped, own = tmp_path / "shipped/weights/net", tmp_path / "results/weights/net"
    weights(shipped / "elsewhere.safetensors", train_data="polyu", recipe="paper")
    assert found(select) == "elsewhere.safetensors"
    weights(shipped / "cpu.safetensors", recipe="cpu")
    assert found(select) == "cpu.safetensors"
    weights(shipped / "budget.safetensors")
    assert found(select) == "budget.safetensors"
    weights(own / "own.safetensors")
    assert found(select) == "own.safetensors"
    weights(own / "longer.safetensors", steps=20)
    assert found(select) == "longer.safetensors"
    assert found(select, recipe="cpu") == "cpu.safetensors"


def test_weights_trained_under_the_same_options_come_first(select, tmp_path):
    shipped = tmp_path / "shipped/weights/net"
    weights(shipped / "other.safetensors", train_data="squares[sigma=50]-squares", steps=99, recipe_settings={})
    weights(shipped / "same.safetensors", train_data="squares-squares", recipe_settings={})
    names = {
        spec: finding.find(Net, select(), open_dataset(spec, select().data), 0).name
        for spec in ("squares", "squares[sigma=50]")
    }
    assert names == {"squares": "same.safetensors", "squares[sigma=50]": "other.safetensors"}


def test_weights_of_the_recipes_network_and_of_no_special_options_come_first(select, tmp_path, monkeypatch):
    """Weights for sigma 50, or of a network cut down for a protocol, are made for something else than this dataset."""
    budget = {**Net.recipes["budget"], "network": {"width": 3}}
    monkeypatch.setattr(Net, "recipes", {**Net.recipes, "budget": budget})
    shipped = tmp_path / "shipped/weights/net"
    weights(shipped / "special.safetensors", train_data="polyu[sigma=50]-train", recipe="paper", recipe_settings={})
    assert found(select) == "special.safetensors"
    weights(shipped / "small.safetensors", train_data="polyu", recipe_settings={"network.width": 2}, steps=99)
    assert found(select) == "small.safetensors"
    weights(shipped / "whole.safetensors", train_data="polyu", recipe="cpu", recipe_settings={"network.width": 3})
    assert found(select) == "whole.safetensors"


def test_a_loss_term_that_is_off_takes_no_weights_back(select, tmp_path, monkeypatch):
    """Days of training without a file for a perceptual term still come before the small recipes."""
    budget = {**Net.recipes["budget"], "train": {"sigma": 25.0, "term": 1.0}}
    monkeypatch.setattr(Net, "recipes", {**Net.recipes, "budget": budget})
    shipped = tmp_path / "shipped/weights/net"
    weights(shipped / "cpu.safetensors", train_data="polyu", recipe="cpu", steps=99)
    weights(shipped / "paper.safetensors", train_data="polyu", recipe="paper", recipe_settings={"train.term": 0.0})
    assert found(select) == "paper.safetensors"


def test_weights_for_another_noise_level_or_seed_are_not_taken(select, tmp_path):
    own = tmp_path / "results/weights/net"
    weights(own / "zero.safetensors")
    assert "No weights" in found(select, datasets=("squares[sigma=50]",))
    assert "No weights" in found(select, settings={"train.sigma": 15})
    assert "No weights" in found(select, seeds=(1,))
    weights(own / "one.safetensors", seed=1)
    assert found(select, seeds=(1,)) == "one.safetensors"
    selection = select(methods=("net",), references=False, seeds=(0, 1, 2))
    names = [c.weights.rpartition("/")[2] for c in cells(selection)]
    assert names == ["zero.safetensors", "one.safetensors", ""]


def test_always_trains_and_a_dry_run_does_not(select, tmp_path, monkeypatch):
    asked = []

    def train(recipe, selection, data, seed, report):
        asked.append((recipe.name, data.facts.name, seed))
        return weights(tmp_path / f"trained{seed}.safetensors", seed=seed)

    monkeypatch.setattr(finding, "train", train)
    assert "No weights" in found(select, train="always", dry_run=True) and not asked
    todo = cells(select(methods=("net",), references=False, seeds=(0, 1), train="always"))
    assert [c.weights.rpartition("/")[2] for c in todo] == ["trained0.safetensors", "trained1.safetensors"]
    assert asked == [("budget", "squares", 0), ("budget", "squares", 1)]
