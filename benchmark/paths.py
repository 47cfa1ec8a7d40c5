"""Files that come with the project, wherever it runs: published.csv, baseline.csv, weights/."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def shipped(relative: str = "") -> Path:
    """Path of a shipped file or folder: in the checkout's ``results/``, or in the installed package's ``shipped/``.

    The path need not exist (a checkout without weights). Nothing is ever written there.
    """
    installed = _HERE / "shipped"
    return (installed if installed.is_dir() else _HERE.parent / "results") / relative
