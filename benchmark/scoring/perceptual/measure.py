"""Perceptual distances of images: the networks are read once, and one image is measured at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmark.scoring.metrics import luma
from benchmark.scoring.perceptual.definition import Perceptual
from benchmark.scoring.perceptual.definition import perceptual as named
from benchmark.scoring.quantise import Image
from datasets.core.errors import UserError
from methods.features import files as features

# (restored, clean or None), (H, W, C) uint8 -> distance, or None where the image is too small for one
Meter = Callable[[np.ndarray, np.ndarray | None], float | None]
# A network on a large image takes gigabytes, and torch uses all cores by itself: one at a time.
_ONE_AT_A_TIME = threading.Lock()


def perceptual(restored: np.ndarray, clean: np.ndarray | None, convention: str) -> float | None:
    """One image's figure under a perceptual convention; lower is better.

    Args:
        restored: (H, W, 3) RGB, float with white at 1, or uint8; for ``niqe`` (H, W) too.
        clean: the same shape; None for a convention without reference.
        convention: lpips-alex, lpips-vgg, dists or niqe.
    Returns:
        the distance; None for an image smaller than the convention takes.
    Raises:
        UserError: an unknown convention, its files are absent or others, images that it is not defined on.

    Example:
        >>> perceptual(restored, clean, "lpips-alex")  # doctest: +SKIP
        0.0812
    """
    from benchmark.scoring.perceptual.definition import usable

    reason = usable(convention, 1 if restored.ndim == 2 else restored.shape[-1])
    if reason:
        raise UserError(reason)
    return measure(restored, clean, [convention])[convention]


def measure(restored: np.ndarray, clean: np.ndarray | None, names: Iterable[str]) -> dict[str, float | None]:
    """Figures under several perceptual conventions whose files are there; see `perceptual`.

    None for an image that is too small, and where a clean image is needed and there is none.
    """
    x = _bytes(restored, "restored")
    y = None if clean is None else _bytes(clean, "clean")
    if y is not None and x.shape != y.shape:
        raise UserError(f"The restored image must have the clean image's shape {y.shape}, got {x.shape}.")
    with _ONE_AT_A_TIME:
        return {name: _measured(named(name), x, y) for name in names}


def _bytes(array: np.ndarray, what: str) -> np.ndarray:
    image = Image(array, what)
    if not np.isfinite(image.bounds).all():
        raise UserError(f"The {what} image cannot be measured: it holds NaN or infinite values.")
    whole = slice(0, image.array.shape[0]), slice(0, image.array.shape[1])
    precision = np.dtype(np.float64) if image.array.dtype == np.uint8 else image.array.dtype
    return image.make("rounded", whole, precision, np.empty).astype(np.uint8)


def _measured(chosen: Perceptual, x: np.ndarray, y: np.ndarray | None) -> float | None:
    if min(x.shape[:2]) - 2 * chosen.border < chosen.side or (chosen.reference and y is None):
        return None
    inside = slice(chosen.border, -chosen.border or None)
    return meter(chosen.name, paths(chosen))(x[inside, inside], None if y is None else y[inside, inside])


def paths(chosen: Perceptual) -> tuple[Path, ...]:
    """The files of a convention. Raises UserError for an absent one."""
    found = {name: features.find(name) for name in chosen.files}
    for name, path in found.items():
        if path is None:
            raise UserError(features.absent(name))
    return tuple(path for path in found.values() if path)


@lru_cache(maxsize=8)
def meter(name: str, found: tuple[Path, ...]) -> Meter:
    """What measures one image, read from its files. Raises UserError for files other than the published ones."""
    for file, path in zip(named(name).files, found, strict=True):
        features.expect_published(file, path)
    return _READERS[name](*found)


def _network(read: Callable[..., Callable]) -> Callable[..., Meter]:
    """A reader of a network of torch as a reader of a meter."""

    def reader(*found: Path) -> Meter:
        import torch

        network = read(*found)

        def batch(image: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None]

        def measured(x: np.ndarray, y: np.ndarray | None) -> float:
            assert y is not None
            with torch.inference_mode():
                return float(network(batch(x), batch(y)))

        return measured

    return reader


def _niqe(path: Path) -> Meter:
    from methods.features.niqe import niqe

    statistics = features.read_niqe(path)

    def measured(x: np.ndarray, _: np.ndarray | None) -> float | None:
        plane = luma(x.astype(np.float64)) if x.shape[2] == 3 else x
        return niqe(np.rint(plane[:, :, 0]), *statistics)

    return measured


_READERS: dict[str, Callable[..., Meter]] = {
    "lpips-alex": _network(features.read_lpips),
    "lpips-vgg": _network(features.read_lpips_vgg),
    "dists": _network(features.read_dists),
    "niqe": _niqe,
}
