"""Foreign checkpoints turned into weights of our own form: a .safetensors file with a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.core.errors import UserError
from methods.loading import load_from
from methods.recipes import settings_of
from methods.weights import Card, save_weights


def import_weights(method: str, recipe: str | None, paths: Sequence[Path], folder: Path) -> tuple[Path, Card]:
    """Read a checkpoint, of one file or of several with a network each, and write its restorer with a card.

    What is not needed to restore, such as MSSR's generators, comes from a training alone.

    Args:
        recipe: where several fit. folder: that the file is written to.
    Returns:
        the file and its card.
    Raises:
        UserError: a file that has its card already, that is not the method's, or that cannot be loaded safely.
    """
    loaded = load_from(method, recipe, paths)
    if loaded.weights is None or loaded.card:
        raise UserError(f"{paths[0]} has its card already: copy both files to {folder}.")
    chosen = loaded.weights.recipe
    card = Card(
        method=method,
        recipe=chosen.name,
        recipe_digest=chosen.digest,
        recipe_settings=settings_of(chosen),
        code_version=loaded.method.version,
        source=f"{' and '.join(path.name for path in paths)}, sha256 {loaded.weights.sha256}",
        note=loaded.note,
    )
    target = folder / f"{chosen.name}-{paths[0].stem}.safetensors"
    return target, save_weights(target, loaded.method.network_of("restorer").state_dict(), card)
