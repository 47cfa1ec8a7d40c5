"""One cell from start to end: weights -> images (-> measurement) -> restored -> scores -> record."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmark import environment
from benchmark.compatibility import ImpossibleError, check_sample
from benchmark.inference.baselines import Baseline, baseline
from benchmark.inference.memory import out_of_memory
from benchmark.inference.restorer import Restored, Restorer
from benchmark.progress import Report, Task
from benchmark.records import cell as reasons
from benchmark.records.cell import Cell, Reason
from benchmark.records.claims import claimed
from benchmark.records.files import ResultsError, read_record, results_error, run_folder, unsound, write_record, writing
from benchmark.records.record import DONE, Costs, ImageScore, Record
from benchmark.runs import profiling, provenance
from benchmark.runs.asked import Asked, chosen
from benchmark.runs.config import RunConfig
from benchmark.runs.contamination import seen_before
from benchmark.runs.expected import task_of
from benchmark.runs.outputs import IMAGES, Outputs, discard, read_saved, saved
from benchmark.runs.scoring_pool import ScoringPool, measured
from datasets import open_dataset
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.files import clear_parts, write_bytes
from datasets.core.locks import BusyError
from datasets.core.sealed import DamagedError, set_aside
from methods.base import Method, SampleInfo
from methods.loading import load_from
from methods.outside.source import Source

if TYPE_CHECKING:
    from methods.weights import Card

TRACEBACK = "traceback.txt"
_LOOKS = 50  # at a cell whose process has just died


@dataclass(frozen=True)
class Ready:
    """A method ready to run, the card of its weights, and a note for the record on how they were recognised."""

    method: Method
    card: Card | None = None
    note: str = ""


Opener = Callable[[Cell, RunConfig], Dataset]
Loader = Callable[[Cell, Dataset], Ready]


def open_data(cell: Cell, config: RunConfig) -> Dataset:
    """The cell's split, checked to be the one that the cell was planned for."""
    dataset = open_dataset(
        cell.data.name,
        config.data,
        split=cell.data.split,
        options=cell.data.options,
        noise_seed=cell.inference.noise_seed,
        limit=cell.limit,
    )
    if dataset.fingerprint != cell.fingerprint:
        raise UserError(f"The dataset {cell.data.name!r} was prepared again since this run was planned; run again.")
    return dataset


def load_method(cell: Cell, data: Dataset) -> Ready:
    """The cell's method with its weights, checked to be the file that the cell was planned with."""
    if cell.is_baseline:
        return Ready(baseline(cell.method, data.facts.scale))
    of = Source.read(cell.method, cell.origin.source).method() if cell.origin else cell.method
    loaded = load_from(of, cell.recipe or None, cell.weights or None, cell.settings)
    if loaded.weights and loaded.weights.sha256 != cell.weights_sha256:
        raise UserError(f"The weights {cell.weights} changed since this run was planned; run again.")
    return Ready(loaded.method, loaded.card, loaded.note)


def run_cell(
    cell: Cell,
    config: RunConfig,
    report: Report = None,
    opener: Opener = open_data,
    loader: Loader = load_method,
) -> Record:
    """Run one cell from weights to record, unless a finished record lies there.

    Args:
        report: called with (what, images done, images in all).
        opener, loader: where data and method come from; given for those that have no name.
    Returns:
        the record, written under ``results/runs/<cell id>``: done, failed with the reason, or skipped with it. A cell
        that another process is working on comes back as failed, with the code BUSY, and nothing is written.
    Raises:
        ResultsError: the results folder cannot be written or is full; no other cell could do better.
        KeyboardInterrupt: passes through; nothing half-written stays.
    """
    folder = run_folder(config.results, cell.id)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with claimed(folder, f"{cell.method} on {cell.data.name} ({folder})", report) as told:
            clear_parts(folder, below=True)
            return _CellRun(cell, config, told, folder, opener, loader).outcome()
    except BusyError as error:
        return provenance.outline(cell, Reason(reasons.BUSY, str(error)))
    except OSError as error:
        raise results_error(error, folder) from error


