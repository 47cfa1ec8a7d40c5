"""Weights on disk: ours with a card beside them, and checkpoints as their authors published them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.core.files import digest, sha256_file, write_bytes
from datasets.core.sealed import write_sealed
from methods.base import Artefacts, Method, State
from methods.cards import Card as Card
from methods.cards import card_path as card_path
from methods.cards import read_card as read_card
from methods.checkpoints import peel, read_pickled
from methods.matching import differences, is_counter, signature


@dataclass(frozen=True)
class Weights:
    """What a weights file holds.

    Attributes:
        roles: with a card {its role: state}; of a foreign file {'': all tensors}, those of several networks named
            ``network/key``: the method's `recognise` sorts them. card: None for a foreign file.
        sha256: of the file. layout: what was peeled off the tensors, in words.
    """

    roles: Artefacts
    card: Card | None
    sha256: str
    layout: str = ""


def save_weights(path: Path | str, state: State, card: Card, *, half: bool = False) -> Card:
    """Write one role's tensors and their card, each whole or not at all, both durable.

    The card comes last and holds the hash of the file: weights without a card, or with another's, are unfinished.

    Args:
        path: ``NAME.safetensors``. half: store floats in 16 bits (they are read back as float32).
    Returns:
        the card with its sha256.
    Raises:
        UserError: another ending; values that are not finite as they would be stored. Nothing is written.
    """
    from safetensors.torch import save

    if Path(path).suffix != ".safetensors":
        raise UserError(f"Weights are written as NAME.safetensors, not as {Path(path).name}.")
    stored = {key: _stored(value, half) for key, value in state.items()}
    for key, value in stored.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            why = " in 16 bits" if half and bool(torch.isfinite(state[key]).all()) else ""
            raise UserError(f"The weights for {path} are not finite{why}, in {key!r}; nothing is written.")
    card_path(path).unlink(missing_ok=True)
    # As bytes: files that safetensors writes itself are readable for their owner alone.
    write_bytes(path, save(stored))
    card = replace(card, sha256=sha256_file(path))
    write_sealed(card_path(path), asdict(card))
    return card


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu()
    # A copy of its own for each: safetensors refuses tensors that share memory (aliased parameters).
    return tensor.to(torch.float16 if half and tensor.is_floating_point() else tensor.dtype, copy=True).contiguous()


def checked_card(path: Path | str, sha256: str = "") -> Card | None:
    """The card of a ``.safetensors`` file that is as it was when its card was written; None without a card.

    Args:
        sha256: of the file, where it is known.
    Raises:
        UserError: there is no file; its card is damaged, or is of another content.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"A weights file was expected at {path}, where there is none; see `python -m benchmark list weights`."
        )
    card = read_card(path) if path.suffix == ".safetensors" else None
    sha256 = sha256 or (sha256_file(path) if card else "")
    if card is not None and card.sha256 != sha256:
        raise UserError(
            f"{path} has changed since it was written: its card says sha256 {card.sha256[:12]}, the file has "
            f"{sha256[:12]}. Fetch or train it again, or move the card away to use it as weights of unknown origin."
        )
    return card


def read_weights(path: Path | str) -> Weights:
    """Read a weights file without running anything of it.

    Args:
        path: ``.safetensors`` (ours with its card, or a bare one), or a file of torch.save.
    Raises:
        UserError: the file is missing, damaged, changed since its card was written, holds no tensors, or is a pickle
            that would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"A weights file was expected at {path}, where there is none; see `python -m benchmark list weights`."
        )
    sha256 = sha256_file(path)
    if path.suffix != ".safetensors":
        state, layout = peel(read_pickled(path), path)
        return Weights({"": state}, None, sha256, layout)
    card = checked_card(path, sha256)
    state, layout = peel(_read_safetensors(path), path)
    return Weights({card.role if card else "": state}, card, sha256, layout)


def read_together(paths: Sequence[Path | str]) -> Weights:
    """Several foreign files with a network in each, as one state: tensors keyed ``number of the file/key``.

    Returns:
        as `read_weights`; the sha256 is that of the files' hashes in their order. Raises UserError as it does, and for
        files with cards, of which each is whole by itself.
    """
    parts = [read_weights(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if part.card:
            raise UserError(f"{path} has a card: it is whole by itself, so name that file alone.")
    state = {f"{i}/{key}": v for i, part in enumerate(parts, 1) for key, v in part.roles[""].items()}
    return Weights({"": state}, None, digest([part.sha256 for part in parts]), parts[0].layout)


def tensors_in(path: Path | str) -> int:
    """How many tensors a ``.safetensors`` file holds, from its header. Raises UserError for another kind of file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            return len(opened.keys())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} was expected to be a safetensors file, but cannot be read as one: {error}.") from error


def _read_safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} was expected to be a safetensors file, but cannot be read as one: {error}.") from error
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in state.items()}


def fill(method: Method, roles: Artefacts, origin: str = "the weights", role: str = "restorer") -> None:
    """Load tensors into a method's networks, strictly; afterwards it is in eval mode.

    Args:
        roles: role -> state. role: the one that must be among them; ``restorer`` is what restoring needs.
        origin: what to call them in messages.
    Raises:
        UserError: a role that the method lacks, not the wanted one, or missing, unexpected or mis-shaped keys (the
            first few).
    """
    known = method.role_names()
    if role not in roles or not roles.keys() <= set(known):
        purpose = "Restoring" if role == "restorer" else "Degrading"
        raise UserError(
            f"{purpose} with {method.name} needs weights of the role {role!r} (it has {', '.join(known)}); "
            f"{origin} holds: {', '.join(roles) or 'nothing'}."
        )
    for name, state in roles.items():
        network = method.network_of(name)
        wrong = differences(signature(network), signature(state))
        if wrong:
            raise UserError(f"{origin} does not fit {method.name}'s recipe {method.recipe.name}: {wrong}.")
        network.load_state_dict({**_counters(network), **state}, strict=True)
    method.eval()


def _counters(network: nn.Module) -> State:
    return {key: torch.zeros_like(value) for key, value in network.state_dict().items() if is_counter(key)}
