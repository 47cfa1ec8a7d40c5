"""Plot the noise that a method's generators make against the real noise of a dataset's pairs.

    python docs/noise_statistics.py --methods mssr --dataset demo --split validation --output docs/noise-mssr.svg

Left: variance at each clean intensity. Right: correlation of neighbouring pixels along rows, and dashed along columns.
Figures are printed as a Markdown table. The clean images of the pairs are what the generators degrade; nothing here is
used to train.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmark.inference.degrade import ROLE, load
from benchmark.planning.weights_search import Wanted, for_pictures
from benchmark.scoring.noise_statistics import NoiseStatistics, of_samples, reduced
from datasets import open_dataset
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.ops.ranges import unit
from methods.base import Method, SampleInfo


def main(argv: list[str] | None = None) -> int:
    """Measure, print and plot; see the module's text."""
    args = options().parse_args(argv)
    weights = args.weights or for_pictures(Wanted(args.methods, args.recipe, role=ROLE), args.results)
    method = load(args.methods, args.recipe, weights).eval()
    data = open_dataset(args.dataset, args.data, split=args.split, limit=args.limit)
    if data.facts.scale != method.facts.scale:
        raise UserError(f"{args.dataset} has scale {data.facts.scale}, the generators have {method.facts.scale}.")
    found = {"real": of_samples(data, data.facts.scale)}
    for draw in range(args.draws):
        found[f"generator, draw {draw}"] = generated(method, data, draw)
    print("\n".join(table(found)))
    plot(found, args.output)
    return 0


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", required=True, metavar="NAME", help="a method that has generators")
    parser.add_argument("--recipe", help="of the method")
    parser.add_argument("--weights", help="with the role generator; default: the best at hand")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--dataset", required=True, help="with pairs")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--limit", type=int, help="images to look at; default: all")
    parser.add_argument("--draws", type=int, default=2, help="of each image; MSSR takes its generators in turn")
    parser.add_argument("--output", type=Path, required=True, help="an .svg or .png")
    return parser


@torch.no_grad()
def generated(method: Method, data: Dataset, draw: int) -> NoiseStatistics:
    """Statistics of one sample for each clean image, clamped as pictures are."""
    found = NoiseStatistics()
    for sample in data:
        clean = torch.from_numpy(unit(sample.clean)).permute(2, 0, 1)[None]
        made = method.degrade(clean, [SampleInfo(sample.name)], draw).clamp(0, 1)
        found.add(reduced(sample.clean, data.facts.scale), made[0].permute(1, 2, 0).numpy())
    return found


def table(found: dict[str, NoiseStatistics]) -> list[str]:
    """Lines of a Markdown table."""
    lines = ["| noise | std x 255 | lag 1 along rows | lag 1 along columns | lag 2 along rows | KL to real |"]
    lines.append("|---|---|---|---|---|---|")
    for name, one in found.items():
        lag = one.autocorrelation()
        values = one.deviation * 255, lag[0, 1], lag[1, 0], lag[0, 2], one.divergence(found["real"])
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    return lines


def plot(found: dict[str, NoiseStatistics], output: Path) -> None:
    """Both panels into one picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, (name, one) in enumerate(found.items()):
        style = {"color": f"C{index}", "linewidth": 2.5 if name == "real" else 1.5}
        left.plot(*one.variance(), marker="o", markersize=3, label=name, **style)
        correlation = one.autocorrelation()
        right.plot(correlation[0], marker="o", markersize=3, label=name, **style)
        right.plot(correlation[:, 0], linestyle="--", **style)
    left.set(xlabel="clean intensity", ylabel="variance of the noise", xlim=(0, 1), ylim=(0, None))
    right.set(xlabel="distance in pixels (dashed: along columns)", ylabel="correlation", xticks=range(len(correlation)))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None, dpi=150)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except UserError as error:
        raise SystemExit(str(error)) from None
