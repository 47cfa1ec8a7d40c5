"""Changes to sound inputs that keep enough of their form to get past the first look: JSON, texts, PNG, safetensors."""

from __future__ import annotations

import contextlib
import json
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]
_ODD = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)


def changed_bytes(data: bytes, draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    at = draw.randrange(len(data) + 1)
    size = min(draw.choice((1, 2, 4, 8, 16, 200)), len(data) - at)
    kind = draw.randrange(9)
    if kind == 0 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]
    if kind == 1:
        return data[:at] + draw.randbytes(size) + data[at + size :]
    if kind == 2:
        return data[:at] + bytes(size) + data[at + size :]
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data[:at] + data[at + size :]
    if kind == 5:
        return data[:at] + data[at : at + size] * draw.choice((2, 3, 50)) + data[at + size :]
    if kind == 6:
        other = draw.choice(list(seeds))
        begin = draw.randrange(len(other) + 1)
        return data[:at] + other[begin : begin + draw.choice((4, 64, 4000))] + data[at:]
    if kind == 7:
        digits = [place for place in range(len(data)) if 48 <= data[place] <= 57]
        where = draw.choice(digits) if digits else at
        text = draw.choice((b"-1", b"0", b"nan", b"1e999", b"99999999999999999999", b"", b"\xff", b"9" * 400))
        return data[:where] + text + data[where + 1 :]
    width = draw.choice((1, 2, 4, 8))
    order = draw.choice("<>")
    value = draw.choice(_ODD) & ((1 << 8 * width) - 1)
    return data[:at] + struct.pack(order + {1: "B", 2: "H", 4: "I", 8: "Q"}[width], value) + data[at + width :]


WORDS: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 70, 1e308, float("nan"), "", "x", "nan", "../../x", "\0", "\ud800", "é" * 300, [], {}, [[]],
    [1, "a"], {"x": None}, [None], "1", 0.5, "demo[sigma=", {"name": "demo"},
)  # fmt: skip


def json_mutant(data: bytes, draw: random.Random) -> bytes:
    """A JSON text with one value replaced, removed, repeated or wrapped; other bytes as they are."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        inner = stack.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        for key in keys:
            places.append((inner, key))
            stack.append(inner[key])
    if not places:
        return json.dumps(draw.choice(WORDS)).encode()
    holder, key = draw.choice(places)
    kind = draw.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
    elif kind == 1:
        holder[key] = [holder[key]]
    elif kind == 2:
        other, place = draw.choice(places)
        with contextlib.suppress(KeyError, IndexError):
            holder[key] = other[place]
    elif kind == 3 and isinstance(holder, dict):
        holder[str(draw.choice(WORDS))] = holder[key]
    else:
        holder[key] = draw.choice(WORDS)
    try:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # the value holds itself
        return data


def text_mutant(*tokens: str) -> Mutate:
    """Mutants of texts: a token put in, a stretch of it doubled, moved or left out."""

    def mutate(data: bytes, draw: random.Random) -> bytes:
        at, other = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        kind = draw.randrange(4)
        if kind == 0:
            return data[:at] + data[other:]
        if kind == 1:
            return data[:other] + data[at:]
        token = draw.choice(tokens).encode("utf-8", "surrogatepass") * draw.choice((1, 1, 1, 2, 3000))
        return data[:at] + token + data[at if kind == 2 else other :]

    return mutate


def png_mutant(data: bytes, draw: random.Random) -> bytes:
    """A chunk's content changed, its check sum put right."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return data
    at, chunks = 8, []
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return data
    which = draw.randrange(len(chunks))
    name, content = chunks[which]
    if name == b"IDAT" and draw.random() < 0.5:
        with contextlib.suppress(zlib.error):
            content = zlib.compress(changed_bytes(zlib.decompressobj().decompress(content, 1 << 20), draw, [content]))
            chunks[which] = name, content
    elif draw.random() < 0.2:
        chunks.insert(which, draw.choice(chunks))
    else:
        chunks[which] = name, changed_bytes(content, draw, [content])
    parts = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return data[:8] + b"".join(parts)


def header_mutant(data: bytes, draw: random.Random) -> bytes:
    """safetensors: the header's JSON changed, its length put right."""
    size = int.from_bytes(data[:8], "little")
    if size > len(data):
        return data
    header = json_mutant(data[8 : 8 + size], draw)
    return struct.pack("<Q", len(header)) + header + data[8 + size :]
