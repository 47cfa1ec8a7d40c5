"""Where cells run: here one after another, one process per GPU, or a Ray cluster. One interface, one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from benchmark.cell import Cell, Context, Report, run_cell
from benchmark.records import FAILED, Record
from datasets.ops.errors import UserError
from datasets.ops.names import unknown

Engine = Callable[[Iterable[Cell], Context, Report], list[Record]]


def run(cells: Iterable[Cell], context: Context, report: Report = None, engine: str = "auto") -> list[Record]:
    """Run cells and return their records, in the cells' order.

    Args:
        engine: ``here``, ``gpus`` (a process for each), ``ray`` (a cluster; its machines share data and results
            folders), or ``auto``: gpus where device is auto or cuda and there are several, else here.
    Raises:
        UserError: unknown engine, Ray missing; ResultsError where results cannot be written.
    """
    if engine == "auto":
        engine = "gpus" if context.device in ("auto", "cuda") and _gpus() > 1 else "here"
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    return ENGINES[engine](cells, context, report)


def run_here(cells: Iterable[Cell], context: Context, report: Report = None) -> list[Record]:
    """One cell after another in this process."""
    return [run_cell(cell, context, report) for cell in cells]


def run_on_gpus(
    cells: Iterable[Cell], context: Context, report: Report = None, count: int | None = None
) -> list[Record]:
    """One process per GPU; each takes the next cell when it is free. `count` processes where given."""
    import multiprocessing

    spawn = multiprocessing.get_context("spawn")
    free = spawn.Queue()
    workers = count or _gpus()
    if workers < 1:
        raise UserError("The engine 'gpus' needs a CUDA device, and torch sees none; use the engine 'here'.")
    for index in range(workers):
        free.put(f"cuda:{index}" if count is None else context.device)
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_claim, initargs=(free,)) as pool:
        futures = {pool.submit(_on_claimed, cell, context): cell for cell in cells}
        return _gathered(futures, report)


_device = ""


def _claim(free: Any) -> None:
    """A worker keeps one GPU for its life."""
    global _device
    _device = free.get()


def _on_claimed(cell: Cell, context: Context) -> Record:
    return run_cell(cell, replace(context, device=_device))


def _gathered(futures: dict[Future[Record], Cell], report: Report) -> list[Record]:
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            if isinstance(error := future.exception(), UserError):
                raise error
            if report:
                report("cells", done, len(futures))
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return [_record_of(future, cell) for future, cell in futures.items()]


def _record_of(future: Future[Record], cell: Cell) -> Record:
    """A worker that died (out of memory, killed) fails its cell, not the others."""
    error = future.exception()
    if error is None:
        return future.result()
    from benchmark.describing import outline

    return outline(cell, FAILED, f"The process that ran this cell died: {type(error).__name__}: {error}")


def run_on_ray(cells: Iterable[Cell], context: Context, report: Report = None) -> list[Record]:
    """A Ray cluster: a GPU for each cell where the cluster has GPUs, else two CPUs."""
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "The engine 'ray' needs Ray, which is not installed: pip install 'restoration-benchmark[cluster]'."
        ) from error
    if not ray.is_initialized():
        ray.init(address=None, log_to_driver=False)
    needs = {"num_gpus": 1} if ray.cluster_resources().get("GPU") else {"num_cpus": 2}
    task = ray.remote(**needs)(run_cell)
    pending = {task.remote(cell, context): index for index, cell in enumerate(cells)}
    return _from_ray(ray, pending, report)


def _from_ray(ray: Any, pending: dict[Any, int], report: Report) -> list[Record]:
    found: dict[int, Record] = {}
    total = len(pending)
    while pending:
        (ready, *_), _ = ray.wait(list(pending), num_returns=1)
        found[pending.pop(ready)] = ray.get(ready)
        if report:
            report("cells", len(found), total)
    return [found[index] for index in sorted(found)]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


ENGINES: dict[str, Engine] = {"here": run_here, "gpus": run_on_gpus, "ray": run_on_ray}
