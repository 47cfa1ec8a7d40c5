"""Checkpoints of torch.save: read without running what they hold, and freed of their wrappings."""

from __future__ import annotations

import pickle
import pickletools
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from datasets.ops.errors import UserError

State = dict[str, Tensor]

# Names under which training code keeps a network's tensors, the wanted one first (averaged weights before raw ones).
WRAPPERS = (
    "params_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model_g_state_dict",
    "model_state",
    "model",
    "network",
    "net",
)
_PREFIX = "module."  # left by DataParallel
_GLOBAL = re.compile(r"GLOBAL ([\w.]+\w)")


def read_pickled(path: Path) -> Any:
    """The content of a file of torch.save: tensors, numbers, text and containers of them.

    Raises:
        UserError: it cannot be read, or holds anything else, which would run code: the refused class is named.
    """
    try:
        with warnings.catch_warnings():  # about protocols of plain pickles, which are refused anyway
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    except Exception as error:  # a damaged file fails in any way that a parser can
        reason = str(error).strip().splitlines()
        raise UserError(
            f"{path} was expected to be a checkpoint of torch.save or a .safetensors file, but cannot be read: "
            f"{reason[0] if reason else type(error).__name__}"
        ) from error


def _refused(path: Path, reason: str) -> UserError:
    named = _GLOBAL.search(reason)
    name = named.group(1) if named else _stacked_global(path)
    if name is None:
        return UserError(f"{path} was expected to be a checkpoint of torch.save, but is damaged or something else.")
    return UserError(
        f"{path} was refused and nothing of it was run: it asks for {name}, where weights hold only tensors and plain "
        "values; ask its authors for a file with the bare state dict, or convert it where you trust it."
    )


def _stacked_global(path: Path) -> str | None:
    """The first global that a plain pickle of protocol 4 or 5 asks for: torch's reader does not name those."""
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(path.read_bytes()):
            if opcode.name == "STACK_GLOBAL":
                return ".".join(strings[-2:])
            if isinstance(argument, str):
                strings.append(argument)
    except ValueError:  # no pickle, or its end is missing
        return None
    return None


def peel(content: Any, path: Path | str) -> tuple[State, str]:
    """Free tensors of wrapping dictionaries and of DataParallel's prefix.

    Args:
        content: what the file holds. path: for messages.
    Returns:
        (key -> tensor, what was peeled in words). Tensors of several networks side by side are keyed
        ``network/key``; whatever is no network (optimisers, counters) is left out.
    Raises:
        UserError: there are no tensors.
    """
    layers = []
    while isinstance(content, Mapping) and not _is_state(content):
        wrapper = next((name for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if wrapper is None:
            break
        layers.append(f"wrapped in {wrapper}")
        content = content[wrapper]
    networks = _networks(content)
    if not networks:
        raise UserError(f"{path} was expected to hold the tensors of a network; it holds {_described(content)}.")
    if any(_is_prefixed(state) for state in networks.values()):
        layers.append("DataParallel prefix removed")
    bare = {name: _unprefixed(state) for name, state in networks.items()}
    return {f"{name}/{key}" if name else key: t for name, s in bare.items() for key, t in s.items()}, ", ".join(layers)


def _is_state(content: Any) -> bool:
    return (
        isinstance(content, Mapping)
        and bool(content)
        and all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items())
    )


def _networks(content: Any) -> dict[str, State]:
    if _is_state(content):
        return {"": dict(content)}
    if not isinstance(content, Mapping):
        return {}
    return {str(name): dict(part) for name, part in content.items() if _is_state(part)}


def _is_prefixed(state: State) -> bool:
    return all(key.startswith(_PREFIX) for key in state)


def _unprefixed(state: State) -> State:
    return {key.removeprefix(_PREFIX): value for key, value in state.items()} if _is_prefixed(state) else state


def _described(content: Any) -> str:
    if isinstance(content, Mapping):
        return "a dictionary of " + (", ".join(map(str, list(content)[:5])) or "nothing")
    return f"an object of type {type(content).__name__}"
