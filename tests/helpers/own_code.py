"""Files that a person may name in place of a method: code that builds a network, archives, checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

NET = '''
"""A network of somebody's own."""

import torch
from torch import nn

from parts import gain


class Darker(nn.Module):
    def __init__(self, width, part):
        super().__init__()
        self.layer = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.back = nn.Conv2d(width, 3, 3, padding=1, bias=False)
        self.part = part

    def forward(self, x):
        return x * self.part + 0.01 * self.back(self.layer(x)) * gain


def build(width: int = 4, part: float = 0.9):
    return Darker(width, part)


def several():
    class Pair(nn.Module):
        def forward(self, x):
            return x * 0, x * 0.5

    return Pair()


def scale255():
    class Range(nn.Module):
        def forward(self, x):
            assert float(x.max()) > 2
            return 255 - x

    return Range()


def told():
    class Told(nn.Module):
        def forward(self, x, level):
            return x - level

    return Told()


def channel():
    class Channel(nn.Module):
        def forward(self, x):
            return x[:, :3] + x[:, 3:]

    return Channel()


def eights():
    class Eights(nn.Module):
        def forward(self, x):
            assert x.shape[-1] % 8 == 0 and x.shape[-2] % 8 == 0
            return x.repeat_interleave(2, -1).repeat_interleave(2, -2)

    return Eights()


def needs(width):
    return Darker(width, 1)


def wrong():
    return 3
'''


def write_code(folder: Path) -> Path:
    """``net.py`` and ``parts.py``, which it imports."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "parts.py").write_text("gain = 1.0\n", encoding="utf-8")
    return folder / "net.py"


class Halves(nn.Module):
    """The network of the archives."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.5 + 0.0 * self.layer(x)


def write_script(folder: Path, name: str = "model.ts") -> Path:
    """A TorchScript archive."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Halves().eval()), str(folder / name))
    return folder / name


def write_export(folder: Path, *, dynamic: bool = True) -> Path:
    """A torch.export archive, for any sides and batch, or for (1, 3, 24, 24) alone."""
    dims = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC) if dynamic else None
    example = torch.zeros(2 if dynamic else 1, 3, 24, 24)
    program = torch.export.export(Halves().eval(), (example,), dynamic_shapes=(dims,) if dims else None)
    path = folder / ("model.pt2" if dynamic else "fixed.pt2")
    torch.export.save(program, str(path))
    return path
