"""The card of a weights file: where it comes from. Reading one needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from datasets.core.codec import decode
from datasets.core.dataset_ref import DatasetRef, named
from datasets.core.earlier_refs import refs_of
from datasets.core.errors import UserError
from datasets.core.sealed import read_sealed


@dataclass(frozen=True)
class Card:
    """Where a weights file comes from; all of it lies in NAME.json beside NAME.safetensors.

    Attributes:
        method, recipe, recipe_digest, recipe_settings: what was trained; the settings are all of the recipe's values.
        role: the network in the file, such as ``restorer``. code_version: of the method.
        train_data: the sets it was trained on. train_fingerprint, train_licence: their content's hash, their licence.
        steps, seed: of the training. selected_by: the data that chose this checkpoint, '' = the last step.
        sha256: of the .safetensors file. source, note: in words. versions: of the libraries.
        minutes, device, precision: of the training.
    """

    method: str
    recipe: str
    recipe_digest: str = ""
    recipe_settings: Mapping[str, Any] = field(default_factory=dict)
    role: str = "restorer"
    code_version: str = ""
    train_data: tuple[DatasetRef, ...] = ()
    train_fingerprint: str = ""
    train_licence: str = ""
    steps: int = 0
    seed: int = 0
    selected_by: str = ""
    sha256: str = ""
    source: str = ""
    note: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    minutes: float = 0.0
    device: str = ""
    precision: str = ""

    @property
    def trained_on(self) -> str:
        """The training data in words: ``demo[sigma=50]-train``."""
        return named(self.train_data)


def card_path(path: Path | str) -> Path:
    """Where the card of a weights file lies."""
    return Path(path).with_suffix(".json")


def read_card(path: Path | str) -> Card | None:
    """The card beside a weights file, None where there is none. Raises UserError for a card that is damaged."""
    beside = card_path(path)
    known = {f.name for f in fields(Card)}
    try:
        content, _ = read_sealed(beside, "fetch or train the weights again, or move the card away")
        values = {key: value for key, value in content.items() if key in known}
        if isinstance(sets := values.get("train_data"), str):  # a card of an earlier version
            values["train_data"] = [asdict(ref) for ref in refs_of(sets)]
        return _made(json.dumps(values))
    except FileNotFoundError:
        return None
    except UserError as error:
        raise UserError(
            f"{beside} was expected to be the card of {Path(path).name}, but is no such file: {str(error).rstrip('.')}."
        ) from error


@lru_cache(maxsize=256)  # a plan of hundreds of cells looks at each card as often
def _made(text: str) -> Card:
    card: Card = decode(Card, json.loads(text), "card")
    return card
