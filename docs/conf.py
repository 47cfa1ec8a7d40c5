"""Sphinx configuration: tox -e docs."""

from __future__ import annotations

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
