"""Parts of a page that are generated: what stands between two marks."""

from __future__ import annotations

from pathlib import Path

from datasets.core.errors import UserError
from datasets.core.files import write_bytes


def fill_block(path: Path, name: str, content: str) -> None:
    """Put `content` between the marks of a page on disk. Raises UserError for no page, or one without the marks."""
    write_bytes(path, with_block(read_page(path), name, content).encode())


def expect_block(path: Path, name: str) -> None:
    """See that a page can be filled, before minutes are spent. Raises UserError as `fill_block` does."""
    with_block(read_page(path), name, "")


def read_page(path: Path) -> str:
    """The text of a page. Raises UserError where there is none."""
    if not path.is_file():
        raise UserError(f"Expected a page at {path} (--page), where there is none.")
    return path.read_text(encoding="utf-8")


def with_block(page: str, name: str, content: str) -> str:
    """`page` with what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` replaced by `content`.

    Raises UserError for a page without the two marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, first, rest = page.partition(begin)
    _, last, tail = rest.partition(end)
    if not (first and last):
        raise UserError(f"Expected the marks {begin} and {end} in the page, found none; put them where the tables go.")
    return f"{head}{begin}\n\n{content.strip()}\n\n{end}{tail}"
