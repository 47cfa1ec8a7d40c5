"""Requests: names checked first, then planned; which weights are found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import datasets
from benchmark.inference.settings import InferenceSettings
from benchmark.planning import planner, published_weights, weights_search
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.planning.weights_search import Wanted, find, for_pictures
from benchmark.records.cell import Cell
from benchmark.records.files import read_record, run_folder
from benchmark.runs.execute import execute
from benchmark.training.estimate import Estimate
from benchmark.training.request import TrainingRequest
from datasets import open_dataset
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.sources import SOURCES, Source, hashes
from methods.recipes import recipe
from tests.helpers.small_world import Half, Net, Pair, Squares, context, weights

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def select(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_search, "shipped", lambda relative: tmp_path / "shipped" / relative)
    monkeypatch.setattr(TrainingRequest, "estimate", lambda _: Estimate(7.4, 60, False))
    base = RunRequest(("half",), ("squares",), data=tmp_path / "data", results=tmp_path / "results")

    def selected(**more) -> RunRequest:
        how = {f.name: more.pop(f.name) for f in fields(InferenceSettings) if f.name in more}
        return replace(base, inference=InferenceSettings(**how), **more)

    return selected


def cells(request: RunRequest) -> list[Cell]:
    return [planned.cell for planned in plan(request)]


def methods_of(found):
    return [cell.method for cell in found]


def test_reference_rows_come_first_and_do_not_depend_on_the_manner(select):
    plain, manner = list(cells(select())), list(cells(select(ensemble=True, tile=64, precision="bf16", tf32=True)))
    assert methods_of(plain) == ["input", "blur", "nlm", "half"]
    assert [c.id for c in plain[:3]] == [c.id for c in manner[:3]] and plain[3].id != manner[3].id
    assert methods_of(cells(select(baselines=False))) == ["half"]
    assert methods_of(cells(select(methods=("input", "half", "half")))) == ["input", "blur", "nlm", "half"]


def test_a_cell_knows_its_data(select):
    one = list(cells(select(datasets=("squares[sigma=50]",), limit=3, noise_seed=5)))[-1]
    assert one.data.options == {"sigma": 50.0} and (one.limit, one.inference.noise_seed) == (3, 5)
    assert one.fingerprint == Squares(None, limit=3).fingerprint
    other = list(cells(select(settings={"dataset.sigma": 15.0})))[-1]
    assert other.data.options == {"sigma": 15.0}


def test_all_methods_with_those_that_cannot_skipped(select):
    found = {
        c.method: c for c in cells(select(methods=("all",), datasets=("squares", "greys"))) if c.data.name == "squares"
    }
    assert {"half", "net", "deblurrer", "r2r"} <= set(found)
    assert found["deblurrer"].blocked.text == "squares is for denoise; this method is for deblur"
    greys = {c.method: c for c in cells(select(methods=("half", "picky"), datasets=("greys",)))}
    assert "--grey-as-rgb" in greys["picky"].blocked.text
    again = {c.method: c for c in cells(select(methods=("picky",), datasets=("greys",), grey_as_rgb=True))}
    assert not again["picky"].blocked and again["picky"].inference.grey_as_rgb


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
    assert found["half"].settings == {"restore.part": 0.25} and found["pair"].settings == {}
    assert found["half"].recipe_digest == recipe(Half, "plain", {"restore.part": 0.25}).digest
    assert found["pair"].recipe_digest == recipe(Pair, "plain").digest


def test_missing_weights_give_the_command(select, tmp_path):
    one = list(cells(select(methods=("net",), seeds=(3,))))[-1]
    command = "python -m benchmark train --methods net --recipe budget --dataset squares"
    assert one.blocked.text.startswith("No weights of net for squares were found.") and command in one.blocked.text
    assert (
        f"--seeds 3 --data {tmp_path / 'data'} --results {tmp_path / 'results'} (about 7 minutes here)."
        in one.blocked.text
    )
    assert (one.recipe, one.weights) == ("budget", "")


def test_the_command_makes_weights_for_the_options_and_settings_asked_for(select):
    one = list(cells(select(methods=("net",), datasets=("squares[sigma=50]",))))[-1]
    assert "--dataset squares --set train.sigma=50.0 --data" in one.blocked.text
    one = list(cells(select(methods=("net",), datasets=("squares[sigma=50]",), settings={"train.sigma": 15})))[-1]
    assert "--set train.sigma=15.0 --data" in one.blocked.text


def test_explicit_weights(select, tmp_path):
    path = weights(tmp_path / "mine.safetensors", seed=4, recipe="cpu")
    for text in (str(path), f"net={path}"):
        one = list(cells(select(methods=("net",), weights=text)))[-1]
        assert (one.recipe, one.seed, one.weights, one.blocked) == ("cpu", 4, str(path), None)
        assert one.recipe_digest == recipe(Net, "cpu").digest and len(one.weights_sha256) == 64
    with pytest.raises(UserError, match="r2r=A,lir=B"):
        list(cells(select(methods=("net", "half"), weights=str(path))))
    with pytest.raises(UserError, match="one of the two"):
        list(cells(select(methods=("net",), weights=str(path), train="always")))


def found(select, **more) -> str:
    one = cells(select(methods=("net",), baselines=False, **more))[-1]
    return one.weights.rpartition("/")[2] or one.blocked.text


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
        spec: find(Wanted("net"), open_dataset(spec, select().data), select().results).name
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
    selection = select(methods=("net",), baselines=False, seeds=(0, 1, 2))
    names = [c.weights.rpartition("/")[2] for c in cells(selection)]
    assert names == ["zero.safetensors", "one.safetensors", ""]


def test_always_trains_when_the_plan_is_carried_out(select, tmp_path, monkeypatch):
    asked = []

    def run(training, report):
        asked.append((training.chosen.name, training.dataset, training.training.seed))
        return {"restorer": weights(tmp_path / f"trained{training.training.seed}.safetensors", seed=len(asked))}

    monkeypatch.setattr(TrainingRequest, "run", run)
    planned = plan(select(methods=("net",), baselines=False, seeds=(0, 1), train="always"))
    assert not asked and [one.cell.weights for one in planned] == ["", ""]
    records = execute(planned, context(tmp_path), engine="here")
    assert [record.cell.weights for record in records] == ["trained0.safetensors", "trained1.safetensors"]
    assert asked == [("budget", "squares", 0), ("budget", "squares", 1)]


def test_a_training_that_fails_takes_only_its_own_cells_down(select, tmp_path, monkeypatch):
    """F2: a loss that is not finite is the row's own; baselines and the other methods are run."""

    def run(training, report):
        raise UserError("The loss of stage 'train' is not finite at step 2 of 2.")

    monkeypatch.setattr(TrainingRequest, "run", run)
    records = execute(plan(select(methods=("net", "half"), train="always")), context(tmp_path), engine="here")
    status = {record.cell.method: record.status for record in records}
    assert status == {"input": "done", "blur": "done", "nlm": "done", "net": "failed", "half": "done"}
    (failed,) = [record for record in records if record.status == "failed"]
    assert failed.reason.code == "not-trained" and "not finite" in failed.why
    assert read_record(run_folder(tmp_path / "results", failed.id)).reason == failed.reason


