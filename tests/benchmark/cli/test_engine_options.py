"""The options on where jobs run, at the command line."""

from __future__ import annotations

import json

import pytest

from benchmark.cli.engine_options import pairs, shard
from benchmark.training.request import TrainingRequest
from datasets.core.errors import UserError
from methods.registry import METHODS
from tests.helpers.command_line import Plain


class Talker(Plain):
    name = "talker"

    def restore(self, x, info=None):
        print("a method speaks")
        return super().restore(x, info)


class Leaver(Plain):
    name = "leaver"

    def restore(self, x, info=None):
        raise SystemExit(0)


def test_a_methods_prints_are_no_results_and_its_exit_is_no_success(studio):
    studio.prepared()
    with METHODS.added({"talker": Talker, "leaver": Leaver}):
        words = ("--methods", "talker,leaver,plain", "--no-baselines", "--quiet", "--json")
        assert studio.run(*words, "--conventions", "float-gauss") == 1
    rows = json.loads(studio.out)
    assert {row["method"] for row in rows if row["status"] == "done"} == {"talker", "plain"}
    assert "a method speaks" in studio.err and "leaver on folder failed: SystemExit: 0" in studio.err


def test_a_training_that_fails_leaves_the_others(studio, monkeypatch):
    def run(request, report=None):
        if request.training.seed == 1:
            raise UserError("The loss is not finite.")
        return {"restorer": studio.root / f"w{request.training.seed}.safetensors"}

    monkeypatch.setattr(TrainingRequest, "run", run)
    words = ("train", "--methods", "r2r", "--recipe", "tiny", "--dataset", "demo", "--data", studio.data, "--quiet")
    assert studio(*words, "--seeds", "0,1,2", "--results", studio.results, "--json") == 1
    assert [path[-14:] for path in json.loads(studio.out)] == ["w0.safetensors", "w2.safetensors"]
    assert "Not trained: The loss is not finite." in studio.err
    assert studio(*words, "--seeds", "1", "--results", studio.results) == 2
    assert studio.sentence == "The loss is not finite."


def test_values_of_options():
    assert shard("2/8") == (2, 8) and pairs('partition=gpu,exclude="a,b"') == {"partition": "gpu", "exclude": "a,b"}
    for read, text in ((shard, "9/8"), (shard, "0/2"), (shard, "x"), (pairs, "gpu"), (pairs, 'a="b')):
        with pytest.raises(Exception, match="expected|Expected"):
            read(text)
