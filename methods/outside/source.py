"""What a person names in place of a method: ``NAME=FILE``, and the class that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.core.errors import UserError
from methods.base import Method

CHECKPOINT, OWN, ARCHIVE = "checkpoint", "code", "archive"
_FORMS = (
    "a checkpoint (nafnet=NAFNet.pth), a function of a file of your own (mynet=net.py:build), or an archive "
    "(mynet=model.ts, mynet=model.pt2)"
)


@dataclass(frozen=True)
class Source:
    """Where a method comes from that has no name here.

    Attributes:
        name: of the row. path: absolute. function: of a ``.py`` file; '' for any other.
    """

    name: str
    path: Path
    function: str = ""

    @classmethod
    def read(cls, name: str, text: str) -> Source:
        """``nafnet``, ``NAFNet.pth`` -> the Source.

        Raises UserError for a name that no folder could have, and for a file that is not there.
        """
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise UserError(f"A row's name becomes a folder's: letters, digits, '-', '_' and '.' only; got {name!r}.")
        path, function = Path(text), ""
        head, colon, tail = text.rpartition(":")
        if colon and head.endswith(".py") and not path.is_file():
            path, function = Path(head), tail
        if not path.is_file():
            raise UserError(f"--methods {name}={text} names no file that is there; expected {_FORMS}.")
        if path.suffix == ".py" and not function:
            raise UserError(f"{path} is code: name the function that builds the network, {name}={text}:build.")
        return cls(name, path.resolve(), function)

    @property
    def text(self) -> str:
        """As `read` takes it: enough to make the method again in another process."""
        return f"{self.path}:{self.function}" if self.function else str(self.path)

    @property
    def kind(self) -> str:
        """checkpoint, code, or archive."""
        from methods.outside.archive import kind_of

        return OWN if self.function else ARCHIVE if kind_of(self.path) else CHECKPOINT

    @property
    def file(self) -> Path | None:
        """The file that makes the network; None where code makes it, and weights are a file of their own."""
        return None if self.function else self.path

    def method(self) -> type[Method]:
        """The class of the method; its name is the source's.

        Raises UserError for code that cannot be run or has no such function.
        """
        if self.kind == OWN:
            return self._own()
        if self.kind == ARCHIVE:
            from methods.outside.archive import Archive

            return _named(Archive, self.name)
        from methods.outside.checkpoint import Checkpoint
        from methods.outside.library import versions

        # Another version of the library may build another network: such figures are not taken for today's.
        return _named(Checkpoint, self.name, version=f"{Checkpoint.version}, {versions()}")

    def _own(self) -> type[Method]:
        from methods.outside.own import Builder, Own
        from methods.outside.wrapped import Call

        builder = Builder(self.path, self.function)
        tables = {"tier": "paper", "network": dict(builder.defaults()), "restore": Call.settings()}
        return _named(Own, self.name, builder=builder, recipes={"": tables})

    def code(self) -> str:
        """The digest of the code that the method's pixels come from, a person's own included."""
        from datasets.core.files import digest
        from methods.code import code_digest, code_of_file

        ours = code_digest(self.method())
        return digest([ours, self.function, code_of_file(self.path)]) if self.function else ours


def _named(cls: type[Method], name: str, **more: Any) -> type[Method]:
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, "name": name, **more})


def is_checkpoint(text: str) -> bool:
    """Whether what a person named is a file that holds no code (`Source.text`); True for a file that is gone."""
    from methods.outside.archive import kind_of

    head, colon, _ = text.rpartition(":")
    return not (colon and head.endswith(".py")) and not kind_of(Path(text))


def as_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as recipes take them: ``restore.output`` is text, and a person writes a number for a place in a list."""
    return {key: str(value) if key == "restore.output" else value for key, value in given.items()}
