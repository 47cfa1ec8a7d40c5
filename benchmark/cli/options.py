"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli.parser import Parser as Parser
from benchmark.cli.parser import verb as verb
from benchmark.paths import OWN
from datasets.core.errors import UserError
from datasets.core.sealed import parsed

if TYPE_CHECKING:
    from benchmark.inference.settings import InferenceSettings
    from benchmark.training.settings import TrainSettings

FROM_FILES = "a method, or NAME=FILE: a checkpoint (nafnet=NAFNet.pth), code (mynet=net.py:build), an archive"
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def folders(parser: argparse.ArgumentParser) -> None:
    """--data and --results."""
    data = own_data()
    parser.add_argument(
        "--data", type=Path, default=data, metavar="DIR", help=f"prepared datasets (default {data}, or $BENCHMARK_DATA)"
    )
    results(parser)


def results(parser: argparse.ArgumentParser) -> None:
    """--results."""
    own = own_results()
    about = f"your records, tables, trainings and weights (default {own}, or $BENCHMARK_RESULTS)"
    parser.add_argument("--results", type=Path, default=own, metavar="DIR", help=about)


def own_data() -> Path:
    """Where prepared datasets lie without --data."""
    return Path(os.environ.get("BENCHMARK_DATA") or "data")


def own_results() -> Path:
    """Where results go without --results."""
    return Path(os.environ.get("BENCHMARK_RESULTS") or OWN)


def output(parser: argparse.ArgumentParser, text: str, **how: Any) -> None:
    """--output, under any of the names that people try; a Path in ``args.output``."""
    how = {"metavar": "PATH", **how}
    parser.add_argument("--output", "--out", "-o", dest="output", type=Path, help=text, **how)


def hardware(parser: argparse.ArgumentParser) -> None:
    """--device, --deterministic."""
    about = "auto (a GPU where there is one), cpu, cuda or cuda:i"
    parser.add_argument("--device", type=device, default="auto", metavar="DEVICE", help=about)
    about = "deterministic algorithms, or an error where there are none"
    parser.add_argument("--deterministic", action="store_true", help=about)


def methods(parser: argparse.ArgumentParser, text: str, **how: Any) -> None:
    """--methods, under either of its names."""
    parser.add_argument("--methods", "--method", type=names, metavar="NAMES", help=text, **how)


def datasets(parser: argparse.ArgumentParser, text: str, **how: Any) -> None:
    """--dataset, under either of its names."""
    parser.add_argument("--dataset", "--datasets", metavar="NAMES", help=text, **{"type": names, **how})


def inference(parser: argparse.ArgumentParser, *only: str) -> None:
    """The options that are fields of InferenceSettings: all, or `only` those named."""
    from benchmark.inference.settings import options

    for f in options():
        if only and f.name not in only:
            continue
        how: dict[str, Any] = {"action": "store_true"} if f.default is False else {"default": f.default}
        if type(f.default) is int:
            how["type"] = natural
        how |= {key: f.metadata[key] for key in ("help", "choices", "metavar") if key in f.metadata}
        parser.add_argument(f.metadata["flag"], dest=f.name, **how)


def arithmetic(parser: argparse.ArgumentParser) -> None:
    """The options of `inference` that concern trainings too."""
    inference(parser, "precision", "tf32", "channels_last")


def inference_settings(args: argparse.Namespace) -> InferenceSettings:
    """What the options of `inference` say."""
    from benchmark.inference.settings import InferenceSettings, options

    return InferenceSettings(**{f.name: getattr(args, f.name) for f in options()})


def train_settings(args: argparse.Namespace, **more: Any) -> TrainSettings:
    """How a training runs, as far as the verb has options for it; `more` overrides them."""
    from dataclasses import fields

    from benchmark.training.settings import TrainSettings

    given = {f.name: getattr(args, f.name) for f in fields(TrainSettings) if hasattr(args, f.name)}
    return TrainSettings(**{**given, **more})


def one_method(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """--methods, of which there must be one."""
    about = FROM_FILES if required else f"{FROM_FILES} (default: none)"
    parser.add_argument("--methods", "--method", dest="method", required=required, metavar="NAME", help=about)


def one_method_or_none(parser: argparse.ArgumentParser) -> None:
    """--methods, of which there may be one."""
    one_method(parser, required=False)


def model(parser: argparse.ArgumentParser) -> None:
    """--recipe, --set."""
    parser.add_argument("--recipe", metavar="NAME", help="of the method (see: list recipes); default: as suits")
    settings(parser)


def settings(parser: argparse.ArgumentParser) -> None:
    """--set."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=setting,
        metavar="KEY=VALUE",
        help="a value in place of the recipe's or dataset's, such as restore.draws=5 or dataset.sigma=50; repeatable "
        "(default: none)",
    )


def weights(parser: argparse.ArgumentParser) -> None:
    """--weights."""
    from benchmark.planning.named_values import HELP

    parser.add_argument(
        "--weights",
        default="",
        metavar="PATH",
        help="a .safetensors or official checkpoint: PATH, or r2r=A,lir=B; or published: the authors' own, downloaded; "
        f"or hf://ORG/REPO[@REVISION]:FILE, https://...#sha256=DIGITS (default: the best at hand); {HELP}",
    )


def code(parser: argparse.ArgumentParser) -> None:
    """--allow-code."""
    about = "run the code of archives that --methods names (.ts, .pt2)"
    parser.add_argument("--allow-code", action="store_true", help=about)


def device(text: str) -> str:
    """auto, cpu, cuda or cuda:i."""
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected auto, cpu, cuda or cuda:i, got {text!r}")
    return text


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names; a comma within brackets belongs to the name: ``bsd68[sigma=25,clip=yes],set12``."""
    from benchmark.planning.named_values import entries

    try:
        parts = tuple(entries(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not parts:
        raise argparse.ArgumentTypeError("expected a name, or several with commas between them")
    return parts


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


def size(text: str) -> int:
    """A size in bytes: ``65536``, ``500k``, ``16M``, ``2G`` (powers of 1024)."""
    found = re.fullmatch(r"(\d+)([kKmMgG]?)", text)
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"expected a size such as 65536, 500k or 16M, got {text!r}")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()]


def white(text: str) -> float:
    """What white is in floats: a number of 1 or more."""
    return _number(text, 1.0, "what white is, a number of 1 or more such as 255")


def level(text: str) -> float:
    """A noise level on the scale of 0 to 255: a number, 0 or more."""
    return _number(text, 0.0, "a noise level, a number of 0 or more")


def _number(text: str, least: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}")
    return value


def setting(text: str) -> tuple[str, Any]:
    """``key=value``; the value is read as JSON where it is JSON (25, 0.5, true, [1, 2]), else as text."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    try:
        return key, parsed(value)
    except ValueError:
        return key, value
