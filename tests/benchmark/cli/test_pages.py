"""Pages that are made from the code are up to date."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from benchmark.cli.pages import FILES, main

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_list_of_modules_is_up_to_date() -> None:
    """Else: python -m benchmark.cli.pages modules"""
    assert main(["modules", "--page", str(DOCS / "modules.md"), "--check"]) == 0


@pytest.mark.parametrize("name", FILES)
def test_the_schemas_are_up_to_date(name: str) -> None:
    """Else: python -m benchmark.cli.pages NAME"""
    place = FILES[name][0]
    assert main([name, "--page", str(DOCS.parent / place), "--check"]) == 0


def test_shipped_cards_fit_their_schema() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((DOCS.parent / FILES["card-schema"][0]).read_text()))
    cards = sorted((DOCS.parent / "results" / "weights").rglob("*.json"))
    assert len(cards) > 5
    for card in cards:
        assert not list(validator.iter_errors(json.loads(card.read_text()))), card
    broken = {**json.loads(cards[0].read_text()), "steps": "many"}
    assert list(validator.iter_errors(broken))


def test_a_page_without_marks_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    assert main(["modules", "--page", str(page)]) == 2 and "Expected the marks" in capsys.readouterr().err
    assert main(["measured", "--page", str(page)]) == 2 and "--source" in capsys.readouterr().err
