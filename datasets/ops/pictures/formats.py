"""File name endings of pictures: those that are read, and those that are only known to be pictures."""

from __future__ import annotations

# In the order in which messages list them.
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".jpe", ".jfif",
    ".dib",
)  # fmt: skip
# Left out, but counted and named: cameras' raw files, films' and painters' formats, newer codecs.
UNREAD = (
    ".jp2", ".j2k", ".jxl", ".avif", ".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
    ".exr", ".hdr", ".pfm", ".psd", ".tga", ".svg",
)  # fmt: skip
KNOWN = frozenset(SUFFIXES) | frozenset(UNREAD)
