"""Parts of a page that are generated: what stands between two marks."""

from __future__ import annotations

from datasets.ops.errors import UserError


def filled(page: str, name: str, content: str) -> str:
    """`page` with what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` replaced by `content`.

    Raises UserError for a page without the two marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, first, rest = page.partition(begin)
    _, last, tail = rest.partition(end)
    if not (first and last):
        raise UserError(f"Expected the marks {begin} and {end} in the page, found none; put them where the tables go.")
    return f"{head}{begin}\n\n{content.strip()}\n\n{end}{tail}"
