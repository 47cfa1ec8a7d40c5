"""Checkpoints of torch.save: read without running what they hold, and freed of their wrappings."""

from __future__ import annotations

import pickle
import pickletools
import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.core.errors import UserError

State = dict[str, Tensor]

# Names under which training code keeps a network's tensors, the wanted one first. Averaged ones go before all of them.
WRAPPERS = (
    "params",
    "state_dict",
    "model_state_dict",
    "model_g_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
)
# Words of a name that tell averaged weights: params_ema, model_ema, ema_state_dict, swa_model, shadow ...
_AVERAGED = frozenset(("ema", "avg", "averaged", "average", "swa", "shadow", "polyak"))
_WORDS = re.compile(r"[^a-z0-9]+")
_PARALLEL = "module."  # left by DataParallel
# Left by torch.compile, Lightning's modules, averaging libraries and training classes. One that numbers follow is a
# network's own (Sequential).
_PREFIXES = (_PARALLEL, "_orig_mod.", "model.", "net.", "network.", "net_g.", "netG.", "generator.", "ema_model.")
_COUNTERS = frozenset(("n_averaged", "num_updates", "initted"))  # of averaging, beside the tensors
_GLOBAL = re.compile(r"GLOBAL ([\w.]+\w)")


def read_pickled(path: Path) -> Any:
    """The content of a file of torch.save: tensors, numbers, text, paths, and containers of them.

    Raises:
        UserError: it cannot be read, or holds anything else, which would run code: the refused class is named.
    """
    try:
        with warnings.catch_warnings():  # about protocols of plain pickles, which are refused anyway
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_harmless()):
                return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    except Exception as error:  # a damaged file fails in any way that a parser can
        reason = str(error).strip().splitlines()
        raise UserError(
            f"{path} was expected to be a checkpoint of torch.save or a .safetensors file, but cannot be read: "
            f"{reason[0] if reason else type(error).__name__}"
        ) from error


