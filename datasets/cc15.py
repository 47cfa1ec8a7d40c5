"""CC15: fifteen 512x512 crops of real noise from three cameras (Nam et al. 2016)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets.base import DatasetFacts, Item
from datasets.core.errors import UserError
from datasets.listing import Pair, by_folder, by_suffix, need_source, pictures, two_folders
from datasets.prepared import Prepared
from datasets.recognition import marked

_NAME = re.compile(r"(5dmark3|d600|d800)_iso(\d+)_(\d+)", re.IGNORECASE)
_FOLDER = "Real_ccnoise_denoised_part"
_WHAT = f"CC15: {_FOLDER} with files such as d600_iso3200_1_real.png and d600_iso3200_1_mean.png"


class CC15(Prepared):
    """15 pairs, ``*_real`` noisy and ``*_mean`` clean; ``*_ours`` (another method's results) is left out.

    Which crops show the same scene is not published, so the three crops of one camera and ISO count as one scene.
    """

    facts = DatasetFacts(
        name="cc15",
        title="CC15",
        task="denoise",
        splits=("test",),
        default_split="test",
        convention="float-gauss",
        complete={"test": 15},
        licence="research and education, non-commercial",
        citation=(
            "@inproceedings{nam2016holistic, title={A Holistic Approach to Cross-Channel Image Noise Modeling and Its "
            "Application to Image Denoising}, author={Nam, Seonghyeon and Hwang, Youngbae and Matsushita, Yasuyuki and "
            "Kim, Seon Joo}, booktitle={CVPR}, year={2016}}"
        ),
        source=f"https://github.com/csjunxu/MCWNNM-ICCV2017: the folder {_FOLDER} (*_real.png and *_mean.png)",
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """The pairs of that folder, or of a folder that holds it. Raises UserError where there is none."""
        folder = need_source(source, _WHAT)
        folder = folder / _FOLDER if (folder / _FOLDER).is_dir() else folder
        pairs = by_suffix((p for p in pictures(folder) if _NAME.match(p.stem)), "_real", "_mean")
        two = None if pairs else two_folders(folder)
        pairs = by_folder(*two) if two else pairs
        if not pairs:
            raise UserError(f"Expected {_WHAT}; found none of them in {folder}.")
        return (marked(_item(pair), "cc15", pair.degraded, pair.clean) for pair in pairs)


def _item(pair: Pair) -> Item:
    found = _NAME.fullmatch(re.sub("_(real|mean)$", "", pair.stem, flags=re.IGNORECASE))
    if not found:
        raise UserError(f"Expected a name such as d600_iso3200_1_real.png, but found {pair.degraded}; remove it.")
    camera, iso, _ = found.groups()
    return Item(found[0], "test", f"{camera}_iso{iso}", pair.loaders(), camera, int(iso))
