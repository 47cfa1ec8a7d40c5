"""Readers of what the software leaves between two commands, or people write for it: states, tables, plans, TOML."""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.cli import arguments
from benchmark.cli.parser import SentenceExit
from benchmark.leaderboard.files import write_leaderboard
from benchmark.leaderboard.reproduced import reproduced
from benchmark.protocols import protocol
from benchmark.protocols.queue.lines import OWN, lines
from benchmark.protocols.queue.portable import INDEX, pack, unpack
from benchmark.protocols.queue.timings import NAME, Timing, read_timings, write_timings
from benchmark.records.claims import CLAIM, Claim
from benchmark.report.stored_rows import stored_rows
from benchmark.runs.plans import PLANS
from benchmark.runs.status import standings
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.sealed import write_sealed
from methods.recipes import recipes
from tests.helpers.fuzzing import Reader, resealed
from tests.helpers.made_records import keep, record
from tests.helpers.mutating import json_mutant, text_mutant
from tests.helpers.stored_kinds import make_plan

ROOT = Path(__file__).parents[2]


@cache
def _state() -> tuple[bytes, bytes, str]:
    """A state's index, its one part and the name of that."""
    with TemporaryDirectory() as folder:
        results, state = Path(folder) / "results", Path(folder) / "state"
        keep(results, record("r2r"))
        write_timings(results, [Timing("line", "r2r", "tiny", "fp32", "cpu", 5, 10, 0.25, "2026-01-01")])
        index, part = pack(results, state)
        return index.read_bytes(), part.read_bytes(), part.name


def _read_part(path: Path) -> None:
    """A part that its index knows: a stranger can write both."""
    state = path.parent / "state"
    state.mkdir()
    part = path.rename(state / "state-0-000")
    write_sealed(state / INDEX, {"parts": [{"name": part.name, "sha256": sha256_file(part)}]})
    _unpacked(state)


def _read_index(path: Path) -> None:
    state = path.parent / "state"
    state.mkdir()
    resealed(path, state / INDEX)
    (state / _state()[2]).write_bytes(_state()[1])
    _unpacked(state)


def _unpacked(state: Path) -> None:
    """Nothing may come to lie beside the results folder, whatever the state says."""
    root = state.parent
    before = {*root.rglob("*")}
    try:
        unpack(state, root / "results")
    finally:
        outside = {path for path in {*root.rglob("*")} - before if not path.is_relative_to(root / "results")}
        assert not outside, outside


def _tar_mutant(data: bytes, draw: random.Random) -> bytes:
    """A header of the archive changed, its sum put right."""
    size = tarfile.BLOCKSIZE
    heads = [at for at in range(0, len(data) - size + 1, size) if data[at + 257 : at + 262] == b"ustar"]
    if not heads:
        return data
    at = draw.choice(heads)
    head = bytearray(data[at : at + size])
    place, length = draw.choice(((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155)))
    words = (b"../outside", b"/etc/x", b"runs", b"runs/a\xff/record.json", b"", b"7" * 12, b"\x80" + b"\xff" * 11)
    words += (
        b"0",
        b"1",
        b"2",
        b"5",
        b"L",
        b"x",
        b"g",
        b"S",
        b"-1",
        b"training/a/last.pt",
        b"." * 100,
        b"runs/" + b"n" * 95,
    )
    head[place : place + length] = draw.choice(words)[:length].ljust(length, b"\0")
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return data[:at] + bytes(head) + data[at + size :]


@cache
def _table() -> bytes:
    with TemporaryDirectory() as folder:
        for method in ("r2r", "blur"):
            keep(Path(folder), record(method))
        write_leaderboard(Path(folder))
        return (Path(folder) / "leaderboard.csv").read_bytes()


def _read_table(path: Path) -> None:
    """As the report does, and `list methods`."""
    table = path.rename(path.with_name("leaderboard.csv"))
    for method in ("r2r", "blur"):
        reproduced(method, table.parent)
    stored_rows(table, [])


@cache
def _timings() -> bytes:
    made = [Timing("line", name, "tiny", "fp32", "cpu", 5, 10, 0.25, "2026-01-01") for name in ("r2r", "lir")]
    with TemporaryDirectory() as folder:
        return write_timings(Path(folder), made).read_bytes()


def _read_timings(path: Path) -> None:
    """Lines that are none are left out; where none is left the table counts as refused."""
    path.rename(path.with_name(NAME))
    if not [timing.minutes for timing in read_timings(path.parent)]:
        raise UserError("no line of it is a timing")


@cache
def _plan() -> bytes:
    with TemporaryDirectory() as folder:
        make_plan(Path(folder) / "x.json")
        return (Path(folder) / "x.json").read_bytes()


def _read_plan(path: Path) -> None:
    (path.parent / PLANS).mkdir()
    resealed(path, path.parent / PLANS / "x.json")
    if not standings(path.parent):
        raise UserError("it is passed over")


def _claim() -> Sequence[bytes]:
    claim = Claim(7, "far", "another", "123", "theirs", 1.5e9, 1.5e9, "restore x", 3, 7)
    return [json.dumps(asdict(claim)).encode()]


def _read_claim(path: Path) -> None:
    folder = path.parent / "runs" / "r2r-demo-0"
    folder.mkdir(parents=True)
    path.rename(folder / CLAIM)
    if not standings(path.parent):
        raise UserError("it is passed over")


_CONFIG = b"""methods = ["r2r", "lir"]
dataset = "demo"
limit = 2
save-images = true
minutes = 1.5
seeds = [0, 1]

[set]
"restore.draws" = 5
train.alpha = 0.5
"""


def _read_config(path: Path) -> None:
    try:
        arguments(["run", "--config", str(path)])
    except SentenceExit as end:
        raise UserError(end.sentence) from end


def _recipes() -> Sequence[bytes]:
    return [(ROOT / "methods" / "r2r" / "recipes.toml").read_bytes()[:4000].rpartition(b"\n[")[0] + b"\n"]


def _read_recipes(path: Path) -> None:
    recipes(type("Toy", (), {"name": "toy", "recipes": path}))


_MARKS = text_mutant(
    *("[", "]", "=", ",", '"', "'", "\\", "{", "}", ".", "#", "[[", '"""', "é", "nan", "1e999", "-1", "true", "inf"),
    *("\n", "\r", "\0", " ", "0x" + "f" * 5000, "1" * 5000, "1979-05-27", "\ufeff", "[[lines]]", "%s", "row"),
)

OWN_READERS = (
    Reader(
        "protocols",
        lambda: [(ROOT / "benchmark/protocols/phone.toml").read_bytes()],
        lambda path: protocol(str(path)),
        ".toml",
        _MARKS,
    ),
    Reader("recipes", _recipes, _read_recipes, ".toml", _MARKS),
    Reader("states", lambda: [_state()[1]], _read_part, ".in", _tar_mutant),
    Reader("indices of states", lambda: [_state()[0]], _read_index, ".in", json_mutant),
    Reader("leaderboard.csv", lambda: [_table()], _read_table, ".in", _MARKS),
    Reader("timings", lambda: [_timings()], _read_timings, ".in", _MARKS),
    Reader("plans", lambda: [_plan()], _read_plan, ".in", json_mutant),
    Reader("claims", _claim, _read_claim, ".in", json_mutant),
    Reader("queues", lambda: [OWN.read_bytes()[:1500].rpartition(b"\n[[")[0] + b"\n"], lines, ".toml", _MARKS),
    Reader("configs", lambda: [_CONFIG], _read_config, ".toml", _MARKS),
)
