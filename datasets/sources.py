"""Where the files come from: ordinary files of public repositories with their SHA-256, or a page and what to do there.

Nothing is redistributed: a file is fetched from where its owners put it, at a fixed commit, and refused when its hash
differs. The terms of each set are its owners'.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from datasets.base import DatasetFacts
from datasets.core.errors import UserError
from datasets.core.registry import unknown
from datasets.manifest import MANIFEST
from datasets.prepare_writer import Progress, in_parallel

_RAW = "https://raw.githubusercontent.com/"


@dataclass(frozen=True)
class Source:
    """Files that can be had by URL: `base` + path, each with its SHA-256.

    Attributes:
        base: URL prefix. terms: what their owners say of their use. hashes: path -> SHA-256; None = read from the
            table of that name in data/sources.
    """

    base: str
    terms: str
    hashes: Mapping[str, str] | None = field(default=None)


_BERKELEY = "images of the Berkeley segmentation data set; the hosting repository states no licence"
_R2R_AWGN = (
    "PangTongyao/Recorrupted-to-Recorrupted-Unsupervised-Deep-Learning-for-Image-Denoising/"
    "a3a3f3484864351dbde70c9cadb6af40b15fbca0/"
)
_R2R_HASH = "985dadfb91c0259f0453e5c75244987d8f9754a57f5a4796c4ab4f9bbcb21599"

SOURCES = {
    "polyu": Source(
        _RAW + "csjunxu/PolyU-Real-World-Noisy-Images-Dataset/3af0f2646b267a00446fe4b7113a15e67bc80b4e/",
        "research and education, non-commercial, notice kept (License.txt of the repository)",
    ),
    "cc15": Source(
        _RAW + "csjunxu/MCWNNM-ICCV2017/e6db69b01ff21e89461cc49893c89afb1a9a941c/Real_ccnoise_denoised_part/",
        "research and education, non-commercial (License.txt of the repository); images of Nam et al., CVPR 2016",
    ),
    "bsd68": Source(_RAW + _R2R_AWGN + "data/bsd68/", _BERKELEY),
    "bsd400": Source(_RAW + _R2R_AWGN + "data/train/", _BERKELEY),
    "bsds500": Source(
        _RAW + "BIDS/BSDS500/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722/BSDS500/data/images/",
        "non-commercial research and education, as the Berkeley group states for its segmentation set",
    ),
    "set12": Source(
        _RAW + "SaoYan/DnCNN-PyTorch/6b0804951484eadb7f1ea24e8e5c9ede9bea485b/data/Set12/",
        "classic test images, no stated terms",
    ),
    "cbsd68": Source(
        _RAW + "clausmichele/CBSD68-dataset/51a07a95884ac7c8bdd5d1614f9da781adc3c4a0/CBSD68/original/", _BERKELEY
    ),
    "kodak24-500": Source(
        _RAW + "cszn/FFDNet/e787f46df2f374ff3591186706229cb9a0591fea/testsets/Kodak24/",
        "Kodak PhotoCD images; the hosting repository states no licence",
    ),
    "set5": Source(
        _RAW + "Zheng222/IMDN/8f158e6a5ac9db6e5857d9159fd4a6c4214da574/Test_Datasets/Set5/",
        "classic test images, no stated terms",
    ),
    "r2r-sidd-weights": Source(
        _RAW + "huanzheng551803/Real_R2R_denoising/38f5b9d/experiments/",
        "no licence stated: for checking; ask the authors before passing it on",
        {"pre_trained.pth": _R2R_HASH},
    ),
}

# Sets that are made from the files of another one.
MADE_FROM = {"phone": "bsds500", "phone-strong": "bsds500", "phone-colours": "bsds500"}


@functools.cache
def hashes(name: str) -> dict[str, str]:
    """Path -> SHA-256 of the files of a source."""
    listed = SOURCES[name].hashes
    if listed is not None:
        return dict(listed)
    return {row["path"]: row["sha256"] for row in _table(name)}


@functools.cache
def pixel_hashes(name: str) -> frozenset[str]:
    """SHA-256 of the decoded pixels (grey or RGB, as the set is used) of a source's files; empty where not known."""
    return frozenset() if SOURCES[name].hashes is not None else frozenset(row["pixels"] for row in _table(name))


def _table(name: str) -> list[dict[str, str]]:
    text = (files("datasets") / "data" / "sources" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def download(name: str, folder: Path | str, base_url: str | None = None, report: Progress | None = None) -> list[Path]:
    """Download the files of a source; those that are there with the right hash are not fetched again.

    Args:
        name: key of SOURCES. folder: where they go, sub-folders as in the source. base_url: another place to fetch
            from (a mirror), with the same paths below it. report: called with (what, done, total).
    Returns:
        The files' paths, in the source's order.
    Raises:
        UserError: unknown name; a file that cannot be fetched; one whose SHA-256 is wrong (it is not kept).
    """
    import pooch

    if name not in SOURCES:
        raise unknown("source", name, SOURCES)
    pooch.get_logger().setLevel("WARNING")
    base = base_url or SOURCES[name].base
    registry = {path: f"sha256:{text}" for path, text in hashes(name).items()}
    _make_folders(Path(folder), registry)
    # pooch joins by plain concatenation, hence the slash.
    store = pooch.create(Path(folder), base.rstrip("/") + "/", registry=registry, retry_if_failed=1)
    return list(in_parallel(functools.partial(_fetch, store), list(registry), f"download {name}", report, 4))


def _make_folders(folder: Path, paths: Iterable[str]) -> None:
    """Beforehand, since pooch's threads trip over each other when they make the same one."""
    try:
        for parent in {(folder / path).parent for path in paths}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Expected to download into {folder}, but it cannot be made: {error.strerror}.") from error


def _fetch(store: object, path: str) -> Path:
    try:
        return Path(store.fetch(path))  # type: ignore[attr-defined]
    except Exception as error:
        url = store.get_url(path)  # type: ignore[attr-defined]
        wrong = isinstance(error, ValueError) and "hash" in str(error).lower()
        came = "but its SHA-256 is another; it was not kept" if wrong else f"but it cannot be fetched ({error})"
        raise UserError(
            f"Expected {path} from {url}, {came}. Run the same command again, or fetch the files by hand and name "
            "their folder with --source."
        ) from error


def fetch(name: str, facts: DatasetFacts, downloads: Path, report: Progress | None = None) -> Path:
    """The folder with a dataset's files, downloaded where they can be had by URL.

    A set that is made from another one's files takes the prepared folder of that one where there is one.

    Raises:
        UserError: they cannot: names the page, the files and the command; or a download failed.
    """
    name = MADE_FROM.get(name, name)
    if name in MADE_FROM.values() and (downloads.parent / name / MANIFEST).exists():
        return downloads.parent / name
    if name not in SOURCES:
        raise UserError(
            f"The files of dataset {name!r} must be fetched by hand: {facts.source or 'see its documentation'}. "
            f"Then run: python -m benchmark prepare {name} --source PATH --data {downloads.parent}"
        )
    download(name, downloads / name, report=report)
    return downloads / name
