"""What a method states: its recipes, and the facts that a harness needs.

Imports neither torch nor numpy, so that a plan or a list of methods needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What the harness must know of a method under one recipe.

    Attributes:
        tasks: of denoise, super-resolve, deblur, derain, desnow, compressive-sensing.
        supervision: what training needs: ``paired``, ``unpaired``, or ``degraded``.
        channels: accepted channel counts, such as (3,) or (1,).
        scale: restored size / degraded size.
        multiple: sides are padded by the adapter to multiples of this (informative: callers need not care).
        context: pixels of surroundings that an output pixel depends on; None = the whole image.
        fade: without a finite context: pixels on either side of a cut over which neighbouring tiles are faded into each
            other; None = an eighth of a tile, which does where nothing was measured.
        needs_noise_level: restore() cannot work without info.noise_level.
        min_side: smallest side that restore() takes.
        measures: the method measures the clean image itself (`Method.measure`), which takes a degraded image's place.
        needs_weights: there is something to train or load; False for a classical method without parameters.
        tiling: whether tiles are advised; False where a network relies on the whole image.
        architecture, licence: of a network that came with a file: its name, and the terms of its code ('' = not said).
        note: enters every record, such as ``adapted: not in the paper``.
        variant: the name that published figures carry, such as ``R2R`` or ``DGUNet+``; '' = none is comparable.
    """

    tasks: tuple[str, ...]
    supervision: str
    channels: tuple[int, ...] = (3,)
    scale: int = 1
    multiple: int = 1
    context: int | None = None
    needs_noise_level: bool = False
    min_side: int = 1
    note: str = ""
    variant: str = ""
    measures: bool = False
    needs_weights: bool = True
    tiling: bool = True
    architecture: str = ""
    licence: str = ""
    fade: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A named set of hyper-parameters, read from the method's recipes.toml (see methods/recipes.py).

    Attributes:
        method, name: such as ``r2r``, ``awgn-paper``. tier: paper, budget, cpu or tiny.
        network: constructor arguments. train: everything about training.
        restore: test-time settings (draws, alpha ...).
        about: one sentence. data: datasets that it is meant for, in order of preference.
        original: dotted name -> value, as the file has them; what `methods.recipes.deviations` compares with. Empty
            for a recipe that comes from no file.
    """

    method: str
    name: str
    tier: str
    about: str = ""
    data: tuple[str, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    restore: Mapping[str, Any] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 over everything but the prose (name and about): equal settings have equal hashes."""
        from datasets.core.files import digest

        return digest([self.method, dict(self.network), dict(self.train), dict(self.restore)])


@dataclass(frozen=True)
class Description:
    """What is known of a built-in method without importing torch: ``DESCRIPTION`` of ``methods/NAME/description.py``.

    Attributes:
        name, title, version: see `methods.base.Method`, whose subclass takes them from here.
        describe: the facts under a recipe, computed from its numbers alone.
        folder: of the method; holds ``recipes.toml`` and ``paper.bib``.
        published: recipe -> name of the source (`datasets.sources`) of weights that the authors published.
        features: names of feature networks (`methods.features.published`) that trainings use where they are there.
    """

    name: str
    title: str
    version: str
    describe: Callable[[Recipe], Facts]
    folder: Path
    published: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()

    @property
    def paper(self) -> str:
        """The BibTeX entries of the method."""
        return (self.folder / "paper.bib").read_text(encoding="utf-8").strip()
