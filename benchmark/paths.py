"""Where things lie: files that come with the project (published.csv, baseline.csv, weights/), and one's own results."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent
OWN = Path("experiments")  # records, tables, trainings and weights of one's own, in the working folder; git ignores it
_EARLIER = Path("results")  # the default of earlier versions, which a checkout shares with what is shipped


def earlier_results() -> str:
    """A sentence about results where earlier versions left them; '' where there are none, or own ones by now."""
    if OWN.exists() or not any((_EARLIER / name).is_dir() for name in ("runs", "training")):
        return ""
    return (
        f"Results of an earlier version lie in {_EARLIER}: give --results {_EARLIER} to go on with them. "
        f"Without it they go to {OWN}."
    )


def shipped(relative: str = "") -> Path:
    """Path of a shipped file or folder: in the checkout's ``results/``, or in the installed package's ``shipped/``.

    The path need not exist (a checkout without weights). Nothing is ever written there.
    """
    installed = _HERE / "shipped"
    return (installed if installed.is_dir() else _HERE.parent / "results") / relative
