"""A reproduction benchmark harness for image restoration.

Public functions: `score(restored, clean, convention)` and `evaluate(module, dataset)`; both are imported on first use.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.evaluating import evaluate as evaluate
    from benchmark.scoring.conventions import score as score

__version__ = "0.1.0"
__all__ = ["__version__", "evaluate", "score"]


def _check_neighbour() -> None:
    """Hugging Face's library is called `datasets` too; whichever comes first on sys.path wins."""
    import datasets

    if not getattr(datasets, "IS_RESTORATION_BENCHMARK", False):
        where = getattr(datasets, "__file__", None) or "an unknown place"
        sentence = (
            f"benchmark needs its own package 'datasets', but Python found another library of that name at {where}: "
            "install the benchmark into an environment of its own (python -m venv bench && "
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
    if name == "evaluate":
        from benchmark.evaluating import evaluate

        return evaluate
    raise AttributeError(f"module 'benchmark' has no attribute {name!r}")


_check_neighbour()
