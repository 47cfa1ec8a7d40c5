"""`degrade`: degraded pictures of clean ones."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from benchmark.cli.options import device, model, natural, one_method, output, positive, results, verb
from benchmark.cli.outputs import report_pictures
from benchmark.console import Console


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    text = "make degraded pictures of clean ones with trained generators, into PNG files"
    examples = ("clean/ --methods scpgan --output noisy/ --draws 4     four noisy ones of each",)
    with verb(verbs, "degrade", text, degrade, examples) as parser:
        option = parser.add_argument
        option("source", type=Path, metavar="SOURCE", help="a clean picture or a folder of clean pictures")
        about = "folder (default ./degraded), or one .png"
        output(parser, about, default=Path("degraded"))
        about = "a file with the role generator; default: the best at hand"
        option("--weights", default="", metavar="FILE", help=about)
        option("--draws", type=positive, default=1, metavar="N", help="samples of each picture (default 1)")
        option("--seed", type=natural, default=0, metavar="N", help="of the noise (default 0)")
        option("--device", type=device, default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:i")
        for group in (results, one_method, model):
            group(parser)


def degrade(args: Namespace, console: Console) -> int:
    """Sample degraded pictures; 1 when one of them could not be made."""
    import methods
    from benchmark.environment import device
    from benchmark.inference.degrade import ROLE, check, degrade_pictures, load, places
    from benchmark.inference.photos import pictures
    from benchmark.planning.weights_search import Wanted, for_pictures

    check(methods.get(args.method))
    weights = args.weights or for_pictures(Wanted(args.method, args.recipe, role=ROLE), args.results)
    method = load(args.method, args.recipe, weights, dict(args.set))
    sources, root = pictures(args.source, args.output), args.source if args.source.is_dir() else None
    places(sources, args.output, args.draws, root)
    console.say(f"Degrading with {weights}.")
    options = {"draws": args.draws, "seed": args.seed, "device": device(args.device), "root": root}
    outcome = degrade_pictures(method, sources, args.output, **options, report=console.report)
    return report_pictures(outcome, len(sources) * args.draws, args.output, console)
