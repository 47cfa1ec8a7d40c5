"""One cell from start to end: weights -> images (-> measurement) -> restored -> scores -> record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmark import costs, describing, environment
from benchmark.cell import Cell, Context, Report
from benchmark.outputs import IMAGES, Outputs, discard, read_saved, saved
from benchmark.overlap import seen_before
from benchmark.pairing import ImpossibleError, check_sample
from benchmark.records import (
    DONE,
    FAILED,
    SKIPPED,
    Costs,
    ImageScore,
    Record,
    ResultsError,
    read_record,
    run_folder,
    write_record,
    writing,
)
from benchmark.references import Reference, reference
from benchmark.restoring import Restored, Restorer
from benchmark.tally import Tally, chosen, figures
from datasets import open_dataset
from datasets.base import Dataset, Sample
from datasets.ops.errors import UserError
from datasets.ops.locks import BusyError, exclusive
from methods.base import Method, SampleInfo

if TYPE_CHECKING:
    from methods.weights import Card


@dataclass(frozen=True)
class Loaded:
    """A method ready to run; where its weights come from; what the record has to say of that."""

    method: Method
    card: Card | None = None
    note: str = ""


Opener = Callable[[Cell, Context], Dataset]
Loader = Callable[[Cell, Dataset], Loaded]


def open_data(cell: Cell, context: Context) -> Dataset:
    """The cell's split, checked to be the one that the cell was planned for."""
    found = open_dataset(
        cell.dataset,
        context.data,
        split=cell.split,
        options=dict(cell.options),
        noise_seed=cell.noise_seed,
        limit=cell.limit,
    )
    if found.fingerprint != cell.fingerprint:
        raise UserError(f"The dataset {cell.dataset!r} was prepared anew since this run was planned; run again.")
    return found


def load_method(cell: Cell, data: Dataset) -> Loaded:
    """The cell's method with its weights, checked to be the file that the cell was planned with."""
    from methods.loading import load_from

    if cell.is_reference:
        return Loaded(reference(cell.method, data.facts.scale))
    found = load_from(cell.method, cell.recipe or None, cell.weights or None, dict(cell.settings))
    if found.weights and found.weights.sha256 != cell.weights_sha256:
        raise UserError(f"The weights {cell.weights} changed since this run was planned; run again.")
    return Loaded(found.method, found.weights.card if found.weights else None, found.note)


def run(
    cell: Cell, context: Context, report: Report, opener: Opener = open_data, loader: Loader = load_method
) -> Record:
    """`benchmark.cell.run_cell`, which see; `opener` and `loader` can be given for modules that have no name."""
    folder = run_folder(context.results, cell.id)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = exclusive(folder / "lock", f"{cell.method} on {cell.dataset} ({folder})")
    try:
        with lock:
            return _Run(cell, context, report, folder, opener, loader).outcome()
    except BusyError as error:
        return describing.outline(cell, FAILED, str(error))
    except OSError as error:
        with writing(folder):
            raise error
        raise  # for the type checker: writing() has turned it into a ResultsError


