"""`weights`: importing a published checkpoint, verifying files against their cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import methods
from benchmark.cli import main
from methods.weights import read_card


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A network of R2R's `tiny` recipe as somebody would publish it: wrapped, with DataParallel's prefix."""
    state = {
        f"module.{key}": value for key, value in methods.load("r2r", "tiny").roles()["restorer"].state_dict().items()
    }
    torch.save({"state_dict": state}, tmp_path / "theirs.pth")
    return tmp_path / "theirs.pth"


def weights(tmp_path: Path, *words: Any) -> int:
    return main(["weights", *map(str, words), "--results", str(tmp_path / "results"), "--quiet"])


def test_import_and_verify(tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights(tmp_path, "import", checkpoint, "--methods", "r2r") == 0
    made = tmp_path / "results/weights/r2r/tiny-theirs.safetensors"
    card = read_card(made)
    assert card is not None
    assert (card.recipe, card.role) == ("tiny", "restorer") and card.source.startswith("theirs.pth, sha256 ")
    assert weights(tmp_path, "verify", made) == 0
    assert weights(tmp_path, "import", made, "--methods", "r2r") == 2
    assert "has its card already" in capsys.readouterr().err
    made.write_bytes(made.read_bytes() + b"0")
    assert weights(tmp_path, "verify", made) == 1


def test_import_by_the_name_of_a_download(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(name: str, folder: Path, report: Any = None) -> list[Path]:
        asked.append((name, folder))
        return [checkpoint]

    monkeypatch.setattr("datasets.sources.download", download)
    assert weights(tmp_path, "import", "r2r-sidd-weights", "--methods", "r2r") == 0
    assert asked == [("r2r-sidd-weights", tmp_path / "results/downloads/r2r-sidd-weights")]
    assert (tmp_path / "results/weights/r2r/tiny-theirs.safetensors").is_file()


def test_what_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights(tmp_path, "import", "r2r-sidd", "--methods", "r2r") == 2
    assert weights(tmp_path, "import", "--methods", "r2r") == 2
    assert "Importing needs the file and its method" in capsys.readouterr().err