def _harmless() -> list[Any]:
    """What training code leaves beside tensors and only holds values: nothing here runs anything when it is made."""
    types: list[Any] = [np.dtype, np.ndarray, list, dict, set, tuple, int, float, str]
    types += [type(np.dtype(code)) for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")]
    makers: list[Any] = [np.float64(0).__reduce__()[0], np.zeros(1).__reduce__()[0]]
    types += [(made, f"numpy.{core}.multiarray.{made.__name__}") for core in ("core", "_core") for made in makers]
    types += [(_plain_dict, "collections.defaultdict"), (SimpleNamespace, "argparse.Namespace")]
    names = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path")
    return types + [(_path, f"{module}.{name}") for module in ("pathlib", "pathlib._local") for name in names]


def _plain_dict(*factory: Any) -> dict[Any, Any]:
    """In place of a defaultdict, which torch's reader does not fill."""
    return OrderedDict()


def _path(*parts: str) -> str:
    """A path of a foreign system as text."""
    return "/".join(parts)


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
    """Free tensors of wrapping dictionaries and of prefixes that all of them share.

    Args:
        content: what the file holds. path: for messages.
    Returns:
        (key -> tensor, what was peeled in words). Tensors of several networks side by side are keyed
        ``network/key``; whatever is no network (optimisers, counters) is left out. Averaged weights are taken before
        raw ones, and the words say so.
    Raises:
        UserError: there are no tensors; two that are as likely to be meant; averaged ones that cannot be read beside
            raw ones; values that are not finite.
    """
    layers: list[str] = []
    while isinstance(content, Mapping) and not _is_state(content):
        wrapper = _wrapper(content, path, layers)
        if wrapper is None:
            break
        layers.append(f"wrapped in {wrapper}")
        content = content[wrapper]
    networks = {name: _unmixed(state, layers) for name, state in _networks(content).items()}
    if not networks:
        raise UserError(f"{path} was expected to hold the tensors of a network; it holds {_described(content)}.")
    bare = {name: _unprefixed(state, layers) for name, state in networks.items()}
    flat = {f"{name}/{key}" if name else key: t for name, s in bare.items() for key, t in s.items()}
    _check_finite(flat, path)
    return flat, ", ".join(dict.fromkeys(layers))


def _wrapper(content: Mapping[Any, Any], path: Path | str, layers: list[str]) -> Any:
    """The entry that holds the network; None where no entry's name says so."""
    averaged = [name for name in content if _is_averaged(name) and isinstance(content[name], (Mapping, list))]
    known = [name for name in WRAPPERS if _holds_tensors(content.get(name))]
    usable = [name for name in averaged if _holds_tensors(content[name])]
    if averaged and not usable and known:
        raise UserError(
            f"{path} holds averaged weights ({averaged[0]}) in a form that is not read, beside raw ones ({known[0]}); "
            "save those that you mean alone, as a state dict."
        )
    choice = usable or known
    if not choice:
        return None
    _check_only(content, choice, path)
    if usable and known:
        layers.append(f"averaged weights, {', '.join(known)} left aside")
    return choice[0]


def _check_only(content: Mapping[Any, Any], choice: list[Any], path: Path | str) -> None:
    """Of several entries that hold a network of one architecture, which is meant is not guessed."""
    first = _shapes(content[choice[0]])
    for other in choice[1:]:
        if first and _shapes(content[other]) == first and not _same(content[choice[0]], content[other]):
            raise UserError(
                f"{path} holds two networks of one architecture, {choice[0]!r} and {other!r}, with different values: "
                f"save the one that you mean alone, such as torch.save(torch.load(PATH)[{choice[0]!r}], NEW)."
            )


def _is_averaged(name: Any) -> bool:
    words = set(_WORDS.split(str(name).lower()))
    return bool(words & _AVERAGED) and not any("optim" in word for word in words)


def _holds_tensors(content: Any) -> bool:
    return isinstance(content, Mapping) and (_is_state(content) or any(_holds_tensors(v) for v in content.values()))


def _shapes(content: Any) -> dict[str, tuple[int, ...]]:
    """Key -> shape of a state, its prefixes taken off; {} where it is none."""
    state = _unprefixed(_tensors(content), []) if _is_state(content) else {}
    return {key: tuple(value.shape) for key, value in state.items()}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    left, right = (_unprefixed(_tensors(state), []) for state in (one, other))
    return all(torch.equal(left[key], right[key]) for key in left)


def _is_state(content: Any) -> bool:
    """Whether it holds tensors by name, and nothing but plain values beside them."""
    if not isinstance(content, Mapping) or not content or not all(isinstance(key, str) for key in content):
        return False
    tensors = [value for value in content.values() if isinstance(value, Tensor)]
    others = [value for value in content.values() if not isinstance(value, Tensor)]
    plain = all(isinstance(value, (int, float, str, bool, type(None), np.generic)) for value in others)
    return bool(tensors) and plain and (not others or any(value.dim() > 0 for value in tensors))


def _tensors(content: Mapping[str, Any]) -> State:
    return {key: v for key, v in content.items() if isinstance(v, Tensor) and key not in _COUNTERS}


def _networks(content: Any) -> dict[str, State]:
    if _is_state(content):
        return {"": _tensors(content)}
    if not isinstance(content, Mapping):
        return {}
    return {str(name): _tensors(part) for name, part in content.items() if _is_state(part)}


def _unmixed(state: State, layers: list[str]) -> State:
    """Of one state with raw and averaged tensors side by side (model.x, ema_model.x) the averaged ones."""
    parts: dict[str, State] = {}
    for key, value in state.items():
        first, _, inner = key.partition(".")
        parts.setdefault(first, {})[inner] = value
    for name, part in parts.items():
        wanted = {key: value.shape for key, value in part.items()}
        raw = [n for n, p in parts.items() if n != name and {key: value.shape for key, value in p.items()} == wanted]
        if _is_averaged(name) and raw and len(part) > 1:
            layers.append(f"averaged weights {name}, {', '.join(raw)} left aside")
            return part
    return state


def _unprefixed(state: State, layers: list[str]) -> State:
    """Take off what all keys begin with, as long as there is something that frameworks put there."""
    while True:
        prefix = next((p for p in _PREFIXES if state and all(key.startswith(p) for key in state)), None)
        if prefix is None:
            return state
        bare = {key.removeprefix(prefix): value for key, value in state.items()}
        if prefix not in _PREFIXES[:2] and any(key[:1].isdigit() for key in bare):
            return state
        layers.append("DataParallel prefix removed" if prefix == _PARALLEL else f"prefix {prefix} removed")
        state = bare


def _check_finite(state: State, path: Path | str) -> None:
    for key, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise UserError(f"{path} holds values that are not finite, such as in {key}: its training diverged.")


def _described(content: Any) -> str:
    if isinstance(content, Mapping):
        return "a dictionary of " + (", ".join(map(str, list(content)[:5])) or "nothing")
    return f"an object of type {type(content).__name__}"
