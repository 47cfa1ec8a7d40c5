"""A reproduction benchmark harness for image restoration.

Public functions: `score(restored, clean, convention)`, `perceptual(restored, clean, convention)` and
`evaluate(module, dataset)`; they are imported on first use.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.version import __version__

if TYPE_CHECKING:
    from benchmark.evaluation import evaluate as evaluate
    from benchmark.scoring.conventions import score as score
    from benchmark.scoring.perceptual.measure import perceptual as perceptual

__all__ = ["__version__", "evaluate", "perceptual", "score"]


def _check_neighbour() -> None:
    """Hugging Face's library is called `datasets` too; whichever lies first on sys.path, or was installed last, wins.

    The other one is not imported: it takes seconds, and fails by itself where ours was installed into its folder.
    """
    loaded = sys.modules.get("datasets")
    spec = None if loaded else importlib.util.find_spec("datasets")
    where = getattr(loaded, "__file__", None) or (spec.origin if spec else None)
    if where and "IS_RESTORATION_BENCHMARK" in Path(where).read_text(encoding="utf-8", errors="replace"):
        return
    sentence = (
        f"benchmark needs its own package 'datasets', but Python found another library of that name at "
        f"{where or 'an unknown place'}: install the benchmark into an environment of its own (python -m venv bench && "
        "bench/bin/pip install restoration-benchmark), or run from its checkout."
    )
    if Path(sys.argv[0]).name in ("-m", "restoration-benchmark"):  # the command line: a sentence, no traceback
        print(sentence, file=sys.stderr)
        raise SystemExit(2)
    raise ImportError(sentence)


def __getattr__(name: str) -> Any:
    if name == "score":
        from benchmark.scoring.conventions import score

        return score
    if name == "perceptual":
        from benchmark.scoring.perceptual.measure import perceptual

        return perceptual
    if name == "evaluate":
        from benchmark.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module 'benchmark' has no attribute {name!r}")


_check_neighbour()
