"""Seeded mutants of sound inputs, read in a child process under limits: whatever is no sentence is a finding."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import hashlib
import json
import mmap
import os
import random
import resource
import signal
import struct
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.core.errors import UserError
from datasets.core.sealed import write_sealed
from tests.helpers.mutating import Mutate, changed_bytes

SECONDS, MEMORY = 5, 500 << 20  # that one input may take
_TORN = 64  # inputs of one child; a new one starts fresh, so that no leak adds up


@dataclass(frozen=True)
class Reader:
    """Something that reads what a stranger may have written.

    Attributes:
        name: for the table. seeds: sound inputs. read: of a file with this content (text for options).
        suffix: of the file; '' = `read` is given the text itself. mutate: other mutants than those of bytes.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Any], object]
    suffix: str = ""
    mutate: Mutate | None = None


@dataclass
class Outcome:
    """What became of the inputs: how many were read, how many refused, and a finding per place of an error."""

    tried: int = 0
    read: int = 0
    refused: int = 0
    findings: dict[str, tuple[bytes, str]] = field(default_factory=dict)


def mutant(reader: Reader, seeds: Sequence[bytes], number: int) -> bytes:
    """The input of this number: one to four changes of one of the seeds."""
    draw = random.Random(f"{reader.name}/{number}")
    data = draw.choice(list(seeds))
    if number < len(seeds):
        return seeds[number]
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        own = reader.mutate is not None and draw.random() < 0.7
        data = reader.mutate(data, draw) if own and reader.mutate else changed_bytes(data, draw, seeds)
    return data


def resealed(path: Path, target: Path) -> Path:
    """The JSON with a checksum that fits, where it is an object: a stranger can write one too."""
    try:
        value = json.loads(path.read_bytes())
        write_sealed(target, value)
    except (ValueError, AttributeError, RecursionError, UnicodeEncodeError):
        target.write_bytes(path.read_bytes())
    return target


def run(reader: Reader, *, count: int = 0, seconds: float = 0.0, first: int = 0) -> Outcome:
    """Try so many mutants, or as many as so many seconds allow."""
    outcome, seeds, end = Outcome(), reader.seeds(), time.monotonic() + seconds
    number = first
    while (number - first < count) if count else (time.monotonic() < end):
        batch = min(_TORN, count - (number - first)) if count else _TORN
        number = _batch(reader, [(n, mutant(reader, seeds, n)) for n in range(number, number + batch)], outcome)
    return outcome


def replay(reader: Reader, inputs: Sequence[bytes]) -> Outcome:
    """Read inputs that are kept."""
    outcome, left = Outcome(), list(enumerate(inputs))
    while left:
        reached = _batch(reader, left, outcome)
        left = [pair for pair in left if pair[0] >= reached]
    return outcome


def _batch(reader: Reader, inputs: list[tuple[int, bytes]], outcome: Outcome) -> int:
    """Read inputs in a child; returns the number of the first one that was not reached."""
    with tempfile.TemporaryDirectory() as folder, mmap.mmap(-1, 64) as shared:
        report = Path(folder) / "report"
        child = os.fork()
        if not child:
            _child(reader, inputs, Path(folder), report, shared)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        done, read = struct.unpack("qq", shared[:16])
        lines = report.read_text().splitlines() if report.exists() else []
    outcome.tried += done
    outcome.read += read
    found = [json.loads(line) for line in lines]
    if status != 0:
        said = {-signal.SIGPROF: f"more than {SECONDS} s", -signal.SIGALRM: "it waits for ever"}
        what = said.get(status, f"ended by {status}")
        found.append({"at": done, "place": what, "text": what})
        outcome.tried += 1
        done += 1
    for line in found:
        outcome.findings.setdefault(line["place"], (inputs[line["at"]][1], line["text"]))
    outcome.refused = outcome.tried - outcome.read - len(found)
    return inputs[done - 1][0] + 1


def _child(reader: Reader, inputs: list[tuple[int, bytes]], folder: Path, report: Path, shared: mmap.mmap) -> None:
    """Never returns."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    warnings.simplefilter("ignore")
    with contextlib.suppress(OSError, AttributeError):  # what this process has freed and kept would come on top
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # a crash is told by its signal; the dump would stand in the tests' output
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    read = 0
    for at, (_, data) in enumerate(inputs):
        shared[:16] = struct.pack("qq", at, read)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(60 * SECONDS)  # of a busy machine, too
        try:
            _one(reader, data, folder / str(at))
            read += 1
        except UserError as error:
            if len(str(error)) > 4000:
                _told(report, at, "a sentence of more than 4000 letters", str(error)[:300])
        except BaseException as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tests/" not in f.filename]
            where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else type(error).__name__
            own = next((f for f in reversed(frames) if any(p in f.filename for p in _OWN)), None)
            place = f"{type(error).__name__} at {Path(own.filename).name}:{own.lineno}" if own else where
            _told(report, at, place, f"{type(error).__name__}: {str(error)[:300]} ({where})")
    shared[:16] = struct.pack("qq", len(inputs), read)
    os._exit(0)


_OWN = ("/benchmark/", "/methods/", "/datasets/")


def _told(report: Path, at: int, place: str, text: str) -> None:
    with report.open("a") as stream:
        stream.write(json.dumps({"at": at, "place": place, "text": text}) + "\n")


def _one(reader: Reader, data: bytes, folder: Path) -> None:
    if not reader.suffix:
        reader.read(data.decode("utf-8", "surrogateescape"))
        return
    folder.mkdir()
    path = folder / f"x{reader.suffix}"
    path.write_bytes(data)
    reader.read(path)


def keep(folder: Path, reader: Reader, outcome: Outcome) -> list[str]:
    """Write each finding's input below a folder, for the tree; what was found, in words."""
    said = []
    for place, (data, text) in outcome.findings.items():
        path = folder / reader.name.replace(" ", "-") / f"{hashlib.sha256(data).hexdigest()[:12]}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        said.append(f"{reader.name}: {place}: {text} ({path})")
    return said
