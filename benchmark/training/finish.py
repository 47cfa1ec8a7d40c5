"""The end of a training: its weights, each with a card that says where they come from."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark.environment import describe, versions
from benchmark.training.checkpoint import Progress
from benchmark.training.data import TrainingData
from benchmark.training.plan import Plan
from benchmark.training.settings import TrainSettings
from datasets.ops.errors import UserError
from datasets.ops.phases import passing
from methods.base import Method, State
from methods.recipes import settings_of
from methods.weights import Card, save_weights


def write_weights(
    method: Method,
    data: TrainingData,
    settings: TrainSettings,
    plan: Plan,
    progress: Progress,
    device: torch.device,
) -> dict[str, Path]:
    """Write the final weights of every role from what the stages left; the last one that has a role counts.

    Returns:
        role -> file. Raises UserError where a role came out of no stage.
    """
    states = {role: _latest(role, progress) for role in method.roles()}
    card = _card(method, data, settings, progress, device)
    paths, hashes = {}, {}
    for role, state in states.items():
        passing("train.weights")
        paths[role] = plan.weights(role)
        hashes[role] = save_weights(paths[role], state, _for_role(card, role)).sha256
    passing("train.weights")
    plan.finish(hashes)
    return paths


def _latest(role: str, progress: Progress) -> State:
    for name, state in reversed(progress.artefacts.items()):
        if name.rpartition("/")[2] == role:
            return state
    raise UserError(f"No stage of the training left the role {role!r}; they left {', '.join(progress.artefacts)}.")


def _for_role(card: Card, role: str) -> Card:
    return Card(**{**card.__dict__, "role": role})


def _card(
    method: Method, data: TrainingData, settings: TrainSettings, progress: Progress, device: torch.device
) -> Card:
    dataset, recipe = data.dataset, method.recipe
    return Card(
        method=method.name,
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        recipe_settings=settings_of(recipe),
        code_version=method.version,
        train_data=data.splits,
        train_fingerprint=data.fingerprint(method),
        train_licence=dataset.facts.licence,
        steps=progress.total,
        seed=settings.seed,
        selected_by=progress.selected_by,
        source="trained by restoration-benchmark",
        note="; ".join(text for text in (dataset.partial, progress.note) if text),
        versions=versions(),
        minutes=round(progress.seconds / 60, 2),
        device=describe(device),
        precision=settings.arithmetic,
    )
