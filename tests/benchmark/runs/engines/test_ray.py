"""Ray: a stand-in with its interface in the default tests, and a cluster of one machine with the faults."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
import types
from pathlib import Path

import pytest

from benchmark.planning.plan import PlannedCell
from benchmark.records.files import read_records, run_folder, unsound
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings
from benchmark.runs.execute import execute
from benchmark.runs.runner import run_cell
from datasets.core.errors import UserError
from tests.helpers.small_world import cell, context


def planned(*cells):
    return [PlannedCell(one) for one in cells]


def test_ray_missing_is_a_sentence(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *rest):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'restoration-benchmark\[cluster\]'"):
        execute([], RunConfig(results=tmp_path), engine="ray")


class _Finder:
    """Lets ``import ray`` find the stand-in, which is not there before."""

    def __init__(self, ray) -> None:
        self.ray = ray

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "ray" else None

    def create_module(self, spec):
        return self.ray

    def exec_module(self, module) -> None:
        pass


@pytest.fixture
def cluster(monkeypatch):
    """A stand-in with Ray's interface that finishes the last task first; `sees` = whether machines see the folder."""
    ray = types.ModuleType("ray")
    ray.needs, ray.sees, ray.given = [], True, {}
    ray.is_initialized, ray.shutdown = (lambda: False), (lambda: None)
    ray.init = lambda **how: ray.given.update(how, token=os.environ.get("RAY_AUTH_TOKEN"))
    ray.cluster_resources = lambda: {"CPU": 2}

    def remote(**kinds):
        ray.needs.append(kinds)
        return lambda call: types.SimpleNamespace(remote=lambda *given: (call, given))

    def get(task):
        call, (job, config, mark, *rest) = task
        if job.method == "nlm":
            raise OSError("the machine is gone")
        return call(job, config, mark if ray.sees else Path("/nowhere"), *rest)

    class Task(tuple):
        __hash__ = object.__hash__
        __eq__ = object.__eq__

    ray.remote = lambda **kinds: (
        lambda call: types.SimpleNamespace(remote=lambda *given: Task(remote(**kinds)(call).remote(*given)))
    )
    ray.get = get
    ray.wait = lambda tasks, num_returns, timeout: ([tasks[-1]], tasks[:-1])
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Finder(ray), *sys.meta_path])
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    yield ray
    sys.modules.pop("ray", None)


def test_every_cell_runs_and_their_order_is_kept(world, tmp_path, cluster):
    records = execute(
        planned(cell("half"), cell("broken"), cell("nlm"), cell("input")), context(tmp_path), engine="ray"
    )
    assert [(r.cell.method, r.status) for r in records] == [
        ("half", "done"), ("broken", "failed"), ("nlm", "failed"), ("input", "done"),
    ]  # fmt: skip
    assert "the machine is gone" in records[2].why
    assert cluster.needs[0] == {"num_cpus": 1, "max_retries": 0}
    # Its secret is in the environment while it starts, and nowhere else; its folder is gone.
    assert len(cluster.given["token"]) == 64 and "RAY_AUTH_TOKEN" not in os.environ
    assert not Path(cluster.given["_temp_dir"]).exists() and cluster.given["_node_ip_address"] == "127.0.0.1"
    assert not list((tmp_path / "results").glob(".*"))


def test_a_cluster_that_does_not_start_leaves_nothing(world, tmp_path, cluster):
    def late(**how):
        cluster.given.update(how)
        raise RuntimeError("The current node timed out during startup.")

    cluster.init = late
    with pytest.raises(UserError, match="No Ray cluster answers at this machine .*timed out"):
        execute(planned(cell("half")), context(tmp_path), engine="ray")
    assert not Path(cluster.given["_temp_dir"]).exists() and "RAY_AUTH_TOKEN" not in os.environ


def test_results_come_back_from_machines_that_do_not_share_the_folder(world, tmp_path, cluster):
    here = [run_cell(one, context(tmp_path / "alone")) for one in (cell("half"), cell("input"))]
    cluster.sees = False
    where = context(tmp_path, save_images=True)
    records = execute(planned(cell("half"), cell("broken"), cell("input")), where, engine="ray")
    assert [(r.id, r.figures) for r in (records[0], records[2])] == [(r.id, r.figures) for r in here]
    kept = {r.id: r for r in read_records(where.results)}
    assert {r.status for r in kept.values()} == {"done", "failed"} and len(kept) == 3
    assert not any(unsound(run_folder(where.results, id), record) for id, record in kept.items())
    assert (
        str(where.results) in records[1].why and (run_folder(where.results, records[1].id) / "traceback.txt").exists()
    )
    assert len(list(run_folder(where.results, here[0].id).glob("images/*.png"))) == 12


@pytest.mark.faults
def test_a_real_cluster_of_this_machine_gives_the_same_bits_and_leaves_nothing(toys, monkeypatch):
    if importlib.util.find_spec("ray") is None:  # not imported: it looks at the environment then
        pytest.skip("the extra `cluster` is not installed")
    home = toys.root / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[4]), str(toys.path)]))
    found = []
    for engine in ("here", "ray"):
        config = RunConfig(toys.root / "data", toys.root / engine, "cpu", ("float-gauss",), threads=1)
        todo = planned(*(toys.cell(m, k) for m in ("input", "blur", "toy0", "toy1") for k in (15, 25)))
        before = set(Path("/tmp").glob("ray*"))
        records = execute(todo, config, engine=EngineSettings(engine, threads=1))
        assert {record.status for record in records} == {"done"}
        found.append([(r.id, repr(r.figures)) for r in records])
        assert set(Path("/tmp").glob("ray*")) == before
    assert found[0] == found[1] and not list(home.rglob("*token*"))
