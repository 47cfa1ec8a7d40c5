"""One results folder for the tests of the page: finished, failed and skipped cells with their images."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import report_material as material


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``results`` and ``data``; nobody changes it."""
    root = tmp_path_factory.mktemp("finished")
    material.run(root)
    return root
