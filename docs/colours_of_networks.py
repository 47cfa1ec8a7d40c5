"""Measure how far restored flat colours lie from the true ones under phones' strong noise: a network's idea of colours.

    python docs/colours_of_networks.py dgunet=WEIGHTS [r2r=WEIGHTS ...]

Fields of one colour, 128x128, seen by cameras of `phone-strong`; no photograph is in them. The table has the mean error
of each channel in grey levels, over the cameras, without a border of 16 pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmark.inference.restorer import Restorer
from datasets import phone
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.phone_cameras import STRONGER, drawn
from methods.loading import load_from

COLOURS = {
    "grey": (128, 128, 128), "dark": (60, 60, 60), "purple": (133, 80, 120), "brown": (110, 80, 90),
    "dark red": (120, 40, 40), "yellow": (205, 205, 110), "blue": (50, 70, 140),
}  # fmt: skip
SIDE, BORDER, CAMERAS = 128, 16, 6
STRENGTHS = (2.5e-2, 5e-2)  # of the cameras' b1 at green sites: the upper half of phone-strong's


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", metavar="METHOD=WEIGHTS")
    args = parser.parse_args(argv)
    chosen = cameras()
    noisy = {name: mean_errors(None, colour, chosen, name) for name, colour in COLOURS.items()}
    named = [(method, Path(path)) for method, _, path in (one.partition("=") for one in args.weights)]
    print("| colour (R, G, B) | noisy |" + "".join(f" {method} {path.stem} |" for method, path in named))
    print("|---|---|" + "---|" * len(named))
    restorers = [Restorer(load_from(method, None, path).method) for method, path in named]
    for name, colour in COLOURS.items():
        found = [noisy[name], *(mean_errors(one, colour, chosen, name) for one in restorers)]
        cells = " | ".join(", ".join(f"{value:+.0f}" for value in errors) for errors in found)
        print(f"| {name} {colour} | {cells} |", flush=True)
    return 0


def cameras() -> list[dict[str, object]]:
    """The first cameras of `phone-strong`'s kind whose noise is strong, at full exposure."""
    every = (drawn(f"flat_{number}", STRONGER) for number in range(10_000))
    strong = ({**meta, "exposure": 1.0} for meta in every if STRENGTHS[0] < meta["beta"][2] < STRENGTHS[1])
    return [next(strong) for _ in range(CAMERAS)]


@torch.no_grad()
def mean_errors(
    restorer: Restorer | None, colour: tuple[int, int, int], chosen: list[dict[str, object]], name: str
) -> np.ndarray:
    """Mean error of red, green and blue, in grey levels, over the cameras; None: of the noisy fields themselves."""
    light = np.ones((SIDE, SIDE, 3)) * np.array(colour, np.float64)
    made = [phone.images(light, meta, f"{name} {number}") for number, meta in enumerate(chosen)]
    outputs = [one["degraded"].astype(np.float32) for one in made]
    if restorer:
        samples = [Sample(f"{k}", one["degraded"], None, f"{k}", {}, None) for k, one in enumerate(made)]
        outputs = [255 * one.output.clip(0, 1) for one in restorer(samples)]
    inside = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    errors = [(out - one["clean"])[inside].mean((0, 1)) for out, one in zip(outputs, made, strict=True)]
    return np.mean(errors, axis=0)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except UserError as error:
        raise SystemExit(str(error)) from None
