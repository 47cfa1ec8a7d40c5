"""The suite that outsiders run on their own method: ``python -m benchmark conformance NAME``."""

from __future__ import annotations

from benchmark.conformance.suite import Check, check

__all__ = ["Check", "check"]
