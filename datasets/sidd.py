"""SIDD: smartphone noise in sRGB and raw. Validation and benchmark blocks, and the training captures.

Abdelhamed, Lin, Brown: A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from datasets.base import DatasetFacts, Item
from datasets.core.errors import UserError
from datasets.prepared import Prepared
from datasets.sidd_blocks import STRANGE, block_items
from datasets.sidd_captures import capture_items

_CITATION = """@inproceedings{abdelhamed2018sidd,
  author = {Abdelhamed, Abdelrahman and Lin, Stephen and Brown, Michael S.},
  title = {A High-Quality Denoising Dataset for Smartphone Cameras},
  booktitle = {CVPR},
  year = {2018}
}"""


class SIDD(Prepared):
    """SIDD as published or as others cut it.

    Splits:
        validation: 40 scenes x 32 blocks of 256x256. benchmark: the same without ground truth.
        train: full frames of the Small or Medium packages; roles degraded/clean (sRGB) and raw/raw_clean, with the
            metadata that rendering needs (``cfa``, ``as_shot_neutral``, ``color_matrix2``, ``beta``).
        plus: the validation images of SIDD+ (NTIRE 2020).
    """

    additive: ClassVar[bool] = True
    strange: ClassVar[str] = STRANGE
    facts = DatasetFacts(
        name="sidd",
        title="SIDD",
        task="denoise",
        splits=("validation", "benchmark", "train", "plus"),
        default_split="validation",
        train_split="train",
        convention="matlab-volume-float",
        complete={"validation": 1280, "benchmark": 1280, "plus": 1024},
        licence="MIT (dataset page); SIDD+: research and education only, its notice travels with the data",
        citation=_CITATION,
        source=(
            "https://abdokamel.github.io/sidd/ : ValidationNoisyBlocksSrgb.mat, ValidationGtBlocksSrgb.mat, "
            "BenchmarkNoisyBlocksSrgb.mat; for training SIDD_Small_sRGB_Only or SIDD_Medium_Srgb (and the raw packages "
            "with noise_level_functions.csv)"
        ),
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """Blocks and training captures of a folder, however deep they lie; a file stands for itself and its neighbours.

        Raises:
            UserError: nothing of SIDD there; a partner is missing; counts or shapes differ; a broken file.
        """
        if source is None:
            raise UserError(f"SIDD needs a source folder: {cls.facts.source}.")
        folder, files = _listed(source)
        found = [*block_items(folder, files), *capture_items(files)]
        if not found:
            raise UserError(
                f"Expected SIDD in {folder} (ValidationNoisyBlocksSrgb.mat and its like, block PNGs in folders noisy "
                f"and clean, or scene folders with NOISY_SRGB/GT_SRGB images), but none of its {len(files)} files is "
                "of SIDD."
            )
        yield from found


def _listed(source: Path) -> tuple[Path, list[Path]]:
    """The folder and its files in order; of a file its neighbours of the same suffix, without sub-folders."""
    if source.is_file():
        beside = (path for path in source.parent.iterdir() if path.suffix.lower() == source.suffix.lower())
        return source.parent, sorted(path for path in beside if path.is_file())
    return source, sorted(path for path in source.rglob("*") if path.is_file() and not _hidden(path, source))


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
