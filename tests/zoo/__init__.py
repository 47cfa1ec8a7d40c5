"""Checkpoints of outside architectures; needs spandrel (tox -e zoo)."""
