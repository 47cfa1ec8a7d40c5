"""On a terminal a line moves from the first second on; its screen is looked at every half a second."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from datasets.ops.images import write_png
from tests.helpers.screen import LastLine, Seen, watched

# Where others take the cores, the thread that draws waits for its turn as everything does.
SHARE = 0.9 if os.getloadavg()[0] <= 2 * (os.cpu_count() or 1) else 0.75


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture(scope="module")
def prepared(place: Path) -> Seen:
    return watched(["prepare", "demo"], place)


@pytest.fixture
def told(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[Seen], list[str]]:
    """What the line said, once it is sure that it was there, moved and fitted; the share of looks is printed."""

    def words(seen: Seen, columns: int = 100) -> list[str]:
        assert seen.code == 0, seen.plain[-2000:]
        with capsys.disabled():
            print(f"\n{request.node.name}: moved at {seen.moving():.0%} of {len(seen.at_work())} looks")
        assert seen.moving() >= SHARE, (seen.moving(), seen.looks)
        assert max(len(line) for line in seen.at_work()) < columns
        return seen.words()

    return words


def test_prepare(prepared: Seen, told: Callable[[Seen], list[str]]) -> None:
    assert any(line.endswith("left") or " of " in line for line in told(prepared))


def test_run(place: Path, prepared: Seen, told: Callable[[Seen], list[str]]) -> None:
    seen = watched(["run", "--methods", "all", "--dataset", "demo", "--force"], place)
    lines = told(seen)
    # of all that was drawn: on a fast machine a small cell is over between two looks
    cells = {drawn.split("cell ")[1][0] for drawn in re.split(r"[\r\n]", seen.plain) if "cell " in drawn}
    assert len(cells) >= 4 and "of 8: dgunet on demo, image" in seen.plain
    assert len(lines) >= len(seen.at_work()) * 0.2  # it says something else, too, not only the time
    # the table: a row a line, and a sentence of what it means
    assert "leads with" in seen.plain and "--compare" in seen.plain


def test_train(place: Path, prepared: Seen, told: Callable[[Seen], list[str]]) -> None:
    words = ["train", "--methods", "r2r", "--recipe", "tiny", "--dataset", "demo", "--steps", "60"]
    lines = told(watched(words, place))
    assert any("step" in line and "loss" in line and "rate" in line for line in lines)


def test_restore_of_one_large_photograph(place: Path, told: Callable[[Seen], list[str]]) -> None:
    rows, columns = np.mgrid[0:2000, 0:3000]
    photograph = np.stack([rows // 8, columns // 12, (rows + columns) // 20], 2).astype(np.uint8)
    write_png(place / "large.png", photograph)
    seen = watched(["restore", "large.png", "--methods", "scpgan", "--output", "out.png"], place)
    assert any("tile" in line for line in told(seen))


def test_quiet_is_silent(place: Path, prepared: Seen) -> None:
    seen = watched(["prepare", "demo", "--quiet"], place)
    assert seen.code == 0 and seen.text.strip() == ""


def test_the_last_line_of_a_screen() -> None:
    line = LastLine()
    line.feed("one\r\n\x1b[?25ltwo words\rTWO")
    assert line.text == "TWO words"
    line.feed("\r\x1b[2Kx")
    assert line.text == "x"
