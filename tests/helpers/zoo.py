"""Small networks of outside architectures, made by their own classes, and files of their weights.

``python -m tests.helpers.zoo`` writes the record of their outputs anew, where spandrel is installed.
"""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from datasets.ops.noise import keyed_generator
from methods.outside.library import EXTRA, architectures, versions
from tests.helpers.rule_weights import rule_value

RECORD = Path(__file__).resolve().parents[1] / "golden" / "zoo" / "outputs.json"
NEEDS_ZOO = pytest.mark.skipif(EXTRA not in versions(), reason="the extra `zoo` is not installed (tox -e zoo)")
LEVEL = 50 / 255
ODD = ((61, 77), (17, 17))


@dataclass(frozen=True)
class Specimen:
    """A small network of an architecture.

    Attributes:
        place: module and class. arguments: of the class. architecture: as the record names it.
        sides: multiple, minimum, square: what spandrel says that the sides must be.
        takes_level: a map of the noise level is its last channel. first: it returns several tensors.
    """

    place: str
    arguments: Mapping[str, Any]
    architecture: str
    channels: int = 3
    scale: int = 1
    sides: tuple[int, int, bool] = (1, 0, False)
    takes_level: bool = False
    first: bool = False
    tiling: bool = True

    def build(self) -> nn.Module:
        """The network in eval mode, its parameters and statistics by rule, the rest as its class makes it."""
        architectures()
        module, name = self.place.split(":")
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net: nn.Module = getattr(importlib.import_module(module), name)(**self.arguments)
        ruled = {key for key, _ in net.named_parameters()}
        state = {}
        for key, value in net.state_dict().items():
            by_rule = key in ruled or "running_" in key
            given = torch.from_numpy(np.asarray(rule_value(key, value.shape))).to(value.dtype) if by_rule else value
            state[key] = given
        net.load_state_dict(state)
        return net.eval()

    @torch.no_grad()
    def by_hand(self, net: nn.Module, x: Tensor, level: float = LEVEL) -> Tensor:
        """What the class gives for (N, C, H, W): padded by spandrel's own function, called, cropped."""
        sizes = importlib.import_module("spandrel.__helpers.size_req")
        multiple, minimum, square = self.sides
        _, given = sizes.pad_tensor(x, sizes.SizeRequirements(minimum, multiple, square))
        if self.takes_level:
            given = torch.cat([given, torch.full_like(given[:, :1], level)], 1)
        y = net(given)
        y = y[0] if self.first else y
        return y[..., : x.shape[-2] * self.scale, : x.shape[-1] * self.scale]


