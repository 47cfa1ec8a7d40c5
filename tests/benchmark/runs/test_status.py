"""How far a results folder is, by the folder alone."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

from benchmark.cli import main
from benchmark.planning.plan import PlannedCell
from benchmark.records import claims
from benchmark.records.claims import claimed, read_claim
from benchmark.records.files import run_folder
from benchmark.runs import plans
from benchmark.runs.execute import execute
from benchmark.runs.runner import run_cell
from benchmark.runs.status import TO_TRAIN, Standing, counts, minutes_left, standings
from benchmark.training.request import TrainingRequest
from tests.helpers.small_world import cell, context


def planned(*cells):
    return [PlannedCell(one) for one in cells]


def test_done_running_failed_and_missing(world, tmp_path, capsys):
    where = context(tmp_path)
    results = where.results
    todo = [cell("half"), cell("broken"), cell("input"), cell("blur", limit=4), cell("nlm", limit=4)]
    waiting = replace(cell("net"), recipe="budget", seed=3)
    training = TrainingRequest("net", "budget", dataset="squares")
    plans.keep([*planned(*todo), PlannedCell(waiting, training, lambda path: waiting)], results)
    for one in todo[:3]:
        run_cell(one, where)
    folder = run_folder(results, todo[3].id)
    folder.mkdir(parents=True)
    with claimed(folder, "blur") as report:
        report("restore squares with blur", 1, 4)
        mine = read_claim(folder)
        (folder / "claim.json").write_text(
            json.dumps(asdict(replace(mine, since=time.time() - 60, what="x", done=1, total=4)))
        )
        rows = {row.method: row for row in standings(results)}
        assert main(["status", "--results", str(results), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"running": 1, "failed": 1, "missing": 2, "done": 2} == counts(list(rows.values()))
    running, failed, missing = rows["blur"], rows["broken"], rows["nlm"]
    assert running.step == "x: 1 of 4" and str(mine.pid) in running.where and abs(running.minutes - 3) < 0.1
    assert "the convolution burst" in failed.reason and missing.state == "missing"
    assert rows["net"].state == "missing" and "trained" in rows["net"].reason and rows["net"].seed == 3
    assert minutes_left(list(rows.values())) == 3 * running.minutes
    assert main(["status", "--results", str(results)]) == 0
    shown = capsys.readouterr().out
    assert "the convolution burst" in " ".join(shown.split()) and "2 done" in shown


def test_a_process_that_died_is_interrupted_and_nothing_is_written(world, tmp_path, monkeypatch):
    where, one = context(tmp_path), cell("half")
    folder = run_folder(where.results, one.id)
    folder.mkdir(parents=True)
    with claimed(folder, "it"):
        kept = (folder / "claim.json").read_text()
    (folder / "claim.json").write_text(kept)
    monkeypatch.setattr(claims, "_started", lambda pid: "another process of that number")
    before = {path: path.stat().st_mtime_ns for path in where.results.rglob("*")}
    assert [row.state for row in standings(where.results)] == ["interrupted"]
    assert {path: path.stat().st_mtime_ns for path in where.results.rglob("*")} == before
    assert standings(tmp_path / "nothing here") == []


def test_a_plan_stays_until_it_is_done(world, tmp_path):
    where = context(tmp_path)
    folder = where.results / plans.PLANS
    execute(planned(cell("half"), cell("broken")), where, engine="here")
    assert [[c.method for c in plan.cells] for plan in plans.read_plans(where.results)] == [["half", "broken"]]
    execute(planned(cell("half")), where, engine="here")
    assert len(list(folder.iterdir())) == 1
    (next(folder.iterdir())).write_text("{")
    assert plans.read_plans(where.results) == []


def test_the_minutes_of_trainings_are_not_those_of_cells():
    def row(name, state, minutes=None, reason=""):
        return Standing(name, "r2r", "", "", 0, state, minutes=minutes, reason=reason)

    trainings = [row("training a", "running", 30.0), row("training b", "running", 10.0)]
    waiting = [row(f"r2r on demo, seed {k}", "missing", reason=TO_TRAIN) for k in range(3)]
    cells = [row("x", "running", 1.0), row("y", "missing"), row("z", "done", 99.0)]
    assert minutes_left(trainings) == 20 and minutes_left([*trainings, *waiting]) == 30  # one is still to be trained
    assert minutes_left([*trainings, *waiting, *cells]) == (60 + 5) / 3
    assert minutes_left(waiting) is None


def test_cells_without_an_id_have_a_name(world, tmp_path):
    where = context(tmp_path)
    training = TrainingRequest("net", "budget", dataset="squares")
    waiting = [replace(cell("net"), recipe="budget", seed=seed) for seed in (0, 1)]
    plans.keep([PlannedCell(one, training, lambda path: one) for one in waiting], where.results)
    assert [row.name for row in standings(where.results)] == [
        f"net budget on squares test, seed {seed}" for seed in (0, 1)
    ]


def test_watching_until_all_is_done(world, tmp_path, monkeypatch, capsys):
    where, todo = context(tmp_path), [cell("half"), cell("input")]
    plans.keep(planned(*todo), where.results)
    waited = []

    def work(seconds):
        waited.append(seconds)
        run_cell(todo[len(waited) - 1], where)

    monkeypatch.setattr("benchmark.cli.status.time.sleep", work)
    assert main(["status", "--results", str(where.results), "--watch"]) == 0
    shown = capsys.readouterr().out
    assert waited == [5.0, 5.0]
    assert [text in shown for text in (": 2 missing", ": 1 missing, 1 done", ": 2 done")] == [True] * 3
    assert main(["status", "--results", str(where.results), "--watch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"done": 2} and len(waited) == 2
