"""Somebody's own photographs before and after restoring, on a page of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.progress import Report
from benchmark.report.embedding import packed
from benchmark.report.page import PageFiles
from benchmark.report.pictures import Shown, picture_values
from benchmark.version import __version__
from datasets.core.errors import UserError
from datasets.ops.images import read_image

MOST = 24  # photographs on one page
RESTORED = "restored"


def photo_page(output: Path) -> PageFiles:
    """Where the page of pictures restored into `output` goes: its folder ``report``, or one beside a single .png.

    Raises UserError where something else lies there.
    """
    single = output.suffix.lower() == ".png" and not output.is_dir()
    return PageFiles(output.parent / f"{output.stem}-report" if single else output / "report", False)


def photo_report(pairs: Sequence[tuple[Path, Path]], label: str, files: PageFiles, report: Report = None) -> Path:
    """Write the page; returns the file to open. Pictures that cannot be read are left out.

    Args:
        pairs: each picture and its restored file. label: of what restored them, such as ``r2r sidd-paper``.
        files: see `photo_page`.
    Raises:
        UserError: none of them can be read.
    """
    files.begin()
    pictures = []
    for done, (source, target) in enumerate(pairs[:MOST], 1):
        try:
            shown = Shown(source.name, None, read_image(source), {RESTORED: read_image(target)})
        except UserError:
            continue
        pictures.append(picture_values(shown, files.image))
        if report:
            report("pictures of the page", done, min(len(pairs), MOST))
    if not pictures:
        raise UserError("There is no restored picture to show, so no page is written.")
    names = [picture["name"] for picture in pictures]
    files.add("set0", {"names": names, "scenes": names, "scene": packed(range(len(names)), "u4")})
    none = packed([float("nan")] * len(names), "f4")
    files.add("set0-c0", {"psnr": [none], "ssim": [none], "pairs": []})
    files.add("set0-pictures", pictures)
    missing = (
        f"{len(pairs) - len(pictures)} of {len(pairs)} are not on this page." if len(pairs) > len(pictures) else ""
    )
    images = {"title": "photographs", "records": [RESTORED], "conventions": [""], "degraded": "before", "plain": True}
    counts = {"images": len(names), "scenes": len(names), "pictures": len(names), "missing": missing, "noise": None}
    record = {"label": label, "baseline": False}
    main = {
        "version": __version__,
        "title": "Before and after",
        "headline": f"{len(names)} photograph{'s' if len(names) > 1 else ''}, restored with {label}.",
        "results": files.folder.name,
        "only": ["images"],
        "board": {"columns": [], "sections": [], "records": {RESTORED: record}, "conventions": {}},
        "cards": [],
        "curves": False,
        "sets": [images | counts],
    }
    return files.finish("Before and after", main)
