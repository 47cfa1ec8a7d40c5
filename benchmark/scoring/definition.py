"""What a convention is: every choice that lies between two images and their PSNR and SSIM."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from datasets.core.errors import UserError

CHOICES: dict[str, tuple[str | None, ...]] = {
    "psnr_input": ("float", "rounded", "truncated"),
    "ssim_input": ("float", "rounded", "truncated", None),
    "plane": ("all", "one", "y-float", "y-rounded", "y-swapped", "grey-rounded"),
    "padding": ("valid", "replicate", "zero"),
    "covariance": ("population", "sample"),
    "ssim_over": ("channels", "volume"),
    "psnr_over": ("joint", "channels"),
    "align": ("none", "ecc"),
}

ALIGNED_SIDE = 11  # pixels that scoring after alignment needs: its SSIM's window


@dataclass(frozen=True)
class Window:
    """The weights of a local mean: `kind` gaussian (with `sigma`, in pixels) or uniform; `taps` per axis, odd."""

    kind: str = "gaussian"
    taps: int = 11
    sigma: float = 1.5

    def __post_init__(self) -> None:
        if self.kind not in ("gaussian", "uniform") or self.taps % 2 == 0 or self.taps < 1 or self.sigma <= 0:
            raise UserError(f"A window is gaussian or uniform, with an odd number of taps and sigma > 0; got {self}.")

    @property
    def radius(self) -> int:
        """Pixels that the window reaches to each side."""
        return self.taps // 2

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """One axis of the window, summing to 1; the window is their outer product."""
        if self.kind == "uniform":
            return (1 / self.taps,) * self.taps
        raw = [math.exp(-(k**2) / (2 * self.sigma**2)) for k in range(-self.radius, self.radius + 1)]
        return tuple(w / sum(raw) for w in raw)


@dataclass(frozen=True)
class Convention:
    """How one (restored, clean) pair becomes a PSNR in dB and an SSIM.

    Attributes:
        name: as used on the command line and in records. used_by: the papers or codes that compute it so.
        psnr_input, ssim_input: ``float`` (as restored), ``rounded`` or ``truncated`` to 8 bits (both clip first);
            `ssim_input` None = the code computes no SSIM. The clean image is rounded where the restored one is
            quantised in either way: an 8-bit ground truth stays what it is.
        clamp: clip float input to [0, 1] first (the clean image is in [0, 1] by definition).
        data_range, ssim_range: PSNR's peak, and SSIM's L in its constants, as multiples of white. 1 is right; other
            values express known mistakes (2 = old scikit-image on floats).
        plane: ``all`` channels as they are; ``one`` = single-channel images only; ``y-float`` and ``y-rounded`` =
            MATLAB's luma 16 + (65.481 R + 128.553 G + 24.966 B) / 255, its levels kept or rounded (white stays 255);
            ``y-swapped`` = the same with R and B exchanged; ``grey-rounded`` = 0.299 R + 0.587 G + 0.114 B, rounded.
        border: pixels cut from each side before anything is computed.
        window, padding: of the local means; ``valid`` keeps only whole windows, ``replicate`` and ``zero`` pad.
        covariance: ``population`` E[xy] - E[x]E[y], or ``sample``: that times N / (N - 1) for a window of N pixels.
        ssim_over: the mean of the ``channels``' SSIMs, or the image as one ``volume`` whose window also runs over the
            channels (what MATLAB's ssim does with an H x W x 3 array).
        psnr_over: one squared error over all channels (``joint``), or the mean of the ``channels``' PSNRs.
        downsample: box-filter and decimate by round(shorter side / 256) before the SSIM (Wang's later script).
        align: ``ecc`` = scale and warp the restored image onto the clean one first and score where that is defined
            (datasets.ops.alignment; RealBlur's two sensors differ by more than blur).
        tile: score whole tiles of this size and average them; 0 = the image at once.
    """

    name: str
    used_by: str
    psnr_input: str = "float"
    ssim_input: str | None = "float"
    clamp: bool = True
    data_range: float = 1.0
    ssim_range: float = 1.0
    plane: str = "all"
    border: int = 0
    window: Window = Window()
    padding: str = "valid"
    covariance: str = "population"
    ssim_over: str = "channels"
    psnr_over: str = "joint"
    downsample: bool = False
    align: str = "none"
    tile: int = 0

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                raise UserError(
                    f"Convention {self.name!r}: {field} must be one of {choices}, got {getattr(self, field)!r}."
                )
        if self.ssim_over == "volume" and self.padding != "replicate":
            raise UserError(f"Convention {self.name!r}: a volume SSIM needs padding='replicate', got {self.padding!r}.")
        if min(self.border, self.tile) < 0 or min(self.data_range, self.ssim_range) <= 0:
            raise UserError(f"Convention {self.name!r}: border and tile must be at least 0 and the ranges above 0.")

    def room(self, height: int, width: int) -> tuple[bool, bool]:
        """Whether an image of this size can have a PSNR and an SSIM under the convention.

        The border has to leave something, a valid SSIM a whole window of it, tiles one of them.
        """
        side = min(height, width)
        if self.tile:
            return replace(self, tile=0).room(self.tile, self.tile) if side >= self.tile else (False, False)
        if self.align != "none":
            return (side >= ALIGNED_SIDE,) * 2
        whole = self.window.radius if self.padding == "valid" else 0
        return side > 2 * self.border, self.ssim_input is not None and side > 2 * (self.border + whole)

    @property
    def needs_float(self) -> bool:
        """Whether it needs the float output, so that an 8-bit file of it is not enough."""
        return "float" in (self.psnr_input, self.ssim_input)


@dataclass(frozen=True)
class Score:
    """`psnr` in dB (inf for identical images) and `ssim` (at most 1); ssim is None where the convention has none."""

    psnr: float
    ssim: float | None
