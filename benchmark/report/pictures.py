"""The images that the comparator shows: chosen, written beside the page, measured block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.records.cell import BASELINES
from benchmark.records.record import Record
from benchmark.report.blocks import block_errors, block_side, crops, disagreement
from benchmark.report.embedding import packed
from benchmark.report.image_sets import ImageSet
from benchmark.runs.config import RunConfig
from benchmark.runs.outputs import IMAGES, names
from benchmark.runs.runner import open_data
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.core.names import inside
from datasets.ops.images import encode_png, read_image
from datasets.ops.ranges import levels, unit

Save = Callable[[bytes], str]  # PNG bytes -> what the page's images are addressed by
WORST, BEST, APART = "among the worst", "among the best", "methods disagree most"


@dataclass(frozen=True)
class Shown:
    """One image of the comparator.

    Attributes:
        name: of the sample. clean, degraded: (H, W, C) uint8, None where there is none.
        outputs: record id -> (H, W, C) uint8. tags: why it was chosen.
    """

    name: str
    clean: np.ndarray | None
    degraded: np.ndarray | None
    outputs: dict[str, np.ndarray]
    tags: tuple[str, ...] = ()


def chosen(images: ImageSet, most: int) -> dict[str, tuple[str, ...]]:
    """Names of at most `most` images with why each is shown, in the set's order: worst, best, greatest disagreement.

    By the PSNR of the methods under the set's first convention; the first ones where nothing is scored.
    """
    available: set[str] = set()  # those of which a row kept its output
    for record, seen in zip(images.records, images.scores, strict=True):
        if (Path(record.folder) / IMAGES[0]).is_dir():
            available |= {name for name in seen if _kept(record, name)}
    kept = [name for name in images.names if name in available]
    scores = _method_scores(images, kept)
    if not np.isfinite(scores).any():
        return dict.fromkeys(kept[:most], ())
    mean, apart = scores.mean(0), scores.std(0)
    orders = {APART: np.argsort(-apart, kind="stable"), WORST: np.argsort(mean), BEST: np.argsort(-mean, kind="stable")}
    told = max(1, min(most, len(kept)) // 4)  # of each kind
    tags: dict[str, list[str]] = {}
    for rank in range(len(kept)):
        for why, order in orders.items():
            name = kept[int(order[rank])]
            if name in tags or len(tags) < most:
                tags.setdefault(name, []).extend([why] if rank < told else [])
    return {name: tuple(tags[name]) for name in kept if name in tags}


def _method_scores(images: ImageSet, kept: list[str]) -> np.ndarray:
    """(methods, images) PSNR of the images named, 0 where there is none, NaN where nothing is scored at all.

    Baselines count where there is nothing else.
    """
    rows = [i for i, record in enumerate(images.records) if record.cell.method not in BASELINES]
    place = {name: index for index, name in enumerate(images.names)}
    columns = [images.column(row, "psnr", images.conventions[0]) for row in rows or range(len(images.records))]
    scores = np.stack(columns).astype(np.float64)[:, [place[name] for name in kept]]
    finite = np.isfinite(scores)
    return np.where(finite, scores, 0.0) if finite.any() else np.full_like(scores, np.nan)


def _kept(record: Record, name: str) -> Path | None:
    """The file of a restored image; None where there is none, or where its name leads out of the folder."""
    try:
        path = inside(Path(record.folder) / IMAGES[0], name, IMAGES[1])
    except UserError:
        return None
    return path if path.is_file() else None


def shown_images(images: ImageSet, data: Path, most: int) -> tuple[Iterator[Shown], int, str]:
    """The images of a set that can be compared, how many they are, and a sentence on what is missing ('' = nothing).

    Args:
        data: root of the prepared datasets, for the degraded and the clean images.
    """
    wanted = chosen(images, most)
    if not wanted:
        return iter(()), 0, "Restored images were not kept: run the cells again with --save-images --force."
    try:
        dataset, missing = open_data(images.records[0].cell, RunConfig(data=data)), ""
    except UserError as error:
        dataset, missing = None, f"Degraded and clean images are not shown: {error}"
    return _shown(images, wanted, dataset), len(wanted), missing


def _shown(images: ImageSet, wanted: dict[str, tuple[str, ...]], dataset: Dataset | None) -> Iterator[Shown]:
    places = {name: index for index, name in enumerate(names(dataset))} if dataset is not None else {}
    for name, tags in wanted.items():
        found = {record.id: _kept(record, name) for record in images.records}
        sample = _sample(dataset, places[name]) if dataset is not None and name in places else None
        yield shown(name, sample, {key: path for key, path in found.items() if path}, tags)


def _sample(dataset: Dataset, index: int) -> Sample | None:
    """None where its files are missing or damaged: the restored ones can still be compared."""
    try:
        return dataset[index]
    except UserError:
        return None


def shown(name: str, sample: Sample | None, paths: dict[str, Path], tags: Sequence[str] = ()) -> Shown:
    """A sample beside the restored files of its rows; those missing, damaged or of another size are left out."""
    clean = _eight(sample.clean) if sample is not None else None
    degraded = _eight(sample.degraded) if sample is not None else None
    reference = clean if clean is not None else degraded
    channels = 3 if reference is None else reference.shape[2]
    outputs: dict[str, np.ndarray] = {}
    for key, path in paths.items():
        try:
            output = read_image(path, channels)
        except UserError:
            continue
        expected = clean.shape if clean is not None else next(iter(outputs.values()), output).shape
        if output.shape == expected:
            outputs[key] = output
    return Shown(name, clean, degraded, outputs, tuple(tags))


def _eight(image: np.ndarray | None) -> np.ndarray | None:
    """(H, W, C) uint8, as PNGs of restored images are written."""
    if image is None or image.dtype == np.uint8:
        return image
    return levels(unit(image), np.uint8)


def picture_values(image: Shown, save: Save) -> dict[str, Any]:
    """An image as the page has it: where its files are, its errors by block, the crops worth a look."""
    size = next((a.shape[:2] for a in (image.clean, *image.outputs.values(), image.degraded) if a is not None), (0, 0))
    side = block_side(*size)
    value: dict[str, Any] = {"name": image.name, "tags": image.tags, "h": size[0], "w": size[1], "block": side}
    for role in ("clean", "degraded"):
        array = getattr(image, role)
        value[role] = None if array is None else save(encode_png(array))
    value["files"] = {key: save(encode_png(array)) for key, array in image.outputs.items()}
    errors: dict[str, np.ndarray] = {}
    if image.clean is not None:
        errors = {key: block_errors(array, image.clean, side) for key, array in image.outputs.items()}
        value["channels"] = image.clean.shape[2]
        if image.degraded is not None and image.degraded.shape == image.clean.shape:
            value["noisy_sse"] = packed(block_errors(image.degraded, image.clean, side), "u4")
    value["sse"] = {key: packed(each, "u4") for key, each in errors.items()}
    value["crops"] = [asdict(crop) for crop in _crops(image, errors, size, side)]
    return value


def _crops(image: Shown, errors: dict[str, np.ndarray], size: tuple[int, int], side: int) -> list[Any]:
    """Where the methods' errors differ most; without a clean image where the outputs do, or where one changed most."""
    own = [e for key, e in errors.items() if key.partition("-")[0] not in BASELINES] or list(errors.values())
    if len(own) > 1:
        return crops(disagreement(own), size, side, APART)
    if own:
        return crops(np.sqrt(own[0].astype(np.float64)), size, side, "largest error")
    outputs = list(image.outputs.values())
    if outputs and image.degraded is not None and image.degraded.shape == outputs[0].shape:
        changed = block_errors(outputs[0], image.degraded, side)
        return crops(np.sqrt(changed.astype(np.float64)), size, side, "changed most")
    return []
