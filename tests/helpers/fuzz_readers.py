"""Every reader of what strangers may have written, with sound inputs as small as they get."""

from __future__ import annotations

import io
import json
import pickle
from argparse import ArgumentTypeError, Namespace
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import h5py
import numpy as np
import scipy.io
import torch

import datasets
from benchmark.cli.options import setting
from benchmark.leaderboard.published import read_published
from benchmark.planning.named_values import named_values
from benchmark.records.files import read_record, read_scores
from benchmark.regression import baseline
from benchmark.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from datasets.core.errors import UserError
from datasets.core.sealed import sealing
from datasets.mat import Blocks, dtype_of, read_array, read_cell, variables
from datasets.ops.arrays import read_npy
from datasets.ops.pictures.reading import read_picture
from datasets.options import split_spec, typed
from datasets.submission_reading import open_blocks
from methods.recipes import recipe
from methods.weights import Card, read_card, read_weights, save_weights
from tests.helpers.command_line import pictures
from tests.helpers.fuzzing import Reader, resealed
from tests.helpers.made_records import keep, record
from tests.helpers.mutating import header_mutant, json_mutant, png_mutant, text_mutant
from tests.helpers.picture_files import pillow, pixels, png, tiff

IDENTITY = {"method": "toy", "seed": 0}
ROOT = Path(__file__).parents[2]


