"""A step that does not fit into memory ends in one sentence, and the last checkpoint stays."""

from __future__ import annotations

import pytest
import torch

from benchmark.inference.memory import out_of_memory
from benchmark.runs.config import RunConfig
from benchmark.runs.engines.jobs import Job, Untrained, carry_out
from benchmark.training import trainer
from benchmark.training.checkpoint import read_checkpoint
from benchmark.training.request import TrainingRequest
from benchmark.training.too_little_memory import TooLittleMemoryError, of_step
from datasets.pool import Pool
from methods import get
from methods.loading import build
from methods.recipes import recipe
from tests.helpers.two_stages import Adversaries, sha, trained

# In the words of torch's two allocators, of CUDA and of its libraries. The first has a class of its own, and a word
# ("size") that a step on patches of a wrong size has too.
ERRORS = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB; try setting max_split_size_mb."),
    "cpu": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    "driver": RuntimeError("CUDA error: out of memory"),
    "library": RuntimeError("cuBLAS error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "python": MemoryError(),
}


def failing_at(monkeypatch: pytest.MonkeyPatch, when: int, error: BaseException) -> None:
    """At a step (from 0) the first stage runs out of memory in the middle of a step, its judge already updated."""
    step = Adversaries.step

    def short(self, batch, loop):
        if loop.step == when:
            loop.update(self.optimisers["judge"])
            raise error
        return step(self, batch, loop)

    monkeypatch.setattr(Adversaries, "step", short)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_step_that_does_not_fit_is_a_sentence_and_the_checkpoint_goes_on(kind, tmp_path, monkeypatch):
    whole = trained(tmp_path / "whole", tmp_path / "images")
    with monkeypatch.context() as planted:
        failing_at(planted, 12, ERRORS[kind])
        with pytest.raises(TooLittleMemoryError) as caught:
            trained(tmp_path / "again", tmp_path / "images")
    (last,) = (tmp_path / "again").glob("training/*/last.pt")
    assert str(caught.value) == (
        "The memory of this machine is not enough for a step of the stage 'first', on 4 patches of 8x8 and 6 patches "
        "of 8x8. Give a smaller --set train.batch or --set train.crop, which is another training from its start; or "
        "let torchrun share the same batch among several devices, with the same outcome. The last good checkpoint is "
        f"{last}."
    )
    state = read_checkpoint(last, {})
    assert state is not None and (state.stage, state.step) == (0, 8)
    again = trained(tmp_path / "again", tmp_path / "images")
    assert {role: sha(path) for role, path in again.items()} == {role: sha(path) for role, path in whole.items()}


def test_a_first_step_that_does_not_fit_is_not_taken_for_one_on_wrong_patches(tmp_path, monkeypatch):
    failing_at(monkeypatch, 0, ERRORS["gpu"])
    with pytest.raises(TooLittleMemoryError, match="'first', on 4 patches") as caught:
        trained(tmp_path / "results", tmp_path / "images")
    assert "checkpoint" not in str(caught.value)


def test_a_batch_that_does_not_fit_is_one_too(tmp_path, monkeypatch):
    def short(self, step):
        raise ERRORS["gpu"]

    monkeypatch.setattr(Pool, "batch", short)
    with pytest.raises(TooLittleMemoryError):
        trained(tmp_path / "results", tmp_path / "images")


def test_other_errors_pass(tmp_path, monkeypatch):
    failing_at(monkeypatch, 3, RuntimeError("a coil whines"))
    with pytest.raises(RuntimeError, match="a coil whines"):
        trained(tmp_path / "results", tmp_path / "images")
    assert not out_of_memory(ValueError("out of memory")) and all(map(out_of_memory, ERRORS.values()))


def test_a_validation_image_that_does_not_fit_has_a_sentence_of_its_own(tmp_path, monkeypatch):
    def short(*given):
        raise ERRORS["gpu"]

    monkeypatch.setattr(trainer, "validate", short)
    with pytest.raises(TooLittleMemoryError, match="restore a validation image .* leave --validate out"):
        trained(tmp_path / "results", tmp_path / "images")


STAGES = {
    "r2r": [["batch", "crop"]],
    "lir": [["batch", "crop"]],
    "scpgan": [["batch", "crop"]] * 2,
    "dgunet": [["batch", "crop"]],
    "mssr": [
        ["start_batch", "start_crop"], ["generator_batch", "crop"], ["generator_batch", "crop"],
        ["batch", "restorer_crop"],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_every_method_names_settings_that_it_has(name):
    cls = get(name)
    made = recipe(cls, "tiny", {"train.batch": 2} if name == "mssr" else {})
    stages, found = build(cls, made).stages(), []
    artefacts: dict[str, dict[str, torch.Tensor]] = {}
    for factory in stages:
        stage = factory(artefacts)
        artefacts |= {f"{stage.name}/{role}": tensors for role, tensors in stage.artefacts().items()}
        said = of_step(stage, torch.device("cuda:1"), "fp32", "")
        assert said.startswith(f"The memory of cuda:1 is not enough for a step of the stage {stage.name!r}")
        assert ", or --precision bf16, which" in said
        found.append([word.partition(".")[2] for word in said.replace(",", "").split() if word.startswith("train.")])
    assert found == STAGES[name] and all(key in made.train for keys in found for key in keys)


def test_the_worker_of_a_training_that_did_not_fit_is_not_used_again(tmp_path, monkeypatch):
    def run(request, report=None):
        raise TooLittleMemoryError("It is not enough.")

    monkeypatch.setattr(TrainingRequest, "run", run)
    outcome = carry_out(Job(0, TrainingRequest("r2r", "tiny", dataset="demo")), RunConfig(results=tmp_path))
    assert isinstance(outcome, Untrained) and outcome.crashed and outcome.reason.text == "It is not enough."
