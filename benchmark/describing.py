"""What a record says of its cell: provenance and remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import environment
from benchmark.cell import Cell
from benchmark.finding import trained_on, trained_under
from benchmark.records import Record
from datasets.options import spelled

if TYPE_CHECKING:
    from datasets.base import Dataset, DatasetFacts
    from methods.base import Method, Recipe
    from methods.weights import Card


def outline(cell: Cell, status: str, reason: str) -> Record:
    """A record of what is known from the cell alone: enough for one that failed or was skipped."""
    return Record(
        cell=cell.id,
        status=status,
        reason=reason,
        method=cell.method,
        recipe=cell.recipe,
        recipe_digest=cell.recipe_digest,
        settings=dict(cell.settings),
        method_version=cell.method_version,
        reference=cell.is_reference,
        weights=Path(cell.weights).name,
        weights_sha256=cell.weights_sha256,
        dataset=cell.dataset,
        split=cell.split,
        options=dict(cell.options),
        fingerprint=cell.fingerprint,
        seed=cell.seed,
        noise_seed=cell.noise_seed,
        limit=cell.limit,
        ensemble=cell.ensemble,
        tile=cell.tile,
        precision=cell.precision,
        tf32=cell.tf32,
        grey_as_rgb=cell.grey_as_rgb,
        versions=environment.versions(),
        commit=environment.commit(),
        note=cell.note,
    )


def complete(
    record: Record, cell: Cell, data: Dataset, method: Method, card: Card | None, remarks: Sequence[str]
) -> Record:
    """Add what the dataset, the method and the weights' card know.

    Weights that were not trained as the recipe says (fewer steps, other data, another noise level) carry no variant:
    the paper's figure is not theirs.
    """
    told, otherwise = method.facts, _otherwise(cell, data.facts, method, card) if card else []
    training = [*otherwise, *_elsewhere(cell, method, card)]
    record = replace(
        record,
        tier=method.recipe.tier,
        variant="" if otherwise else told.variant,
        task=data.facts.task,
        degradation=data.degradation,
        partial=data.partial,
        convention=data.facts.convention,
        note=_joined([told.note, data.partial, cell.note, *training, *remarks, *_manner(cell)]),
    )
    if card is None:
        return record
    return replace(
        record,
        train_data=card.train_data,
        train_fingerprint=card.train_fingerprint,
        train_steps=card.steps,
        train_licence=card.train_licence,
        selected_by=card.selected_by,
    )


def _off(card: Card, recipe: Recipe) -> bool:
    """Whether weights were trained on other data than the recipe names."""
    return bool(card.train_data and recipe.data) and not any(trained_on(card, name) for name in recipe.data)


def _elsewhere(cell: Cell, method: Method, card: Card | None) -> list[str]:
    """The training data of weights that run on another dataset, which papers' recipes do by rule."""
    if card is None or method.recipe.tier == "paper" or not card.train_data:
        return []
    said = trained_on(card, cell.dataset) or _off(card, method.recipe)
    return [] if said else [f"trained on {card.train_data}"]


def _otherwise(cell: Cell, facts: DatasetFacts, method: Method, card: Card) -> list[str]:
    """In what a training differs from its recipe, and from what is restored."""
    recipe, found = method.recipe, []
    if 0 < card.steps < own_steps(recipe):
        found.append(f"trained {card.steps} of {own_steps(recipe)} steps")
    if _off(card, recipe):
        found.append(f"trained on {card.train_data}, where the recipe is for {', '.join(recipe.data)}")
    spec = spelled(facts, dict(cell.options))
    if trained_on(card, cell.dataset) and not trained_under(card, spec):
        found.append(f"trained on {card.train_data}, run on {spec}")
    for key, value in cell.options:
        known = card.recipe_settings.get(f"train.{key}", value)
        found += [f"trained for {key} {known}, run on {value}"] if known != value else []
    return found


def own_steps(recipe: Recipe) -> int:
    """Steps that a recipe asks for by itself, over its stages where it lists them; 0 where it does not say."""
    steps = recipe.train.get("steps", 0)
    return sum(steps) if isinstance(steps, list) else int(steps)


def _manner(cell: Cell) -> list[str]:
    return [
        "mean over 8 flips and rotations" if cell.ensemble else "",
        f"tiles of {cell.tile}" if cell.tile else "",
        "grey repeated as RGB" if cell.grey_as_rgb else "",
    ]


def _joined(remarks: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(remark for remark in remarks if remark))
