"""Whether a method's published figures were met here: said from tables that the software wrote, never from memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from benchmark.paths import shipped
from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.core.sealed import MOST
from methods.registry import METHODS


def reproduced(method: str, results: Path) -> str:
    """A few words: how far the comparable rows of the tables at hand are from the paper; else what such a row needs.

    Args:
        results: folder whose leaderboard.csv is looked at, before the one that comes with a checkout.
    """
    for row in (*_rows(results / "leaderboard.csv"), *_rows(shipped("leaderboard.csv"))):
        if row.get("method") == method and row.get("comparable") == "yes" and row.get("delta_psnr"):
            with suppress(ValueError):
                return f"{float(row['delta_psnr']):+.2f} dB on {row.get('dataset', '')}"
    described = METHODS.description(method)
    if described and described.published:
        return "open: --weights published tells"
    return "open: no weights of the paper's recipe"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    return iter(_read(path, path.stat().st_mtime_ns) if path.is_file() else ())


@lru_cache
def _read(path: Path, changed: int) -> tuple[dict[str, str], ...]:
    """The rows of a table, none of one that cannot be read; `changed` is its time of modification."""
    try:
        with open_ordinary(path, MOST) as stream:
            return tuple(csv.DictReader(io.StringIO(stream.read().decode("utf-8", errors="replace"), newline="")))
    except (UserError, csv.Error):
        return ()
