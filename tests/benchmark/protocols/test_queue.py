"""`reproduce --queue`: the next open line, for some minutes, from a state that any machine goes on from."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from benchmark.cli.pages import main as pages
from benchmark.planning import weights_search
from benchmark.protocols.queue.lines import lines
from benchmark.protocols.queue.portable import INDEX, SMALLEST, pack, unpack
from benchmark.protocols.queue.timings import read_timings
from benchmark.protocols.queue.work import within
from benchmark.protocols.request import obstacle
from benchmark.training import TrainSettings
from benchmark.training.checkpoint import read_checkpoint
from datasets.core.errors import UserError
from methods.weights import read_card
from tests.helpers.command_line import Studio
from tests.helpers.learner import PROTOCOL, Learning, arranged

QUEUE = """
[[lines]]
row = "done long ago"
command = "python -m benchmark list methods"

[[lines]]
row = "on data that are not here"
protocol = "polyu-scenes"
tier = "cpu"
open = true

[[lines]]
row = "learners"
protocol = "learners.toml"
tier = "cpu"
open = true
"""
LONG = PROTOCOL.replace("steps = 6", "steps = 400").replace("seeds = [0, 1]", "seeds = [0]")


@pytest.fixture
def queue(studio: Studio, learner: None, monkeypatch: pytest.MonkeyPatch):
    """The command on a machine: its results folder, and whatever more.

    The learner takes 5 ms a step; with `over` the alarm that ends the minutes comes at that step.
    """
    monkeypatch.setattr(weights_search, "shipped", lambda relative: studio.root / "shipped" / relative)
    step, ends = Learning.step, []

    def slow(self, batch, loop):
        time.sleep(0.005)
        if ends and loop.step == ends[0]:
            signal.raise_signal(signal.SIGALRM)
        return step(self, batch, loop)

    monkeypatch.setattr(Learning, "step", slow)

    def command(results: str, *more: str, text: str = PROTOCOL, over: int | None = None) -> int:
        ends[:] = [over] if over is not None else []
        arranged(studio.root, text)
        (studio.root / "queue.toml").write_text(QUEUE, encoding="utf-8")
        where = ["--data", studio.root / "data", "--results", studio.root / results, "--device", "cpu"]
        return studio("reproduce", "--queue", str(studio.root / "queue.toml"), *map(str, where), *more)

    command.studio = studio  # type: ignore[attr-defined]
    return command


def weights(results: Path) -> bytes:
    (path,) = results.glob("weights/learner/*.safetensors")
    return path.read_bytes()


def test_a_dry_run_on_a_cpu(queue) -> None:
    """The command of a GPU's quarter of an hour, for a minute on a CPU."""
    studio = queue.studio
    assert queue("results", "--minutes", "1") == 0, studio.err
    assert "Line 3 of the queue" in studio.err + studio.out and "Line 3 is finished" in studio.err + studio.out
    assert "Line 2 (on data that are not here) waits" in studio.err + studio.out
    (timing,) = read_timings(studio.root / "results")
    assert (timing.method, timing.recipe, timing.steps, timing.done) == ("learner", "budget", 6, 6)
    assert timing.seconds_per_step >= 0.005 and timing.device.startswith("cpu")
    assert timing.line.endswith("learners.toml --tier cpu")
    assert len(list((studio.root / "results").glob("weights/learner/*.safetensors"))) == 2
    assert "learner budget" in (studio.root / "results" / "protocols" / "learners.csv").read_text(encoding="utf-8")
    assert queue("results", "--dry-run", "--json") == 0
    assert [row["state"].partition(":")[0] for row in json.loads(studio.out)] == ["closed", "waits", "done"]
    # nothing is left that could be worked on
    assert queue("results", "--minutes", "1") == 1


def test_what_the_minutes_do_not_hold_goes_on_elsewhere(queue, tmp_path) -> None:
    studio, state = queue.studio, tmp_path / "state"
    assert queue("whole", "--minutes", "1", text=LONG) == 0
    limits = "--max-file-size", "64k", "--max-total-size", "1M"
    assert queue("here", "--minutes", "9", "--state", str(state), *limits, text=LONG, over=100) == 0, studio.err
    assert "The minutes are over in line 3" in studio.err + studio.out
    (last,) = (studio.root / "here").glob("training/*/last.pt")
    begun = read_checkpoint(last, {})
    assert begun is not None and begun.step == 101
    assert not list((studio.root / "here").glob("weights/**/*.safetensors"))
    shutil.rmtree(studio.root / "here")
    assert queue("there", "--minutes", "1", "--state", str(state), text=LONG) == 0, studio.err
    assert "Went on from the state" in studio.err + studio.out
    assert weights(studio.root / "there") == weights(studio.root / "whole")
    (path,) = (studio.root / "there").glob("weights/learner/*.safetensors")
    assert read_card(path).steps == 400 and "resumed" not in read_card(path).note
    elsewhere = tmp_path / "elsewhere"
    unpack(state, elsewhere)
    assert weights(elsewhere) == weights(studio.root / "whole")
    assert list(elsewhere.glob("runs/*/record.json"))


