"""Cells carried out: from weights to a record."""
