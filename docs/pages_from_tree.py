"""Pages of the site that live elsewhere in the tree: the methods' READMEs and the tables, copied for each build."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ROOT / "docs" / "_generated"
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
# as a link from docs/ has it -> the site's page
PAGES = {
    **{
        f"methods/{path.parent.name}/README.md": f"method-{path.parent.name}"
        for path in ROOT.glob("methods/*/README.md")
    },
    **{f"results/protocols/{path.name}": f"table-{path.stem}" for path in ROOT.glob("results/protocols/*.md")},
    "results/studies/README.md": "table-studies",
    "results/leaderboard.md": "table-leaderboard",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
}


def copy() -> None:
    """Write the copies, with links that fit their new place. Files that are not pages are named, not linked."""
    COPIED.mkdir(exist_ok=True)
    for source, name in PAGES.items():
        path = ROOT / source
        if path.is_file():
            (COPIED / f"{name}.md").write_text(linked(path.read_text(encoding="utf-8"), path.parent), encoding="utf-8")


def linked(text: str, folder: Path) -> str:
    """A page's text with its links, relative to `folder`, as links of the site."""
    parts = CODE.split(text)  # every second one is code, where brackets are no links
    parts[::2] = [LINK.sub(lambda match: _link(match, folder), part) for part in parts[::2]]
    return "".join(parts)


def _link(match: re.Match[str], folder: Path) -> str:
    words, target, anchor = match.group(1), match.group(2), match.group(3) or ""
    path = (folder / target).resolve()
    if not path.is_relative_to(ROOT):
        return match.group(0)
    relative = path.relative_to(ROOT).as_posix()
    if relative in PAGES:
        return f"[{words}](/_generated/{PAGES[relative]}.md)"
    if relative.startswith("docs/") and path.suffix in (".md", ".svg", ".png"):
        return f"[{words}](/{relative.removeprefix('docs/')}{anchor})"
    return f"{words} (`{relative}`)"
