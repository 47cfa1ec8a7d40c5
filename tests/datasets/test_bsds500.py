"""BSDS500: the authors' folders, a picture too few, and nothing of CBSD68 outside val."""

import numpy as np
import pytest

import datasets
from datasets import bsds500
from datasets.classic import BSD68_NUMBERS
from datasets.core.errors import UserError
from datasets.ops.images import write_png
from datasets.sources import hashes
from tests.helpers.material import material, needs_material

FEW = {"train": 2, "val": 3, "test": 1}


def pictures(folder, counts=FEW):
    """Made-up photographs in the authors' folders; the first of val has a number of CBSD68."""
    draw, number = np.random.default_rng(5), 0
    names = {"val": ["3096"]}
    for split, count in counts.items():
        for k in range(count):
            stem = names.get(split, [])[k] if k < len(names.get(split, [])) else f"{9000 + number}"
            coarse = draw.integers(0, 256, (5, 7, 3), np.uint8)
            picture = np.kron(coarse, np.ones((97, 69, 1), np.uint8))[:481, :321] if k % 2 else None
            picture = np.kron(coarse, np.ones((65, 69, 1), np.uint8))[:321, :481] if picture is None else picture
            write_png(folder / split / f"{stem}.png", picture)
            number += 1
    return folder


@pytest.fixture
def few(monkeypatch):
    """As many photographs as the made-up set has."""
    monkeypatch.setattr(bsds500, "COUNTS", FEW)


@pytest.mark.parametrize("inside", ["", "BSDS500/data/images"])
def test_the_authors_folders(tmp_path, few, inside):
    pictures(tmp_path / "source" / inside)
    report = datasets.prepare("bsds500", tmp_path / "source", tmp_path / "data")
    assert report.splits == FEW
    train = datasets.open_dataset("bsds500[sigma=50]", tmp_path / "data", split="train")
    assert [(s.name, s.scene, s.clean.shape) for s in train] == [
        ("9000", "9000", (321, 481, 3)),
        ("9001", "9001", (481, 321, 3)),
    ]
    assert float((train[0].degraded - train[0].clean / 255).std()) == pytest.approx(50 / 255, rel=0.01)


def test_the_prepared_set_is_a_source(tmp_path, few):
    datasets.prepare("bsds500", pictures(tmp_path / "source"), tmp_path / "data")
    found = bsds500.photographs(tmp_path / "data" / "bsds500")
    assert {split: len(paths) for split, paths in found.items()} == FEW
    assert [path.stem for path in found["val"]] == ["3096", "9003", "9004"]


def test_a_missing_picture_and_a_wrong_size(tmp_path, few):
    pictures(tmp_path, {**FEW, "val": 2})
    with pytest.raises(UserError, match="found 2 of 3 for val"):
        bsds500.photographs(tmp_path)
    write_png(tmp_path / "val" / "1.png", np.zeros((320, 480, 3), np.uint8))
    with pytest.raises(UserError, match="481x321, but .*1.png is colour and 480x320"):
        bsds500.photographs(tmp_path)
    with pytest.raises(UserError, match="no such folders"):
        bsds500.photographs(tmp_path / "val")


def test_the_table_of_hashes_divides_as_the_authors_do():
    splits = [path.partition("/")[0] for path in hashes("bsds500")]
    assert {split: splits.count(split) for split in dict.fromkeys(splits)} == {"train": 200, "val": 100, "test": 200}
    numbers = set(BSD68_NUMBERS.read_text(encoding="utf-8").split())
    inside = {path.removeprefix("val/").removesuffix(".jpg") for path in hashes("bsds500") if path.startswith("val/")}
    assert len(numbers) == 68 and numbers <= inside


@needs_material
def test_cbsd68_is_inside_val():
    """Byte for byte: these are the same JPEGs."""
    val = {text: path for path, text in hashes("bsds500").items() if path.startswith("val/")}
    assert set(hashes("cbsd68").values()) <= set(val)
    found = bsds500.photographs(material("data/bsds500"))
    assert {split: len(paths) for split, paths in found.items()} == bsds500.COUNTS
