"""The provenance and the remarks of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import environment
from benchmark.records.cell import Cell, Reason
from benchmark.records.record import DONE, FAILED, SKIPPED, DataInfo, Environment, Record, Training
from benchmark.records.training_source import same_options, trained_on
from benchmark.runs.departures import departures
from methods.recipes import own_steps

if TYPE_CHECKING:
    from datasets.base import Dataset, DatasetFacts
    from methods.base import Method, Recipe
    from methods.weights import Card


def outline(cell: Cell, reason: Reason | None = None) -> Record:
    """A record of what is known from the cell alone: enough for one that failed or was skipped.

    Weights and source are file names in it: where they lay says nothing on another machine.
    """
    status = DONE if reason is None else SKIPPED if reason.skips else FAILED
    surroundings = Environment(versions=environment.versions(), commit=environment.commit())
    origin = cell.origin and replace(cell.origin, source=Path(cell.origin.source).name)
    plain = replace(cell, weights=Path(cell.weights).name, origin=origin, blocked=None)
    return Record(cell.id, plain, status, reason, environment=surroundings, note=cell.note)


def complete(
    record: Record, cell: Cell, data: Dataset, method: Method, card: Card | None, remarks: Sequence[str]
) -> Record:
    """Add what the dataset, the method and the weights' card know.

    Weights that were not trained as the recipe says (fewer steps, other data, another noise level) carry no variant:
    the paper's figure is not theirs. Weights without a card, such as official checkpoints, are trusted.
    """
    facts, training, otherwise = method.facts, None, list[str]()
    if card:
        otherwise = _otherwise(cell, data.facts, method, card)
        training = Training(card.train_data, card.train_fingerprint, card.steps, card.train_licence, card.selected_by)
    notes = [facts.note, data.partial, cell.note, *otherwise]
    # Weights that run on another dataset than their training's, which papers' recipes do by rule.
    if card and card.train_data and method.recipe.tier != "paper":
        is_known = trained_on(card.train_data, cell.data.name) or _on_other_data(card, method.recipe)
        notes += [] if is_known else [f"trained on {card.trained_on}"]
    notes += [*remarks, *cell.inference.remarks]
    if cell.inference.tile and not facts.tiling:
        notes.append("tiles are not advised for this architecture: it relies on the whole image")
    return replace(
        record,
        tier=method.recipe.tier,
        variant="" if otherwise else facts.variant,  # what published figures are joined by: empty = with none
        departures=departures(method, card, bool(otherwise)),
        data=DataInfo(data.partial, data.facts.convention),
        training=training,
        note="; ".join(dict.fromkeys(note for note in notes if note)),
    )


def _on_other_data(card: Card, recipe: Recipe) -> bool:
    """Whether weights were trained on other data than the recipe names."""
    return bool(card.train_data and recipe.data) and not any(trained_on(card.train_data, name) for name in recipe.data)


def _otherwise(cell: Cell, facts: DatasetFacts, method: Method, card: Card) -> list[str]:
    """How a training differs from its recipe, and from what is restored."""
    recipe, differences = method.recipe, []
    if 0 < card.steps < own_steps(recipe):
        differences.append(f"trained {card.steps} of {own_steps(recipe)} steps")
    if _on_other_data(card, recipe):
        differences.append(f"trained on {card.trained_on}, where the recipe is for {', '.join(recipe.data)}")
    if trained_on(card.train_data, cell.data.name) and not same_options(card.train_data, cell.data):
        differences.append(f"trained on {card.trained_on}, run on {cell.data.spec}")
    for key, (default, _) in facts.options.items():
        value = cell.data.options.get(key, default)
        known = card.recipe_settings.get(f"train.{key}", value)
        differences += [f"trained for {key} {known}, run on {value}"] if known != value else []
    return differences
