"""The one reading of pictures: what a file says of itself, whether it is sound and of a sane size, and its pixels.

The table of what is done with which format stands in docs/formats.md.
"""

from datasets.ops.pictures.formats import KNOWN, SUFFIXES
from datasets.ops.pictures.header import Header
from datasets.ops.pictures.inspection import inspect
from datasets.ops.pictures.reading import Picture, Reader, read_picture

__all__ = ["KNOWN", "SUFFIXES", "Header", "Picture", "Reader", "inspect", "read_picture"]
