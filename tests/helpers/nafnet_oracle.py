"""NAFNet as the package spandrel has it, and what is recorded of its outputs.

spandrel wants torchvision, which this project does without, so its architecture is imported past its own front door.
``python -m tests.helpers.nafnet_oracle`` writes the record anew where spandrel and einops can be found.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.helpers.rule_weights import rule_state

RECORD = Path(__file__).resolve().parents[1] / "golden" / "scpgan" / "nafnet.npz"
SIZES = ((64, 64), (61, 77), (17, 33))
# Their names of the arguments, and ours.
VARIANTS = {
    "three levels": {"width": 8, "encoder": [1, 2, 1], "middle": 2, "decoder": [2, 1, 1]},
    "four levels": {"width": 4, "encoder": [1, 1, 1, 2], "middle": 1, "decoder": [1, 1, 1, 1]},
}
STRIDE = 7  # of the pixels that are recorded


def oracle() -> type[torch.nn.Module] | None:
    """The class, or None where the package is not installed."""
    found = importlib.util.find_spec("spandrel")
    if found is None or found.origin is None:
        return None
    root, before = Path(found.origin).parent, dict(sys.modules)
    try:
        for name in ("spandrel", "spandrel.architectures", "spandrel.architectures.NAFNet"):
            package = types.ModuleType(name)
            package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
            sys.modules[name] = package
        module: Any = importlib.import_module("spandrel.architectures.NAFNet.__arch.NAFNet_arch")
        return module.NAFNet
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "spandrel" and name not in before]:
            del sys.modules[name]


def theirs(variant: str, cls: type[torch.nn.Module]) -> torch.nn.Module:
    """Their network with weights by the rule, in float64."""
    given = VARIANTS[variant]
    names = {"width": "width", "enc_blk_nums": "encoder", "middle_blk_num": "middle", "dec_blk_nums": "decoder"}
    net = cls(**{name: given[ours] for name, ours in names.items()}).double().eval()
    net.load_state_dict(rule_state(net))
    return net


def image(size: tuple[int, int]) -> torch.Tensor:
    """(1, 3, H, W) from the size alone."""
    return torch.from_numpy(np.random.default_rng(size).random((1, 3, *size)))


@torch.no_grad()
def write() -> None:
    """The record: shapes by key, and every seventh value and the norm of each output."""
    cls = oracle()
    assert cls is not None, "spandrel is not installed here"
    kept: dict[str, Any] = {}
    for variant in VARIANTS:
        net = theirs(variant, cls)
        shapes = {key: list(value.shape) for key, value in net.state_dict().items()}
        kept[f"{variant} keys"] = np.array(json.dumps(shapes))
        for size in SIZES:
            output = net(image(size)).numpy()
            kept[f"{variant} {size[0]}x{size[1]}"] = np.append(output.ravel()[::STRIDE], np.linalg.norm(output))
    RECORD.parent.mkdir(exist_ok=True)
    np.savez_compressed(RECORD, **kept)


if __name__ == "__main__":
    write()
