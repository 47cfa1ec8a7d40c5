"""What runs next, with an engine that does as it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.planning.plan import PlannedCell
from benchmark.records.cell import NOT_TRAINED, Reason
from benchmark.records.files import ResultsError, read_records, write_record
from benchmark.records.record import Costs
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings, engine_of
from benchmark.runs.engines.here import Here
from benchmark.runs.engines.jobs import Busy, Died, Trained, Untrained, carry_out, on_device
from benchmark.runs.engines.local import Local
from benchmark.runs.engines.memory import peaks
from benchmark.runs.engines.queue import Queue
from benchmark.runs.engines.workers import obituary
from benchmark.runs.execute import execute
from benchmark.training.request import TrainingRequest
from benchmark.training.settings import TrainSettings
from datasets.core.errors import UserError
from tests.helpers.made_records import record
from tests.helpers.small_world import cell, context


class Told:
    """Answers with the outcomes of `script` by method and try, else it carries out."""

    def __init__(self, where, script, capacity=2) -> None:
        self.where, self.script, self.capacity = where, script, capacity
        self.running, self.order, self.closed = [], [], None

    def has_room(self, job) -> bool:
        return len(self.running) < self.capacity

    def start(self, job) -> None:
        self.order.append(job.method)
        self.running.append(job)

    def wait(self, seconds):
        job = self.running.pop(0)
        answers = self.script.get(job.method, [])
        return [(job, answers.pop(0) if answers else carry_out(job, self.where))]

    def close(self, interrupted=False) -> None:
        self.closed = interrupted


def planned(*cells):
    return [PlannedCell(one) for one in cells]


NET = TrainingRequest("net", "budget", dataset="squares")


def test_a_killed_job_gets_one_more_try_and_a_crash_none(world, tmp_path):
    where = context(tmp_path)
    engine = Told(
        where, {"half": [Died("killed", again=True)], "input": [Died("crashed")], "blur": [Died("k", True)] * 2}
    )
    records = Queue(planned(cell("half"), cell("input"), cell("blur")), engine, where).run()
    assert [(r.status, r.why) for r in records] == [("done", ""), ("failed", "crashed"), ("failed", "k")]
    assert sorted(engine.order) == ["blur", "blur", "half", "half", "input"] and engine.closed is False
    assert {r.why for r in read_records(where.results)} == {"", "crashed", "k"}


def test_trainings_come_first_and_once_and_cells_wait_for_them(world, tmp_path):
    where, said = context(tmp_path), []
    waiting = [PlannedCell(cell("net", seed=k), NET, lambda path, k=k: cell("half", seed=k)) for k in (0, 1)]
    engine = Told(where, {"net": [Trained({"restorer": tmp_path})]})
    records = Queue([*planned(cell("input"), cell("blur")), *waiting], engine, where, say=said.append).run()
    assert engine.order[0] == "net" and engine.order.count("net") == 1
    assert [r.cell.method for r in records] == ["input", "blur", "half", "half"] and len(said) == 1
    one_at_a_time = Told(where, {"net": [Trained({"restorer": tmp_path})]}, capacity=1)
    Queue([*planned(cell("input")), *waiting], one_at_a_time, where).run()
    assert one_at_a_time.order == ["input", "net", "half", "half"]


def test_a_training_that_fails_or_whose_weights_are_damaged_fails_its_own_cells(world, tmp_path):
    def damaged(path):
        raise UserError("the weights are damaged")

    where = context(tmp_path)
    other = replace(NET, training=TrainSettings(seed=1))
    plan = [
        PlannedCell(cell("net"), NET, lambda path: cell("half")),
        PlannedCell(cell("net", seed=1), other, damaged),
        *planned(cell("input")),
    ]
    engine = Told(where, {"net": [Untrained(Reason(NOT_TRAINED, "diverged")), Trained({"restorer": tmp_path})]})
    records = Queue(plan, engine, where).run()
    assert [(r.status, r.why) for r in records] == [
        ("failed", "diverged"), ("failed", "the weights are damaged"), ("done", ""),
    ]  # fmt: skip


def test_a_neighbours_training_is_waited_for(world, tmp_path):
    where, said = context(tmp_path), []
    plan = [PlannedCell(cell("net"), NET, lambda path: cell("half")), *planned(cell("input"))]
    engine = Told(where, {"net": [Busy("Another run is at it; wait."), Busy("again"), Trained({"restorer": tmp_path})]})
    records = Queue(plan, engine, where, say=said.append).run()
    assert [r.status for r in records] == ["done", "done"] and engine.order.count("net") == 3
    assert said[1:] == ["Another run is at it: waiting for it."]


def test_what_stops_everything_closes_the_engine_as_interrupted(world, tmp_path):
    where = context(tmp_path)
    engine = Told(where, {})
    engine.wait = lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        Queue(planned(cell("half")), engine, where).run()
    assert engine.closed is True
    (tmp_path / "full").write_text("")
    with pytest.raises(ResultsError):
        execute(planned(cell("half")), replace(where, results=tmp_path / "full"), engine="here")


def test_which_engine(monkeypatch, tmp_path):
    config = RunConfig(results=tmp_path)
    monkeypatch.setattr("benchmark.runs.engines._gpus", lambda: 0)
    with pytest.raises(UserError, match="torch sees none"):
        engine_of(EngineSettings("gpus"), config)
    with pytest.raises(UserError, match="Did you mean 'here'"):
        engine_of(EngineSettings("her"), config)
    assert isinstance(engine_of(EngineSettings(), config), Here)
    assert engine_of(EngineSettings(workers=3), config).capacity == 3
    monkeypatch.setattr("benchmark.runs.engines._gpus", lambda: 2)
    local = engine_of(EngineSettings(), config)
    assert isinstance(local, Local) and local._free == ["cuda:0", "cuda:1"]
    assert engine_of(EngineSettings(workers=4), config)._free == ["cuda:0", "cuda:1"] * 2
    assert engine_of(EngineSettings("gpus"), config)._free == ["cuda:0", "cuda:1"]
    assert isinstance(engine_of(EngineSettings("here"), config), Here)
    assert isinstance(engine_of(EngineSettings(), replace(config, device="cpu")), Here)
    assert execute([], config, engine="here") == []


def test_a_training_takes_its_workers_gpu_unless_it_names_one():
    assert on_device(NET, "cuda:1").training.device == "cuda:1"
    assert on_device(NET, "cpu").training.device == "auto"
    named = replace(NET, training=TrainSettings(device="cpu"))
    assert on_device(named, "cuda:1").training.device == "cpu"


@pytest.mark.parametrize(
    ("code", "words", "again"),
    [(0, "exit status 0", False), (-9, "SIGKILL", True), (-15, "SIGTERM", True), (-11, "segmentation fault", False)],
)
def test_how_a_process_ended(code, words, again):
    text, outside = obituary(code)
    assert words in text and outside is again


def test_a_gpus_memory_says_nothing_about_the_machines(tmp_path):
    for number, (device, taken) in enumerate({"cuda (GPU)": 40_000.0, "cpu (CPU, 1 threads)": 700.0}.items()):
        made = record("r2r", cell=f"r2r-sidd-{number:012x}", device=device, costs=Costs(1, 1.0, 1.0, taken))
        write_record(tmp_path, made, [])
    assert peaks(tmp_path) == {"r2r": 700_000_000}
