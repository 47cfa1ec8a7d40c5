"""Times of the cells of a plan, by earlier records."""

from __future__ import annotations

from dataclasses import replace

from benchmark.planning.plan import PlannedCell
from benchmark.records.cell import NO_WEIGHTS, Reason
from benchmark.records.record import Record
from benchmark.runs.expected import seconds_of_cells
from datasets.core.dataset_ref import DatasetRef
from tests.helpers.made_records import record


def taken(method: str, seconds: float, dataset: str = "sidd") -> Record:
    made = record(method, cell=f"{method}-{dataset}")
    cell = replace(made.cell, data=DatasetRef(dataset, {}, "test"))
    return replace(made, id=cell.id, cell=cell, environment=replace(made.environment, seconds=seconds))


BLUR, R2R = taken("blur", 4.0), taken("r2r", 20.0)
PLAN = [PlannedCell(BLUR.cell), PlannedCell(R2R.cell)]


def test_cells_take_what_they_took() -> None:
    assert seconds_of_cells(PLAN, [BLUR, R2R], again=True) == {"blur on sidd": 4.0, "r2r on sidd": 20.0}


def test_what_is_done_or_cannot_run_takes_no_time() -> None:
    other = replace(R2R, id="of another seed", cell=replace(R2R.cell, seed=7))
    blocked = PlannedCell(replace(taken("lir", 0).cell, blocked=Reason(NO_WEIGHTS, "none")))
    found = seconds_of_cells([*PLAN, blocked], [BLUR, other])
    assert found == {"blur on sidd": 0.0, "r2r on sidd": 20.0, "lir on sidd": 0.0}
    assert seconds_of_cells(PLAN, [BLUR, R2R]) == {}


def test_times_on_another_dataset_are_in_proportion() -> None:
    before = [taken("blur", 1.0, "demo"), taken("r2r", 9.0, "demo")]
    assert seconds_of_cells(PLAN, before) == {"blur on sidd": 1.0, "r2r on sidd": 9.0}
    two = [*PLAN, PlannedCell(taken("blur", 0, "polyu").cell)]
    assert seconds_of_cells(two, before) == {}  # how the sets compare, nobody knows


def test_nothing_is_said_where_a_time_is_not_known() -> None:
    assert seconds_of_cells(PLAN, [BLUR]) == {}
    assert seconds_of_cells([*PLAN, *PLAN], [BLUR, R2R], again=True) == {}  # names that do not tell cells apart