def test_a_state_keeps_to_its_sizes(tmp_path) -> None:
    results, state = tmp_path / "results", tmp_path / "state"
    for name, count in (("last.pt", 150_000), ("best.pt", 150_000), ("log.csv", 1000), ("lock", 10)):
        (results / "training" / "a").mkdir(parents=True, exist_ok=True)
        (results / "training" / "a" / name).write_bytes(bytes(range(250)) * (count // 250))
    made = pack(results, state, SMALLEST)
    assert len(made) == 6 and all(path.stat().st_size <= SMALLEST for path in made)
    assert unpack(state, tmp_path / "all") == 3 and unpack(state, tmp_path / "all") == 0
    copy = tmp_path / "all" / "training" / "a"
    assert {path.name for path in copy.iterdir()} == {"last.pt", "best.pt", "log.csv"}
    assert (copy / "last.pt").read_bytes() == (results / "training" / "a" / "last.pt").read_bytes()
    made = pack(results, state, None, 200_000)
    assert sum(path.stat().st_size for path in made) <= 200_000 and set(state.iterdir()) == set(made)
    unpack(state, tmp_path / "less")
    assert {path.name for path in (tmp_path / "less" / "training" / "a").iterdir()} == {"last.pt", "log.csv"}
    with pytest.raises(UserError, match="more than --max-total-size"):
        pack(results, state, None, 100_000)
    with pytest.raises(UserError, match="--max-file-size"):
        pack(results, state, 100)


def test_a_damaged_state_or_one_that_reaches_out_is_refused(tmp_path) -> None:
    results, state = tmp_path / "results", tmp_path / "state"
    (results / "training" / "a").mkdir(parents=True)
    (results / "training" / "a" / "last.pt").write_bytes(b"x" * 1000)
    part = pack(results, state)[1]
    content = part.read_bytes()
    part.write_bytes(content[:-1] + b"?")
    with pytest.raises(UserError, match="not what was written"):
        unpack(state, tmp_path / "other")
    import tarfile

    from datasets.core.files import sha256_file
    from datasets.core.sealed import write_sealed

    with tarfile.open(part, "w") as archive:
        archive.add(results / "training" / "a" / "last.pt", "../outside")
    write_sealed(state / INDEX, {"parts": [{"name": part.name, "sha256": sha256_file(part)}]})
    with pytest.raises(UserError, match="no file of a results folder"):
        unpack(state, tmp_path / "other")
    assert not (tmp_path / "outside").exists()


def test_the_minutes_end_whatever_runs() -> None:
    before, began, reached = signal.getsignal(signal.SIGALRM), time.monotonic(), False
    with within(0.2):
        time.sleep(30)
        reached = True
    assert not reached and 0.15 < time.monotonic() - began < 20
    assert signal.getsignal(signal.SIGALRM) == before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_the_projects_queue_names_what_there_is(tmp_path) -> None:
    found = lines()
    assert len(found) == 12 and found[0].open
    for line in found:
        if line.command:
            continue
        request = line.request(TrainSettings(), tmp_path, tmp_path)
        entries = [entry for entry in request.rows.entries if entry.method in (line.methods or (entry.method,))]
        assert entries and not [obstacle(entry) for entry in entries if obstacle(entry)]


def test_the_page_shows_the_queue() -> None:
    root = Path(__file__).resolve().parents[3]
    assert pages(["queue", "--check", "--page", str(root / "docs" / "reproduce.md")]) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no"),
        ("[[lines]]\nrow = 'x'", "needs a row"),
        ("[[lines]]\nrow = 'x'\nprotocol = 'a'\ntier = 'cpu'\nopen = 1", "of type bool"),
        ("[[lines]]\nrow = 'x'\nprotokoll = 'a'", "protocol"),
        ("[[", "cannot be read"),
    ],
)
def test_a_queue_that_cannot_be_read(text, why, tmp_path) -> None:
    (tmp_path / "queue.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=why):
        lines(tmp_path / "queue.toml")


def test_options_that_do_not_go_together(studio: Studio) -> None:
    assert studio("reproduce") == 2 and "--queue" in studio.err
    assert studio("reproduce", "--queue") == 2 and "--minutes" in studio.err
    assert studio("reproduce", "polyu-scenes", "--queue", "--minutes", "1") == 2
