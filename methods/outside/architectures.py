"""From the tensors of a file to a network, with what is known of its architecture."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from datasets.core.errors import UserError
from methods.checkpoints import State
from methods.matching import networks_in
from methods.outside.library import EXTRA, INSTALL, LICENCES, MAIN, architectures, has_extra, package_of

# Architectures whose networks are no plain function from a degraded image to a restored one, or not of a task here.
REFUSED: Mapping[str, str] = {
    "AuraSR": "which draws random numbers of its own",
    "IPT": "whose network is called through code of the library's own",
    "DDColor": "which is for colourisation",
    "HVICIDNet": "which is for low light",
    "RetinexFormer": "which is for low light",
    "MixDehazeNet": "which is for haze",
}
_PURPOSES = {"FaceSR": "which is for faces", "Inpainting": "which is for inpainting"}
_FIRST = ("FBCNN", "MMRealSR", "MPRNet")  # give several tensors, the restored image first
_SCALES = range(1, 9)


@dataclass(frozen=True)
class Recognised:
    """A network filled with a file's tensors, and how it is called.

    Attributes:
        network: float32, on the CPU. architecture: its name. licence: of the architecture's code, in words.
        channels: of the image (1 or 3). scale: restored size / degraded size.
        multiple, minimum, square: what the network asks of the sides that it is given.
        tiling: whether tiles are advised. takes_level: a map of the noise level is its last channel.
        gives_several: the restored image is the first of what it returns.
        note: which of several networks of the file it is; '' = the only one.
    """

    network: nn.Module
    architecture: str
    licence: str
    channels: int
    scale: int
    multiple: int
    minimum: int
    square: bool
    tiling: bool
    takes_level: bool
    gives_several: bool
    note: str = ""

    def __call__(self, network: nn.Module, x: Tensor) -> Tensor:
        """The image that a network of this architecture gives for what it is given."""
        y = network(x)
        return y[0] if self.gives_several else y


def recognise(state: State, path: Path) -> Recognised:
    """The network that a file's tensors belong to. spandrel only tells which, and builds it.

    Args:
        state: as our reader gives it; of several networks (``network/key``) the one that is recognised.
        path: for messages.
    Raises:
        UserError: no architecture known here, several networks that are, one for no task here, or spandrel is absent.
    """
    found = {name: one for name, tensors in networks_in(state).items() if (one := _one(tensors, path))}
    if not found:
        keys = ", ".join(list(state)[:3])
        hint = "" if has_extra() else f" {EXTRA}, which knows more of them, is not installed: {INSTALL}."
        raise UserError(
            f"{path} is of no architecture that spandrel recognises (its keys are {keys} ...): give the code that "
            f"builds its network, --methods NAME=FILE.py:FUNCTION, and this file by --weights NAME={path}.{hint}"
        )
    if len(found) > 1:
        raise UserError(
            f"{path} holds several networks ({', '.join(found)}): save the one that you mean alone, as a state dict."
        )
    return _described(*next(iter(found.items())), path)


def _one(state: State, path: Path) -> tuple[Any, Any] | None:
    """The first architecture that claims the tensors and can be filled with them, and what it makes of them."""
    failed = ""
    for architecture in architectures():
        if not architecture.detect(state):
            continue
        _check_allowed(architecture, path)
        try:
            with warnings.catch_warnings():  # about how its code calls torch, which nobody here can change
                warnings.simplefilter("ignore")
                return architecture, architecture.load(dict(state))
        except Exception as error:  # claimed by its keys, built from their shapes: anything can be wrong with these
            reason = " ".join(str(error).split())
            failed = (
                failed or f"{architecture.name}, but its tensors do not fit ({type(error).__name__}: {reason:.200})"
            )
    if failed:
        raise UserError(f"{path} looks like {failed}.")
    return None


def _check_allowed(architecture: Any, path: Path) -> None:
    if why := REFUSED.get(architecture.id, ""):
        raise UserError(f"{path} is of {architecture.name}, {why}: it cannot be a row here.")


def _described(name: str, found: tuple[Any, Any], path: Path) -> Recognised:
    architecture, made = found
    title = _title(architecture, made)
    if why := _PURPOSES.get(made.purpose, ""):
        raise UserError(f"{path} is of {title}, {why}: it cannot be a row here.")
    channels, given = int(made.input_channels), int(made.output_channels)
    if channels not in (1, 3) or given != channels or made.scale not in _SCALES:
        raise UserError(
            f"{path} was read as {title} from {channels} to {given} channels at scale {made.scale}, where pictures of "
            "1 or 3 channels are restored to as many: if it is something else, give the code that builds its network, "
            "--methods NAME=FILE.py:FUNCTION."
        )
    size = made.size_requirements
    return Recognised(
        made.model.float().cpu(),
        title,
        licence(architecture),
        channels,
        int(made.scale),
        size.multiple_of,
        size.minimum,
        size.square,
        made.tiling.name == "SUPPORTED",
        _takes_level(architecture.id, made.model),
        architecture.id in _FIRST,
        f"network {name!r} of the file" if name else "",
    )


def licence(architecture: Any) -> str:
    """The terms of an architecture's code, as its package states them."""
    package = package_of(architecture)
    return f"{LICENCES[package]}, as {package} states"


def _takes_level(id: str, network: nn.Module) -> bool:
    return id == "DRUNet" or (id == "DnCNN" and getattr(network, "mode", "") == "FDnCNN")


def _title(architecture: Any, made: Any) -> str:
    return "FDnCNN" if "FDnCNN" in made.tags else str(architecture.name)


def table() -> list[tuple[str, str, str, str]]:
    """Name, package, licence of the code, and ``yes`` or why it cannot be a row, of each architecture.

    Raises UserError where spandrel is not installed.
    """
    rows = []
    for known in sorted(architectures(), key=lambda one: one.name.lower()):
        why = REFUSED.get(known.id, "").removeprefix("which ").removeprefix("whose ")
        rows.append((known.name, package_of(known), LICENCES[package_of(known)], f"no: {why}" if why else "yes"))
    return rows


__all__ = ["MAIN", "REFUSED", "Recognised", "licence", "recognise", "table"]