_DRUNET = {"nc": [8, 8, 16, 16], "nb": 2}
_SWINIR = {"window_size": 8, "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2], "mlp_ratio": 2.0}
_SWINIR_SIDES: dict[str, Any] = {"sides": (1, 16, False), "tiling": False}
_KBNET = {"middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1], "width": 8}
_RESTORMER = {"dim": 8, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1, "heads": [1, 1, 2, 2]}
_ONE, _TWO = "spandrel.architectures", "spandrel_extra_arches.architectures"

SPECIMENS: dict[str, Specimen] = {
    "nafnet": Specimen(
        f"{_ONE}.NAFNet:NAFNet",
        {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
        "NAFNet",
    ),
    "swinir": Specimen(f"{_ONE}.SwinIR:SwinIR", _SWINIR, "SwinIR", **_SWINIR_SIDES),
    "swinir-grey": Specimen(f"{_ONE}.SwinIR:SwinIR", {**_SWINIR, "in_chans": 1}, "SwinIR", 1, **_SWINIR_SIDES),
    "swinir-x2": Specimen(
        f"{_ONE}.SwinIR:SwinIR",
        {**_SWINIR, "upscale": 2, "upsampler": "pixelshuffledirect"},
        "SwinIR",
        scale=2,
        **_SWINIR_SIDES,
    ),
    "swinir-x3": Specimen(
        f"{_ONE}.SwinIR:SwinIR",
        {**_SWINIR, "upscale": 3, "upsampler": "pixelshuffle"},
        "SwinIR",
        scale=3,
        **_SWINIR_SIDES,
    ),
    "drunet": Specimen(
        f"{_ONE}.DRUNet:DRUNet",
        {"in_nc": 4, "out_nc": 3, **_DRUNET},
        "DRUNet",
        sides=(8, 0, False),
        takes_level=True,
    ),
    "drunet-grey": Specimen(
        f"{_ONE}.DRUNet:DRUNet",
        {"in_nc": 2, "out_nc": 1, **_DRUNET},
        "DRUNet",
        1,
        sides=(8, 0, False),
        takes_level=True,
    ),
    "dncnn": Specimen(f"{_ONE}.DnCNN:DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 12, "nb": 9, "act_mode": "R"}, "DnCNN"),
    "dncnn-grey": Specimen(
        f"{_ONE}.DnCNN:DnCNN", {"in_nc": 1, "out_nc": 1, "nc": 12, "nb": 6, "act_mode": "BR"}, "DnCNN", 1
    ),
    "fdncnn": Specimen(
        f"{_ONE}.DnCNN:DnCNN",
        {"in_nc": 4, "out_nc": 3, "nc": 12, "nb": 9, "act_mode": "R", "mode": "FDnCNN"},
        "FDnCNN",
        takes_level=True,
    ),
    "kbnet-s": Specimen(f"{_ONE}.KBNet:KBNet_s", _KBNET, "KBNet"),
    "kbnet-l": Specimen(f"{_ONE}.KBNet:KBNet_l", {**_RESTORMER, "dim": 24}, "KBNet", sides=(16, 0, False)),
    "scunet": Specimen(f"{_ONE}.SCUNet:SCUNet", {"config": [1] * 7}, "SCUNet", sides=(1, 40, False), tiling=False),
    "uformer": Specimen(
        f"{_ONE}.Uformer:Uformer", {"embed_dim": 16, "depths": [1] * 9}, "Uformer", sides=(128, 0, True)
    ),
    "fbcnn": Specimen(f"{_ONE}.FBCNN:FBCNN", {"nc": [8, 8, 16, 512], "nb": 2}, "FBCNN", first=True),
    "fbcnn-grey": Specimen(
        f"{_ONE}.FBCNN:FBCNN", {"in_nc": 1, "out_nc": 1, "nc": [8, 8, 16, 512], "nb": 2}, "FBCNN", 1, first=True
    ),
    "esrgan-x4": Specimen(
        f"{_ONE}.ESRGAN:ESRGAN", {"num_filters": 8, "num_blocks": 2}, "ESRGAN", scale=4, sides=(1, 2, False)
    ),
    "restormer": Specimen(f"{_TWO}.Restormer:Restormer", _RESTORMER, "Restormer", sides=(8, 0, False)),
    "mprnet": Specimen(
        f"{_TWO}.MPRNet:MPRNet",
        {"n_feat": 8, "scale_unetfeats": 4, "scale_orsnetfeats": 4, "num_cab": 1},
        "MPRNet",
        sides=(8, 0, False),
        first=True,
    ),
    "mirnet2": Specimen(f"{_TWO}.MIRNet2:MIRNet2", {"n_feat": 16, "n_MRB": 1}, "MIRNet2", sides=(4, 0, False)),
}


def images(channels: int, size: tuple[int, int], count: int = 1) -> Tensor:
    """(count, channels, H, W) float32 in [0, 1], by the size alone."""
    drawn = keyed_generator("zoo", channels, *size).random((count, channels, *size), np.float32)
    return torch.from_numpy(drawn)


def write_file(folder: Path, name: str, wrap: Callable[[Any], Any] = lambda state: state) -> Path:
    """A file of torch.save with the weights of a specimen."""
    path = folder / f"{name}.pth"
    torch.save(wrap(SPECIMENS[name].build().state_dict()), path)
    return path


def summary(y: Tensor) -> list[float]:
    """Mean, norm and six pixels of an output."""
    flat = y.double().flatten()
    chosen = flat[torch.linspace(0, len(flat) - 1, 6).long()]
    return [float(flat.mean()), float(flat.norm()), *map(float, chosen)]


def write() -> None:
    """The record of the outputs of all specimens, called by hand."""
    kept = {}
    for name, specimen in SPECIMENS.items():
        y = specimen.by_hand(specimen.build(), images(specimen.channels, ODD[0]))
        kept[name] = [round(value, 7) for value in summary(y)]
    RECORD.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
