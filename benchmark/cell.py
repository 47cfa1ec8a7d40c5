"""One cell: one method on one split, as plain values, and what it needs to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.ops.files import digest

if TYPE_CHECKING:
    from benchmark.records import Record

Report = Callable[[str, int, int], None] | None
REFERENCES = ("input", "blur", "nlm")

# Where a file lies, and why a cell cannot run, change no pixel: they stay out of the id.
_OUTSIDE_ID = ("weights", "skip", "missing", "note")


@dataclass(frozen=True)
class Cell:
    """One method on one split: everything that can change a pixel of the outcome, in plain values.

    Attributes:
        method, recipe: names; a reference row (``input``, ``blur``, ``nlm``) has the recipe ''.
        recipe_digest: Recipe.digest, settings included. settings: dotted overrides, sorted (key, value) pairs.
        weights: path of the file ('' = none). weights_sha256: hash of its bytes.
        dataset, split, options: names; sorted (key, value) pairs of the dataset's options.
        fingerprint: Dataset.fingerprint of the images that are opened.
        noise_seed: of synthetic degradation and of a method's own draws. seed: of the training.
        ensemble: mean over the 8 flips and rotations. tile: side of the tiles in pixels, 0 = whole images.
        precision: fp32 or bf16. tf32: TF32 matrix products allowed. limit: only the first so many images.
        method_version: Method.version. grey_as_rgb: grey images are given to an RGB method three times over.
        skip: why the pairing is impossible ('' = it is not); such a cell ends as a `skipped` record.
        missing: why the cell cannot run yet: no weights; holds the command that makes them. Ends as `failed`.
        note: what the record has to say besides (how the weights were recognised).
    """

    method: str
    recipe: str
    recipe_digest: str
    dataset: str
    split: str
    fingerprint: str
    settings: tuple[tuple[str, Any], ...] = ()
    weights: str = ""
    weights_sha256: str = ""
    options: tuple[tuple[str, Any], ...] = ()
    noise_seed: int = 0
    ensemble: bool = False
    tile: int = 0
    precision: str = "fp32"
    tf32: bool = False
    limit: int | None = None
    seed: int = 0
    method_version: str = "1"
    grey_as_rgb: bool = False
    skip: str = ""
    missing: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """Name of the cell's folder: method, dataset and 12 hex digits over everything that can change a pixel."""
        values = {key: value for key, value in asdict(self).items() if key not in _OUTSIDE_ID}
        return f"{self.method}-{self.dataset}-{digest(values)[:12]}"

    @property
    def is_reference(self) -> bool:
        """Whether this is one of the rows that are always there: input, blur, nlm."""
        return self.method in REFERENCES


@dataclass(frozen=True)
class Context:
    """Where and how cells run; nothing here changes a pixel, so nothing here is in a cell's id.

    Attributes:
        data, results: root folders. device: auto, cpu, cuda or cuda:i.
        conventions: names to score under; () = every one that applies.
        save_images: 8-bit PNGs under runs/<id>/images. save_outputs: float32 .npy under runs/<id>/outputs.
        force: run cells again that are done. deterministic: torch's deterministic algorithms, or an error.
        batch_pixels: images of equal size are restored together up to so many pixels; 0 = by the device.
        threads: scoring threads; 0 = the number of CPUs, at most 4. channels_last: memory layout on the device.
        costs: count multiply-accumulates (one more pass over a crop).
    """

    data: Path = Path("data")
    results: Path = Path("results")
    device: str = "auto"
    conventions: tuple[str, ...] = ()
    save_images: bool = False
    save_outputs: bool = False
    force: bool = False
    deterministic: bool = False
    batch_pixels: int = 0
    threads: int = 0
    channels_last: bool = False
    costs: bool = True


def run_cell(cell: Cell, context: Context, report: Report = None) -> Record:
    """Run one cell from weights to record, unless a finished record lies there.

    Args:
        report: called with (what, images done, images in all).
    Returns:
        the record, written under ``results/runs/<cell id>``: done, failed with the reason, or skipped with it. A cell
        that another process is working on comes back as failed and nothing is written.
    Raises:
        ResultsError: the results folder cannot be written or is full; no other cell could do better.
        KeyboardInterrupt: passes through; nothing half-written stays.
    """
    from benchmark.running import run

    return run(cell, context, report)
