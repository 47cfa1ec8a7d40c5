"""Several drivers on one folder: no cell is computed twice, and all of them end well."""

from __future__ import annotations

import fcntl
import json
import threading
import time

import pytest

from benchmark.cli import main
from benchmark.planning.plan import PlannedCell
from benchmark.records.cell import CRASHED, Reason
from benchmark.records.files import read_records, run_folder
from benchmark.runs.engines import EngineSettings
from benchmark.runs.execute import execute
from benchmark.runs.runner import fail_cell, run_cell
from tests.faults.counts import count
from tests.helpers.small_world import Half, cell, context

PATIENCE = 1800  # seconds; a machine with much else to do takes minutes to start eight drivers


def drive(toys, selections, levels, **env):
    """One driver per selection of toys, all at once -> their exit codes and what they said."""
    data = ",".join(f"toys[sigma={level}]" for level in levels)
    words = ("--dataset", data, "--no-baselines", "--conventions", "float-gauss", "--json")
    drivers = [toys.driver("--methods", names, *words, *more, **env) for names, *more in selections]
    try:
        ends = [driver.communicate(timeout=PATIENCE) for driver in drivers]
    finally:
        for driver in drivers:
            driver.kill()
    return [driver.returncode for driver in drivers], ends


def test_three_drivers_share_their_cells(toys):
    selections = [("toy0,toy1",), ("toy1,toy2",), ("toy0,toy1,toy2", "--workers", "2")]
    codes, ends = drive(toys, selections, range(1, 5), TOY_SECONDS="0.05")
    assert codes == [0, 0, 0], ends
    assert toys.computed() == dict.fromkeys([f"toy{n} {level}" for n in range(3) for level in range(1, 5)], 1)
    rows = [len({row["method"] + row["dataset"] for row in json.loads(out)}) for out, _ in ends]
    assert all(len(json.loads(out)) >= 8 for out, _ in ends), rows
    assert not list(toys.results.rglob("claim.json"))


@pytest.mark.faults
@pytest.mark.parametrize("levels", [4, 30])
def test_eight_drivers_with_four_selections(toys, levels):
    everything = ",".join(f"toy{n}" for n in range(8))
    selections = [
        (everything,),
        ("toy0,toy1,toy2,toy3",),
        ("toy4,toy5,toy6,toy7",),
        ("toy7,toy3,toy0", "--workers", "2"),
    ]
    codes, ends = drive(toys, [*selections, *selections], range(1, levels + 1))
    computed, wanted = toys.computed(), [f"toy{n} {level}" for n in range(8) for level in range(1, levels + 1)]
    wrong = sum(computed.get(name, 0) != 1 for name in wanted) + sum(code != 0 for code in codes)
    count("eight drivers, four selections", f"{len(wanted)} cells", len(wanted), wrong)
    assert codes == [0] * 8, ends
    assert computed == dict.fromkeys(wanted, 1)
    assert len(read_records(toys.results)) == len(wanted) and not list(toys.results.rglob("claim.json"))


def test_shards_are_the_whole_and_no_cell_is_in_two(toys, capsys):
    words = ["run", "--methods", "toy0,toy1", "--dataset", "toys[sigma=1],toys[sigma=2]", "--dry-run", "--json"]
    found = []
    for more in (["--shard", "1/3"], ["--shard", "2/3"], ["--shard", "3/3"], []):
        assert main([*words, *more, "--results", str(toys.results)]) == 0
        found.append([row["cell"] for row in json.loads(capsys.readouterr().out)])
    *parts, whole = found
    assert sorted(sum(parts, [])) == sorted(whole) and len(set(whole)) == 10
    assert [len(part) for part in parts] == [4, 3, 3]


class Neighbour(threading.Thread):
    """Holds a cell's lock for a while, copies files into its folder, and lets go."""

    def __init__(self, one, where, files=()) -> None:
        super().__init__()
        self.folder, self.files, self.held = run_folder(where.results, one.id), files, threading.Event()

    def run(self) -> None:
        self.folder.mkdir(parents=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.held.set()
            time.sleep(0.5)
            for file in self.files:
                (self.folder / file.name).write_bytes(file.read_bytes())


def beside(neighbour, todo, where):
    neighbour.start()
    neighbour.held.wait()
    said = []
    plan = [PlannedCell(one) for one in todo]
    records = execute(plan, where, engine=EngineSettings("here"), say=said.append)
    neighbour.join()
    return records, said


def test_what_a_neighbour_leaves_counts_even_a_failure(world, tmp_path):
    where, one = context(tmp_path), cell("half")
    made = fail_cell(one, context(tmp_path / "elsewhere"), Reason(CRASHED, "the neighbour's trouble"))
    left = run_folder(tmp_path / "elsewhere" / "results", one.id) / "record.json"
    records, said = beside(Neighbour(one, where, [left]), [one, cell("input")], where)
    assert [r.why for r in records] == [made.why, ""] == ["the neighbour's trouble", ""]
    assert Half.calls == 0 and any("waiting for it" in text for text in said)


def test_a_neighbour_that_dies_leaves_its_cell_to_others(world, tmp_path):
    where, one = context(tmp_path), cell("half")
    records, _ = beside(Neighbour(one, where), [one], where)
    assert records[0].status == "done" and Half.calls > 0


def test_a_finished_cell_of_a_neighbour_is_not_computed_again(world, tmp_path):
    where, one = context(tmp_path), cell("half")
    made = run_cell(one, context(tmp_path / "elsewhere"))
    calls, left = Half.calls, run_folder(tmp_path / "elsewhere" / "results", one.id)
    records, _ = beside(Neighbour(one, where, [left / "scores.csv", left / "record.json"]), [one], where)
    assert records[0].figures == made.figures and Half.calls == calls
