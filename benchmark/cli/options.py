"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
from pathlib import Path
from typing import Any, ClassVar, NoReturn

DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, with the nearest name where there is one; every verb has --quiet etc."""

    every_option: ClassVar[set[str]] = set()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})

    def add_argument(self, *words: Any, **kwargs: Any) -> argparse.Action:
        """As in argparse; option names are remembered, since the root's parser meets the mistyped ones."""
        self.every_option.update(word for word in words if word.startswith("--"))
        return super().add_argument(*words, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence and end with 2."""
        self.exit(2, f"{self.prog}: {message}{self._nearest(message)} (see {self.prog} --help).\n")

    def _nearest(self, message: str) -> str:
        """argparse names the wrong word; the nearest among the choices or options it lists is what was meant."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            known = re.findall(r"[\w-]+", wrong[2])
        else:
            wrong = re.search(r"unrecognized arguments: (--[\w-]+)", message)
            known = sorted(self.every_option)
        near = difflib.get_close_matches(wrong[1], known, n=1) if wrong else []
        return f"; did you mean {near[0]}?" if near else ""


def verb(verbs: Any, name: str, text: str, run: Any, *groups: Any) -> Parser:
    """Add a verb with the options of `groups` and those that all verbs have."""
    parser: Parser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(verb=run)
    for group in groups:
        group(parser)
    parser.add_argument("--quiet", action="store_true", help="results and errors only")
    parser.add_argument("--json", action="store_true", help="results as one JSON document on stdout")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def folders(parser: argparse.ArgumentParser) -> None:
    """--data and --results."""
    data = Path(os.environ.get("BENCHMARK_DATA") or "data")
    parser.add_argument(
        "--data", type=Path, default=data, metavar="DIR", help=f"prepared datasets (default {data}, or $BENCHMARK_DATA)"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default ./results")


def hardware(parser: argparse.ArgumentParser) -> None:
    """--device, --precision, --tf32, --deterministic."""
    parser.add_argument("--device", type=device, default="auto", help="auto, cpu, cuda or cuda:i")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--tf32", action="store_true", help="allow TF32 products on CUDA (recorded)")
    parser.add_argument("--deterministic", action="store_true", help="deterministic algorithms, or an error")


def one_method(parser: argparse.ArgumentParser) -> None:
    """--methods, of which there must be one."""
    parser.add_argument("--methods", "--method", dest="method", required=True, metavar="NAME", help="one method")


def model(parser: argparse.ArgumentParser) -> None:
    """--recipe, --set."""
    parser.add_argument("--recipe", help="a recipe of the method (see: list recipes)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="KEY=VALUE",
        help="such as restore.draws=5, or dataset.sigma=50",
    )


def inference(parser: argparse.ArgumentParser) -> None:
    """--weights, --tile, --self-ensemble."""
    parser.add_argument("--weights", default="", help="a .safetensors or official checkpoint: PATH, or r2r=A,lir=B")
    parser.add_argument(
        "--tile", type=natural, default=0, metavar="N", help="restore in tiles of N pixels; 0 = whole images"
    )
    parser.add_argument("--self-ensemble", action="store_true", help="mean over the 8 flips and rotations")


def device(text: str) -> str:
    """auto, cpu, cuda or cuda:i."""
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected auto, cpu, cuda or cuda:i, got {text!r}")
    return text


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names; a comma within brackets belongs to the name: ``bsd68[sigma=25,clip=yes],set12``."""
    found = tuple(part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip())
    if not found:
        raise argparse.ArgumentTypeError("expected a name, or several with commas between them")
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Comma-separated whole numbers."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected whole numbers such as 0,1,2, got {text!r}") from error


def natural(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, got {text!r}")
    return int(text)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, got {text!r}")
    return int(text)


def minutes(text: str) -> float:
    """A time in minutes, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected minutes above 0, got {text!r}")
    return value


def setting(text: str) -> tuple[str, Any]:
    """``key=value``; the value is read as JSON where it is JSON (25, 0.5, true, [1, 2]), else as text."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
