"""Every code block of the README and of the documents works as it is written."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.cli import parser
from tests.helpers.documents import REASONS, ROOT, Block, Reader, benchmark_lines, blocks, inline

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PAGES += sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "journeys").glob("*.md"))
PAGES += sorted((ROOT / "methods").glob("*/README.md"))
FOUND = {str(page.relative_to(ROOT)): blocks(page) for page in PAGES}
SHELL = [block for found in FOUND.values() for block in found if block.is_shell or block.language == "python"]


def test_reasons_are_known():
    assert {block.reason for block in SHELL if block.reason} <= set(REASONS)


@pytest.mark.parametrize(
    "page", [n for n, found in FOUND.items() if n != "README.md" and any(b.executed for b in found)]
)
def test_a_page_is_followed(page, tmp_path):
    """In order, in an empty folder."""
    reader = Reader(tmp_path)
    for block in FOUND[page]:
        reader.follow(block)


NOT_RUN = [block for block in SHELL if block.reason]


def place(block: Block) -> str:
    return f"{block.page}:{block.line}"


@pytest.mark.parametrize("block", [block for block in NOT_RUN if block.is_shell], ids=place)
def test_a_block_that_is_not_run_is_parsed(block: Block):
    """Verbs, options and the kinds of their values exist."""
    for words in benchmark_lines(block):
        parser().parse_args(words)


@pytest.mark.parametrize("page", [page for page in PAGES if inline(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_within_a_text_is_parsed(page: Path):
    """Verbs, options and the kinds of their values exist."""
    for block in inline(page):
        for words in filter(None, benchmark_lines(block)):
            if len(words) > 1 or words[0] not in parser().verbs:  # `python -m benchmark merge` names the verb alone
                parser().parse_args(words)


# Commands of the README's text that cannot be followed with the demo alone.
ASK_FOR = {
    "mine=net.py:build": "private files",
    "--dataset sidd": "private files",
    "--folder OUTPUTS": "private files",
    "train --methods dgunet": "minutes",
}
PLACEHOLDERS = {"PHOTOS": "data/photos", "METHOD": "dgunet"}
PHOTOGRAPHS = "mkdir -p data/photos && cp data/demo/test/degraded/coins_0000_*.png data/photos/\n"


def test_the_readme_is_followed_and_leaves_nothing_that_git_would_see(tmp_path):
    """Its blocks and the commands of its text, in an empty folder that has the checkout's rules for git."""
    reader, page = Reader(tmp_path), ROOT / "README.md"
    shutil.copy(ROOT / ".gitignore", reader.home)
    git = ["git", "-C", str(reader.home), "-c", "user.name=x", "-c", "user.email=x@y"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "clone"]):
        subprocess.run([*git, *words], check=True)
    first = [block for block in FOUND["README.md"] if block.is_shell and block.executed]
    assert first, "the README begins with a command that is run"
    followed = 0
    for block in [*first, Block("README.md", 0, "", PHOTOGRAPHS), *inline(page)]:
        if any(words in block.text for words in ASK_FOR):
            continue
        text = block.text
        for word, given in PLACEHOLDERS.items():
            text = text.replace(f" {word}", f" {given}")
        reader.follow(replace(block, text=text))
        followed += 1
        status = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
        assert status == "", f"{text} left {status}"
    assert followed >= 9


@pytest.mark.parametrize(
    "block", [b for b in SHELL if b.reason and b.language == "python"], ids=lambda b: f"{b.page}:{b.line}"
)
def test_a_program_that_is_not_run_compiles(block: Block):
    compile(block.text, block.page, "exec")


def test_what_fails_is_seen(tmp_path):
    reader = Reader(tmp_path)
    for text in ("python -m benchmark list nothing\n", "false | true\n"):
        with pytest.raises(AssertionError):
            reader.follow(Block("page.md", 1, "", text))
    with pytest.raises(AssertionError):
        reader.follow(Block("page.md", 1, "python", "raise SystemExit(3)\n"))
    with pytest.raises(SystemExit):
        parser().parse_args(["run", "--no-such-option"])
