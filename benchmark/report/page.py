"""The page itself: template, style, script and parts, as a folder or as one file."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path
from typing import Any

from benchmark.report.embedding import page_json
from benchmark.version import __version__
from datasets.core.errors import UserError
from datasets.core.files import write_bytes

ASSETS = Path(__file__).resolve().parent / "assets"
SCRIPTS = ("core", "state", "dialog", "board", "imagelist", "viewport", "compare", "plot", "charts", "cards", "main")
STYLES = ("base", "board", "images", "charts")
MARK = '<meta name="generator" content="restoration-benchmark report'  # by which an earlier page is known


class PageFiles:
    """The files of one page, written as they come: the index at last, so that a page is whole or not there.

    Args:
        out: folder; for a single file the folder, or the .html itself. single: everything in one file.
    Raises:
        UserError: `out` holds something else than an earlier page.
    """

    def __init__(self, out: Path, single: bool) -> None:
        self.single = single
        as_file = single and out.suffix.lower() in (".html", ".htm")
        self.folder = out.parent if as_file else out
        self.index = out if as_file else out / ("report.html" if single else "index.html")
        self._parts: dict[str, str] = {}
        self._images = 0
        self._old = self._earlier()

    def _earlier(self) -> list[Path]:
        """What an earlier page left; whatever is not a page's stays and is an error."""
        for path in (self.folder, *self.folder.parents):
            if path.exists() and not path.is_dir():
                raise UserError(f"Expected a folder for --out, but {path} is a file; name another one.")
        if self.index.is_dir():
            raise UserError(f"Expected a file or nothing at {self.index}, but it is a folder; name another --out.")
        ours = self.index.is_file() and MARK in self.index.read_text(encoding="utf-8", errors="replace")[:2000]
        if self.index.exists() and not ours:
            raise UserError(f"{self.index} is not a page of this program and is kept; name another folder by --out.")
        if self.single:
            return []
        left = [self.folder / name for name in ("data", "images") if (self.folder / name).exists()]
        if left and not ours:
            raise UserError(f"{left[0]} is in the way and is not this program's; name another folder by --out.")
        return left

    def begin(self) -> None:
        """Remove an earlier page: nothing of it may stand beside the one that comes."""
        self.index.unlink(missing_ok=True)
        for path in self._old:
            shutil.rmtree(path)

    def add(self, name: str, value: Any) -> None:
        """A part that the page asks for when it needs it: a script file beside it, or an element in the one file."""
        text = page_json(value)
        if self.single:
            self._parts[name] = text
        else:
            write_bytes(self.folder / "data" / f"{name}.js", f'reportPart("{name}",{text});\n'.encode(), durable=False)

    def image(self, png: bytes) -> str:
        """Keep a picture; returns its address, relative or as a data URI."""
        if self.single:
            return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
        self._images += 1
        path = f"images/{self._images:05d}.png"
        write_bytes(self.folder / path, png, durable=False)
        return path

    def finish(self, title: str, main: Any) -> Path:
        """Write the index with its main part; returns its path."""
        self.add("main", main)
        write_bytes(self.index, _rendered(title, self._parts).encode())
        return self.index


def assets(kind: str) -> str:
    """All scripts (``js``) or styles (``css``) as one text."""
    names = SCRIPTS if kind == "js" else STYLES
    texts = [(ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for name in names]
    joined = "\n".join(texts)
    return f'"use strict";\n(() => {{\n{joined}\n}})();\n' if kind == "js" else joined


def _rendered(title: str, parts: dict[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)
    script, style = assets("js"), assets("css")
    return environment.get_template("index.html.j2").render(
        title=title,
        version=__version__,
        mark=MARK.partition('content="')[2],
        script=script,
        style=style,
        script_hash=_hash(script),
        style_hash=_hash(style),
        parts=parts,
    )


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style: whatever else gets into the page does not run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
