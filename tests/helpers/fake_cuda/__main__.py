"""Run the scenarios, in a process of their own. Arguments: the library, a folder, the outcomes' file, [names]."""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from pathlib import Path

from tests.helpers.fake_cuda.library import load


def main(library: Path, folder: Path, outcomes: Path, names: list[str]) -> None:
    """Name -> the error ('' = it passed) and the processor's seconds, as JSON."""
    load(library)  # before torch

    import torch

    from tests.helpers.fake_cuda.machine import one_gpu
    from tests.helpers.fake_cuda.scenarios import SCENARIOS

    torch.set_num_threads(1)
    found = {}
    with one_gpu() as machine:
        for number, name in enumerate(names or SCENARIOS):
            start, error = time.process_time(), ""
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    SCENARIOS[name](folder / str(number), machine)
                except Exception as failure:
                    error = "".join(traceback.format_exception(failure))
            found[name] = {"error": error, "seconds": round(time.process_time() - start, 2)}
    outcomes.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(text) for text in sys.argv[1:4]), sys.argv[4:])
