"""Damaged files are named, set aside, and made again by the same command: the same weights, pools and figures."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.training import trainer
from benchmark.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from benchmark.training.layout import FIRST
from benchmark.training.stopping import StoppedError
from datasets.core.errors import UserError
from datasets.core.sealed import DamagedError, DamagedWarning, check_seal, parsed, read_sealed, write_sealed
from datasets.pool.store import Store
from methods.weights import read_card
from tests.helpers.command_line import Studio
from tests.helpers.two_stages import OneStage, Refine, dataset, sha, trained


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder of images, and the hash of the weights of a training that ran through."""
    root = tmp_path_factory.mktemp("whole")
    dataset(root / "images")
    return root / "images", sha(trained(root / "r", root / "images", OneStage)["restorer"])


def interrupted(results: Path, images: Path, monkeypatch, at: int = 12, number: int = signal.SIGTERM) -> None:
    """A training that a signal ends during a step."""
    step = Refine.step

    def struck(self, batch, loop):
        if loop.step == at:
            os.kill(os.getpid(), number)
        return step(self, batch, loop)

    monkeypatch.setattr(Refine, "step", struck)
    # A shell that starts tests in the background, or nohup, leaves signals ignored, and a training respects that.
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    try:
        with pytest.raises(StoppedError) as stopped:
            trained(results, images, OneStage)
    finally:
        signal.signal(number, before)
    assert stopped.value.signal == number
    monkeypatch.setattr(Refine, "step", step)


