"""Build hook: an editable install reads the shipped files from the checkout; its wheel holds no second copy."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Shipped(BuildHookInterface):  # type: ignore[type-arg]
    """Leaves out what pyproject.toml's force-include adds, where the build is an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatchling falls back to force-include where this mapping is empty; so it names one small file instead."""
        if version == "editable":
            build_data["force_include_editable"] = {"LICENSE": "restoration_benchmark.LICENSE"}
