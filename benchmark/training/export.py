"""The end of a training: its weights, each with a card on their origin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from benchmark.environment import describe, versions
from benchmark.training.checkpoint import TrainingState
from benchmark.training.data import TrainingData
from benchmark.training.identity import TrainingIdentity
from benchmark.training.settings import TrainSettings
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.core.files import clear_parts
from methods.base import Method
from methods.recipes import settings_of
from methods.weights import Card, card_path, save_weights


def write_weights(
    method: Method,
    data: TrainingData,
    settings: TrainSettings,
    identity: TrainingIdentity,
    state: TrainingState,
    device: torch.device,
) -> dict[str, Path]:
    """Write the final weights of every role from what the stages left; the last one that has a role counts.

    Returns:
        role -> file. Raises UserError where a role came out of no stage.
    """
    states = {}
    for role in method.role_names():
        # The last stage that has a role counts: later stages train on what earlier ones left.
        latest = [tensors for name, tensors in state.artefacts.items() if name.rpartition("/")[2] == role][-1:]
        if not latest:
            raise UserError(f"No stage of the training left the role {role!r}; they left {', '.join(state.artefacts)}.")
        states[role] = latest[0]
    card = _card(method, data, settings, state, device)
    paths, hashes = {}, {}
    for role, tensors in states.items():
        fault_point("train.weights")
        path = paths[role] = identity.weights(role)
        for written in (path, card_path(path)):
            clear_parts(written.parent, written.name)
        hashes[role] = save_weights(paths[role], tensors, replace(card, role=role)).sha256
    fault_point("train.weights")
    identity.finish(hashes)
    return paths


def _card(
    method: Method, data: TrainingData, settings: TrainSettings, state: TrainingState, device: torch.device
) -> Card:
    dataset, recipe = data.dataset, method.recipe
    return Card(
        method=method.name,
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        recipe_settings=settings_of(recipe),
        code_version=method.version,
        train_data=data.refs,
        train_fingerprint=data.fingerprint(method),
        train_licence=dataset.facts.licence,
        steps=state.total,
        seed=settings.seed,
        selected_by=state.selected_by,
        source="trained by restoration-benchmark",
        note="; ".join(text for text in (dataset.partial, state.note) if text),
        versions=versions(),
        minutes=round(state.seconds / 60, 2),
        device=describe(device),
        precision=settings.arithmetic,
    )
