"""Weights at an address: ``hf://org/repo[@revision]:file`` and ``https://HOST/FILE#sha256=DIGITS``.

What is fetched lies under ``results/downloads/weights/<first digits of its SHA-256>/``, beside ``origin.json`` with its
address, revision and SHA-256. A second run takes it from there: no network is needed then.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmark.planning.named_values import entries, named_values
from benchmark.progress import Report
from datasets.core.downloads import MOST, download_file
from datasets.core.errors import UserError
from datasets.core.files import replacing, sha256_file
from datasets.core.sealed import read_sealed, write_sealed

ORIGIN = "origin.json"
_HUB = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?:(?P<file>[^\\]+)")
_HASH = re.compile(r"sha256=([0-9a-fA-F]{64})")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Fetched:
    """Where a weights file comes from.

    Attributes:
        address: as it was asked for. revision: the commit of a repository of the Hub; '' = none. sha256: of the file.
    """

    address: str
    revision: str
    sha256: str

    @property
    def remark(self) -> str:
        """What a record says of it."""
        commit = f", revision {self.revision}" if self.revision else ""
        return f"weights from {self.address.partition('#')[0]}{commit}, SHA-256 {self.sha256}"


def is_remote(text: str) -> bool:
    """Whether a text is an address rather than a path."""
    return text.startswith(("hf://", "https://", "http://"))


def local(text: str, results: Path, report: Report = None) -> str:
    """An option such as ``--weights`` or an entry of ``--methods`` with every address replaced by the fetched file.

    Raises UserError as `fetch` does.
    """
    if not any(is_remote(value) for _, value in named_values(text)):
        return text
    found = []
    for entry, (name, value) in zip(entries(text), named_values(text), strict=True):
        path = f'"{fetch(value, results, report)}"' if is_remote(value) else ""
        found.append(f"{name}={path}" if name and path else path or entry)
    return ",".join(found)


def fetch(address: str, results: Path, report: Report = None) -> Path:
    """The file of an address, downloaded once. Nothing is left of what is refused.

    Raises:
        UserError: an address of another form; no huggingface_hub; no network, no such repository, revision or file; a
            file that is too large, or has another SHA-256.
    """
    folder = results / "downloads" / "weights"
    if address.startswith("hf://"):
        return _from_hub(address, folder)
    return _from_url(address, folder, report)


def keep_origin(path: Path, fetched: Fetched) -> None:
    """Write down where a file comes from, for `origin`."""
    write_sealed(path.parent / ORIGIN, asdict(fetched))


def origin(path: Path | str) -> Fetched | None:
    """Where a file comes from; None for one that was not fetched by address, or is another than was fetched."""
    try:
        value, _ = read_sealed(Path(path).parent / ORIGIN, "download the weights again")
        return Fetched(*(str(value[name]) for name in ("address", "revision", "sha256")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remark(path: Path | str, sha256: str) -> str:
    """What a record says of a file's origin; '' where nothing is known, or the file is another one by now."""
    found = origin(path)
    return found.remark if found and found.sha256 == sha256 else ""


def _from_url(address: str, folder: Path, report: Report) -> Path:
    digits = _HASH.fullmatch(urlsplit(address).fragment)
    if not digits:
        raise UserError(
            f"Weights from a URL need their hash, so that everybody gets the same file: {address.partition('#')[0]}"
            "#sha256= and 64 digits (`sha256sum FILE` prints them)."
        )
    sha256, url = digits[1].lower(), address.partition("#")[0]
    name = _file_name(unquote(urlsplit(url).path))
    target = folder / sha256[:16] / name
    if not (target.is_file() and sha256_file(target) == sha256):
        download_file(url, target, sha256, report=report)
        keep_origin(target, Fetched(address, "", sha256))
    return target


def _file_name(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    if not re.fullmatch(r"[\w][\w.+ -]{0,150}", name) or name == ORIGIN:
        raise UserError(f"Expected the name of a weights file at the end of the address, got {name!r}.")
    return name


def _from_hub(address: str, folder: Path) -> Path:
    parts = _HUB.fullmatch(address)
    if not parts or ".." in parts["file"].split("/"):
        raise UserError(f"Expected hf://ORGANISATION/REPOSITORY[@REVISION]:FILE, got {address!r}.")
    repo, revision, file = parts["repo"], parts["revision"] or "main", parts["file"]
    name = _file_name(file)
    cached, commit = _hub_file(repo, revision, file, address)
    sha256 = sha256_file(cached)
    target = folder / sha256[:16] / name
    if not (target.is_file() and sha256_file(target) == sha256):
        with replacing(target) as part:
            source = cached.resolve()
            try:
                os.link(source, part)
            except OSError:
                shutil.copyfile(source, part)
    keep_origin(target, Fetched(address, commit, sha256))
    return target


def _hub_file(repo: str, revision: str, file: str, address: str) -> tuple[Path, str]:
    """The file in the Hub's cache, and the commit that it is of."""
    try:
        import huggingface_hub as hub
    except ImportError as error:
        raise UserError(
            f"{address} needs the package huggingface_hub: pip install 'restoration-benchmark[hub]', or download the "
            "file by hand and name its path."
        ) from error
    try:
        try:
            facts = _told(lambda: hub.get_hf_file_metadata(hub.hf_hub_url(repo, file, revision=revision)))
            if facts.size and facts.size > MOST:
                raise UserError(f"{address} has {facts.size} bytes, where at most {MOST} are expected.")
            path = hub.hf_hub_download(repo, file, revision=revision)
        except ConnectionError:
            path = hub.hf_hub_download(repo, file, revision=revision, local_files_only=True)
    except UserError:
        raise
    except Exception as error:  # the package's errors differ between its versions
        sentence = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{address} cannot be fetched: {sentence} (`fetch` it where there is network).") from error
    commits = [part for part in Path(path).parts if _COMMIT.fullmatch(part)]
    return Path(path), commits[-1] if commits else revision


def _told(ask: Callable[[], Any]) -> Any:
    """What the server says of a file; ConnectionError where there is no server to be reached, or the Hub is offline."""
    try:
        return ask()
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is None and not isinstance(error, ValueError):
            raise ConnectionError(str(error)) from error
        raise
