"""Seeded corruptions of every kind of file that is read back: none gives a false result, and none a traceback."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.counts import count
from tests.helpers.corruption import DETECTED, FALSE, HARMLESS, attempt
from tests.helpers.stored_kinds import KINDS

QUICK, LONG = 5, 40  # tries of each kind


def tried(kind, folder: Path, seeds) -> tuple[Counter, list[str]]:
    """Outcomes by (corruption, outcome), and what was false."""
    (folder / "sound").mkdir()
    kind.make(folder / "sound")
    assert kind.read(folder / "sound") == kind.read(folder / "sound")
    outcomes, wrong = Counter(), []
    for seed in seeds:
        outcome, corruption, said = attempt(kind, folder / "sound", folder / "damaged", seed)
        outcomes[corruption, outcome] += 1
        if outcome == FALSE:
            wrong.append(f"{kind.name}, seed {seed}, {corruption}: {said}")
    return outcomes, wrong


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_damage_is_detected_or_harmless(kind, tmp_path):
    outcomes, wrong = tried(kind, tmp_path, range(QUICK))
    assert wrong == []
    found = sum(count for (_, outcome), count in outcomes.items() if outcome == DETECTED)
    assert found >= QUICK // 2 or not kind.decides


@pytest.mark.faults
def test_five_hundred_corruptions(tmp_path):
    tries, wrong = 0, []
    for number, kind in enumerate(KINDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes, false = tried(kind, folder, range(1000, 1000 + LONG))
        wrong += false
        for corruption in sorted({name for name, _ in outcomes}):
            detected, harmless, lost = (outcomes[corruption, outcome] for outcome in (DETECTED, HARMLESS, FALSE))
            tries += detected + harmless + lost
            count(f"corruption: {corruption}", kind.name, detected + harmless + lost, lost, detected, harmless)
    assert wrong == []
    assert tries >= 500
