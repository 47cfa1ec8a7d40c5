"""The lines of the queue, read from a TOML file: the project's own, or another of the same form."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmark.inference.settings import arithmetic_fields, arithmetic_options
from benchmark.protocols import protocol
from benchmark.protocols.request import ReproduceRequest
from benchmark.settings_file import read_tables
from benchmark.training import TrainSettings
from datasets.core.errors import UserError
from datasets.core.registry import unknown

OWN = Path(__file__).with_name("lines.toml")


@dataclass(frozen=True)
class Line:
    """One line. The texts are for the page.

    Attributes:
        number: from 1. row: what it is about. protocol, tier, methods, arithmetic: of `reproduce`; methods () =
            all. command: where another verb does the work. open: whether `reproduce --queue` looks at it.
        trained_on, steps, takes, state: as the page shows them.
    """

    number: int
    row: str
    protocol: str = ""
    tier: str = ""
    methods: tuple[str, ...] = ()
    arithmetic: str = "fp32"
    command: str = ""
    open: bool = False
    trained_on: str = ""
    steps: str = ""
    takes: str = ""
    state: str = ""

    @property
    def line(self) -> str:
        """The command line that does it."""
        if self.command:
            return self.command
        words = [f"python -m benchmark reproduce {self.protocol} --tier {self.tier}"]
        words += [f"--methods {','.join(self.methods)}"] if self.methods else []
        return " ".join([*words, *arithmetic_options(self.arithmetic)])

    def request(self, settings: TrainSettings, data: Path, results: Path) -> ReproduceRequest:
        """What `reproduce` is asked for; the line decides about the arithmetic, `settings` about everything else."""
        how = replace(settings, **arithmetic_fields(self.arithmetic))
        return ReproduceRequest(
            protocol(self.protocol), self.tier, self.methods, data=data, results=results, settings=how
        )


def lines(path: Path = OWN) -> list[Line]:
    """The lines in their order.

    A protocol that is a file is looked for beside the queue's file.

    Raises:
        UserError: a file that cannot be read, an unknown key or a value of another type, a line without work.
    """
    tables = read_tables(path, "queue").get("lines", [])
    if not isinstance(tables, list) or not tables:
        raise UserError(f"The queue {path} has no [[lines]].")
    return [_line(path, number, table) for number, table in enumerate(tables, 1)]


def _line(path: Path, number: int, table: Any) -> Line:
    kinds = {f.name: type(f.default) for f in fields(Line) if f.name not in ("number", "row")} | {"row": str}
    where = f"line {number} of the queue {path}"
    if not isinstance(table, dict):
        raise UserError(f"The {where} must be a table with the keys {', '.join(kinds)}.")
    for key, value in table.items():
        if key not in kinds:
            raise unknown(f"key of {where}", key, kinds)
        wanted = list if kinds[key] is tuple else kinds[key]
        if type(value) is not wanted:
            raise UserError(f"The key {key!r} of {where} takes a value of type {wanted.__name__}; got {value!r}.")
    if "row" not in table or not (table.get("command") or (table.get("protocol") and table.get("tier"))):
        raise UserError(f"The {where} needs a row, and a protocol with a tier, or a command.")
    values = {**table, "methods": tuple(table.get("methods", ()))}
    if values.get("protocol", "").endswith(".toml"):
        values["protocol"] = str(path.parent / values["protocol"])
    return Line(number=number, **values)
