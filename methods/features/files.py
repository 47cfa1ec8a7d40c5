"""Published files of feature networks: where they are looked for, how they are told from others, how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from datasets.ops.errors import UserError
from datasets.ops.files import sha256_file
from datasets.ops.names import unknown
from methods.checkpoints import peel, read_pickled
from methods.features.lpips import LPIPS
from methods.features.networks import VGG19, AlexNet

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Published:
    """A file as its authors published it.

    Attributes:
        title: for messages. url: where it is to be had.
        hashes: what the SHA-256 of a right file starts with, by the file's usual name. torchvision publishes the
            first eight digits, in the name; torch itself asks for no more.
    """

    title: str
    url: str
    hashes: Mapping[str, str]


FILES = {
    "vgg19": Published(
        "VGG-19, trained on ImageNet by torchvision",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        {"vgg19-dcbb9e9d.pth": "dcbb9e9d"},
    ),
    "alexnet": Published(
        "AlexNet, trained on ImageNet by torchvision",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        {"alexnet-owt-7be5be79.pth": "7be5be79", "alexnet-owt-4df8aa71.pth": "4df8aa71"},
    ),
    "lpips-alex": Published(
        "heads of LPIPS 0.1 for AlexNet",
        "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth",
        {"lpips_v01_alex.pth": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"},
    ),
}
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[^.]+$")


def find(name: str, named: str = "") -> Path | None:
    """Where the file of a network is: the one that the user named, else the one in torch's cache, else None.

    The cache is the folder ``checkpoints`` of ``torch.hub.get_dir()``, where torchvision leaves what it downloads.

    Args:
        name: vgg19, alexnet or lpips-alex. named: a path, '' = none was named.
    Raises:
        UserError: the named file is not there; an unknown name.
    """
    published = _published(name)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise UserError(f"Expected the file of {published.title} at {path}, which is no file; {_get(published)}")
        return path
    cached = (Path(torch.hub.get_dir()) / "checkpoints" / file for file in published.hashes)
    return next((path for path in cached if path.is_file()), None)


def absent(name: str) -> str:
    """A sentence: the file was neither named nor found, where it is to be had, and where it belongs."""
    published = _published(name)
    return f"The file of {published.title} was neither named nor is it in torch's cache; {_get(published)}"


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


def read_lpips_heads(path: Path | str) -> dict[str, Tensor]:
    """The channel weights of LPIPS 0.1 on AlexNet, as `LPIPS` takes them. Raises as `read_vgg19`."""
    heads = _read("lpips-alex", path)
    wanted = {f"lin{k}.model.1.weight": (1, channels, 1, 1) for k, channels in enumerate(AlexNet.channels)}
    if {key: tuple(value.shape) for key, value in heads.items()} != wanted:
        raise UserError(f"Expected {', '.join(wanted)} in {path}; it holds {', '.join(heads)}.")
    return heads


def read_lpips(backbone: Path | str, heads: Path | str) -> LPIPS:
    """LPIPS 0.1 on AlexNet from its two files, float32 on the CPU, in eval mode. Raises as `read_vgg19`."""
    return LPIPS(read_alexnet(backbone), read_lpips_heads(heads))


def _published(name: str) -> Published:
    if name not in FILES:
        raise unknown("feature network", name, FILES)
    return FILES[name]


def _get(published: Published) -> str:
    name = next(iter(published.hashes))
    return (
        f"it is to be had from {published.url} and belongs at $TORCH_HOME/hub/checkpoints/{name} "
        "(by default ~/.cache/torch/hub/checkpoints)."
    )


def _read(name: str, path: Path | str) -> dict[str, Tensor]:
    _check_hash(_published(name), Path(path))
    return peel(read_pickled(Path(path)), path)[0]


def _check_hash(published: Published, path: Path) -> None:
    """Refuse what is not the published file, unless the file's own name ends with (at least eight digits of) its hash.

    That is torch.hub's rule for names, and how a user says that another file is meant.
    """
    digits, found = _IN_NAME.search(path.name), sha256_file(path)
    accepted = [*published.hashes.values(), *(digits.groups() if digits else ())]
    if not any(found.startswith(prefix) for prefix in accepted):
        wanted = " or ".join(f"{prefix}..." for prefix in dict.fromkeys(accepted))
        raise UserError(
            f"{path} was expected to be {published.title}, with a SHA-256 of {wanted}; it has {found}. Fetch "
            f"{published.url} anew, or, if this file is meant, call it {path.stem}-{found[:8]}{path.suffix}."
        )


def _filled(network: Network, state: Mapping[str, Tensor], path: Path | str) -> Network:
    """The network with its share of a file's tensors; layers beyond it and the classifier are left out."""
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    wrong = [key for key, shape in wanted.items() if key not in state or tuple(state[key].shape) != shape]
    if wrong:
        raise UserError(f"Expected {wrong[0]} of shape {wanted[wrong[0]]} in {path}; it holds {', '.join(state)}.")
    network.load_state_dict({key: state[key].float() for key in wanted}, assign=True)
    return network.eval()