def test_the_seed_that_is_asked_for_is_taken(select, tmp_path):
    """F5: 0 is a seed like any other; where none is asked for, the best weights run whatever their seed."""
    own = tmp_path / "results/weights/net"
    weights(own / "zero.safetensors", steps=10)
    weights(own / "five.safetensors", seed=5, steps=20)
    assert found(select, seeds=(0,)) == "zero.safetensors"
    assert found(select) == "five.safetensors"


def test_ones_own_weights_come_first_in_a_checkout_too(select, tmp_path, monkeypatch):
    """F6: there shipped and own weights lie in one folder; what a training here left is one's own."""
    folder = tmp_path / "results/weights"
    monkeypatch.setattr(weights_search, "shipped", lambda relative: folder)
    weights(folder / "net/shipped.safetensors", steps=99)
    path = weights(folder / "net/mine.safetensors", steps=10, seed=1)
    assert found(select) == "shipped.safetensors"
    done = tmp_path / "results/training/net-1/done.json"
    done.parent.mkdir(parents=True)
    done.write_text(json.dumps({"weights": {"restorer": sha256_file(path)}}))
    (tmp_path / "results/training/net-2").mkdir()
    (tmp_path / "results/training/net-2/done.json").write_text("{")
    assert found(select) == "mine.safetensors"