def _file(write: Callable[[Path], object], name: str = "x") -> bytes:
    """What a function leaves at a path."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _content() -> dict[str, Any]:
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = np.ones((3, 2, 3), np.float32), np.zeros((3, 2, 3), np.float32)
    return {"blocks": pixels(1, (2, 1, 4, 3, 3)), "c": cell, "info": {"text": "abc", "number": 2.5}}


def _mat() -> Sequence[bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    scipy.io.savemat(plain, _content())
    scipy.io.savemat(packed, _content(), do_compression=True)
    return plain.getvalue(), packed.getvalue()


def _hdf5() -> Sequence[bytes]:
    def write(path: Path, **how: Any) -> None:
        with h5py.File(path, "w", userblock_size=512) as file:
            file.create_dataset("blocks", data=pixels(1, (3, 3, 4, 1, 2)), **how)
            refs = file.create_dataset("c", (2, 1), h5py.ref_dtype)
            for k in range(2):
                file[f"#refs#/{k}"] = np.ones((3, 2, 3), np.float32)
                refs[k, 0] = file[f"#refs#/{k}"].ref
            refs.attrs["MATLAB_class"] = np.bytes_("cell")

    chunked = {"chunks": (3, 3, 2, 1, 1), "compression": "gzip", "shuffle": True}
    return _file(lambda path: write(path)), _file(lambda path: write(path, **chunked))


def _read_mat(path: Path) -> None:
    """Everything that is asked of a .mat. It is refused where nothing can be had."""
    got, refused = 0, UserError("it is empty")
    for name in variables(path):
        for read in (dtype_of, read_array, read_cell, lambda p, n: [*map(Blocks(p, n).block, range(2))]):
            try:
                read(path, name)
                got += 1
            except UserError as error:
                refused = error
    try:
        open_blocks(path)
    except UserError as error:
        refused = error
    if not got:
        raise refused


def _pictures() -> Sequence[bytes]:
    eight, deep, grey = pixels(1, (6, 5, 3)), pixels(2, (5, 4, 3), np.uint16), pixels(3, (5, 6, 1))
    encoded = [cv2.imencode(end, eight)[1].tobytes() for end in (".bmp", ".ppm", ".tif")]
    return [
        png(eight, 6),
        png(deep),
        png(grey),
        png(pixels(4, (4, 4, 4))),
        tiff(deep, 3),
        tiff(eight.astype(np.float32) / 255),
        pillow(eight, "JPEG", 6),
        pillow(eight, "WEBP", lossless=True),
        pillow(eight, "GIF"),
        *encoded,
    ]


def _picture_mutant(data: bytes, draw: Any) -> bytes:
    return png_mutant(data, draw)


def _npy() -> Sequence[bytes]:
    def of(array: np.ndarray) -> bytes:
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    return [of(pixels(1, (4, 3, 3), np.float32)), of(pixels(1, (4, 3))), of(np.asfortranarray(np.eye(3)))]


def _tensors() -> dict[str, torch.Tensor]:
    return {"conv.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3), "conv.bias": torch.ones(2).half()}


def _safetensors() -> Sequence[bytes]:
    card = Card("toy", "tiny", steps=16, source="trained")
    return [_file(lambda path: save_weights(path, _tensors(), card), "x.safetensors")]


def _torch_files() -> Sequence[bytes]:
    extras = {"epoch": 3, "best": np.float64(3.2), "args": Namespace(a=1)}
    whole = {"state_dict": OrderedDict((f"module.{k}", v) for k, v in _tensors().items()), **extras}
    old = {"_use_new_zipfile_serialization": False}
    files = [_file(lambda path, how=how: torch.save(whole, path, **how)) for how in ({}, old)]
    return [*files, pickle.dumps(whole["best"]), _file(lambda path: torch.save({"params_ema": _tensors()}, path))]


def _checkpoints() -> Sequence[bytes]:
    state = TrainingState(step=7, state={"net": _tensors(), "rate": 0.1}, artefacts={"a/r": _tensors()}, seconds=3.5)
    whole = _file(lambda path: write_checkpoint(path, state, IDENTITY))
    return [whole[:-72]]  # the seal is put on the mutant


def _read_checkpoint(path: Path) -> None:
    with sealing(path.with_name("last.pt"), durable=False) as part:
        part.write_bytes(path.read_bytes())
    read_checkpoint(path.with_name("last.pt"), IDENTITY)


def _cards() -> Sequence[bytes]:
    def write(path: Path) -> None:
        sets = (datasets.core.dataset_ref.DatasetRef("demo", {"sigma": 25.0}, "train"),)
        card = Card("r2r", "tiny", recipe_settings={"network.depth": 6}, train_data=sets, versions={"torch": "2"})
        save_weights(path, _tensors(), card)

    with TemporaryDirectory() as folder:
        write(Path(folder) / "x.safetensors")
        return [(Path(folder) / "x.json").read_bytes()]


def _read_card(path: Path) -> None:
    read_card(resealed(path, path.with_name("y.json")).with_suffix(".safetensors"))


@cache
def _record_files() -> tuple[bytes, bytes]:
    with TemporaryDirectory() as folder:
        scores = {f"s0-{k}": {"psnr[unclamped-float]": 33.4, "psnr[matlab-volume-float]": 33.5} for k in range(3)}
        keep(Path(folder), record("r2r"), scores)
        (where,) = (Path(folder) / "runs").iterdir()
        return (where / "record.json").read_bytes(), (where / "scores.csv").read_bytes()


def _read_record(path: Path) -> None:
    from benchmark.leaderboard.render import leaderboard_page
    from benchmark.leaderboard.rows import board_rows

    resealed(path, path.with_name("record.json"))
    found = read_record(path.parent)
    if found:
        leaderboard_page(board_rows([found]))


def _read_scores(path: Path) -> None:
    path.rename(path.with_name("scores.csv"))
    read_scores(path.parent)


@cache
def _prepared() -> tuple[bytes, bytes]:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        datasets.prepare("folder", pictures(root / "source", 2), root / "data")
        own = root / "data" / "folder"
        return (own / "manifest.csv").read_bytes(), (own / "dataset.json").read_bytes()


def _read_manifest(path: Path) -> None:
    """As a folder whose description fits, or is that of an older version."""
    import hashlib

    root = path.parent / "folder"
    root.mkdir()
    data = path.read_bytes()
    (root / "manifest.csv").write_bytes(data)
    description = {**json.loads(_prepared()[1]), "manifest": [hashlib.sha256(data).hexdigest()]}
    (root / "dataset.json").write_text(json.dumps(description))
    opened = datasets.open_dataset("folder", path.parent)
    opened.partial, opened.fingerprint, len(opened)  # noqa: B018 - computed on reading


def _read_description(path: Path) -> None:
    root = path.parent / "folder"
    root.mkdir()
    (root / "manifest.csv").write_bytes(_prepared()[0])
    path.rename(root / "dataset.json")
    datasets.open_dataset("folder", path.parent).partial  # noqa: B018 - computed on reading


def _published() -> Sequence[bytes]:
    lines = (ROOT / "results" / "published.csv").read_bytes().splitlines(keepends=True)
    return [b"".join(lines[:4])]


def _baseline() -> Sequence[bytes]:
    lines = (ROOT / "results" / "baseline.csv").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith(b"#")][1:4]
    return [b"".join([*kept, *[line for line in lines if not line.startswith(b"#")][:4]])]


def _read_spec(text: str) -> None:
    name, options = split_spec(text)
    known = datasets.facts(name)
    datasets.core.dataset_ref.DatasetRef(name, typed(known, options)).spec  # noqa: B018 - computed on reading


def _read_setting(text: str) -> None:
    try:
        key, value = setting(text)
    except ArgumentTypeError as error:  # argparse makes a sentence of it
        raise UserError(str(error)) from error
    recipe("r2r", None, {key: value})


def _csv() -> Sequence[bytes]:
    import base64

    return [b"ID,BLOCK\n0," + base64.b64encode(bytes(256 * 256 * 3)) + b"\n"]


def _read_blocks(path: Path) -> None:
    found = open_blocks(path)
    for index in range(min(2, found.count)):
        found.read(index)


_TEXT = ["[", "]", "=", ",", '"', "'", "\\", "{", "}", ".", "#", "[[", '"""', "é", "nan", "1e999", "-1", "true"]
_TEXT += ["\n", "\r", "\0", " "]
_MARKS = text_mutant(*_TEXT)

