"""What checksums cost, as parts of a whole training and of a whole run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time, thread_time
from typing import Any

import pytest
import torch

from benchmark.cli import main
from tests.helpers.speed_record import record

# every place where content is hashed for a checksum, by the name that its caller knows it under
HASHING = (
    "datasets.core.sealed._digest_of",
    "datasets.core.sealed.checksum",
    "datasets.core.sealed.digest",
    "datasets.pool.store.sha256_file",
    "benchmark.records.files.scores_digest",
    "benchmark.runs.outputs.sha256_file",
    "datasets.core.files.Hashing.hash",
    "benchmark.training.identity.sha256_file",
)


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of processor time spent in hashing, a value per call.

    Those of the calling thread: beside it others score, whose time is no part of a checksum's.
    """
    from _pytest.monkeypatch import derive_importpath

    times: list[float] = []

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            start = thread_time()
            try:
                return work(*given)
            finally:
                times.append(thread_time() - start)

        return call

    for place in HASHING:
        name, owner = derive_importpath(place, raising=True)
        monkeypatch.setattr(owner, name, timed(getattr(owner, name)))
    return times


@pytest.mark.speed
def test_checksums_are_a_small_part(tmp_path: Path, spent: list[float]) -> None:
    torch.set_num_threads(1)
    folders = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"), "--quiet"]
    assert main(["prepare", "demo", *folders[:2], "--quiet"]) == 0
    common = ["--methods", "r2r", "--recipe", "tiny", "--dataset", "demo", "--device", "cpu", *folders]
    words = {
        "a training (checkpoints, pools, weights)": ["train", "--steps", "60", *common],
        "a run with saved outputs (records, scores, outputs)": ["run", "--save-outputs", *common],
    }
    for what, argv in words.items():
        spent.clear()
        start = process_time()
        assert main(argv) == 0
        whole, part = process_time() - start, sum(spent)
        assert spent, what
        record(f"checksums within {what}", [(part, whole)], "all of it")
