"""Camera and ISO of the images of a prepared dataset, from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmark.verdict.pair import CAMERA, SENSITIVITY, Conditions


def conditions_below(data: Path) -> Conditions:
    """Conditions by the manifests below a data folder; a dataset that is not prepared there has none.

    Args:
        data: folder of the prepared datasets (`--data`).
    """

    def conditions(name: str, split: str) -> Mapping[str, Mapping[str, str]]:
        from datasets.core.errors import UserError
        from datasets.manifest import read_manifest

        try:
            rows = read_manifest(data / name, name)
        except (UserError, OSError):  # what is not at hand here is not known here: the verdict stands without it
            return {}
        return {
            row.name: {CAMERA: row.camera, SENSITIVITY: "" if row.iso is None else str(row.iso)}
            for row in rows
            if row.split == split
        }

    return conditions
