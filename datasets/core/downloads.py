"""One file from a URL: within a budget, its SHA-256 checked, whole or absent."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from datasets.core.errors import UserError
from datasets.core.files import replacing

MOST = 8 * 2**30  # bytes of one file of weights, unless the caller knows better
_TIMEOUT = 60  # seconds without a byte
_STEP = 2**20

Progress = Callable[[str, int, int], Any]


def download_file(url: str, target: Path, sha256: str, *, most: int = MOST, report: Progress | None = None) -> str:
    """Fetch a file to `target`; nothing is left of one that is refused.

    Args:
        url: http or https. sha256: what the file's SHA-256 starts with, in hex; at least eight digits.
        most: bytes that are accepted. report: called with (what, bytes done, bytes in all; 0 = not known).
    Returns:
        the whole SHA-256.
    Raises:
        UserError: another scheme; the server cannot be reached or refuses; the file is larger than `most` or than the
            room on the disk, ends early, or has another SHA-256.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"Expected a URL that begins with https://, got {url!r}.")
    if len(sha256) < 8:
        raise UserError(f"Expected at least eight digits of the SHA-256 of {url}, got {sha256!r}.")
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "restoration-benchmark"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer, replacing(target) as part:
            size = int(answer.headers.get("Content-Length") or 0)
            _expect_room(url, size, most, target.parent)
            total = hashlib.sha256()
            done = 0
            with part.open("wb") as stream:
                while block := answer.read(_STEP):
                    done += len(block)
                    _expect_room(url, done, most)
                    total.update(block)
                    stream.write(block)
                    if report:
                        report(f"download {target.name}", done, size)
            if size and done != size:
                raise UserError(f"{url} ended after {done} of {size} bytes: give the same command again.")
            found = total.hexdigest()
            if not found.startswith(sha256.lower()):
                raise UserError(
                    f"Expected a file with the SHA-256 {sha256} from {url}, but it has {found}; it was not kept."
                )
            return found
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as error:
        raise UserError(
            f"{url} cannot be fetched: {getattr(error, 'reason', error)}; try again where there is network."
        ) from error


def _expect_room(url: str, size: int, most: int, folder: Path | None = None) -> None:
    if size > most:
        raise UserError(f"{url} has more than the {most} bytes that are expected: it was not kept.")
    if folder and size > shutil.disk_usage(folder).free:
        raise UserError(f"{url} has {size} bytes, and {folder} has room for {shutil.disk_usage(folder).free} only.")
