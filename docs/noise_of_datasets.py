"""Measure the noise of datasets that have pairs, side by side, as the table in docs/noise.md.

    python docs/noise_of_datasets.py phone:validation demo:test polyu sidd:validation

Medians over the images of a split, and in brackets what nine of ten images have (5 to 95 %).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmark.scoring.noise_statistics import NoiseStatistics
from datasets import open_dataset
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.ops.ranges import unit

COLUMNS = ("std", "lag 1", "lag 2", "lag 3", "R, G", "G, B", "R, B")


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", metavar="DATASET[:SPLIT]", help="prepared, with pairs")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--limit", type=int, help="images of each; default: all")
    args = parser.parse_args(argv)
    print("| noise of | images | clean means | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for spec in args.datasets:
        name, _, split = spec.partition(":")
        data = open_dataset(name, args.data, split=split or None, limit=args.limit)
        print(f"| {name} {data.split} | {len(data)} | " + " | ".join(cells(data)) + " |", flush=True)
    return 0


def cells(data: Dataset) -> list[str]:
    """The row of a dataset, from its second number on."""
    pairs = [(s.clean, s.degraded) for s in data if s.clean is not None and s.degraded is not None]
    low, high = np.quantile([unit(clean).mean() for clean, _ in pairs], (0.05, 0.95))
    ranges = np.quantile([figures(*pair) for pair in pairs], (0.5, 0.05, 0.95), axis=0).T
    return [f"{low:.2f} to {high:.2f}", *(f"{middle:.3f} [{a:.2f}, {b:.2f}]" for middle, a, b in ranges)]


def figures(clean: np.ndarray, degraded: np.ndarray) -> list[float]:
    """One number per column; lags are of the mean of the colours, means over rows and columns."""
    colours, grey = NoiseStatistics(), NoiseStatistics()
    colours.add(clean, degraded)
    grey.add(*(unit(image).mean(2, keepdims=True) for image in (clean, degraded)))
    lag = grey.autocorrelation()
    return [colours.deviation, *((lag[0, k] + lag[k, 0]) / 2 for k in (1, 2, 3)), *colours.between_colours()]


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except UserError as error:
        raise SystemExit(str(error)) from None
