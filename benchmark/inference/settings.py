"""How a method is applied to images: one value that request, cell, record and restorer share.

A new option is a field here and what the Restorer makes of it: the command line, the cell's id, the record and its
schema follow from the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from datasets.core.errors import UserError
from datasets.core.registry import unknown

PRECISIONS = ("fp32", "bf16")
LAYOUTS = ("auto", "on", "off")
TILING = 3  # how an image is cut into tiles: raised when that changes (inference/tiling.py)


def _option(default: Any, flag: str, text: str, **more: Any) -> Any:
    """A field with its option on the command line: the flag, its help, its choices or the name of its value."""
    return field(default=default, metadata={"flag": flag, "help": text, **more})


@dataclass(frozen=True)
class InferenceSettings:
    """Everything beside method, weights and images that can change a pixel of what is restored.

    Attributes:
        ensemble: mean over the 8 flips and rotations.
        tile: greatest side of a tile in pixels, the margins that a method needs around it included; an image with a
            longer side is restored in equal tiles of at most that size. 0 = whole images.
        precision: fp32, or bf16 (autocast). tf32: TF32 products allowed on CUDA.
        grey_as_rgb: grey images are repeated three times, the outputs averaged back.
        channels_last: memory layout of images and weights: on, off, or auto, which is on where that was measured to be
            faster (`benchmark.inference.restorer`). The layout moves figures in their last bits only.
        exact: layers are computed one by one as they are written; else batch normalisation is folded into convolutions
            and on a CPU wide ones take Winograd's form, which moves figures by less than 1e-4 dB.
        compile: networks are compiled by torch.compile, which takes minutes once and moves outputs by some 1e-6; they
            run as written where there is no compiler.
        noise_seed: of synthetic degradation and of a method's own draws.

    Raises:
        UserError: a precision that is none, a negative tile.
    """

    ensemble: bool = _option(False, "--self-ensemble", "mean over the 8 flips and rotations")
    tile: int = _option(0, "--tile", "restore in tiles of at most N pixels a side; 0 = whole images", metavar="N")
    precision: str = _option("fp32", "--precision", "fp32, or bf16 by autocast", choices=PRECISIONS)
    tf32: bool = _option(False, "--tf32", "allow TF32 products on CUDA (recorded)")
    grey_as_rgb: bool = _option(False, "--grey-as-rgb", "give grey images to methods that take RGB only")
    channels_last: str = _option("auto", "--channels-last", "memory layout with the channels last", choices=LAYOUTS)
    exact: bool = _option(False, "--exact", "compute each layer as written: nothing folded, no faster form")
    compile: bool = _option(False, "--compile", "compile networks (torch.compile): minutes once, then faster for some")
    noise_seed: int = 0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("value of --precision", self.precision, PRECISIONS)
        if self.channels_last not in LAYOUTS:
            raise unknown("value of --channels-last", self.channels_last, LAYOUTS)
        if self.tile < 0:
            raise UserError(f"--tile takes a number of pixels, 0 or more; it is {self.tile}.")

    def on(self, channels: int) -> InferenceSettings:
        """The settings as far as they matter to images of so many channels: colour pictures are not made RGB."""
        return replace(self, grey_as_rgb=self.grey_as_rgb and channels == 1)

    @property
    def arithmetic(self) -> str:
        """Precision as tables show it: ``fp32``, ``fp32+tf32``, ``bf16`` ..."""
        return self.precision + ("+tf32" if self.tf32 else "")

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that are not the defaults: what a cell's id hashes, so that a new option changes no old id.

        Where tiles are cut is part of it, since a method without a finite context restores other pixels by it.
        """
        found = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}
        return found | ({"tiling": TILING} if self.tile else {})

    @property
    def remarks(self) -> list[str]:
        """What a record's note says of them."""
        said = {
            "mean over 8 flips and rotations": self.ensemble,
            f"tiles of {self.tile}": self.tile,
            "grey repeated as RGB": self.grey_as_rgb,
            "layers as written, nothing folded": self.exact,
        }
        return [text for text, holds in said.items() if holds]


def settings_of(given: Mapping[str, Any]) -> InferenceSettings:
    """The settings of keyword arguments. Raises UserError for a name that is none of them."""
    known = [f.name for f in fields(InferenceSettings)]
    for name in given:
        if name not in known:
            raise unknown("setting of the inference", name, known)
    return InferenceSettings(**given)


def options() -> list[Field[Any]]:
    """The fields that are options of the command line; their metadata say how."""
    return [f for f in fields(InferenceSettings) if f.metadata]


def arithmetic_fields(text: str) -> dict[str, Any]:
    """The inverse of `InferenceSettings.arithmetic`: ``fp32+tf32`` -> fields of it, and of a training's settings."""
    precision = text.removesuffix("+tf32")
    return {"precision": precision if precision in PRECISIONS else PRECISIONS[0], "tf32": text.endswith("+tf32")}


def arithmetic_options(text: str) -> list[str]:
    """The words of a command line for ``fp32+tf32``; [] for fp32."""
    found = arithmetic_fields(text)
    words = ["--precision", found["precision"]] if found["precision"] != PRECISIONS[0] else []
    return [*words, *(["--tf32"] if found["tf32"] else [])]
