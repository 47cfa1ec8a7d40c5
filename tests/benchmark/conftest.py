"""Fixtures for the tests of the benchmark: a world in memory, and the command line called in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datasets.registry import DATASETS
from methods.registry import METHODS
from tests.helpers.command_line import WITHOUT_WEIGHTS, Studio
from tests.helpers.learner import Learner
from tests.helpers.small_world import SMALL_DATASETS, SMALL_METHODS, Half


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The datasets and methods of the small world, for one test."""
    monkeypatch.setattr(Half, "calls", 0)
    with DATASETS.added(SMALL_DATASETS), METHODS.added(SMALL_METHODS):
        yield


@pytest.fixture
def studio(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """The command line in a temporary working folder, with the methods that need no weights."""
    monkeypatch.chdir(tmp_path)
    with METHODS.added(WITHOUT_WEIGHTS):
        yield Studio(tmp_path, capsys)


@pytest.fixture
def learner() -> Iterator[None]:
    """The method `learner`, for one test."""
    with METHODS.added({"learner": Learner}):
        yield