def damage(path: Path, at: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_checkpoint_of_the_last_step(whole, tmp_path, monkeypatch, number):
    images, weights = whole
    interrupted(tmp_path, images, monkeypatch, number=number)
    (last,) = tmp_path.glob("training/*/last.pt")
    assert torch.load(last, weights_only=True)["step"] == 13
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert sha(trained(tmp_path, images, OneStage)["restorer"]) == weights


def test_a_signal_at_the_last_step_loses_nothing(whole, tmp_path, monkeypatch):
    images, weights = whole
    interrupted(tmp_path, images, monkeypatch, at=15)
    assert torch.load(next(tmp_path.glob("training/*/last.pt")), weights_only=True)["step"] == 16
    assert sha(trained(tmp_path, images, OneStage)["restorer"]) == weights


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_flipped_byte_in_the_checkpoint_changes_no_weight(whole, tmp_path, monkeypatch, at):
    images, weights = whole
    interrupted(tmp_path, images, monkeypatch)
    (last,) = tmp_path.glob("training/*/last.pt")
    damage(last, at)
    with pytest.warns(DamagedWarning, match=r"last\.pt is damaged .* kept as last\.pt\.damaged"):
        paths = trained(tmp_path, images, OneStage)
    assert sha(paths["restorer"]) == weights and last.with_name("last.pt.damaged").is_file()


def test_a_checkpoint_of_an_earlier_version_is_read(tmp_path):
    path = tmp_path / "last.pt"
    write_checkpoint(path, TrainingState(step=3), {"seed": 0})
    content = torch.load(path, weights_only=True)
    assert content.pop("made_on") == {} and check_seal(path, "")
    torch.save({**content, "format": 1}, path)
    assert read_checkpoint(path, {"seed": 0}).step == 3
    torch.save(content, path)  # today's form without its checksum
    with pytest.raises(DamagedError, match="its checksum is gone"):
        read_checkpoint(path, {"seed": 0})


def test_a_training_goes_on_from_an_earlier_versions_checkpoint(whole, tmp_path, monkeypatch):
    images, _ = whole
    with monkeypatch.context() as earlier:  # which knew one layout only
        earlier.setattr(trainer, "layout", lambda *_: FIRST)
        weights = sha(trained(tmp_path / "whole", images, OneStage)["restorer"])
        interrupted(tmp_path / "cut", images, earlier)
    (last,) = tmp_path.glob("cut/training/*/last.pt")
    content = torch.load(last, weights_only=True)
    del content["made_on"]
    torch.save({**content, "format": 1}, last)
    with pytest.warns(UserWarning, match="earlier version, without a checksum"):
        assert sha(trained(tmp_path / "cut", images, OneStage)["restorer"]) == weights


@pytest.mark.parametrize("file", ["recorrupted", "index"])
def test_a_damaged_pool_is_made_again(whole, tmp_path, monkeypatch, file):
    images, weights = whole
    interrupted(tmp_path, images, monkeypatch)
    for path in (
        tmp_path.glob("training/pools/*/*.npy") if file != "index" else tmp_path.glob("training/pools/*/index.json")
    ):
        data = path.read_bytes()
        path.write_bytes(data[:128] + bytes(len(data) - 128))
    with pytest.warns(DamagedWarning, match="made again"):
        assert sha(trained(tmp_path, images, OneStage)["restorer"]) == weights
    assert list(tmp_path.glob("training/pools/*.damaged"))


def test_a_full_disk_while_a_pool_is_joined_is_an_error_and_no_signal(tmp_path):
    """A limit on the size of a file stands for the full disk: either way a write does not succeed."""
    entry = [{"input": np.zeros((64, 64, 3), np.uint8)}]
    sources = [(f"im{i}", lambda: entry) for i in range(8)]
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            Store.make(tmp_path / "pool", sources)
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == errno.EFBIG
    assert len(Store.make(tmp_path / "pool", sources)) == 8
    assert not list(tmp_path.rglob("*.part"))


def test_half_a_pool_of_a_killed_process_goes(whole, tmp_path):
    images, _ = whole
    trained(tmp_path, images, OneStage)
    (index,) = tmp_path.glob("training/pools/*/index.json")
    left = index.with_name(".input.npy.1.part")
    left.write_bytes(b"half")
    trained(tmp_path / "other", images, OneStage)
    Store.make(index.parent, [])
    assert not left.exists()


@pytest.mark.parametrize("name", ["done.json", "weights", "card"])
def test_what_a_finished_training_left_is_written_again(whole, tmp_path, monkeypatch, name):
    images, weights = whole
    paths = trained(tmp_path, images, OneStage)
    (done,) = tmp_path.glob("training/*/done.json")
    path = {"done.json": done, "weights": paths["restorer"], "card": paths["restorer"].with_suffix(".json")}[name]
    before = path.read_bytes()
    path.write_bytes(before[: len(before) // 2])
    monkeypatch.setattr(Refine, "step", lambda *_: pytest.fail("trained again"))
    with pytest.warns(DamagedWarning, match="made again"):
        again = trained(tmp_path, images, OneStage)
    assert sha(again["restorer"]) == weights and path.read_bytes() == before
    assert path.with_name(f"{path.name}.damaged").is_file()


def test_a_resume_that_cannot_be_exact_says_so(whole, tmp_path, monkeypatch):
    images, _ = whole
    interrupted(tmp_path, images, monkeypatch)
    here = trainer.surroundings
    monkeypatch.setattr(trainer, "surroundings", lambda *given: {**here(*given), "threads": "7"})
    with pytest.warns(UserWarning, match="threads 1, then 7.*not bit-identical"):
        paths = trained(tmp_path, images, OneStage)
    assert "resumed under other arithmetic (threads 1, then 7)" in read_card(paths["restorer"]).note


def test_sealed_files_know_every_change(tmp_path):
    path = tmp_path / "x.json"
    write_sealed(path, {"a": [1, 2.5, "ä"], "b": {"c": None}})
    assert read_sealed(path, "") == ({"a": [1, 2.5, "ä"], "b": {"c": None}}, True)
    path.write_text(path.read_text().replace("2.5", "2.6"))
    with pytest.raises(DamagedError, match=r"x\.json is damaged \(its checksum is another\); do this"):
        read_sealed(path, "do this")
    path.write_text('{"a": 1}')
    assert read_sealed(path, "") == ({"a": 1}, False)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(DamagedError, match="pipe"):
        read_sealed(tmp_path / "pipe.json", "")
    for deep in ("[" * 100_000, "[" * 500 + "]" * 500):
        with pytest.raises(ValueError, match="nested"):
            parsed(deep)


def test_figures_and_scores_are_tied_and_repaired(studio: Studio):
    studio.prepared()
    words = ("--methods", "plain", "--conventions", "float-gauss", "--quiet")
    assert studio.run(*words) == 0, studio.err
    (record,) = studio.results.glob("runs/plain-*/record.json")
    scores = record.with_name("scores.csv")
    before = record.read_bytes(), scores.read_bytes()
    value = json.loads(before[0])
    assert value["scores"] and value["checksum"]

    lines = before[1].decode().splitlines(keepends=True)
    digit = lines[2][:-3] + ("1" if lines[2][-3] != "1" else "2") + lines[2][-2:]
    for changed in (
        "".join(lines[:3]),
        "".join([*lines[:2], digit, *lines[3:]]),
        before[1].decode().replace("p0", "p9"),
        None,
    ):
        scores.unlink() if changed is None else scores.write_text(changed)
        assert studio("leaderboard", "--results", studio.results, "--quiet") == 0
        assert "scores" in studio.err, changed
        assert studio.run(*words) == 0
        assert scores.read_bytes() == before[1]

    record.write_text(record.read_text().replace('"mean": 2', '"mean": 9', 1))
    assert studio("leaderboard", "--results", studio.results, "--quiet") == 0
    assert "record.json is damaged (its checksum is another)" in studio.err and "plain" not in studio.out
    assert studio.run(*words) == 0
    assert "is kept as record.json.damaged" in studio.err.replace("It is", "it is")
    assert json.loads(record.read_text())["figures"] == value["figures"]


def test_a_damaged_output_is_restored_again(studio: Studio):
    studio.prepared()
    words = ("--methods", "plain", "--save-outputs", "--quiet")
    assert studio.run(*words, "--conventions", "float-gauss") == 0, studio.err
    (output,) = studio.results.glob("runs/plain-*/outputs/p1.npy")
    sound = output.read_bytes()
    damage(output, 0.9)
    assert studio("score", "--outputs", output.parents[1], "--data", studio.data) == 2
    assert "p1.npy is damaged (its checksum is another); run its cell again with --force." in studio.sentence
    assert studio.run(*words, "--conventions", "float-gauss,skimage-float") in (0, 2), studio.err
    assert studio.run(*words) == 0, studio.err
    assert output.read_bytes() == sound and output.with_name("p1.npy.damaged").is_file()


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    from datasets.core.names import inside

    assert inside(tmp_path, "a/b[x]", ".png") == tmp_path / "a/b[x].png"
    for name in ("../x", "/etc/x", "a/../../x", "", "a\0b", "..\\x", "n" * 245):
        with pytest.raises(UserError, match="cannot be that of a file below"):
            inside(tmp_path, name, ".png")
