"""Where cells run."""

from __future__ import annotations

import builtins
import os
import sys
import types

import pytest

from benchmark import engines
from benchmark.cell import Cell, Context, run_cell
from benchmark.engines import run, run_on_gpus
from benchmark.records import ResultsError, read_records
from datasets.ops.errors import UserError
from tests.benchmark.world import cell, context, world  # noqa: F401


def test_a_failing_cell_takes_no_other_down(world, tmp_path):  # noqa: F811
    todo = [cell("half"), cell("broken"), cell("pair"), cell("input")]
    seen = []
    records = run(iter(todo), context(tmp_path), lambda *what: seen.append(what), engine="here")
    assert [r.status for r in records] == ["done", "failed", "failed", "done"]
    assert {r.cell for r in read_records(tmp_path / "results")} == {c.id for c in todo}
    assert ("restore squares with half", 12, 12) in seen


def test_a_results_folder_that_cannot_be_written_stops_all(world, tmp_path):  # noqa: F811
    (tmp_path / "results").write_text("")
    with pytest.raises(ResultsError):
        run([cell("half"), cell("input")], context(tmp_path), engine="here")


def test_processes_of_their_own(tmp_path):
    """Two spawned workers; the cells are planned skips, so that no data are needed."""
    todo = [Cell(f"m{k}", "", "", "d", "s", "f", skip=f"reason {k}") for k in range(3)]
    seen = []
    where = Context(results=tmp_path / "results", device="cpu")
    records = run_on_gpus(todo, where, lambda *what: seen.append(what), count=2)
    assert [(r.method, r.status, r.reason) for r in records] == [(f"m{k}", "skipped", f"reason {k}") for k in range(3)]
    assert seen[-1] == ("cells", 3, 3) and len(read_records(tmp_path / "results")) == 3


def _run_or_die(one: Cell, where: Context, report=None):
    if one.skip == "die":
        os.kill(os.getpid(), 9)
    return run_cell(one, where, report)


def test_a_worker_that_dies_fails_its_cell_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_on_claimed", _run_or_die)
    todo = [Cell(f"m{k}", "", "", "d", "s", "f", skip=skip) for k, skip in enumerate(["die", "a", "b", "c"])]
    records = run_on_gpus(todo, Context(results=tmp_path / "results", device="cpu"), count=1)
    assert [r.status for r in records] == ["failed", "skipped", "skipped", "skipped"]
    assert "The process that ran this cell died" in records[0].reason


def test_gpus_without_a_gpu_and_unknown_engines(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmark.engines._gpus", lambda: 0)
    with pytest.raises(UserError, match="torch sees none"):
        run([], Context(results=tmp_path), engine="gpus")
    with pytest.raises(UserError, match="Did you mean 'here'"):
        run([], Context(results=tmp_path), engine="her")
    assert run([], Context(results=tmp_path)) == []


def test_ray_missing_is_a_sentence(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *rest):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'restoration-benchmark\[cluster\]'"):
        run([], Context(results=tmp_path), engine="ray")


def test_ray_gets_every_cell_and_keeps_their_order(world, tmp_path, monkeypatch):  # noqa: F811
    """A stand-in with Ray's interface that finishes the last task first."""
    ray = types.ModuleType("ray")
    ray.is_initialized, ray.init = (lambda: False), (lambda **_: None)
    ray.cluster_resources = lambda: {"CPU": 2}
    needs = []

    def remote(**kinds):
        needs.append(kinds)
        return lambda call: types.SimpleNamespace(remote=lambda *given: (call, *given))

    def get(task):
        if task[1].method == "nlm":
            raise OSError("the machine is gone")
        return task[0](*task[1:])

    ray.remote, ray.get = remote, get
    ray.wait = lambda tasks, num_returns: ([tasks[-1]], tasks[:-1])
    monkeypatch.setitem(sys.modules, "ray", ray)
    todo = [cell("half"), cell("broken"), cell("nlm"), cell("input")]
    records = run(todo, context(tmp_path), engine="ray")
    assert [(r.method, r.status) for r in records] == [
        ("half", "done"), ("broken", "failed"), ("nlm", "failed"), ("input", "done"),
    ]  # fmt: skip
    assert "the machine is gone" in records[2].reason
    assert needs == [{"num_cpus": 2}]
