"""Workers: what kills one costs its job alone."""

from __future__ import annotations

import os
import time

import pytest

from benchmark.planning.plan import PlannedCell
from benchmark.records.files import read_records
from benchmark.runs.config import RunConfig
from benchmark.runs.engines import EngineSettings
from benchmark.runs.execute import execute
from tests.helpers.plugin_package import BAD

CONVENTIONS = ("float-gauss",)


def run(toys, cells, report=None, **settings):
    config = RunConfig(toys.root / "data", toys.results, "cpu", CONVENTIONS, threads=1)
    return execute([PlannedCell(cell) for cell in cells], config, report, engine=EngineSettings(**settings))


WORDS = {
    "exit": "SystemExit: 0",
    "os-exit": "ended itself with exit status 0",
    "segfault": "SIGSEGV (segmentation fault)",
    "abort": "SIGABRT",
    "hang": "no sign of progress",
    "memory": "not enough",
    "recursion": "RecursionError",
    "interrupt": "KeyboardInterrupt",
    "closes": "SIGKILL",
    "forks": "exit status 5",
    "terminates": "SIGTERM",
    "raises": "KeyError: 'gain'",
}


@pytest.mark.parametrize("settings", [{"engine": "here"}, {"workers": 3}], ids=["here", "local"])
def test_what_plugins_do_wrong_costs_their_own_cells(toys, settings, capfd):
    """Twelve that misbehave among others; a plug-in runs in a worker whatever the engine."""
    todo = [toys.cell("input"), *(toys.cell(f"bad-{kind}") for kind in BAD), toys.cell("toy0"), toys.cell("blur")]
    began = time.monotonic()
    records = run(toys, todo, timeout=0.07, memory=1.2, **settings)
    assert time.monotonic() - began < 60
    why = {record.cell.method: record.why for record in records}
    assert [r.cell.method for r in records] == [cell.method for cell in todo]
    assert {m for m, reason in why.items() if not reason} == {"input", "toy0", "blur"}
    assert {kind: WORDS[kind] in why[f"bad-{kind}"] for kind in BAD} == dict.fromkeys(BAD, True), "\n".join(
        why.values()
    )
    assert {record.id: record.why for record in read_records(toys.results)} == {r.id: r.why for r in records}
    log = (toys.results / "logs" / f"{toys.cell('bad-segfault').id}.log").read_text()
    assert "a method speaks in C" in log and "Segmentation fault" in log and "behave" in log
    assert "behave" in (toys.results / "logs" / f"{toys.cell('bad-hang').id}.log").read_text()
    out, err = capfd.readouterr()
    assert "a method speaks" not in out + err
    # Killed from outside, as it seems: tried twice. All others once.
    twice = {"bad-terminates 25", "bad-closes 25"}
    assert {m for m, count in toys.computed().items() if count != 1} == twice


def test_a_worker_killed_every_tenth_cell_and_the_others_stay_busy(toys, monkeypatch):
    monkeypatch.setenv("TOY_SECONDS", "0.5")
    todo = [toys.cell("toy-killed", level) for level in range(1, 31)]
    seen = []
    records = run(toys, todo, lambda *step: seen.append(step), workers=4, threads=1)
    assert {record.status for record in records} == {"done"} and seen[-1] == ("cells", 30, 30)
    counts = toys.computed()
    assert {m: n for m, n in counts.items() if n != 1} == {f"toy-killed {k}": 2 for k in (10, 20, 30)}
    assert not list(toys.results.rglob("claim.json")) and not list(toys.results.rglob("*.log"))


@pytest.mark.faults
def test_four_workers_are_busy_though_every_tenth_cell_kills_one(toys, monkeypatch):
    monkeypatch.setenv("TOY_SECONDS", "2")
    todo = [toys.cell("toy-killed", level) for level in range(1, 121)]
    records = run(toys, todo, workers=4, threads=1)
    computed = sum(toys.computed().values())
    wall = time.time() - min(float(line[3]) for line in toys.lines())  # not what starting Python takes
    print(f"{computed} computations in {wall:.1f} s: {computed * 2 / 4 / wall:.1%} of ideal")
    assert {record.status for record in records} == {"done"} and computed == 132
    assert computed * 2 / 4 / wall >= 0.9


def test_workers_end_with_their_owner(toys, monkeypatch):
    """KILL for the driver while a cell runs: nothing of it is left after some seconds."""
    monkeypatch.setenv("TOY_SECONDS", "600")
    driver = toys.driver("--methods", "toy0,toy1", "--dataset", "toys", "--no-baselines", "--workers", 2, "--quiet")
    until = time.monotonic() + 240
    while sum(toys.computed().values()) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    pids = {int(line[2]) for line in toys.lines()}
    assert len(pids) == 2 and driver.pid not in pids
    driver.kill()
    driver.communicate()
    while any(map(_is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(_is_alive, pids))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [pytest.param(n, marks=() if n == 2 else pytest.mark.faults) for n in (1, 2, 4)])
def test_here_and_any_number_of_workers_give_the_same_bits(toys, workers):
    methods, found = ("input", "blur", "toy0", "toy1"), []
    for place, settings in (("here", {"engine": "here"}), ("away", {"workers": workers})):
        toys.results = toys.root / place
        records = run(toys, [toys.cell(m, level) for level in (15, 25) for m in methods], threads=1, **settings)
        assert {record.status for record in records} == {"done"}
        found.append([(r.id, r.scores, repr(r.figures)) for r in records])
    assert found[0] == found[1] and len(set(found[0])) == 8


def test_a_job_that_needs_more_memory_than_there_is_waits_for_the_others(toys, monkeypatch):
    from benchmark.runs.engines import local

    monkeypatch.setenv("TOY_SECONDS", "0.3")
    monkeypatch.setattr(local, "available", lambda: 1_500_000_000)  # two of UNKNOWN do not fit
    most, start = [], local.Local.start

    def counted(self, job):
        start(self, job)
        most.append(len(self._busy))

    monkeypatch.setattr(local.Local, "start", counted)
    records = run(toys, [toys.cell("toy0", level) for level in (1, 2, 3)], workers=3, threads=1)
    assert [r.status for r in records] == ["done"] * 3 and max(most) == 1
