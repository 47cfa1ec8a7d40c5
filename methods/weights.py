"""Weights on disk: ours with a card beside them, and checkpoints as their authors published them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from datasets.ops.errors import UserError
from datasets.ops.files import digest, sha256_file, write_bytes, write_json
from methods.base import Artefacts, Match, Method, State
from methods.checkpoints import peel, read_pickled

_SHOWN = 3  # of missing, unexpected and mis-shaped keys each


@dataclass(frozen=True)
class Card:
    """Where a weights file comes from; all of it lies in NAME.json beside NAME.safetensors.

    Attributes:
        method, recipe, recipe_digest, recipe_settings: what was trained; the settings are all of the recipe's values.
        role: the network in the file, such as ``restorer``. code_version: of the method.
        train_data, train_fingerprint, train_licence: dataset with split, its manifest's hash, its licence.
        steps, seed: of the training. selected_by: the data that chose this checkpoint, '' = the last step.
        sha256: of the .safetensors file. source, note: in words. versions: of the libraries.
        minutes, device, precision: of the training.
    """

    method: str
    recipe: str
    recipe_digest: str = ""
    recipe_settings: Mapping[str, Any] = field(default_factory=dict)
    role: str = "restorer"
    code_version: str = ""
    train_data: str = ""
    train_fingerprint: str = ""
    train_licence: str = ""
    steps: int = 0
    seed: int = 0
    selected_by: str = ""
    sha256: str = ""
    source: str = ""
    note: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    minutes: float = 0.0
    device: str = ""
    precision: str = ""


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


def card_path(path: Path | str) -> Path:
    """Where the card of a weights file lies."""
    return Path(path).with_suffix(".json")


def save_weights(path: Path | str, state: State, card: Card, *, half: bool = False) -> Card:
    """Write one role's tensors and their card, each whole or not at all, both durable.

    The card comes last and holds the hash of the file: weights without a card, or with another's, are unfinished.

    Args:
        path: ``NAME.safetensors``. half: store floats in 16 bits (they are read back as float32).
    Returns:
        the card with its sha256.
    """
    from safetensors.torch import save

    if Path(path).suffix != ".safetensors":
        raise UserError(f"Weights are written as NAME.safetensors, not as {Path(path).name}.")
    card_path(path).unlink(missing_ok=True)
    # As bytes: files that safetensors writes itself are readable for their owner alone.
    write_bytes(path, save({key: _stored(value, half) for key, value in state.items()}))
    card = replace(card, sha256=sha256_file(path))
    write_json(card_path(path), asdict(card))
    return card


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu()
    # A copy of its own for each: safetensors refuses tensors that share memory (aliased parameters).
    return tensor.to(torch.float16 if half and tensor.is_floating_point() else tensor.dtype, copy=True).contiguous()


def read_card(path: Path | str) -> Card | None:
    """The card beside a weights file, None where there is none. Raises UserError for a card that is damaged."""
    beside = card_path(path)
    if not beside.exists():
        return None
    known = {f.name for f in fields(Card)}
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        return Card(**{key: value for key, value in content.items() if key in known})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{beside} was expected to be the card of {Path(path).name}, but is no such file: {error}."
        ) from error


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
    card = read_card(path)
    if card is not None and card.sha256 != sha256:
        raise UserError(
            f"{path} has changed since it was written: its card says sha256 {card.sha256[:12]}, the file has "
            f"{sha256[:12]}. Fetch or train it again, or move the card away to use it as weights of unknown origin."
        )
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
    networks = method.roles()
    if role not in roles or not roles.keys() <= networks.keys():
        purpose = "Restoring" if role == "restorer" else "Degrading"
        raise UserError(
            f"{purpose} with {method.name} needs weights of the role {role!r} (it has {', '.join(networks)}); "
            f"{origin} holds: {', '.join(roles) or 'nothing'}."
        )
    for role, state in roles.items():
        wrong = differences(signature(networks[role]), signature(state))
        if wrong:
            raise UserError(f"{origin} does not fit {method.name}'s recipe {method.recipe.name}: {wrong}.")
        networks[role].load_state_dict({**_counters(networks[role]), **state}, strict=True)
    method.eval()


def signature(of: nn.Module | State) -> dict[str, tuple[int, ...]]:
    """Key -> shape of a network or a state. Counters of batches, which old checkpoints lack, are left out."""
    state = of.state_dict() if isinstance(of, nn.Module) else of
    return {key: tuple(value.shape) for key, value in state.items() if not _is_counter(key)}


def _is_counter(key: str) -> bool:
    return key.rpartition(".")[2] == "num_batches_tracked"


def _counters(network: nn.Module) -> State:
    return {key: torch.zeros_like(value) for key, value in network.state_dict().items() if _is_counter(key)}


def differences(want: Mapping[str, tuple[int, ...]], got: Mapping[str, tuple[int, ...]]) -> str:
    """How two signatures differ, the first few of each kind, '' where they do not."""
    shapes = [f"{key} is {got[key]}, not {want[key]}" for key in want if key in got and got[key] != want[key]]
    kinds = {
        "missing": [key for key in want if key not in got],
        "unexpected": [key for key in got if key not in want],
        "of another shape": shapes,
    }
    return "; ".join(f"{len(found)} {kind} ({_first(found)})" for kind, found in kinds.items() if found)


def _first(found: list[str]) -> str:
    return ", ".join(found[:_SHOWN]) + (" ..." if len(found) > _SHOWN else "")


def recognise_by_shape(cls: type[Method], state: State) -> list[Match]:
    """The recipes whose ``restorer`` has exactly these keys and shapes, in the order of the file.

    Where the state holds several networks (``network/key``), each is tried; a method whose networks can be mistaken
    for each other overrides `recognise`.
    """
    found = []
    for name, wanted in restorers(cls).items():
        for part, tensors in networks_in(state).items():
            if wanted == signature(tensors):
                found.append(Match(name, {"restorer": tensors}, f"network {part!r} of the file" if part else ""))
    if len({match.recipe for match in found}) > 1:
        found = [
            replace(m, note="; ".join(filter(None, [m.note, "first of several recipes of this architecture"])))
            for m in found
        ]
    return found


def restorers(cls: type[Method]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Recipe -> signature of its restorer, found without making any weights."""
    from methods.recipes import recipes

    found = {}
    for name, recipe in recipes(cls).items():
        with torch.device("meta"):
            found[name] = signature(cls(recipe).roles()["restorer"])
    return found


def networks_in(state: State) -> dict[str, State]:
    """The networks of a foreign state: name -> tensors; one network without a name is ''."""
    parts: dict[str, State] = {}
    for key, value in state.items():
        network, slash, inner = key.rpartition("/")
        parts.setdefault(network if slash else "", {})[inner] = value
    return parts
