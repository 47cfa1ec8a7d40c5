"""Sphinx configuration: tox -e docs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import pages_from_tree

from benchmark import __version__

project = "restoration-benchmark"
author = "the restoration-benchmark authors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "restoration-benchmark"

pages_from_tree.copy()


def setup(app: Any) -> None:
    """Links out of docs/ become links to the site's copies."""

    def links(app: Any, name: str, source: list[str]) -> None:
        if not name.startswith("_generated/"):
            source[0] = pages_from_tree.linked(source[0], Path(app.srcdir, name).parent)

    app.connect("source-read", links)