def fail_cell(cell: Cell, config: RunConfig, reason: Reason) -> Record:
    """The record of a cell whose process died before it could write one, written where no finished one lies there.

    What that process forked may hold its lock for a moment longer. Raises ResultsError where it cannot be written.
    """
    for _ in range(_LOOKS):
        record = run_cell(replace(cell, blocked=reason), config)
        if record.reason is None or record.reason.code != reasons.BUSY:
            break
        time.sleep(0.1)
    return record


class _CellRun:
    def __init__(
        self, cell: Cell, config: RunConfig, report: Report, folder: Path, opener: Opener, loader: Loader
    ) -> None:
        self.cell, self.config, self.report, self.folder = cell, config, report, folder
        self.opener, self.loader = opener, loader
        self.doubt = self.short = ""
        self.remarks = list[str]()
        self.started, self.clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()

    @property
    def _task(self) -> Task:
        return task_of(self.cell)

    def outcome(self) -> Record:
        """The record, written, whatever happens inside; what stops the whole run (disk, Ctrl-C) passes through."""
        if self.report:
            self.report(self._task, 0, 0)
        if self.cell.blocked:
            return self._ended(self.cell.blocked)
        try:
            with environment.deterministic(self.config.deterministic):
                return self._computed()
        except ResultsError:
            raise
        except ImpossibleError as error:
            return self._ended(Reason(reasons.IMPOSSIBLE, str(error)))
        except UserError as error:
            return self._ended(Reason(reasons.WRONG, str(error)))
        except torch.OutOfMemoryError:
            text = "The device's memory is not enough, even for one small tile; give another --device."
            return self._ended(Reason(reasons.MEMORY, text))
        except (Exception, SystemExit) as error:  # the second: a method's own sys.exit must not end the run as done
            if out_of_memory(error):
                text = f"The memory of the machine is not enough ({error}); give --tile 256, or more by --memory."
                return self._ended(Reason(reasons.MEMORY, text))
            return self._ended(self._crash(error))

    def _crash(self, error: BaseException) -> Reason:
        """The reason for an unexpected error. Its traceback is kept, above all for those who add a method."""
        text = "".join(traceback.format_exception(error))
        if self.config.debug:
            print(text, file=sys.stderr)
        write_bytes(self.folder / TRACEBACK, text.encode("utf-8", "replace"), durable=False)
        where = f" (traceback: {self.folder / TRACEBACK})"
        return Reason(reasons.CRASHED, f"{type(error).__name__}: {error}{where}", TRACEBACK)

    def _ended(self, reason: Reason) -> Record:
        """The record of a cell without figures."""
        record = provenance.outline(self.cell, reason)
        record = replace(record, environment=replace(record.environment, started=self.started))
        if self._before() is None:  # a finished record outlives a failed attempt to add to it
            write_record(self.config.results, record, [])
        return record

    def _computed(self) -> Record:
        data = self.opener(self.cell, self.config)
        asked = chosen(self.config.conventions, data.facts.channels, data.facts.convention)
        before = None if self.config.force else self._before()
        if before:
            kept = (not self.config.save_images or saved(self.folder, data, IMAGES)) and (
                not self.config.save_outputs or saved(self.folder, data)
            )
            if kept and asked.within(before):
                return before
        asked = asked.beside(before) if before else asked
        if before and saved(self.folder, data) and not self.config.save_images:
            # More conventions for outputs that were saved: nothing is restored again, the costs stay.
            try:
                rows = self._scored(read_saved(self.folder, data), len(data), asked, "score")
                note = "; ".join(dict.fromkeys([*filter(None, before.note.split("; ")), *self.remarks, *asked.remarks]))
                record = replace(before, **measured(rows, asked), note=note, folder="")
                write_record(self.config.results, record, rows)
                return record
            except DamagedError as error:
                set_aside(error.path, error)
        return self._restored(data, asked)

    def _before(self) -> Record | None:
        """The finished record of an earlier run. A damaged one, or damaged scores, are set aside and count as none."""
        try:
            record = read_record(self.folder)
        except UserError as error:
            set_aside(self.folder / "record.json", error)
            return None
        if record is None or record.status != DONE:
            return None
        if why := unsound(self.folder, record):
            if (self.folder / "scores.csv").exists():
                set_aside(self.folder / "scores.csv", why)
            return None
        return record

    def _restored(self, data: Dataset, asked: Asked) -> Record:
        ready = self.loader(self.cell, data)
        device = environment.device(self.config.device)
        if isinstance(ready.method, Baseline):
            ready.method.fit(lambda: self._samples(data, ready.method, "look at"))
        outputs = Outputs(self.folder, self.config.save_images, self.config.save_outputs)
        outputs.check_room(data, data.facts.scale)
        if self.config.force:  # before restoring, so that no old output stands beside new figures
            discard(self.folder)
        restorer = self._restorer(ready.method, device)
        restorer.report = self.report
        small = device.type == "cpu" and isinstance(ready.method, Baseline)
        with profiling.peak_memory(device) as peak, environment.single_thread(small):
            stream = restorer(self._samples(data, ready.method))
            rows = self._scored(stream, len(data), asked, "restore", outputs)
            outputs.finish()
            self.short = restorer.remark
            costs = Costs(profiling.parameters(ready.method), None, restorer.speed, peak())
        counted = self._macs(ready.method, data, device)
        seen = seen_before(ready.card, data, self.config.data) if ready.card else ""
        notes = [self.doubt, self.short, ready.note, seen, *self.remarks, *asked.remarks]
        record = provenance.complete(provenance.outline(self.cell), self.cell, data, ready.method, ready.card, notes)
        record = replace(
            record,
            data=replace(record.data, images=len(rows)),
            **measured(rows, asked),
            costs=replace(costs, gmacs=counted),
            environment=replace(
                record.environment,
                device=environment.describe(device),
                deterministic=self.config.deterministic,
                started=self.started,
                seconds=round(time.perf_counter() - self.clock, 3),
            ),
        )
        write_record(self.config.results, record, rows)
        return record

    def _restorer(self, method: Method, device: torch.device) -> Restorer:
        return Restorer(method, device, self.cell.inference, batch_pixels=self.config.batch_pixels)

    def _samples(self, data: Dataset, method: Method, verb: str = "") -> Iterator[Sample]:
        """The images, each checked against what the method can do; with a `verb` their reading is reported."""
        facts = method.facts
        for index in range(len(data)):
            sample = data[index]
            check_sample(facts, sample)
            yield sample
            if verb and self.report:
                self.report(Task(f"{verb} {self.cell.data.name}", "image"), index + 1, len(data))

    def _scored(
        self, stream: Iterator[Restored], total: int, asked: Asked, verb: str, outputs: Outputs | None = None
    ) -> list[ImageScore]:
        """The scores of restored images under what is asked for; `outputs`: where to save the images first."""
        what = self._task if verb == "restore" else Task(f"{verb} {self.cell.data.name}", "image")
        with ScoringPool(asked, self.config.threads) as pool:
            for done, restored in enumerate(stream, start=1):
                if outputs:
                    outputs.save(restored)
                pool.add(restored.sample, restored.output)
                if self.report:
                    self.report(what, done, total)
            if self.report:
                self.report(Task(f"{self.cell.method} on {self.cell.data.name}: scoring the last images"), 0, 0)
            rows = pool.rows()
            self.doubt = "" if self.cell.is_baseline else pool.doubt()
            self.remarks = pool.remarks()
            return rows

    def _macs(self, method: Method, data: Dataset, device: torch.device) -> float | None:
        """Counted on a crop of the first image; None for rows without a network, or with `costs` off."""
        if not self.config.costs or not profiling.parameters(method) or not len(data):
            return None
        if self.report:
            self.report(Task(f"{self.cell.method} on {self.cell.data.name}: counting operations"), 0, 0)
        first = data[0]
        restorer = self._restorer(method, device)
        image = restorer.tensor([first])
        info = SampleInfo(first.name, first.noise_level, self.cell.inference.noise_seed, first.meta)
        try:
            with torch.no_grad():
                image = method.measure(image) if first.degraded is None else image
            return profiling.gmacs(method, restorer.widened(image), info)
        except Exception:  # of a method that does not take a crop: the figures stand without this one
            return None
