"""Where and how cells run: what changes no pixel, and so is in no cell's id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.paths import OWN


@dataclass(frozen=True)
class RunConfig:
    """Where and how cells run.

    Attributes:
        data, results: root folders. device: auto, cpu, cuda or cuda:i.
        conventions: names to score under; () = every one that applies.
        save_images: 8-bit PNGs under runs/<id>/images. save_outputs: float32 .npy under runs/<id>/outputs.
        force: run cells again that are done. deterministic: torch's deterministic algorithms, or an error.
        batch_pixels: images of equal size are restored together up to so many pixels; 0 = by the device.
        threads: scoring threads; 0 = the number of CPUs, at most 4.
        costs: count multiply-accumulates (one more pass over a crop). debug: show the traceback of a failure.
    """

    data: Path = Path("data")
    results: Path = OWN
    device: str = "auto"
    conventions: tuple[str, ...] = ()
    save_images: bool = False
    save_outputs: bool = False
    force: bool = False
    deterministic: bool = False
    batch_pixels: int = 0
    threads: int = 0
    costs: bool = True
    debug: bool = False
