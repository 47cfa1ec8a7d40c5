"""An evaluation comes after the checkpoint: where it fails no step is lost, and the resume owes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmark.training import trainer
from benchmark.training.checkpoint import read_checkpoint
from benchmark.training.log import read_log
from benchmark.training.too_little_memory import TooLittleMemoryError
from tests.helpers.two_stages import SETTINGS, sha, trained

NEVER = replace(SETTINGS, checkpoint_steps=0, checkpoint_seconds=1e9)  # but for evaluations


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_failed_evaluation_costs_no_step(which, tmp_path, monkeypatch):
    """Evaluations are at steps 8, 16 and 24 of the first stage and at the end of the second."""
    whole = trained(tmp_path / "whole", tmp_path / "images", settings=NEVER)
    validate, calls = trainer.validate, []

    def failing(*given):
        calls.append(None)
        if len(calls) == which + 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return validate(*given)

    monkeypatch.setattr(trainer, "validate", failing)
    with pytest.raises(TooLittleMemoryError):
        trained(tmp_path / "again", tmp_path / "images", settings=NEVER)
    (last,) = (tmp_path / "again").glob("training/*/last.pt")
    state = read_checkpoint(last, {})
    assert state is not None and state.owed is not None and "lr" in state.owed
    assert (state.stage, state.step) == [(0, 8), (0, 16), (0, 24), (1, 16)][which]
    again = trained(tmp_path / "again", tmp_path / "images", settings=NEVER)
    assert {role: sha(path) for role, path in again.items()} == {role: sha(path) for role, path in whole.items()}
    one, two = (
        read_log(next(folder.glob("training/*/log.csv"))) for folder in (tmp_path / "whole", tmp_path / "again")
    )
    assert [{**row, "seconds": ""} for row in one] == [{**row, "seconds": ""} for row in two]
    assert len(one) == 40 and sum(bool(row["psnr"]) for row in one) == 4
