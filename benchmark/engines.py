"""Where cells run: here one after another, one process per GPU, or a Ray cluster. One interface, one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
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
    workers = count or _gpus()
    if workers < 1:
        raise UserError("The engine 'gpus' needs a CUDA device, and torch sees none; use the engine 'here'.")
    devices = [f"cuda:{index}" if count is None else context.device for index in range(workers)]
    with _processes(devices) as pool:
        futures = {pool.submit(_on_claimed, cell, context): cell for cell in cells}
        _wait(futures, report)
    return [_record_of(future, cell, context, devices[0]) for future, cell in futures.items()]


def _processes(devices: list[str]) -> ProcessPoolExecutor:
    import multiprocessing

    spawn = multiprocessing.get_context("spawn")
    free = spawn.Queue()
    for device in devices:
        free.put(device)
    return ProcessPoolExecutor(len(devices), mp_context=spawn, initializer=_claim, initargs=(free,))


_device = ""


def _claim(free: Any) -> None:
    """A worker keeps one GPU for its life."""
    global _device
    _device = free.get()


def _on_claimed(cell: Cell, context: Context) -> Record:
    return run_cell(cell, replace(context, device=_device))


def _wait(futures: dict[Future[Record], Cell], report: Report) -> None:
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


def _record_of(future: Future[Record], cell: Cell, context: Context, device: str) -> Record:
    """A worker that dies (out of memory, killed) takes all cells of the pool with it, finished ones apart: each gets
    another chance, in a process of its own."""
    if isinstance(future.exception(), BrokenProcessPool):
        with _processes([device]) as pool:
            future = pool.submit(_on_claimed, cell, context)
    error = future.exception()
    return future.result() if error is None else _died(cell, error)


def _died(cell: Cell, error: BaseException) -> Record:
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
    pending = {task.remote(cell, context): (index, cell) for index, cell in enumerate(cells)}
    return _from_ray(ray, pending, report)


def _from_ray(ray: Any, pending: dict[Any, tuple[int, Cell]], report: Report) -> list[Record]:
    found: dict[int, Record] = {}
    total = len(pending)
    while pending:
        (ready, *_), _ = ray.wait(list(pending), num_returns=1)
        index, cell = pending.pop(ready)
        try:
            found[index] = ray.get(ready)
        except UserError:
            raise
        except Exception as error:  # Ray's own, of a worker or a machine that died
            found[index] = _died(cell, error)
        if report:
            report("cells", len(found), total)
    return [found[index] for index in sorted(found)]


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


ENGINES: dict[str, Engine] = {"here": run_here, "gpus": run_on_gpus, "ray": run_on_ray}
