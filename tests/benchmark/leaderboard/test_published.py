"""The papers' figures: every cell is there, none is mistyped, and comparing keeps to the convention."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from benchmark.leaderboard import published
from benchmark.leaderboard.published import PublishedFigure, caveats, find_published, read_published
from benchmark.scoring.conventions import CONVENTIONS
from datasets.core.errors import UserError
from tests.helpers.material import material, needs_material

DGUNET = "DGUNet paper (Mou, Wang, Zhang, CVPR 2022)"


def test_figures_per_source() -> None:
    counts = Counter(row.source for row in read_published())
    assert counts == {
        DGUNET: 190,
        "mmagic 1.2.0, a package of OpenMMLab": 75,
        "SelfFormer paper": 50,
        "NTIRE 2020 real-world super-resolution challenge, track 1": 23,
        "LIR paper (Du, Chen, Yang, CVPR 2020)": 21,
        "LUD-DIF paper": 19,
        "CVF-SID paper (CVPR 2022, arXiv 2203.13009)": 8,
        "SaoYan/DnCNN-PyTorch, README": 8,
        "swz30/Restormer, issue 7 (comment of its author)": 4,
        "kalpeshjp89/USISResNet, README": 4,
        "R2R paper (Pang, Zheng, Quan, Ji, CVPR 2021)": 3,
        "rpatwardhan7/Recorrupted-to-Recorrupted-Image-Denoising (Georgia Tech report, Dec. 2021)": 3,
        "Junshk/CinCGAN-pytorch, README": 3,
        "AP-BSN paper (CVPR 2022, arXiv 2203.11799)": 2,
        "AT-BSN paper (Chen et al., CVPR 2024)": 2,
        "paper behind QilnnGuo/Denoising-NLR": 2,
        "measurement by a user of AP-BSN": 1,
        "measurement by users of CVF-SID": 1,
        "Uformer paper (Wang et al., CVPR 2022)": 2,
        "measurement by a user of SADNet": 2,
        "measurement by a user of Two-stage-Knowledge-For-Multiple-Adverse-Weather-Removal": 2,
        "NAFNet paper (Chen, Chu, Zhang, Sun, ECCV 2022, arXiv 2204.04676)": 1,
        "PReNet paper (Ren et al., CVPR 2019)": 1,
        "measurement by a user of PReNet": 1,
        "measurement by a user of Uformer": 1,
    }


def test_exactly_one_row_of_each_figure_is_primary() -> None:
    primary = Counter(row.key for row in read_published() if row.primary)
    assert set(primary) == {row.key for row in read_published()}
    assert set(primary.values()) == {1}


def test_conventions_are_known_or_unknown() -> None:
    named = {row.psnr_convention for row in read_published()} | {row.ssim_convention for row in read_published()}
    assert named - {"unknown"} <= set(CONVENTIONS)
    # a figure whose SSIM is claimed under a convention that computes none would be a contradiction
    for row in read_published():
        if row.ssim_convention != "unknown":
            assert CONVENTIONS[row.ssim_convention].ssim_input is not None, row


def test_values_are_plausible() -> None:
    for row in read_published():
        assert 10 < row.psnr < 45, row
        assert row.ssim is None or 0.2 < row.ssim < 1, row
        assert row.lpips is None or 0 < row.lpips < 1, row
        assert row.source
        assert "spec" not in f"{row.source} {row.source_detail}".lower().split()


def test_captions_of_single_images_say_so() -> None:
    lir = [row for row in read_published() if row.source.startswith("LIR paper")]
    assert all("caption of one example image" in row.note for row in lir)


def test_conflicting_sources_are_all_kept() -> None:
    found = {(row.psnr, row.ssim) for row in read_published() if row.key == ("R2R", "sidd", "benchmark", "real")}
    assert found == {(34.78, 0.898), (34.78, 0.844), (35.88, 0.863)}


SPECS = {
    "dgunet.md": ("## 8.", "## 9.", DGUNET),
    "scpgan.md": ("## 9.", "## 10.", "SelfFormer paper"),
    "r2r.md": ("## 9.", "## 10.", "R2R paper"),
    "lir.md": ("## 9.", "## 10.", "LIR paper"),
    "mssr.md": ("## 10.", "## 11.", "NTIRE 2020"),
}
PAIR = re.compile(r"(?<![\d.])(\d\d\.\d\d)(?:\d)?\s*/\s*(0?\.\d{2,4})(?![\d.])")


@needs_material
@pytest.mark.parametrize("name", SPECS)
def test_every_printed_pair_is_there(name: str) -> None:
    """Each "PSNR / SSIM" that the material prints, as often as it prints it, at least once as a row."""
    start, end, _ = SPECS[name]
    text = material(f"specs/{name}").read_text(encoding="utf-8")
    section = text[text.index(f"\n{start}") : text.index(f"\n{end}")]
    printed = {(float(psnr), float(ssim)) for psnr, ssim in PAIR.findall(section)}
    known = {(round(row.psnr, 2), row.ssim) for row in read_published()}
    assert len(printed) >= {"dgunet.md": 180, "scpgan.md": 60, "r2r.md": 14, "lir.md": 20}.get(name, 0)
    assert printed <= known, sorted(printed - known)


def _tables(text: str) -> list[list[list[str]]]:
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    cells = [[[c.strip().strip("*") for c in line.strip("|").split("|")] for line in b.splitlines()] for b in blocks]
    return [[table[0], *table[2:]] for table in cells]


def _known(variant: str, dataset: str, degradation: str, source: str) -> set[tuple[float, float | None]]:
    rows = [r for r in read_published() if (r.variant, r.dataset, r.degradation) == (variant, dataset, degradation)]
    return {(r.psnr, r.ssim) for r in rows if r.source.startswith(source)}


def _pair(text: str) -> tuple[float, float]:
    psnr, ssim = text.split("/")
    return float(psnr), float(ssim)


@needs_material
def test_dgunet_tables_cell_by_cell() -> None:
    text = material("specs/dgunet.md").read_text(encoding="utf-8")
    noise, blur, rain, set11, bsd68 = _tables(text[text.index("\n## 8.") : text.index("\n## 9.")])
    columns = {
        "real": (noise, ("sidd", "dnd")),
        "blur": (blur, ("gopro", "hide")),
        "rain": (rain, ("test100", "rain100h", "rain100l", "test2800", "test1200", "average of the five rain sets")),
    }
    seen = 0
    for degradation, (table, names) in columns.items():
        for variant, *cells in table[1:]:
            for dataset, cell in zip(names, cells, strict=True):
                if "/" in cell:
                    assert _known(variant, dataset, degradation, DGUNET) == {_pair(cell)}, (variant, dataset)
                    seen += 1
    for dataset, table in (("set11", set11), ("bsd68", bsd68)):
        for ratio, *cells in table[1:]:
            for variant, cell in zip(table[0][1:], cells, strict=True):
                assert _known(variant, dataset, f"cs{ratio}", DGUNET) == {_pair(cell)}, (variant, dataset, ratio)
                seen += 1
    assert seen == 190


@needs_material
def test_selfformer_table_cell_by_cell() -> None:
    text = material("specs/scpgan.md").read_text(encoding="utf-8")
    (table,) = _tables(text[text.index("\n### 9.2") : text.index("\n### 9.3")])
    seen = 0
    for variant, *cells in table[1:]:
        for dataset, cell in zip(("sidd", "dnd"), cells, strict=True):
            if "/" in cell:
                assert _pair(cell) in _known(variant, dataset, "real", "SelfFormer")
                seen += 1
    assert seen == 50


@needs_material
def test_ntire_table_cell_by_cell() -> None:
    text = material("specs/mssr.md").read_text(encoding="utf-8")
    (table,) = _tables(text[text.index("\n## 10.") : text.index("\n## 11.")])
    rows = {row.variant: row for row in read_published() if row.source.startswith("NTIRE 2020")}
    assert len(rows) == len(table) - 1
    for variant, psnr, ssim, lpips, _ in table[1:]:
        found = rows[variant]
        assert (found.psnr, found.ssim, found.lpips) == (float(psnr), float(ssim), float(lpips))


def a_figure(**changes: object) -> PublishedFigure:
    values = dict(zip(published.COLUMNS, ["r2r", "R2R", "sidd", "validation", "real", 35.0, 0.8, None], strict=False))
    values |= {"psnr_convention": "unclamped-float", "ssim_convention": "unknown", "ensemble": False}
    values |= {"source": "a paper", "source_detail": "Table 1", "second_hand": False, "primary": True, "note": ""}
    return PublishedFigure(**{**values, **changes})  # type: ignore[arg-type]


def test_find_prefers_the_same_convention_then_the_primary() -> None:
    primary, other = a_figure(), a_figure(primary=False, psnr_convention="float-gauss", psnr=36.0)
    key = ("R2R", "sidd", "validation", "real")
    assert find_published(*key, "float-gauss", [primary, other]) is other
    assert find_published(*key, "skimage7-uint8", [other, primary]) is primary
    assert find_published("", "sidd", "validation", "real", "float-gauss", [primary]) is None
    assert find_published("R2R", "sidd", "benchmark", "real", "float-gauss", [primary]) is None


@pytest.mark.parametrize(
    ("change", "convention", "ensemble", "expected"),
    [
        ({"ssim_convention": "unclamped-float"}, "unclamped-float", False, []),
        ({}, "unclamped-float", False, ["PSNR only: the SSIM's convention is unknown"]),
        ({}, "float-gauss", False, ["other convention: unclamped-float"]),
        ({"psnr_convention": "unknown"}, "float-gauss", False, ["convention unknown"]),
        ({"ssim": None}, "unclamped-float", True, ["ensemble: only ours"]),
        ({"ssim": None, "ensemble": True}, "unclamped-float", False, ["ensemble: only theirs"]),
        ({"ssim": None, "second_hand": True}, "unclamped-float", False, ["second source"]),
    ],
)
def test_caveats(change: dict[str, object], convention: str, ensemble: bool, expected: list[str]) -> None:
    assert caveats(a_figure(**change), convention, ensemble=ensemble) == expected


def test_missing_images_come_first() -> None:
    assert caveats(a_figure(), "float-gauss", ensemble=False, partial="partial: 65 of 1280")[0] == "partial: 65 of 1280"


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_text("method,psnr\nr2r,35\n")
    with pytest.raises(UserError, match="other columns"):
        read_published(path)
    with pytest.raises(UserError, match="missing at"):
        read_published(tmp_path / "none.csv")