READERS = (
    Reader("mat v5", _mat, _read_mat, ".mat"),
    Reader("mat v7.3", _hdf5, _read_mat, ".mat"),
    Reader("pictures", _pictures, lambda path: read_picture(path, alpha=True), ".png", _picture_mutant),
    Reader("npy", _npy, read_npy, ".npy"),
    Reader("safetensors", _safetensors, read_weights, ".safetensors", header_mutant),
    Reader("torch files", _torch_files, read_weights, ".pth"),
    Reader("checkpoints", _checkpoints, _read_checkpoint, ".bin"),
    Reader("cards", _cards, _read_card, ".in", json_mutant),
    Reader("records", lambda: [_record_files()[0]], _read_record, ".in", json_mutant),
    Reader("scores", lambda: [_record_files()[1]], _read_scores, ".in", _MARKS),
    Reader("manifests", lambda: [_prepared()[0]], _read_manifest, ".in", _MARKS),
    Reader("dataset.json", lambda: [_prepared()[1]], _read_description, ".in", json_mutant),
    Reader("published.csv", _published, read_published, ".csv", _MARKS),
    Reader("baseline.csv", _baseline, baseline.read, ".csv", _MARKS),
    Reader(
        "specs", lambda: [b"bsd68[sigma=25,clip=false]", b"demo", b"folder[degraded=a,peak=0]"], _read_spec, "", _MARKS
    ),
    Reader(
        "settings", lambda: [b"train.alpha=0.5", b"network.depth=6", b"train.rates=[1, 2]"], _read_setting, "", _MARKS
    ),
    Reader("named values", lambda: [b'r2r=a.pth,lir="b,c.pth"', b"a"], named_values, "", _MARKS),
    Reader("submission csv", _csv, _read_blocks, ".csv", _MARKS),
)
