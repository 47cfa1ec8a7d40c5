"""`benchmark.evaluate`: any network as one more row. (Not named after the function: a submodule would hide it.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import methods
from benchmark.compatibility import obstacle
from benchmark.inference.settings import settings_of
from benchmark.paths import OWN
from benchmark.planning.embedded import prepare_embedded
from benchmark.planning.planner import from_source
from benchmark.planning.sources import check
from benchmark.progress import Report
from benchmark.records.cell import BASELINES, UNSUITABLE, Cell, Origin, Reason
from benchmark.records.files import run_folder
from benchmark.records.record import DONE, Record
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import Loader, Ready, load_method, run_cell
from datasets import open_dataset
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.options import ref_of
from methods.base import Recipe
from methods.outside.source import CHECKPOINT, Source, as_settings
from methods.outside.wrapped import Call, Wrapped
from methods.recipes import override

if TYPE_CHECKING:
    import pandas

_USUAL = {"restore.channels": (1, 3), "restore.scale": 1}  # what `evaluate` takes for granted


def evaluate(
    module: nn.Module | str | Path,
    dataset: str,
    *,
    data: Path | str = "data",
    results: Path | str = OWN,
    split: str | None = None,
    conventions: Sequence[str] | None = None,
    name: str | None = None,
    output: int | str | None = None,
    scale: int = 1,
    channels: Sequence[int] = (1, 3),
    limit: int | None = None,
    device: str = "auto",
    force: bool = False,
    weights: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    allow_code: bool = False,
    report: Report = None,
    **how: Any,
) -> pandas.DataFrame:
    """Restore and score a dataset with any network; it becomes a row of the leaderboard like a method.

    Args:
        module: called with (N, C, H, W) float32, RGB or grey, in [0, 1]; returns (N, C, H * scale, W * scale), or
            several tensors, of which `output` (index or key) names the one to score. Or what ``run --methods NAME=...``
            takes: a checkpoint (``NAFNet.pth``), a function of a file (``net.py:build``), an archive (``model.ts``).
        dataset: spec of a prepared dataset, such as ``polyu`` or ``bsd68[sigma=25]``, or of one that needs no source
            (``demo``), which is prepared where it is not yet. data: root of prepared ones.
        results: where the record goes. conventions: names; None = every one that applies.
        name: of the row; default: the module's class, or the file's name. scale, channels: see methods.base.Facts; a
            checkpoint tells its own.
        limit, device, force: as for ``run``.
        weights: of a function's network. settings: such as ``{"restore.noise_level": "channel"}``, see
            methods.outside.wrapped.Call and methods.outside.checkpoint.Checkpoint. allow_code: run an archive's code.
        how: fields of benchmark.inference.settings.InferenceSettings, such as ``tile=256`` or ``ensemble=True``.
    Returns:
        a row per convention: convention, n, scenes, psnr, psnr_low, psnr_high, ssim, ssim_low, ssim_high; of
        a perceptual convention, whose figure is lower where better, distance, distance_low, distance_high instead; the
        attribute ``attrs["record"]`` is the record's folder, ``attrs["note"]`` what there is to say of the row.
    Raises:
        UserError: whatever made the cell fail, as one sentence.

    Example:
        >>> table = benchmark.evaluate(MyNet(), "polyu", name="mynet")  # doctest: +SKIP
    """
    if not name and isinstance(module, nn.Module):
        name = type(module).__name__.lower()
    elif not name:  # after its file: ``net.py:build`` -> ``net``
        name = Path(str(module).partition(".py:")[0]).stem.lower()
    if name in BASELINES or name in methods.names():
        raise UserError(f"The name {name!r} is taken by a row of the benchmark; give another one by name=...")
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise UserError(f"A row's name becomes a folder's: letters, digits, '-', '_' and '.' only; got {name!r}.")
    inference = settings_of(how)
    prepare_embedded([dataset], Path(data), report)
    opened = open_dataset(dataset, data, split=split, noise_seed=inference.noise_seed, limit=limit)
    given: dict[str, Any] = {"restore.channels": tuple(channels), "restore.scale": scale}
    given |= {} if output is None else {"restore.output": output}
    given = {key: value for key, value in given.items() if value != _USUAL.get(key)} | dict(settings or {})
    cell = Cell(
        method=name,
        data=ref_of(opened),
        fingerprint=opened.fingerprint,
        task=opened.facts.task,
        degradation=opened.degradation,
        limit=limit,
        inference=inference.on(opened.facts.channels),
    )
    if isinstance(module, nn.Module):
        cell, loader = _of_module(cell, module, given, opened)
    else:
        source, file = Source.read(name, str(module)), Path(weights) if weights else None
        check(source, allow_code, file)
        cell = replace(cell, settings=given if source.kind != CHECKPOINT else settings or {})
        cell, loader = from_source(cell, source, opened, file), load_method
    config = RunConfig(Path(data), Path(results), device, tuple(conventions or ()), force=force)
    record = run_cell(cell, config, report, loader=loader)
    if record.status != DONE:
        raise UserError(record.why)
    return _table(record, run_folder(results, record.id))


def _of_module(cell: Cell, module: nn.Module, settings: Mapping[str, Any], data: Dataset) -> tuple[Cell, Loader]:
    """The cell of a module that is at hand, and what makes a method of it."""
    recipe = Recipe(cell.method, "", "module", restore={**Call.settings(), "channels": [1, 3]})
    recipe = override(recipe, as_settings(settings))
    call = Call(**recipe.restore)
    facts = call.facts(type(module).__name__, (data.facts.task,))
    why = obstacle(facts, data.facts, cell.inference.grey_as_rgb)
    blocked = Reason(UNSUITABLE, why) if why else None
    plain = {key: value for key, value in settings.items() if key != "restore.output"}
    plain["output"] = settings.get("restore.output")  # as records have had it from the first: ids stay as they are
    wrapped = Wrapped(recipe, module, call, facts)
    known = replace(
        cell,
        settings=plain,
        weights_sha256=_hash(module),
        origin=Origin("", facts.architecture),
        blocked=blocked,
    )
    return known, lambda *_: Ready(wrapped)


def _hash(module: nn.Module) -> str:
    """SHA-256 over the module's structure and tensors: other code or other weights make another cell.

    What neither shows (an edited forward) needs ``force=True`` or another name.
    """
    from hashlib import sha256

    total = sha256(repr(module).encode())
    for key, value in module.state_dict().items():
        total.update(key.encode())
        if isinstance(value, Tensor):
            total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            total.update(repr(value).encode())
    return total.hexdigest()


def _table(record: Record, folder: Path) -> pandas.DataFrame:
    import pandas

    rows = []
    for name, figure in record.figures.items():
        row: dict[str, Any] = {"convention": name, "n": figure.n, "scenes": figure.scenes}
        for kind, interval in (("psnr", figure.psnr), ("ssim", figure.ssim)):
            for key, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[kind + key] = getattr(interval, end) if interval else None
        rows.append(row)
    for name, seen in record.perceptual.items():
        value = seen.value
        ends = {"distance": value.mean, "distance_low": value.low, "distance_high": value.high}
        rows.append({"convention": name, "n": seen.n, "scenes": seen.scenes, **ends})
    table = pandas.DataFrame(rows)
    table.attrs["record"], table.attrs["note"] = str(folder), record.note
    return table
