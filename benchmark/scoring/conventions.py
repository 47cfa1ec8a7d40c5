"""The named ways of turning (restored, clean) into PSNR and SSIM, and the public functions that apply them.

Papers differ in clamping, rounding, colour plane, window and padding; on the same images that moves PSNR by several
dB and SSIM by up to 0.2 (docs/conventions.md). A convention is a record of those choices, and the scorer is driven by
its fields alone: a new convention is a new `Convention`, not new code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.scoring.definition import Convention, Score, Window
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from datasets.core.errors import UserError
from datasets.core.registry import unknown

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "CONVENTIONS",
    "ON_REQUEST",
    "Convention",
    "Score",
    "Window",
    "applicable",
    "convention",
    "score",
    "score_many",
]

_FLOAT = Convention("float", "")
_EIGHT = replace(_FLOAT, psnr_input="rounded", ssim_input="rounded")
_BOX = Window("uniform", 7)

CONVENTIONS: dict[str, Convention] = {
    name: replace(base, name=name, used_by=used_by, **fields)
    for name, base, used_by, fields in (
        ("float-gauss", _FLOAT, "clamped floats throughout: RSCP2GAN's PSNR, with Wang's SSIM on the same floats", {}),
        ("uint8-gauss", _EIGHT, "SCPGabNet's validation on SIDD", {}),
        ("mixed-gauss", _FLOAT, "RSCP2GAN: PSNR on clamped floats, SSIM on 8 bits", {"ssim_input": "rounded"}),
        (
            "unclamped-float",
            _FLOAT,
            "R2R on the SIDD validation blocks; its code computes no SSIM",
            {"clamp": False, "ssim_input": None},
        ),
        (
            "trunc-uint8",
            _FLOAT,
            "R2R's export to the SIDD server; its code computes no SSIM",
            {"psnr_input": "truncated", "ssim_input": None},
        ),
        (
            "awgn-grey",
            _FLOAT,
            "R2R and its peers on grey AWGN sets: clamped after the mean of the draws; no SSIM in the code",
            {"plane": "one", "ssim_input": None},
        ),
        (
            "matlab-volume-float",
            _FLOAT,
            "SIDD by MATLAB scripts: MPRNet, DGUNet, Restormer, Uformer, NAFNet",
            {"padding": "replicate", "ssim_over": "volume"},
        ),
        (
            "matlab-volume-uint8",
            _EIGHT,
            "GoPro and HIDE by MATLAB scripts: MPRNet, DGUNet",
            {"padding": "replicate", "ssim_over": "volume"},
        ),
        (
            "skimage7-uint8",
            _EIGHT,
            "LIR on 8-bit images (scikit-image's defaults)",
            {"window": _BOX, "covariance": "sample"},
        ),
        (
            "skimage7-float",
            _FLOAT,
            "AP-BSN: values 0..255, clipped and not rounded (scikit-image's defaults)",
            {"window": _BOX, "covariance": "sample"},
        ),
        (
            "y-rounded-wang",
            _EIGHT,
            "deraining by MATLAB scripts: DGUNet, MPRNet, Restormer",
            {"plane": "y-rounded"},
        ),
        ("y-float-wang", _EIGHT, "super-resolution: BasicSR, KAIR, mmagic", {"plane": "y-float"}),
        (
            "cs-luma-skimage7",
            _FLOAT,
            "DGUNet's compressive sensing: the luma channel alone, clipped and not rounded",
            {"plane": "one", "window": _BOX, "covariance": "sample"},
        ),
        ("rgb-border4-wang", _EIGHT, "MSSR, on 8-bit RGB without 4 pixels of border", {"border": 4}),
    )
}


# Scored only where asked for, or where a dataset's papers use it: aligning takes longer than all others together,
# a range of 2 misleads, and MSSR's two readings of its luma option are of use to who compares with its script alone.
ON_REQUEST: dict[str, Convention] = {
    name: replace(base, name=name, used_by=used_by, **fields)
    for name, base, used_by, fields in (
        (
            "skimage7-float-range2",
            CONVENTIONS["skimage7-float"],
            "LIR on CT slices: scikit-image's old range of 2 for floats, which flatters SSIM",
            {"ssim_range": 2.0},
        ),
        ("realblur-aligned", _EIGHT, "RealBlur by MPRNet's and DGUNet's script: aligned by ECC", {"align": "ecc"}),
        ("y-border4-wang", _EIGHT, "MSSR's --yonly as it is meant", {"border": 4, "plane": "y-float"}),
        (
            "y-border4-swapped",
            _EIGHT,
            "MSSR's --yonly as it is: red and blue exchanged",
            {"border": 4, "plane": "y-swapped"},
        ),
    )
}


def convention(name: str | Convention) -> Convention:
    """The convention of that name (one that is no name is returned as it is). Raises UserError for an unknown name."""
    if isinstance(name, Convention):
        return name
    known = CONVENTIONS | ON_REQUEST
    if name in PERCEPTUAL:
        raise UserError(f"{name} is a distance, not PSNR and SSIM: benchmark.perceptual(restored, clean, {name!r}).")
    if name not in known:
        raise unknown("convention", name, known)
    return known[name]


def applicable(name: str | Convention, channels: int, is_float: bool = True) -> str | None:
    """Why a convention cannot be used here, as a sentence; None where it can.

    Args:
        name: a convention or its name. channels: of the images, 1 or 3.
        is_float: False where the restored image is only known as an 8-bit file. (An image that is 8-bit by nature, such
            as a degraded photograph, is known exactly, and every convention applies.)
    """
    chosen = convention(name)
    if chosen.plane == "one" and channels != 1:
        return f"{chosen.name} is defined on one channel, and these images have {channels}."
    if chosen.align != "none" and channels != 3:
        return f"{chosen.name} aligns RGB images, and these have {channels} channel(s)."
    if chosen.plane not in ("all", "one") and channels != 3:
        return f"{chosen.name} takes its plane from R, G and B, and these images have {channels} channel(s)."
    if chosen.needs_float and not is_float:
        return f"{chosen.name} needs the float output, and an 8-bit file has lost it; `run --save-outputs` keeps it."
    return None


def score(restored: np.ndarray, clean: np.ndarray, convention: str | Convention) -> Score:
    """PSNR and SSIM of one image under one convention.

    Args:
        restored, clean: (H, W, C) or (H, W), RGB or grey: float32 or float64 with white at 1 (clean within [0, 1]), or
            uint8, taken as exact. A float32 image that is a uint8 image divided by 255 is that uint8 image.
        convention: a name from CONVENTIONS, or a Convention of one's own.
    Returns:
        Score: PSNR in dB, inf for identical images; SSIM, None where the convention has none.
    Raises:
        UserError: unequal shapes, other dtypes, NaN or infinite values, a clean image outside [0, 1], an unknown or
            inapplicable convention, an image smaller than the window.

    Example:
        >>> import numpy as np
        >>> grey = np.full((16, 16), 0.5, np.float32)
        >>> round(score(grey + np.float32(0.1), grey, "float-gauss").psnr, 4)
        20.0
    """
    (found,) = score_many(restored, clean, [convention]).values()
    return found


def score_many(restored: np.ndarray, clean: np.ndarray, conventions: Iterable[str | Convention]) -> dict[str, Score]:
    """Scores under many conventions in one pass, which share quantised images, planes and filterings.

    Arguments and errors are those of `score`; choose with `applicable` which conventions to ask for.

    Returns:
        name -> Score, in the order asked for.
    """
    from benchmark.scoring.quantise import ImagePair
    from benchmark.scoring.scorer import scores

    pair = ImagePair(restored, clean)
    chosen: list[Convention] = []
    for each in conventions:
        chosen.append(convention(each))
        reason = applicable(chosen[-1], 1 if restored.ndim == 2 else restored.shape[-1])
        if reason:
            raise UserError(reason)
    return {c.name: found for c, found in zip(chosen, scores(pair, chosen), strict=True)}
