"""`degrade`: degraded pictures of clean ones."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import device, model, natural, one_method, positive, verb
from benchmark.cli.outputs import told
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "make degraded pictures of clean ones with trained generators, into PNG files"
    verb(verbs, "degrade", text, degrade, _options, one_method, model)


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a clean picture or a folder of clean pictures")
    parser.add_argument(
        "--output", type=Path, default=Path("degraded"), help="folder (default ./degraded), or one .png"
    )
    parser.add_argument("--weights", default="", help="a file with the role generator; default: the best at hand")
    parser.add_argument("--draws", type=positive, default=1, metavar="N", help="samples of each picture (default 1)")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the noise (default 0)")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default ./results")
    parser.add_argument("--device", type=device, default="auto", help="auto, cpu, cuda or cuda:i")


def degrade(args: Namespace, console: Console) -> int:
    """Sample degraded pictures; 1 when one of them could not be made."""
    from benchmark.degrading import degrade_pictures, load, places, weights_for
    from benchmark.environment import device
    from benchmark.photographs import pictures

    weights = args.weights or weights_for(args.method, args.recipe, args.results)
    method = load(args.method, args.recipe, weights, dict(args.set))
    sources = pictures(args.source)
    places(sources, args.output, args.draws)
    console.say(f"Degrading with {weights}.")
    options = {"draws": args.draws, "seed": args.seed, "device": device(args.device)}
    outcome = degrade_pictures(method, sources, args.output, **options, report=console.report)
    return told(outcome, len(sources) * args.draws, args.output, console)