class _Run:
    def __init__(
        self, cell: Cell, context: Context, report: Report, folder: Path, opener: Opener, loader: Loader
    ) -> None:
        self.cell, self.context, self.report, self.folder = cell, context, report, folder
        self.opener, self.loader = opener, loader
        self.started, self.clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()

    def outcome(self) -> Record:
        """The record, written, whatever happens inside; what stops the whole run (disk, Ctrl-C) passes through."""
        if self.cell.skip or self.cell.missing:
            return self._end(SKIPPED if self.cell.skip else FAILED, self.cell.skip or self.cell.missing)
        try:
            with environment.deterministic(self.context.deterministic):
                return self._computed()
        except ResultsError:
            raise
        except ImpossibleError as error:
            return self._end(SKIPPED, str(error))
        except UserError as error:
            return self._end(FAILED, str(error))
        except torch.OutOfMemoryError:
            return self._end(FAILED, "The device's memory is not enough; give --tile 256 or another --device.")
        except Exception as error:
            return self._end(FAILED, f"{type(error).__name__}: {error}")

    def _end(self, status: str, reason: str) -> Record:
        """The record of a cell that came to nothing. A finished record of the same cell stays on disk."""
        record = replace(describing.outline(self.cell, status, reason), started=self.started)
        if self._before() is None:
            write_record(self.context.results, record, [])
        return record

    def _computed(self) -> Record:
        data = self.opener(self.cell, self.context)
        names, remarks = chosen(self.context.conventions, data.facts.channels, data.facts.convention)
        before = None if self.context.force else self._before()
        if before and self._enough(before, data, names):
            return before
        names = list(dict.fromkeys([*(before.figures if before else ()), *names]))
        if before and saved(self.folder, data) and not self.context.save_images:
            return self._rescored(before, data, names)
        return self._restored(data, names, remarks)

    def _before(self) -> Record | None:
        """The finished record of an earlier run; a damaged one counts as none."""
        try:
            record = read_record(self.folder)
        except UserError:
            return None
        return record if record and record.status == DONE else None

    def _enough(self, before: Record, data: Dataset, names: list[str]) -> bool:
        kept = (not self.context.save_images or saved(self.folder, data, IMAGES)) and (
            not self.context.save_outputs or saved(self.folder, data)
        )
        return kept and (not before.figures or set(names) <= set(before.figures))

    def _rescored(self, before: Record, data: Dataset, names: list[str]) -> Record:
        """More conventions for outputs that were saved: nothing is restored again, the costs stay."""
        rows = self._scored(read_saved(self.folder, data), len(data), names, "score")
        record = replace(before, figures=figures(rows, names), folder="")
        write_record(self.context.results, record, rows)
        return record

    def _restored(self, data: Dataset, names: list[str], remarks: list[str]) -> Record:
        loaded = self.loader(self.cell, data)
        device = environment.device(self.context.device)
        if isinstance(loaded.method, Reference):
            loaded.method.fit(lambda: self._samples(data, loaded.method, "look at"))
        outputs = Outputs(self.folder, self.context.save_images, self.context.save_outputs)
        outputs.check_room(data, data.facts.scale)
        if self.context.force:
            discard(self.folder)
        restorer = self._restorer(loaded.method, device)
        small = device.type == "cpu" and isinstance(loaded.method, Reference)
        with costs.peak_memory(device) as peak, environment.single_thread(small):
            stream = restorer(self._samples(data, loaded.method))
            rows = self._scored(self._kept(stream, outputs), len(data), names, "restore")
            measured = Costs(costs.parameters(loaded.method), None, restorer.speed, peak())
        counted = self._macs(loaded.method, data, device)
        base = describing.outline(self.cell, DONE, "")
        seen = seen_before(loaded.card, data, self.context.data) if loaded.card else ""
        record = describing.complete(
            base, self.cell, data, loaded.method, loaded.card, [loaded.note, seen, _truth(rows), *remarks]
        )
        record = replace(
            record,
            figures=figures(rows, names),
            n=len(rows),
            costs=replace(measured, gmacs=counted),
            device=environment.describe(device),
            deterministic=self.context.deterministic,
            started=self.started,
            seconds=round(time.perf_counter() - self.clock, 3),
        )
        write_record(self.context.results, record, rows)
        return record

    def _restorer(self, method: Method, device: torch.device) -> Restorer:
        cell, context = self.cell, self.context
        return Restorer(
            method,
            device,
            cell.precision,
            cell.tf32,
            cell.tile,
            cell.ensemble,
            batch_pixels=context.batch_pixels,
            channels_last=context.channels_last,
            noise_seed=cell.noise_seed,
            grey_as_rgb=cell.grey_as_rgb,
        )

    def _samples(self, data: Dataset, method: Method, verb: str = "") -> Iterator[Sample]:
        """The images, each checked against what the method can do; with a `verb` their reading is reported."""
        facts = method.facts
        for index in range(len(data)):
            sample = data[index]
            check_sample(facts, sample)
            yield sample
            if verb and self.report:
                self.report(f"{verb} {self.cell.dataset} for {self.cell.method}", index + 1, len(data))

    def _kept(self, stream: Iterator[Restored], outputs: Outputs) -> Iterator[Restored]:
        for restored in stream:
            outputs.save(restored)
            yield restored

    def _scored(self, stream: Iterator[Restored], total: int, names: list[str], verb: str) -> list[ImageScore]:
        what = f"{verb} {self.cell.dataset} with {self.cell.method}"
        with Tally(names, self.context.threads) as tally:
            for done, restored in enumerate(stream, start=1):
                tally.add(restored.sample, restored.output)
                if self.report:
                    self.report(what, done, total)
            return tally.rows()

    def _macs(self, method: Method, data: Dataset, device: torch.device) -> float | None:
        """Counted on a crop of the first image; None for rows without a network, and where it is not wanted."""
        if not self.context.costs or not costs.parameters(method) or not len(data):
            return None
        first = data[0]
        restorer = self._restorer(method, device)
        image = restorer.tensor([first])
        info = SampleInfo(first.name, first.noise_level, self.cell.noise_seed, first.meta)
        try:
            with torch.no_grad():
                image = method.measure(image) if first.degraded is None else image  # type: ignore[operator]
            return costs.gmacs(method, restorer.widened(image), info)
        except Exception:  # of a method that does not take a crop: the figures stand without this one
            return None


def _truth(rows: list[ImageScore]) -> str:
    scored = sum(any(value is not None for value in row.values.values()) for row in rows)
    if scored == len(rows) or not rows or not rows[0].values:
        return ""
    return f"scored {scored} of {len(rows)}: the rest has no ground truth" if scored else "no ground truth: not scored"
