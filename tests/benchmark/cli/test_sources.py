"""Code of a person's own and archives on the command line, in `evaluate`, and in another process."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import benchmark
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.records.files import read_records
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings
from benchmark.runs.execute import execute
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from tests.helpers.own_code import write_code, write_script


@pytest.fixture
def prepared(studio):
    """The studio with its pictures prepared, and in its folder the code and an archive."""
    write_code(studio.root / "my code")
    write_script(studio.root)
    return studio.prepared()


def records(studio):
    return {record.cell.method: record for record in read_records(studio.results)}


def test_rows_of_own_code_and_of_an_archive(prepared):
    words = ("--methods", "mine='my code/net.py:build',half=model.ts,plain", "--allow-code", "--limit", 3)
    assert prepared.run(*words) == 0, prepared.err
    found = records(prepared)
    assert {"mine", "half", "plain"} <= found.keys()
    mine, half = found["mine"].cell, found["half"].cell
    assert (mine.origin.source, mine.origin.architecture) == ("net.py:build", "Darker")
    assert (half.origin.source, half.origin.architecture) == ("model.ts", "TorchScript archive")
    assert half.weights == "model.ts" and len(half.weights_sha256) == 64 and mine.code != half.code != ""
    assert found["mine"].costs.params == 2 * 3 * 4 * 9 and found["mine"].costs.gmacs > 0
    assert "mine\tDarker" in prepared.out or "Darker" in prepared.out
    rows = (prepared.results / "leaderboard.csv").read_text()
    assert "TorchScript archive" in rows and half.weights_sha256 in rows
    assert prepared.run(*words, "--json") == 0 and len(read_records(prepared.results)) == len(found)


def test_weights_and_settings_of_own_code(prepared):
    torch.save(
        {k: torch.zeros(s) for k, s in {"layer.weight": (6, 3, 3, 3), "back.weight": (3, 6, 3, 3)}.items()}, "w.pth"
    )
    words = ("--methods", "mine=my code/net.py:build", "--weights", "mine=w.pth", "--limit", 2)
    assert prepared.run(*words) == 1 and "layer.weight is (6, 3, 3, 3), not (4, 3, 3, 3)" in prepared.err
    assert prepared.run(*words, "--set", "mine.network.width=6", "--set", "mine.network.part=0.5") == 0, prepared.err
    done = [
        record for record in read_records(prepared.results) if record.status == "done" and record.cell.method == "mine"
    ]
    assert [record.cell.weights for record in done] == ["w.pth"] and len(done[0].cell.weights_sha256) == 64


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--methods", "half=model.ts"), "model.ts holds code, which would run: give --allow-code"),
        (("--methods", "r2r=model.ts"), "r2r is a method of the benchmark: give its weights by"),
        (("--methods", "input=model.ts"), "The name 'input' is taken by a row"),
        (("--methods", "model.ts"), "A method from a file needs a name: --methods NAME=model.ts"),
        (("--methods", "a=model.ts,a=model.ts"), "The name 'a' is given to two methods"),
        (("--methods", "a=model.ts", "--allow-code", "--weights", "a=model.ts"), "a has its weights in model.ts"),
        (("--methods", "mine=my code/net.py:wrong"), "returned int, where a torch.nn.Module was expected"),
        (
            ("--methods", "mine=my code/net.py:build", "--set", "mine.restore.scael=2"),
            "mine.restore.scael|restore.scale",
        ),
    ],
)
def test_what_cannot_be_run_is_one_sentence(prepared, words, sentence):
    assert prepared.run("--limit", 1, *words) == 2
    assert any(part in prepared.sentence for part in sentence.split("|"))


def test_another_task_is_skipped_with_a_reason(prepared):
    assert prepared.run("--methods", "big=my code/net.py:eights", "--set", "big.restore.scale=2", "--limit", 1) == 0
    assert records(prepared)["big"].why == "folder has scale 1; this method under this recipe has scale 2"


def test_evaluate_takes_what_run_takes(prepared):
    assert prepared.run("--methods", "mine=my code/net.py:build", "--limit", 2) == 0, prepared.err
    where = {"data": prepared.data, "results": prepared.results, "device": "cpu", "limit": 2}
    table = benchmark.evaluate("my code/net.py:build", "folder", name="mine", **where)
    assert table.attrs["record"].endswith(records(prepared)["mine"].id)
    with pytest.raises(UserError, match="--allow-code"):
        benchmark.evaluate("model.ts", "folder", **where)
    assert "model" in benchmark.evaluate("model.ts", "folder", allow_code=True, **where).attrs["record"]
    several = benchmark.evaluate("my code/net.py:several", "folder", output=1, **where)
    assert several["psnr"][0] > 0


def test_a_module_at_hand_is_called_by_the_same_settings(prepared):
    class Told(torch.nn.Module):
        def forward(self, x, level):
            return x - level

    where = {"data": prepared.data, "results": prepared.results, "device": "cpu", "limit": 1}
    settings = {"restore.noise_level": "argument", "restore.sigma": 10}
    benchmark.evaluate(Told(), "folder", settings=settings, **where)
    assert records(prepared)["told"].cell.origin.architecture == "Told"
    with pytest.raises(UserError, match="this method needs the noise level.*restore.sigma=15"):
        benchmark.evaluate(Told(), "folder", settings={"restore.noise_level": "argument"}, name="told2", **where)


def test_a_worker_makes_the_method_again(prepared):
    """A process that knows nothing but the cell: names of files are all that it is told."""
    asked = RunRequest(
        ("mine=my code/net.py:build", "half=model.ts"),
        ("folder",),
        allow_code=True,
        limit=2,
        baselines=False,
        data=prepared.data,
        results=prepared.results,
    )
    asked.check()
    config = RunConfig(prepared.data, prepared.results, "cpu", ("float-gauss",), threads=1)
    found = execute(plan(asked), config, engine=EngineSettings("local", workers=1))
    assert [(record.status, record.why) for record in found] == [("done", "")] * 2


def test_pictures_are_restored(prepared):
    write_png(prepared.root / "in" / "p.png", np.full((9, 7, 3), 100, np.uint8))
    words = ("restore", "in", "--output", "out", "--methods", "half=model.ts", "--device", "cpu")
    assert prepared(*words) == 2 and "--allow-code" in prepared.sentence
    assert prepared(*words, "--allow-code") == 0, prepared.err
    assert np.all(read_image(prepared.root / "out" / "p.png") == 50)


def test_conformance_of_own_code(prepared):
    assert prepared("conformance", "mine=my code/net.py:build", "--json") == 0, prepared.out
    outcomes = {one["check"]: one["detail"] for one in json.loads(prepared.out)}
    assert "bit-identical" in outcomes["weights"] and "nothing is trained here" in outcomes["training"]
