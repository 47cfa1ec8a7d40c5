"""What people get wrong, and what machines do: each ends in one sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from datasets.core.locks import exclusive
from datasets.ops.images import write_png
from methods.registry import METHODS
from tests.helpers.command_line import Plain, Studio, pictures

Spoil = Callable[[Studio], Any]


def records(studio: Studio) -> list[Path]:
    return sorted(studio.results.glob("runs/*/record.json"))


def finished(studio: Studio) -> set[str]:
    return {
        record["cell"]["method"]
        for path in records(studio)
        if (record := json.loads(path.read_text()))["status"] == "done"
    }


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("run", "--methods", "r2", "--dataset", "folder"), "'r2r'"),
        (("run", "--methods", "r2r", "--dataset", "polyuu"), "'polyu'"),
        (("run", "--methods", "r2r", "--dataset", "demo", "--conventions", "float-gaus"), "'float-gauss'"),
        (("run", "--methods", "r2r", "--dataset", "demo", "--recipe", "budgt"), "'budget'"),
        (("run", "--methods", "r2r", "--dataset", "polyu", "--split", "scenes-tst"), "'scenes-test'"),
        (("run", "--methods", "r2r", "--dataset", "bsd68[sigm=25]"), "'sigma'"),
        (("train", "--methods", "r2", "--dataset", "polyu"), "'r2r'"),
        (("conformance", "r2"), "'r2r'"),
        (("prepare", "sid", "--source", "."), "'sidd'"),
        (("runn",), "run?"),
        (("run", "--dataset", "demo", "--limt", "3"), "--limit?"),
        (("list", "method"), "methods?"),
    ],
)
def test_unknown_names_suggest_the_nearest(studio: Studio, words: tuple[str, ...], near: str) -> None:
    assert studio(*words) == 2
    assert near in studio.sentence
    assert not list(studio.root.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("--limit", "0"),
        ("--limit", "x"),
        ("--seeds", "one"),
        ("--minutes", "-1"),
        ("--steps", "5", "--minutes", "1"),
        ("--device", "gpu"),
        ("--set", "restore.draws"),
        ("--tile", "-5"),
    ],
)
def test_values_out_of_place(studio: Studio, words: tuple[str, ...]) -> None:
    assert studio.run("--methods", "plain", *words) == 2
    assert words[0] in studio.sentence
    assert not list(studio.root.iterdir())


def test_settings_that_are_no_finite_numbers(studio: Studio) -> None:
    """Case 21: of a dataset, and of a training."""
    where = ("--data", studio.data, "--results", studio.results, "--quiet")
    for value in ("nan", "inf", "-inf", "1e400"):
        assert studio("run", "--methods", "plain", "--dataset", f"set12[sigma={value}]", *where) == 2
        assert "'sigma' of dataset 'set12' to be a number" in studio.sentence
    studio.prepared()
    train = ("train", "--methods", "dgunet", "--recipe", "tiny", "--dataset", "folder", "--steps", "1", *where)
    for value in ("nan", "inf", "1e400"):
        assert studio(*train, "--set", f"train.rate={value}") == 2
        assert "The setting train.rate takes a finite number" in studio.sentence


def test_a_dataset_that_is_not_prepared_names_the_command(studio: Studio) -> None:
    assert studio("run", "--methods", "plain", "--dataset", "polyu", "--data", studio.data) == 2
    assert "prepare polyu" in studio.sentence
    assert str(studio.data) in studio.sentence


# --- sources ---------------------------------------------------------------------------------------------------------


def blocks(path: Path, variable: str, shape: tuple[int, ...] = (2, 3, 16, 16, 3), kind: type = np.uint8) -> None:
    array = np.random.default_rng(0).integers(0, 255, shape).astype(kind)
    scipy.io.savemat(path, {variable: array})


def sidd(studio: Studio, noisy: dict[str, Any] | None = None, clean: dict[str, Any] | None = None) -> Path:
    studio.source.mkdir()
    for kind, changes in (("Noisy", noisy or {}), ("Gt", clean or {})):
        name = f"Validation{kind}BlocksSrgb"
        blocks(studio.source / f"{name}.mat", **{"variable": name, "shape": (2, 3, 256, 256, 3), **changes})
    return studio.source


def _cut(studio: Studio) -> None:
    path = sidd(studio) / "ValidationNoisyBlocksSrgb.mat"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_cut, "ValidationNoisyBlocksSrgb.mat"),
        (lambda s: sidd(s, noisy={"variable": "something"}), "something"),
        (lambda s: sidd(s, noisy={"shape": (2, 3, 256, 256)}), "(2, 3, 256, 256)"),
        (lambda s: sidd(s, noisy={"kind": np.float64}), "float64"),
        (lambda s: sidd(s, clean={"shape": (2, 2, 256, 256, 3)}), "2"),
    ],
)
def test_matlab_files_of_sidd(studio: Studio, spoil: Spoil, words: str) -> None:
    spoil(studio)
    assert studio("prepare", "sidd", "--source", studio.source, "--data", studio.data, "--quiet") == 2
    assert words in studio.sentence
    assert not (studio.data / "sidd" / "manifest.csv").exists()
    assert not studio.halves()


def _corrupt(studio: Studio) -> None:
    path = pictures(studio.source) / "degraded" / "p2.png"
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_corrupt, "p2.png"),
        (lambda s: (pictures(s.source) / "clean" / "p2.png").unlink(), "p2"),
        (lambda s: s.source.mkdir(), "source"),
        (lambda s: None, "source"),
    ],
)
def test_folders_of_pictures(studio: Studio, spoil: Spoil, words: str) -> None:
    spoil(studio)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data, "--quiet") == 2
    assert words in studio.sentence
    assert not (studio.data / "folder" / "manifest.csv").exists()
    assert not studio.halves()


def test_a_file_changed_since_prepare(studio: Studio) -> None:
    studio.prepared()
    changed = sorted((studio.data / "folder").rglob("*p3*.png"))[0]
    write_png(changed, np.zeros((24, 24, 3), np.uint8))
    assert studio.run("--methods", "plain", "--quiet") == 1
    assert "changed since prepare" in studio.err
    assert "prepare folder" in studio.err
    assert finished(studio) == set()


# --- weights ---------------------------------------------------------------------------------------------------------


def state() -> dict[str, torch.Tensor]:
    from methods import load

    return dict(load("r2r", "tiny").roles()["restorer"].state_dict())


class Bomb:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def _missing(studio: Studio, path: Path) -> None:
    values = state()
    values.pop(next(iter(values)))
    torch.save(values, path)


def _extra(studio: Studio, path: Path) -> None:
    torch.save({**state(), "one.too.many": torch.zeros(3)}, path)


def _misshaped(studio: Studio, path: Path) -> None:
    values = state()
    first = next(iter(values))
    torch.save({**values, first: torch.zeros(5, 5)}, path)


def _bomb(studio: Studio, path: Path) -> None:
    path.write_bytes(pickle.dumps({"state_dict": Bomb(studio.root / "exploded")}))


def _torch_bomb(studio: Studio, path: Path) -> None:
    torch.save({"state_dict": Bomb(studio.root / "exploded")}, path)


def _empty(studio: Studio, path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [_missing, _extra, _misshaped, _bomb, _torch_bomb, _empty])
@pytest.mark.parametrize("verb", ["run", "import", "restore"])
def test_weights_that_cannot_be_used(studio: Studio, spoil: Callable[[Studio, Path], None], verb: str) -> None:
    studio.prepared()
    path = studio.root / "w.pth"
    spoil(studio, path)
    (studio.root / "exploded").unlink(missing_ok=True)
    words: dict[str, tuple[Any, ...]] = {
        "run": ("run", "--methods", "r2r", "--dataset", "folder", "--weights", path, "--data", studio.data),
        "import": ("weights", "import", path, "--methods", "r2r"),
        "restore": ("restore", studio.source / "degraded", "--methods", "r2r", "--weights", path),
    }
    assert studio(*words[verb], "--quiet") in (1, 2)
    assert "w.pth" in studio.sentence
    assert not (studio.root / "exploded").exists()
    assert "r2r" not in finished(studio)
    assert not (studio.root / "restored").exists()
    assert not list(studio.results.glob("weights/**/*.safetensors"))


# --- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "words"), [("nan", "NaN"), ("pair", "tuple")])
def test_a_method_that_misbehaves_fails_its_own_cell(studio: Studio, method: str, words: str) -> None:
    studio.prepared()
    assert studio.run("--methods", f"{method},plain", "--save-images", "--quiet") == 1
    assert words in studio.sentence
    assert finished(studio) == {"input", "blur", "nlm", "plain"}
    assert method in (studio.results / "leaderboard.md").read_text()


# --- the machine -----------------------------------------------------------------------------------------------------


def test_full_disk_while_running(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.prepared()
    real = os.replace

    def full(source: Any, target: Any, **kwargs: Any) -> None:
        if "record.json" in str(target):
            raise OSError(errno.ENOSPC, "No space left on device", str(source))
        real(source, target, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert studio.run("--methods", "plain", "--quiet") == 2
    assert "disk is full" in studio.sentence
    assert not records(studio)
    assert not studio.halves()
    assert studio.run("--methods", "plain", "--quiet") == 0
    assert finished(studio) == {"input", "blur", "nlm", "plain"}


def test_full_disk_while_preparing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(studio.source)
    words = ("prepare", "folder", "--source", studio.source, "--data", studio.data, "--quiet")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert studio(*words) == 2
    assert "full" in studio.sentence
    assert not (studio.data / "folder" / "manifest.csv").exists()
    assert not studio.halves()
    assert studio(*words) == 0


def test_full_disk_while_writing_the_leaderboard(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    board = (studio.results / "leaderboard.csv").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert studio("leaderboard", "--results", studio.results) == 2
    assert "disk is full" in studio.sentence
    assert (studio.results / "leaderboard.csv").read_bytes() == board
    assert not studio.halves()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_read_only_results(studio: Studio, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    studio.prepared()
    real = os.mkdir

    def refusing(path: Any, *args: Any, **kwargs: Any) -> None:
        if str(path).startswith(str(studio.results)):
            raise OSError(number, os.strerror(number), str(path))
        real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", refusing)
    assert studio.run("--methods", "plain", "--quiet") == 2
    assert "--results" in studio.sentence
    assert not studio.results.exists()


@pytest.mark.skipif(
    not Path("/sys/kernel").is_dir(), reason="needs a folder that nobody can write, such as Linux's /sys"
)
def test_a_folder_that_even_root_cannot_write(studio: Studio) -> None:
    studio.prepared()
    words = ("--dataset", "folder", "--data", studio.data, "--results", "/sys/kernel/benchmark", "--quiet")
    assert studio("run", "--methods", "plain", *words) == 2
    assert "--results" in studio.sentence


def test_two_runs_at_once_on_one_cell(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--dry-run", "--json") == 0
    (cell,) = [line["cell"] for line in json.loads(studio.out) if line["method"] == "plain"]
    folder = studio.results / "runs" / cell
    folder.mkdir(parents=True)
    release = threading.Event()

    def neighbour() -> None:
        with exclusive(folder / "lock", "the other run"):
            held.set()
            release.wait(30)
            found.append(finished(studio))

    held, found = threading.Event(), []
    other = threading.Thread(target=neighbour)
    other.start()
    held.wait(30)
    threading.Timer(2.0, release.set).start()
    assert studio.run("--methods", "plain") == 0
    other.join()
    assert "Another run (process" in studio.err and "waiting for it" in studio.err
    assert found == [{"input", "blur", "nlm"}] and finished(studio) == {"input", "blur", "nlm", "plain"}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own answer to Ctrl-C, which a shell's background job has switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_restoring(studio: Studio) -> None:
    class Slow(Plain):
        name = "slow"
        calls = 0

        def restore(self, x: torch.Tensor, info: Any = None) -> torch.Tensor:
            Slow.calls += 1
            if Slow.calls == 1:
                signal.raise_signal(signal.SIGINT)
            return x

    studio.prepared()
    with METHODS.added({"slow": Slow}):
        assert studio.run("--methods", "slow", "--quiet") == 130
        assert studio.sentence.startswith("Interrupted")
        assert finished(studio) == {"input", "blur", "nlm"}
        assert not studio.halves()
        assert studio.run("--methods", "slow", "--quiet") == 0
    assert "slow" in finished(studio)


def test_a_damaged_record_does_not_stop_the_table(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    records(studio)[0].write_text("{")
    assert studio("leaderboard", "--results", studio.results) == 0
    assert "record.json" in studio.err
