"""How long cells may take: as long as the same rows took before, by the records of a results folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.planning.plan import PlannedCell
from benchmark.progress import Task
from benchmark.records.cell import Cell
from benchmark.records.record import DONE, Record

Row = tuple[str, str, object]


def task_of(cell: Cell) -> Task:
    """The task under which a cell reports how far it is."""
    return Task(f"{cell.method} on {cell.data.name}", "image", cell=True)


def row_of(cell: Cell) -> Row:
    """What cells have in common that take about the same time."""
    return cell.method, cell.recipe, cell.data


def seconds_of_rows(records: Iterable[Record]) -> dict[Row, float]:
    """Wall time of the last finished record of each row."""
    return {row_of(each.cell): each.environment.seconds for each in records if each.status == DONE}


def seconds_of_cells(plan: Sequence[PlannedCell], records: Sequence[Record], again: bool = False) -> dict[str, float]:
    """Seconds for each cell of a plan, by the name of its task; {} where one is not known.

    Where a plan's rows have never run on its one dataset, the seconds are those on another: their proportions hold.

    Args:
        again: whether cells that are done are run again; else they take no time, as those that cannot run.
    """
    done = set() if again else {record.id for record in records if record.status == DONE}
    cells = [planned.cell for planned in plan]
    work = [cell for cell in cells if not cell.blocked and cell.id not in done]
    if any(planned.training for planned in plan) or len({task_of(cell) for cell in cells}) < len(cells):
        return {}
    known = seconds_of_rows(records)
    others = list(dict.fromkeys(data for *_, data in known)) if len({cell.data for cell in work}) == 1 else []
    for data in (None, *others):
        found = {task_of(cell): known.get((cell.method, cell.recipe, data or cell.data), 0.0) for cell in work}
        if all(found.values()):
            return {str(task_of(cell)): found.get(task_of(cell), 0.0) for cell in cells} if found else {}
    return {}
