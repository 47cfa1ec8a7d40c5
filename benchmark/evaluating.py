"""`benchmark.evaluate`: any nn.Module as one more row. (Not named after the function: a submodule would hide it.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmark.cell import REFERENCES, Cell, Context, Report
from benchmark.pairing import obstacle
from benchmark.records import DONE, Record, run_folder
from benchmark.running import Loaded, open_data, run
from datasets import open_dataset
from datasets.base import Dataset
from datasets.ops.errors import UserError
from methods.base import Facts, Method, Recipe, SampleInfo, StageFactory

if TYPE_CHECKING:
    import pandas


class Wrapped(Method):
    """Any module as a method: its forward takes (N, C, H, W) float32 in [0, 1] and gives the restored batch.

    Args:
        module: left as it is (eval mode and device apart). output: index or key of the tensor to score, where the
            module returns several. facts: as for any method.
    """

    def __init__(self, name: str, module: nn.Module, output: int | str | None, facts: Facts) -> None:
        super().__init__(Recipe(name, "", "module"))
        self.name = name  # type: ignore[misc]  # of the instance: each module has its own
        self.module, self.output, self._facts = module, output, facts

    @property
    def facts(self) -> Facts:
        return self._facts

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        result = self.module(x)
        if self.output is None:
            return result
        try:
            return result[self.output]
        except (KeyError, IndexError, TypeError) as error:
            raise UserError(f"{self.name} returned {_shape(result)}, which has no output={self.output!r}.") from error

    def roles(self) -> dict[str, nn.Module]:
        return {"restorer": self.module}

    def stages(self) -> Iterator[StageFactory]:
        return iter(())


def evaluate(
    module: nn.Module,
    dataset: str,
    *,
    data: Path | str = "data",
    results: Path | str = "results",
    split: str | None = None,
    conventions: Sequence[str] | None = None,
    name: str | None = None,
    output: int | str | None = None,
    scale: int = 1,
    channels: Sequence[int] = (1, 3),
    noise_seed: int = 0,
    limit: int | None = None,
    device: str = "auto",
    tile: int = 0,
    ensemble: bool = False,
    precision: str = "fp32",
    tf32: bool = False,
    force: bool = False,
    report: Report = None,
) -> pandas.DataFrame:
    """Restore and score a dataset with any module; it becomes a row of the leaderboard like a method.

    Args:
        module: called with (N, C, H, W) float32, RGB or grey, in [0, 1]; returns (N, C, H * scale, W * scale), or
            several tensors, of which `output` (index or key) names the one to score.
        dataset: spec of a prepared dataset, such as ``polyu`` or ``bsd68[sigma=25]``. data: root of prepared ones.
        results: where the record goes. conventions: names; None = every one that applies.
        name: of the row; default: the module's class. scale, channels: see methods.base.Facts.
        noise_seed, limit, device, tile, ensemble, precision, tf32, force: as for ``run``.
    Returns:
        a row per convention: convention, n, scenes, psnr, psnr_low, psnr_high, ssim, ssim_low, ssim_high; the
        attribute ``attrs["record"]`` is the record's folder.
    Raises:
        UserError: whatever made the cell fail, as one sentence.

    Example:
        >>> table = benchmark.evaluate(MyNet(), "polyu", name="mynet")  # doctest: +SKIP
    """
    name = name or type(module).__name__.lower()
    _check_name(name)
    opened = open_dataset(dataset, data, split=split, noise_seed=noise_seed, limit=limit)
    facts = Facts((opened.facts.task,), "paired", tuple(channels), scale, note="a module of the user's")
    cell = Cell(
        method=name,
        recipe="",
        recipe_digest="",
        dataset=opened.facts.name,
        split=opened.split,
        fingerprint=opened.fingerprint,
        settings=(("output", output),),
        weights_sha256=_hash(module),
        options=tuple(sorted(opened.options.items())),
        noise_seed=noise_seed,
        ensemble=ensemble,
        tile=tile,
        precision=precision,
        tf32=tf32,
        limit=limit,
        skip=obstacle(facts, opened.facts),
    )
    context = Context(Path(data), Path(results), device, tuple(conventions or ()), force=force)
    record = run(cell, context, report, open_data, _loader(name, module, output, facts))
    if record.status != DONE:
        raise UserError(record.reason)
    return _table(record, run_folder(results, record.cell))


def _loader(name: str, module: nn.Module, output: int | str | None, facts: Facts) -> Callable[[Cell, Dataset], Loaded]:
    def load(cell: Cell, data: Dataset) -> Loaded:
        return Loaded(Wrapped(name, module, output, facts))

    return load


def _check_name(name: str) -> None:
    import methods

    if name in REFERENCES or name in methods.names():
        raise UserError(f"The name {name!r} is taken by a row of the benchmark; give another one by name=...")
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise UserError(f"A row's name becomes a folder's: letters, digits, '-', '_' and '.' only; got {name!r}.")


def _hash(module: nn.Module) -> str:
    """SHA-256 over the module's structure and tensors: other code or other weights make another cell.

    What neither shows (an edited forward) needs ``force=True`` or another name.
    """
    from hashlib import sha256

    found = sha256(repr(module).encode())
    for key, value in module.state_dict().items():
        found.update(key.encode())
        found.update(_bytes(value) if isinstance(value, Tensor) else repr(value).encode())
    return found.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def _shape(result: Any) -> str:
    if isinstance(result, Mapping):
        return f"a dictionary with the keys {', '.join(map(str, result))}"
    return f"a {type(result).__name__} of {len(result)}" if isinstance(result, (tuple, list)) else type(result).__name__


def _table(record: Record, folder: Path) -> pandas.DataFrame:
    import pandas

    rows = []
    for name, figure in record.figures.items():
        row: dict[str, Any] = {"convention": name, "n": figure.n, "scenes": figure.scenes}
        for kind, interval in (("psnr", figure.psnr), ("ssim", figure.ssim)):
            for key, end in (("", "mean"), ("_low", "low"), ("_high", "high")):
                row[kind + key] = getattr(interval, end) if interval else None
        rows.append(row)
    table = pandas.DataFrame(rows)
    table.attrs["record"] = str(folder)
    return table