def test_a_plan_builds_no_network(tmp_path, monkeypatch):
    """F7: facts come from recipes and cards. 78 networks were built for these eight cells."""
    built, init = [], nn.Module.__init__

    def counted(self, *given, **more):
        built.append(type(self))
        init(self, *given, **more)

    monkeypatch.setattr(nn.Module, "__init__", counted)
    datasets.prepare("demo", None, tmp_path / "data")
    planned = plan(
        RunRequest(
            ("r2r", "scpgan", "dgunet", "mssr", "lir"), ("demo",), data=tmp_path / "data", results=tmp_path / "results"
        )
    )
    assert len(planned) >= 8 and all(one.cell.weights for one in planned[3:8])
    assert {cls.__name__ for cls in built} <= {"Input", "Blur", "NonLocalMeans"}


def test_an_edited_method_is_run_again(world, tmp_path, monkeypatch):
    """F4: the cell knows the method's code."""
    module = tmp_path / "edited_method.py"
    source = (
        "from methods.base import Facts, Method\n"
        "class Edited(Method):\n"
        "    name, recipes = 'edited', {'plain': {'tier': 'cpu'}}\n"
        "    facts = Facts(('denoise',), 'degraded', needs_weights=False)\n"
        "    def restore(self, x, info=None):\n"
        "        return x * PART  # COMMENT\n"
        "    def roles(self): return {}\n"
        "    def stages(self): return iter(())\n"
    )
    found = []
    for change in (("PART", "0.9"), ("PART", "0.9", "COMMENT", "said"), ("PART", "0.8")):
        text = source
        for old, new in zip(change[::2], change[1::2], strict=True):
            text = text.replace(old, new)
        module.write_text(text)
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); import edited_method; from methods.code import code_digest;"
            "print(code_digest(edited_method.Edited))"
        )
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        found.append(done.stdout.strip())
    assert found[0] == found[1] != found[2] and all(found)
    cell = Cell("edited", DatasetRef("squares", {}, "test"), code=found[0])
    assert cell.id != replace(cell, code=found[2]).id


def test_weights_for_real_noise_come_before_others_on_real_noise(select, tmp_path, monkeypatch):
    """What was trained on `phone` runs on real photographs, whatever the demo's weights are."""
    monkeypatch.setattr(Squares, "degradation", "real")
    shipped = tmp_path / "shipped/weights/net"
    weights(shipped / "demo.safetensors", train_data="demo-train", steps=99, recipe_settings={})
    path = weights(shipped / "phone.safetensors", train_data="phone-train", recipe="cpu", recipe_settings={})
    assert found(select) == "phone.safetensors"
    assert for_pictures(Wanted("net"), select().results) == path
    weights(shipped / "same.safetensors", train_data="squares-test", recipe="cpu", recipe_settings={})
    assert found(select) == "same.safetensors"


@pytest.fixture
def authors(tmp_path, monkeypatch):
    """Weights of `net` that its authors published, on a server of this machine."""
    path = weights(tmp_path / "server/net.pth.safetensors", seed=3)
    raw = tmp_path / "server/net.pth"
    torch.save(load_file(path), raw)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "server"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    Thread(target=server.serve_forever, daemon=True).start()
    source = Source(f"http://127.0.0.1:{server.server_port}/", "no licence stated", {"net.pth": sha256_file(raw)})
    monkeypatch.setitem(SOURCES, "net-weights", source)
    hashes.cache_clear()
    monkeypatch.setattr(published_weights, "published_of", lambda name: {"cpu": "net-weights"} if name == "net" else {})
    yield source
    server.shutdown()
    hashes.cache_clear()


def test_published_weights_are_fetched_and_named(select, tmp_path, authors):
    one = cells(select(methods=("net",), baselines=False, weights="published"))[-1]
    assert one.weights == str(tmp_path / "results/downloads/net-weights/net.pth") and one.recipe == "cpu"
    assert one.note.startswith("authors' weights, no licence stated")


def test_published_weights_of_another_content_are_refused(select, tmp_path, authors):
    (tmp_path / "server/net.pth").write_bytes(b"something else")
    with pytest.raises(UserError, match="net.pth"):
        cells(select(methods=("net",), baselines=False, weights="published"))
    assert not list((tmp_path / "results/downloads").rglob("net.pth"))


def test_a_run_after_an_edit_restores_again(select, tmp_path, monkeypatch):
    """Case 11: the figure of other code is not served."""
    found = []
    for digest in ("a", "a", "b"):
        monkeypatch.setattr(planner, "code_digest", lambda cls, digest=digest: digest)
        execute(plan(select(baselines=False)), context(tmp_path), engine="here")
        found.append(Half.calls)
    assert found[0] == found[1] > 0 and found[2] == 2 * found[0]
