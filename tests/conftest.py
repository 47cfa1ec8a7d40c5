"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.kill import Killer


@pytest.fixture(scope="session")
def killer() -> Iterator[Killer]:
    """The program that runs scenarios and kills them; started for the first test that asks."""
    program = Killer()
    yield program
    program.close()
