"""Archives that hold a network's code beside its tensors: TorchScript (.ts, .pt) and torch.export (.pt2)."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError
from methods.base import Method, Recipe, SampleInfo, State
from methods.outside.wrapped import Call, Wrapped

SCRIPT, EXPORT = "TorchScript", "torch.export"
_SUFFIXES = {".ts": SCRIPT, ".torchscript": SCRIPT, ".pt2": EXPORT}


def kind_of(path: Path) -> str:
    """``TorchScript``, ``torch.export``, or '' for a file that holds no code: by what is in it, or by its ending."""
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            below = {name.partition("/")[2] for name in archive.namelist()}
        if any(name.startswith("code/") or name == "constants.pkl" for name in below):
            return SCRIPT
        if any(name.startswith("models/") or name.startswith("serialized_exported_program") for name in below):
            return EXPORT
    return _SUFFIXES.get(path.suffix.lower(), "")


class Archive(Wrapped):
    """The network of an archive; settings ``restore.*`` as of `methods.outside.wrapped.Call`."""

    title = "an archive"
    paper = ""
    recipes: ClassVar[Any] = {"": {"tier": "paper", "restore": Call.settings()}}

    @classmethod
    def from_file(cls, recipe: Recipe, path: Path, read: Callable[[], State]) -> Method:
        """Runs code of the file; whoever asks for it has allowed that."""
        kind = kind_of(path)
        call = Call(**recipe.restore)
        return cls(replace(recipe, tier="module"), _opened(path, kind), call, call.facts(f"{kind} archive"))

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See `Wrapped`. Raises UserError for sides other than those that an archive was exported with."""
        try:
            return super().restore(x, info)
        except (AssertionError, RuntimeError) as error:
            if isinstance(error, (UserError, torch.OutOfMemoryError)) or "guard" not in str(error).lower():
                raise
            reason = " ".join(str(error).split())
            raise UserError(
                f"{self.name} refuses images of {tuple(x.shape)}: export it with dynamic sides and a dynamic batch "
                f"(torch.export.export(..., dynamic_shapes=...)). It says: {reason:.200}"
            ) from error


def _opened(path: Path, kind: str) -> nn.Module:
    try:
        with warnings.catch_warnings():  # that TorchScript is on its way out helps nobody who has such a file
            warnings.simplefilter("ignore")
            if kind == SCRIPT:
                return torch.jit.load(str(path), map_location="cpu").eval()
            return _Exported(torch.export.load(str(path)).module())
    except Exception as error:  # a damaged archive fails in any way
        reason = " ".join(str(error).split())
        raise UserError(f"{path} was expected to be a {kind} archive, but cannot be read: {reason:.200}") from error


class _Exported(nn.Module):
    """An exported program, which has one mode and refuses to be asked for another."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def forward(self, *given: Tensor) -> Any:
        return self.program(*given)

    def train(self, mode: bool = True) -> _Exported:
        self.training = mode
        return self
