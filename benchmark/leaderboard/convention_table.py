"""How far the conventions lie apart on one set of photographs: the tables of docs/conventions.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmark.scoring.conventions import CONVENTIONS, Convention, Score, applicable, score_many
from benchmark.scoring.metrics import grey
from benchmark.tables.column import Column
from benchmark.tables.markdown_table import markdown_table, pipe_table
from datasets.core.errors import UserError
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
    both = score_many(restored, clean, colour) | score_many(_grey(restored), _grey(clean), single)
    return {name: both[name] for name in CONVENTIONS}


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


def measured_table(columns: dict[str, Scores], count: int) -> str:
    """The Markdown table of the scores, with a last line for the spread of each column."""
    lines = []
    for name in CONVENTIONS:
        title = f"`{name}`" + ("" if applicable(name, 3) is None else " (grey)")
        means = [by_convention[name] for by_convention in columns.values()]
        lines.append([title, *(f"{s.psnr:.3f} / " + ("none" if s.ssim is None else f"{s.ssim:.4f}") for s in means)])
    spreads = []
    for (
        by_convention
    ) in columns.values():  # largest minus smallest; without the grey conventions, which score another image
        colour = [score for name, score in by_convention.items() if not applicable(name, 3)]
        psnrs, ssims = [s.psnr for s in colour], [s.ssim for s in colour if s.ssim is not None]
        spreads.append(f"{max(psnrs) - min(psnrs):.2f} dB / {max(ssims) - min(ssims):.3f}")
    lines.append(["**spread, colour**", *spreads])
    about = f"{count} images; each cell is PSNR in dB / SSIM."
    return "\n".join([about, "", *pipe_table(("convention", *columns), lines)])


def _window(convention: Convention) -> str:
    if convention.ssim_input is None:
        return ""
    window = f"{convention.window.kind} {convention.window.taps}"
    return f"{window}, {convention.padding}, {convention.covariance}, {convention.ssim_over}"


USES: tuple[Column[Convention], ...] = (
    Column("convention", lambda c: f"`{c.name}`"),
    Column("PSNR from", lambda c: c.psnr_input if c.clamp else f"{c.psnr_input}, not clamped"),
    Column("SSIM from", lambda c: c.ssim_input or "none"),
    Column("plane", lambda c: c.plane),
    Column("border", lambda c: c.border),
    Column("window", _window),
    Column("used by", lambda c: c.used_by),
)


def uses() -> str:
    """The Markdown list of conventions and who uses them, from the conventions themselves."""
    return "\n".join(markdown_table(USES, CONVENTIONS.values()))


def described(source: Path) -> str:
    """Both tables of docs/conventions.md. Raises UserError as `pairs` does."""
    images = list(pairs(source))
    return uses() + "\n\n" + measured_table(measure(images), len(images))
