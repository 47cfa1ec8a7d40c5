"""The figure of crops: a whole picture with its box, beside the box enlarged, as every row restored it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.paper.drawing import WIDTH, figure, save, short
from benchmark.paper.pictures import Crop, Shown
from benchmark.tables.column import Column
from benchmark.tables.csv_table import csv_table
from benchmark.tables.formats import Number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = 2  # of enlarged boxes beside a whole picture
_CAPTION = 0.30  # inches below a box: its title and its scores
_GAP, _FRAME = 0.05, "#E3001B"

Line = tuple[Crop, Shown]
COLUMNS: tuple[Column[Line], ...] = (
    Column("image", lambda line: line[0].box.name),
    Column("box", lambda line: line[0].box.text.rpartition(":")[2]),
    Column("row", lambda line: line[1].title),
    Column("convention", lambda line: line[0].convention),
    Column("psnr", lambda line: line[1].psnr, format=Number(".2f", ".4f")),
    Column("ssim", lambda line: line[1].ssim, format=Number(".4f", ".6f")),
)


def scores_csv(crops: Sequence[Crop]) -> str:
    """What stands below the boxes, with more digits: the scores of the whole pictures, as in scores.csv."""
    return csv_table(COLUMNS, [(crop, shown) for crop in crops for shown in crop.shown])


def draw_crops(crops: Sequence[Crop], *paths: Path) -> list[Path]:
    """Draw the crops one below the other, and write the figure to each path (.pdf, .png)."""
    sizes = [_geometry(crop) for crop in crops]
    height = sum(size[2] for size in sizes) + _GAP * (len(crops) - 1)
    with figure(WIDTH, height) as drawn:
        top = height
        for crop, size in zip(crops, sizes, strict=True):
            _draw(drawn, crop, size, top, height)
            top -= size[2] + _GAP
        return save(drawn, *paths)


def caption(shown: Shown) -> str:
    """``PSNR / SSIM`` in numbers; in words below the clean picture, which has none."""
    if shown.psnr is None:
        return "PSNR / SSIM" if shown.title == "Clean" else ""
    psnr = "inf" if math.isinf(shown.psnr) else f"{shown.psnr:.2f}"
    return psnr if shown.ssim is None else f"{psnr} / {shown.ssim:.4f}"


def _geometry(crop: Crop) -> tuple[float, float, float, int]:
    """Width of the whole picture, width of a box, height of all, boxes in a line; in inches.

    The whole picture is as tall as the lines of boxes beside it, and together they fill the width.
    """
    columns = math.ceil(len(crop.shown) / LINES)
    rows, cols = crop.shown[-1].image.shape[:2]
    picture, box = cols / rows, crop.box.h / crop.box.w  # width by height, height by width
    lines = min(LINES, len(crop.shown))
    # height = lines * (box * b + caption) with WIDTH = picture * height + columns * (b + gap)
    each = (WIDTH - columns * _GAP - picture * lines * _CAPTION) / (picture * lines * box + columns)
    each = max(each, 0.3)
    height = lines * (box * each + _CAPTION)
    return min(picture * height, WIDTH - columns * (each + _GAP)), each, height, columns


def _draw(drawn, crop: Crop, size: tuple[float, float, float, int], top: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    wide, each, _, columns = size
    whole = crop.shown[-1]  # the clean picture, where there is one

    def axes(left: float, above: float, width: float, depth: float) -> Axes:
        added = drawn.add_axes((left / WIDTH, (top - above - depth) / height, width / WIDTH, depth / height))
        added.set_axis_off()
        return added

    rows, cols = whole.image.shape[:2]
    room = axes(0, 0, wide, wide * rows / cols)
    _show(room, whole.image)
    box = crop.box
    place = (box.x - 0.5, box.y - 0.5)
    room.add_patch(Rectangle(place, box.w, box.h, fill=False, edgecolor=_FRAME, linewidth=1.2))
    for number, shown in enumerate(crop.shown):
        line, column = divmod(number, columns)
        left = wide + _GAP + column * (each + _GAP)
        above = line * (each * crop.box.h / crop.box.w + _CAPTION)
        part = axes(left, above, each, each * crop.box.h / crop.box.w)
        _show(part, crop.box.cut(shown.image))
        text = f"{short(shown.title, 24)}\n{caption(shown)}".rstrip()
        part.text(0.5, -0.03, text, transform=part.transAxes, ha="center", va="top", fontsize=6, linespacing=1.1)


def _show(axes: Axes, image: np.ndarray) -> None:
    """Pixels as they are: 8 bits, no interpolation between them."""
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    levels = levels.reshape(*levels.shape[:2], -1)
    colour = levels if levels.shape[2] == 3 else levels.repeat(3, axis=2)
    axes.imshow(colour, interpolation="none", aspect="auto")
