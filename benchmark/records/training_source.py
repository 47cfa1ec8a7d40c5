"""Whether weights were trained on a dataset: the one place that decides it."""

from __future__ import annotations

from collections.abc import Iterable

from datasets.core.dataset_ref import DatasetRef


def trained_on(data: Iterable[DatasetRef], dataset: str) -> bool:
    """Whether a dataset, under whatever options, is among the training data."""
    return any(ref.name == dataset for ref in data)


def same_options(data: Iterable[DatasetRef], tested: DatasetRef) -> bool:
    """Whether a dataset is among the training data under just these options."""
    return any(ref.name == tested.name and ref.options == tested.options for ref in data)


def has_other_options(data: Iterable[DatasetRef], tested: DatasetRef | None = None) -> bool:
    """Whether any of the training data had options (a sigma) that a dataset does not have."""
    own = tested.options if tested else {}
    return any(ref.options and ref.options != own for ref in data)
