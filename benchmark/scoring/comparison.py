"""Measures how far the conventions lie apart on one set of photographs, and writes the table of docs/conventions.md.

python -m benchmark.scoring.comparison --source DATA/polyu
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmark.pages import filled, read
from benchmark.scoring.conventions import CONVENTIONS, Score, applicable, score_many
from benchmark.scoring.metrics import grey
from datasets.ops.errors import UserError
from datasets.ops.files import write_bytes
from datasets.ops.images import read_image

EVERY, BLOCK = 5, 256
Scores = dict[str, Score]


def blur(noisy: np.ndarray) -> np.ndarray:
    """A float output: Gaussian blur of sigma 0.8, (H, W, 3) uint8 -> float32 in [0, 1], not rounded."""
    import cv2

    return cv2.GaussianBlur(noisy.astype(np.float32) / 255, (0, 0), 0.8)


def means(noisy: np.ndarray) -> np.ndarray:
    """An 8-bit output: OpenCV's non-local means (h 5, 5, template 7, search 21), (H, W, 3) uint8, RGB."""
    import cv2

    return cv2.fastNlMeansDenoisingColored(noisy[..., ::-1].copy(), None, 5, 5, 7, 21)[..., ::-1].copy()


OUTPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"input": lambda noisy: noisy, "blur": blur, "nlm": means}


def pairs(source: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every fifth noisy crop of PolyU with its mean image, by name: (H, W, 3) uint8 each.

    Raises:
        UserError: no crops below `source`, or one without its mean image.
    """
    crops = sorted(p for p in source.rglob("*_real.*") if p.suffix.lower() in (".jpg", ".png"))[::EVERY]
    if not crops:
        raise UserError(
            f"Expected PolyU's cropped pairs (NAME_real.JPG and NAME_mean.JPG) below {source}, found none; "
            "`python -m benchmark list datasets` says where to get them."
        )
    for noisy in crops:
        yield read_image(noisy), read_image(noisy.with_name(noisy.name.replace("_real.", "_mean.")))


def scores(restored: np.ndarray, clean: np.ndarray) -> Scores:
    """Every named convention: those of one channel on the grey version, 8 bits of it where the image has 8 bits."""
    colour = [name for name in CONVENTIONS if applicable(name, 3) is None]
    single = [name for name in CONVENTIONS if name not in colour]
    found = score_many(restored, clean, colour) | score_many(_grey(restored), _grey(clean), single)
    return {name: found[name] for name in CONVENTIONS}


def _grey(image: np.ndarray) -> np.ndarray:
    plane = grey(image.astype(np.float64))
    return np.rint(plane).astype(np.uint8) if image.dtype == np.uint8 else plane.astype(np.float32)


def mean_score(parts: list[Score]) -> Score:
    """Mean over images of both figures."""
    ssims = [s.ssim for s in parts if s.ssim is not None]
    return Score(float(np.mean([s.psnr for s in parts])), float(np.mean(ssims)) if ssims else None)


def measure(images: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Scores]:
    """Column -> convention -> mean score; the last column is the blurred first image's top left block."""
    columns: dict[str, Scores] = {}
    for name, make in OUTPUTS.items():
        each = [scores(make(noisy), clean) for noisy, clean in images]
        columns[name] = {c: mean_score([one[c] for one in each]) for c in CONVENTIONS}
    noisy, clean = (image[:BLOCK, :BLOCK] for image in images[0])
    return columns | {"one block, blur": scores(blur(noisy), clean)}


def table(columns: dict[str, Scores], count: int) -> str:
    """The Markdown table, with a last line for the spread of each column."""
    lines = [f"{count} images; each cell is PSNR in dB / SSIM.", "", "| convention | " + " | ".join(columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for name in CONVENTIONS:
        cells = " | ".join(_cell(found[name]) for found in columns.values())
        lines.append(f"| `{name}`{'' if applicable(name, 3) is None else ' (grey)'} | {cells} |")
    spreads = " | ".join(_spread([s for n, s in found.items() if not applicable(n, 3)]) for found in columns.values())
    return "\n".join([*lines, f"| **spread, colour** | {spreads} |"])


def _cell(score: Score) -> str:
    return f"{score.psnr:.3f} / " + ("none" if score.ssim is None else f"{score.ssim:.4f}")


def _spread(found: list[Score]) -> str:
    ssims = [s.ssim for s in found if s.ssim is not None]
    psnrs = [s.psnr for s in found]
    return f"{max(psnrs) - min(psnrs):.2f} dB / {max(ssims) - min(ssims):.3f}"


def uses() -> str:
    """The Markdown list of conventions and who uses them, from the records themselves."""
    lines = [
        "| convention | PSNR from | SSIM from | plane | border | window | used by |",
        "|---|---|---|---|---|---|---|",
    ]
    for c in CONVENTIONS.values():
        window = (
            ""
            if c.ssim_input is None
            else f"{c.window.kind} {c.window.taps}, {c.padding}, {c.covariance}, {c.ssim_over}"
        )
        first = c.psnr_input if c.clamp else f"{c.psnr_input}, not clamped"
        second = c.ssim_input or "none"
        lines.append(f"| `{c.name}` | {first} | {second} | {c.plane} | {c.border} | {window} | {c.used_by} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Write the page, or with --check say whether it is up to date (exit 1 where it is not)."""
    parser = argparse.ArgumentParser(description="How far the conventions lie apart, measured on PolyU.")
    parser.add_argument("--source", type=Path, required=True, help="folder of PolyU (CroppedImages, or above it)")
    parser.add_argument("--page", type=Path, default=Path("docs/conventions.md"), help="page to fill (%(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the page would change")
    options = parser.parse_args(argv)
    try:
        old = read(options.page)
        images = list(pairs(options.source))
        new = filled(old, "measured", uses() + "\n\n" + table(measure(images), len(images)))
    except (UserError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        return int(new != old)
    write_bytes(options.page, new.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
