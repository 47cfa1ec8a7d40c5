"""TrainingRequest: one spelling of the command, one estimate, one answer to whose weights these are."""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
import methods
from benchmark.cli.options import Parser
from benchmark.cli.running import add, training
from benchmark.training import TrainingRequest, TrainSettings, request, trained_here
from datasets.core.errors import UserError
from methods.recipes import recipe
from methods.registry import METHODS
from methods.weights import read_card
from tests.helpers.learner import Learner, arranged

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def nothing_estimated(learner, monkeypatch):
    monkeypatch.setattr(request, "_ESTIMATES", {})


@pytest.fixture
def asked(tmp_path):
    """Six steps on prepared pictures."""
    arranged(tmp_path)
    settings = TrainSettings(steps=6, device="cpu")
    return TrainingRequest("learner", "budget", {}, "folder", "train", "", settings, tmp_path / "data", tmp_path / "r")


def parsed(command: str) -> TrainingRequest:
    parser = Parser(prog="benchmark")
    add(parser.add_subparsers())
    python, dash, package, *words = shlex.split(command)
    assert (python, dash, package) == ("python", "-m", "benchmark")
    args = parser.parse_args(words)
    (seed,), (method,) = args.seeds, args.methods
    return training(args, method, seed)


FULL = TrainSettings(None, 1.5, 3, "cpu", "bf16", True, True, force=True)


@pytest.mark.parametrize(
    "full",
    [
        TrainingRequest("r2r"),
        TrainingRequest(
            "r2r", "tiny", {"train.crop": 16, "train.noise": "srgb"}, "demo", training=TrainSettings(steps=7)
        ),
        TrainingRequest("lir", "cpu", {}, "bsd400[sigma=50]", "train", "demo:validation", FULL, Path("a b"), Path("c")),
    ],
)
def test_the_command_asks_for_the_same_training(full):
    assert parsed(full.command()) == full


def test_the_command_leaves_defaults_out():
    assert (
        TrainingRequest("r2r").command() == "python -m benchmark train --methods r2r --data data --results experiments"
    )


def test_the_data_are_the_recipes_first_where_none_are_named():
    first = recipe(METHODS.get("r2r"), "tiny").data[0]
    assert TrainingRequest("r2r", "tiny").source == (first, datasets.facts(first).train_split)
    with pytest.raises(UserError, match="names no dataset: give --dataset"):
        _ = TrainingRequest("learner").source
    with pytest.raises(UserError, match="'set12' has no split for training; give --split"):
        _ = TrainingRequest("learner", dataset="set12").source


def test_for_a_dataset_it_trains_on_the_dataset_itself_where_that_can_be_trained_on():
    made = recipe(METHODS.get("r2r"), "tiny", {"train.crop": 16})
    on = datasets.facts("demo")
    itself = TrainingRequest.for_dataset(made, on, {"sigma": 50.0}, TrainSettings(seed=2))
    assert (itself.settings, itself.source, itself.training.seed) == (
        {"train.crop": 16},
        ("demo[sigma=50]", "train"),
        2,
    )
    assert itself.chosen.digest == made.digest
    other = TrainingRequest.for_dataset(recipe(METHODS.get("r2r"), "awgn-paper"), datasets.facts("set12"), {}, FULL)
    assert other.source[0] == recipe(METHODS.get("r2r"), "awgn-paper").data[0]


def test_it_runs_and_knows_its_own_weights(asked):
    path = asked.run()["restorer"]
    card = read_card(path)
    assert card and asked.made(card) and trained_here(asked.results) == {card.sha256}
    for other in (
        replace(asked, training=replace(asked.training, seed=1)),
        replace(asked, training=replace(asked.training, steps=7)),
        replace(asked, training=replace(asked.training, steps=None)),  # the recipe's 20
        replace(asked, settings={"train.rate": 0.2}),
        replace(asked, dataset="polyu", split=None),
        replace(asked, method="r2r", recipe="tiny"),
    ):
        assert not other.made(card), other
    assert not asked.made(replace(card, code_version="0")) and not asked.made(replace(card, selected_by="folder test"))
    assert replace(asked, training=replace(asked.training, device="cuda", precision="bf16")).made(card)
    assert replace(asked, training=TrainSettings(minutes=1.0)).made(card)
    assert trained_here(asked.results / "elsewhere") == frozenset()


def test_a_card_of_a_recipe_without_a_term_whose_file_is_absent_is_its_own(asked, monkeypatch):
    card = read_card(asked.run()["restorer"])
    lacking = replace(asked, settings={"train.rate": 0.2})
    monkeypatch.setattr(Learner, "available", classmethod(lambda cls, r: (recipe(cls, "budget"), "no file")))
    assert lacking.made(card)


def test_an_estimate_is_timed_once_per_process(asked, monkeypatch):
    calls, real = [], request.estimate
    monkeypatch.setattr(request, "estimate", lambda *given: calls.append(given) or real(*given))
    first = asked.estimate()
    assert first.steps == 6 and first.minutes > 0 and not asked.results.exists()
    assert replace(asked, training=replace(asked.training, seed=9)).estimate() is first and len(calls) == 1
    assert replace(asked, training=replace(asked.training, steps=12)).estimate().steps == 12 and len(calls) == 2
    with pytest.raises(UserError, match="prepare folder"):
        replace(asked, data=Path("nowhere")).estimate()


def test_nothing_outside_the_command_line_forges_its_arguments():
    for path in (*ROOT.glob("benchmark/training/*.py"), *ROOT.glob("benchmark/planning/*.py")):
        names = {a.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import) for a in n.names}
        modules = {n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
        assert "argparse" not in names | modules, path


def test_data_made_by_rule_are_known_by_name_and_options(tmp_path):
    """Another processor rounds a few of their pixels differently, which is no other training."""
    datasets.prepare("demo", None, tmp_path)
    asked = TrainingRequest("r2r", "cpu", {}, "demo", data=tmp_path)
    card = read_card(Path(methods.__file__).parents[1] / "results" / "weights" / "r2r" / "cpu-demo.safetensors")
    assert card and asked.made(card) and asked.made(replace(card, train_fingerprint="0"))
    assert not replace(asked, dataset="demo[sigma=50]").made(card)
    assert not replace(asked, dataset="demo", split="test").made(replace(card, train_fingerprint="0"))
