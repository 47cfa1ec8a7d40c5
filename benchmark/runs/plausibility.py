"""Whether a row is far below its own input, and what may have gone wrong: range, channel order, axes, order of images.

A method may simply be bad; but most rows that lie far below what they were made from are read or written wrongly. Each
likely mistake is undone on the outputs, and said where that brings them much nearer to the truth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.base import Sample
from datasets.ops.ranges import unit

SAID = "below its own input"
FAR = 3.0  # dB below the input that ask for a look, and that undoing a mistake has to gain
_MOST = 100.0  # dB; counted for an image that is exact
_THUMB = 8  # pixels of a side of the small pictures by which images are told apart
# Mistakes and how each is undone, on (H, W, C) floats with white at 1.
MISTAKES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "range: the values seem to lie on -1..1": lambda x: (x + 1) / 2,
    "range: the values seem to be divided by 255 twice": lambda x: x * np.float32(255),
    "channel order: they seem to be BGR": lambda x: x[:, :, ::-1],
    "axes: height and width seem to be exchanged": lambda x: x.swapaxes(0, 1),
    "orientation: they seem to be upside down": lambda x: x[::-1],
    "orientation: they seem to be mirrored": lambda x: x[:, ::-1],
    "orientation: they seem to be turned by 180 degrees": lambda x: x[::-1, ::-1],
    "orientation: they seem to be turned by 90 degrees": lambda x: np.rot90(x),
    "orientation: they seem to be turned by 270 degrees": lambda x: np.rot90(x, 3),
    "negative: black and white seem to be exchanged": lambda x: 1 - x,
}


@dataclass(frozen=True)
class Look:
    """What is kept of one output.

    Attributes:
        psnr, given: of the output and of its input, in dB against the truth (the clean image, else the input itself);
            `given` is None where there is no input of the truth's size to compare with.
        undone: mistake -> PSNR with it undone, for an output that is far below its input.
        small, truth: (8, 8) of the output and of the truth.
    """

    psnr: float
    given: float | None
    undone: Mapping[str, float]
    small: np.ndarray
    truth: np.ndarray


def look_at(sample: Sample, output: np.ndarray) -> Look | None:
    """Compare one output with its sample; None where there is nothing of its size to compare with."""
    references = [image for image in (sample.clean, sample.degraded) if image is not None]
    if not references or references[0].shape != output.shape:
        return None
    result, truth = unit(output), unit(references[0])
    psnr = _psnr(result, truth)
    given = None
    if sample.clean is not None and sample.degraded is not None and sample.degraded.shape == output.shape:
        given = _psnr(unit(sample.degraded), truth)
    suspect = psnr < 20 if given is None else psnr < given - FAR
    turned = ((mistake, undo(result)) for mistake, undo in (MISTAKES.items() if suspect else ()))
    undone = {mistake: _psnr(image, truth) for mistake, image in turned if image.shape == truth.shape}
    return Look(psnr, given, undone, _small(result), _small(truth))


def doubt(looks: Sequence[Look | None], names: Sequence[str]) -> str:
    """A sentence for the record's note where the mean lies far below that of the inputs; '' where it does not.

    Images that follow another order by a rule are told wherever the mean lies below that of the inputs at all: images
    of similar scenes may be exchanged without losing much.

    Args:
        looks: of all outputs in their order. names: of the samples.
    """
    seen = [(look, name) for look, name in zip(looks, names, strict=True) if look is not None]
    if not seen:
        return ""
    reached = _mean(look.psnr for look, _ in seen)
    given = [look.given for look, _ in seen if look.given is not None]
    if len(given) == len(seen):
        figures = f"({reached:.2f} dB, the input itself {_mean(given):.2f} dB)"
        if reached >= _mean(given) - FAR:
            order = _exchanged(seen, sure=True) if reached < _mean(given) else ""
            return f"{SAID} {figures}; likely {order}" if order else ""
        said = f"far {SAID} {figures}"
    else:
        said = f"far from its own images ({reached:.2f} dB)"
    likely = _reasons(seen, reached)
    if likely:
        return f"{said}; likely {likely}"
    return said if len(given) == len(seen) else ""


def _reasons(seen: Sequence[tuple[Look, str]], reached: float) -> str:
    order = _exchanged(seen)
    if order:
        return order
    gains = {mistake: _mean(look.undone.get(mistake, look.psnr) for look, _ in seen) for mistake in MISTAKES}
    best = max(gains, key=lambda mistake: gains[mistake])
    return f"{best} ({gains[best]:.2f} dB when undone)" if gains[best] >= reached + FAR else ""


def _exchanged(seen: Sequence[tuple[Look, str]], sure: bool = False) -> str:
    """Whether most outputs are nearer to another image than to their own, and by which rule; `sure`: only by a rule."""
    if len(seen) < 2:
        return ""
    small = np.stack([look.small.ravel() for look, _ in seen])
    truth = np.stack([look.truth.ravel() for look, _ in seen])
    nearest = np.argmin((truth**2).sum(1)[None] - 2 * small @ truth.T, axis=1)
    own = np.arange(len(seen))
    if (nearest != own).mean() < 0.5 or len(set(nearest.tolist())) < 0.75 * len(seen):
        return ""
    for scenes in (n for n in range(2, len(seen) // 2 + 1) if len(seen) % n == 0):
        if (nearest == own.reshape(scenes, -1).T.ravel()).mean() > 0.9:
            return f"axes: scenes and blocks seem to be exchanged (expected {scenes} x {len(seen) // scenes})"
    shift, often = Counter(((nearest - own) % len(seen)).tolist()).most_common(1)[0]
    if often > 0.9 * len(seen):
        return f"order: the outputs seem to begin at {seen[shift][1]!r}"
    if sure:
        return ""
    first = int(np.flatnonzero(nearest != own)[0])
    return f"order: the output of {seen[first][1]!r} looks like {seen[int(nearest[first])][1]!r}"


def _psnr(x: np.ndarray, y: np.ndarray) -> float:
    import cv2

    total = cv2.norm(np.ascontiguousarray(np.clip(x, 0, 1)), np.ascontiguousarray(y), cv2.NORM_L2SQR)
    error = float(total) / x.size
    return min(_MOST, -10 * math.log10(error)) if error > 0 else _MOST


def _small(image: np.ndarray) -> np.ndarray:
    import cv2

    found: np.ndarray = cv2.resize(np.ascontiguousarray(image), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    grey: np.ndarray = found.reshape(_THUMB, _THUMB, -1).mean(2)
    return np.clip(grey, 0, 1)


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]
