"""Options on where jobs run, for `run`, `reproduce` and `train`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli.options import minutes, natural, positive
from datasets.core.errors import UserError

if TYPE_CHECKING:
    from benchmark.runs.engines.settings import EngineSettings


def engines(parser: argparse.ArgumentParser) -> None:
    """--engine and what belongs to it."""
    from benchmark.runs.engines.settings import ENGINES

    group = parser.add_argument_group("where jobs run")
    option = group.add_argument
    option("--engine", choices=ENGINES, default="auto", help="this process, workers here, a Ray or a Slurm cluster")
    option("--workers", type=positive, default=0, metavar="N", help="processes of local; default: one per GPU, or one")
    option("--threads", type=natural, default=0, metavar="N", help="of each job; default: an equal share")
    option("--isolate", action="store_true", help="built-in methods in a worker process too, as plug-ins are")
    option(
        "--timeout",
        type=minutes,
        default=0.0,
        metavar="M",
        help="end a job without progress for M minutes; default: never",
    )
    option(
        "--memory",
        type=minutes,
        default=0.0,
        metavar="GB",
        help="most memory of a worker on a CPU; default: what is free",
    )
    option("--address", default="", metavar="HOST:PORT", help="of a Ray cluster; default: one on this machine")
    option(
        "--slurm",
        type=pairs,
        default={},
        metavar="NAME=VALUE",
        help="such as partition=gpu,time=120; default: those of Slurm",
    )
    option("--wait", action="store_true", help="wait for the jobs of a Slurm cluster")


def engine_settings(args: argparse.Namespace) -> EngineSettings:
    """What the options of `engines` say."""
    from dataclasses import fields

    from benchmark.runs.engines.settings import EngineSettings

    return EngineSettings(**{f.name: getattr(args, f.name) for f in fields(EngineSettings)})


def shard(text: str) -> tuple[int, int]:
    """``2/8``: the second of eight parts."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"expected a part such as 1/8, got {text!r}")
    return int(number), int(count)


def pairs(text: str) -> dict[str, str]:
    """``partition=gpu,time=120``."""
    from benchmark.planning.named_values import named_values

    try:
        found = named_values(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not all(name for name, _ in found):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE,NAME=VALUE, got {text!r}")
    return dict(found)
