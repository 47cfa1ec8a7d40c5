"""RealSR: pictures of one scene at two focal lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.listing import need_source
from datasets.paired import Files, check_sizes, reader, suffixed
from datasets.prepared import Prepared
from datasets.sr import SCALE, at_scale, folders, word


class RealSR(Prepared):
    """Pairs taken at two focal lengths, whose ratio is the scale, by two cameras; at 2, 3 and 4.

    In the authors' layout, <camera>/<Train|Test>/<scale>/NAME_HR.png and NAME_LR<scale>.png, all scales at once; or
    <train|test>/x<scale>/{lr,hr} with equal names.
    """

    facts = DatasetFacts(
        name="realsr",
        title="RealSR",
        task="super-resolve",
        splits=("test", "train"),
        default_split="test",
        train_split="train",
        convention="rgb-border4-wang",
        scale=4,
        options={"scale": SCALE},
        licence="terms of its authors",
        citation="@inproceedings{cai2019toward, title={Toward Real-World Single Image Super-Resolution: A New "
        "Benchmark and A New Model}, author={Cai, Jianrui and Zeng, Hui and Yong, Hongwei and Cao, Zisheng and Zhang, "
        "Lei}, booktitle={ICCV}, year={2019}}",
        source="https://github.com/csjcai/RealSR (version 3)",
    )
    additive = True

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        self.facts = replace(self.facts, scale=self.options["scale"])  # type: ignore[misc]

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pairs of every split and scale that the source holds.

        Raises UserError for a source without any, a picture without its partner, or a pair of another ratio.
        """
        folder = need_source(source, f"the folders of {cls.facts.title}: {cls.facts.source}")
        found = list(_real(folder, cls.facts.splits))
        if not found:
            raise UserError(
                f"Expected folders such as Canon/Test/4 or test/x4/lr and test/x4/hr in {folder} for dataset 'realsr', "
                f"but there are none. Source: {cls.facts.source}"
            )
        for split, scale, name, files in found:
            check_sizes(files, scale)
            load = {role: reader(path) for role, path in files.items()}
            yield Item(f"{name}_x{scale}", split, f"{split}-{name}", load, name.split("_")[0], meta={"scale": scale})

    def select(self, row: Row, split: str) -> bool:
        """The split's pairs at the scale asked for."""
        return row.split == split and row.meta["scale"] == self.options["scale"]

    def _require(self, of_split: list[Row], everything: list[Row]) -> None:
        scales = sorted({row.meta["scale"] for row in everything if row.split == self.split})
        if not of_split and scales:
            there, asked = ", ".join(map(str, scales)), self.options["scale"]
            raise UserError(f"The prepared 'realsr' has scales {there} in split {self.split!r}, not {asked}.")
        super()._require(of_split, everything)

    @property
    def degradation(self) -> str:
        """``x4``: a real lens's."""
        return word(self.facts.scale)


def _real(source: Path, splits: Sequence[str]) -> Iterator[tuple[str, int, str, Files]]:
    """(split, scale, name, files) of all pairs."""
    for split in splits:
        for scale in (2, 3, 4):
            for folder in sorted(source.glob(f"*/{split.capitalize()}/{scale}")):
                yield from ((split, scale, *pair) for pair in suffixed(folder, f"_lr{scale}", "_hr"))
            plain = folders(source / split / word(scale), {"degraded": ("lr", "LR"), "clean": ("hr", "HR")})
            if "degraded" in plain:
                yield from ((split, scale, *pair) for pair in at_scale(plain["degraded"], plain.get("clean"), scale))
