"""How much memory is there, and how much a process takes: so that no more workers start than fit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmark.records.files import read_records

UNKNOWN = 1_000_000_000  # bytes that a cell is taken to need before any record tells
_CGROUP = Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that processes can still take here, of the machine and of its container; None where nothing tells."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        most, taken = (int((_CGROUP / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        found.append(max(0, most - taken))
    return min(found, default=None)


def resident(pid: int) -> int:
    """Bytes of a process that lie in memory; 0 where it is gone, or nothing tells."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def peaks(results: Path) -> Mapping[str, int]:
    """Method -> the most bytes of this machine's memory that a record of it tells of.

    Of a cell on a GPU the record tells that device's memory, which says nothing about the machine's.
    """
    found: dict[str, int] = {}
    for record in read_records(results):
        if record.environment.device.startswith("cuda"):
            continue
        taken = int((record.costs.peak_mb or 0) * 1e6)
        found[record.cell.method] = max(taken, found.get(record.cell.method, 0))
    return {method: taken for method, taken in found.items() if taken}
