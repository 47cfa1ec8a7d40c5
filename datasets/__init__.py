"""Image sets for restoration: preparing them from their published files, and reading the prepared form.

``IS_RESTORATION_BENCHMARK`` tells this package from another library of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets.base import Dataset, DatasetFacts
    from datasets.report import Report

IS_RESTORATION_BENCHMARK = True


def names() -> list[str]:
    """Names of all datasets, plug-ins included."""
    from datasets.registry import DATASETS

    return DATASETS.names()


def facts(name: str) -> DatasetFacts:
    """What a dataset says of itself. Raises UserError for an unknown name (suggests the nearest)."""
    from datasets.registry import DATASETS

    found: DatasetFacts = DATASETS.get(name).facts
    return found


def parse_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """``"bsd68[sigma=25,clip=false]"`` -> ``("bsd68", {"sigma": 25.0, "clip": False})``.

    The options given, and only those, each of its default's type.
    Raises:
        UserError: malformed text, unknown dataset, unknown option (names the nearest), value of another type.
    """
    from datasets.options import split_spec, typed

    name, given = split_spec(spec)
    values = typed(facts(name), given)
    return name, {key: values[key] for key in given}


def prepare(
    name: str,
    source: Path | str | None,
    data_root: Path | str,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    workers: int | None = None,
) -> Report:
    """Make the prepared form of a dataset in ``data_root/name``: images, manifest.csv, dataset.json.

    Idempotent and resumable: whole files of the same source are kept, a second call only verifies the hashes.

    Args:
        name: dataset, with options where they decide what is prepared. source: folder or file as published; None
            downloads it where it can be had by URL. progress: called with (what, done, total). workers: threads.
    Raises:
        UserError: a source that is missing, broken or not this dataset; no source and no URL (names the page and the
            files); a full disk, a folder that cannot be written.
    """
    from datasets.preparing import prepare_dataset

    dataset, options = parse_spec(name)
    return prepare_dataset(dataset, options, source, Path(data_root), progress, workers)


def open_dataset(
    spec: str,
    data_root: Path | str,
    *,
    split: str | None = None,
    options: Mapping[str, Any] | None = None,
    noise_seed: int = 0,
    limit: int | None = None,
) -> Dataset:
    """Open one split of a prepared dataset for reading.

    Args:
        spec: name, or name with options (``bsd68[sigma=25]``). options: more of them; these win.
        split: None takes the default one. noise_seed: of synthetic noise. limit: only the first images.
    Raises:
        UserError: not prepared (names the command), unknown dataset, split or option.
    """
    from datasets.registry import DATASETS

    name, given = parse_spec(spec)
    merged = {**given, **(options or {})}
    opened: Dataset = DATASETS.get(name)(
        Path(data_root) / name, split=split, options=merged, noise_seed=noise_seed, limit=limit
    )
    return opened
