"""The parser of the command line: one-sentence errors, help that shows defaults and examples, one program name."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

PROGRAM = "python -m benchmark"  # whatever started it: every sentence and every page names this one


class Help(argparse.RawDescriptionHelpFormatter):
    """Help whose options say what they are without being given; lines as they were written below the options."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        value, takes = action.default, action.nargs != 0
        if "default" in text or not takes or action.required or value in (None, "", (), [], argparse.SUPPRESS):
            return text
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        return f"{text} (default {shown})".replace("%", "%%") if "%" not in text else text


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the nearest name where there is one; every verb has --quiet etc."""

    every_option: ClassVar[set[str]] = set()
    verbs: dict[str, Parser]  # of the root: name -> its parser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"formatter_class": Help, **kwargs, "allow_abbrev": False})

    def add_argument(self, *words: Any, **kwargs: Any) -> argparse.Action:
        """As in argparse; option names are remembered, since the root's parser meets the mistyped ones."""
        self.every_option.update(word for word in words if word.startswith("--"))
        return super().add_argument(*words, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence, with the nearest choice or option, and end with 2."""
        # argparse gives its finding only as text, so the wrong word has to be read out of it.
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            known = re.findall(r"[\w-]+", wrong[2])
        else:
            wrong = re.search(r"unrecognized arguments: (--[\w-]+)", message)
            known = sorted(self.every_option - {wrong[1]} if wrong else ())  # another verb may have it
        near = difflib.get_close_matches(wrong[1], known, n=1) if wrong else []
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SentenceExit(f"{self.prog}: {message}{hint} (see {self.prog} --help).")


class SentenceExit(SystemExit):
    """A command line that cannot be read: its sentence, and exit code 2."""

    def __init__(self, sentence: str) -> None:
        super().__init__(2)
        self.sentence = sentence


@contextmanager
def verb(verbs: Any, name: str, text: str, run: Any, examples: Sequence[str] = ()) -> Iterator[Parser]:
    """Add a verb: the caller adds its options within the `with`, and those that all verbs have come after them.

    Args:
        text: what it does. examples: lines of words that follow the verb, each with a remark behind two spaces.
    """
    lines = "".join(f"\n  {PROGRAM} {name} {line}".rstrip() for line in examples)
    parser: Parser = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:{lines}" if lines else None,
    )
    parser.set_defaults(verb=run)
    yield parser
    parser.add_argument("--quiet", action="store_true", help="results and errors only, no progress")
    parser.add_argument("--json", action="store_true", help="results as one JSON document on stdout, errors too")
    parser.add_argument("--wide", action="store_true", help="tables with all columns, however narrow the terminal is")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
