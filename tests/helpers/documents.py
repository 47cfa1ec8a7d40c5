"""Code blocks of the documents: found, and executed as a reader would, in the order of the page, in an empty folder.

A comment on the line before a block says what is special about it:

``<!-- block: file NAME -->``     its text is the file NAME, which the reader writes;
``<!-- block: not run: REASON -->``  not executed (see REASONS); its commands are parsed.

Everything else is executed: shell blocks line by line, Python blocks as programs. Blocks of other languages that have
no comment are not code.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"<!-- block: (?:file (?P<file>\S+)|not run: (?P<reason>.+?)) -->\s*$")
FENCE = re.compile(r"^( *)```(\S*)\s*$")
INDENTED = re.compile(r"^    (python -m |pip |tox|bash |docker )")
INLINE = re.compile(r"`(python -m benchmark(?: [^`]+)?)`")
REASONS = ("network", "GPU", "cluster", "minutes", "private files", "sketch", "installs", "the project's own tests")


@dataclass(frozen=True)
class Block:
    """A block of a page. language: of its fence; file, reason: of its comment."""

    page: str
    line: int
    language: str
    text: str
    file: str = ""
    reason: str = ""

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block, comments taken off."""
        joined = self.text.replace("\\\n", " ")
        lines = [line.strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]

    @property
    def is_shell(self) -> bool:
        return self.language in ("", "sh", "bash", "console")

    @property
    def executed(self) -> bool:
        return not self.reason and not self.file and (self.is_shell or self.language == "python")


def blocks(page: Path) -> list[Block]:
    """Fenced blocks, and blocks that are indented by four spaces and hold commands."""
    found, lines, comment = [], page.read_text(encoding="utf-8").splitlines(), None
    number = 0
    while number < len(lines):
        line = lines[number]
        fence = FENCE.match(line)
        if marked := COMMENT.search(line):
            comment = marked
            number += 1
            continue
        start = number
        if fence:
            number += 1
            while number < len(lines) and lines[number].strip() != "```":
                number += 1
            body, language = lines[start + 1 : number], fence.group(2)
            number += 1
        elif INDENTED.match(line) and (comment or start == 0 or not lines[start - 1].strip()):
            while number < len(lines) and lines[number].startswith("    "):
                number += 1
            body, language = lines[start:number], ""
        else:
            if line.strip():
                comment = None
            number += 1
            continue
        indent = fence.group(1) if fence else "    "
        text = "\n".join(each.removeprefix(indent) for each in body) + "\n"
        told = comment.groupdict(default="") if comment else {"file": "", "reason": ""}
        found.append(Block(page.name, start + 1, language, text, **told))
        comment = None
    return found


def inline(page: Path) -> list[Block]:
    """The commands of the benchmark that stand within a page's text, such as in the cells of a table."""
    found, fenced = [], False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fenced ^= bool(FENCE.match(line))
        said = INLINE.findall("" if fenced else line)
        found += [Block(page.name, number, "", command.removesuffix(" ...") + "\n") for command in said]
    return found


def benchmark_lines(block: Block) -> list[list[str]]:
    """The arguments of each ``python -m benchmark`` in a shell block."""
    lines = []
    for command in block.commands:
        for part in re.split(r"&&|;|\|", command):
            if "python -m benchmark" not in part:
                continue
            words = shlex.split(part, comments=True)
            if words[:3] == ["python", "-m", "benchmark"]:
                lines.append(words[3:])
    return lines


class Reader:
    """Who follows a page: a folder, an environment in which `python` is this one, and what pip put beside it."""

    def __init__(self, home: Path) -> None:
        self.home, self.site, self.tools = home / "home", home / "site", home / "bin"
        for folder in (self.home, self.site, self.tools):
            folder.mkdir()
        for name, program in {"python": f'exec {shlex.quote(sys.executable)} "$@"', "pip": self._pip()}.items():
            (self.tools / name).write_text(f"#!/bin/sh\n{program}\n")
            (self.tools / name).chmod(0o755)
        paths = os.pathsep.join([str(self.site), str(ROOT)])
        searched = os.pathsep.join([str(self.tools), os.environ["PATH"]])
        self.environment = {
            **os.environ,
            "PYTHONPATH": paths,
            "PATH": searched,
            "COLUMNS": "100",
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.tools / "cache"),  # a home is not where one works: caches lie elsewhere
        }

    def _pip(self) -> str:
        """`pip install .` beside the benchmark, without the index, and without touching this environment.

        The benchmark itself, with which pages begin, is here already: its installation is a matter of
        tests/test_packaging.py.
        """
        flags = "--quiet --no-deps --no-build-isolation --no-index --upgrade --target"
        install = f"exec {shlex.quote(sys.executable)} -m pip install {flags} {shlex.quote(str(self.site))} ."
        own = "'install -c constraints.txt -e .' | 'install restoration-benchmark[report]'"
        other = 'echo "only these are followed here: pip install . and of the benchmark; got: $*" >&2; exit 1'
        return f'case "$*" in\n"install .") {install} ;;\n{own}) exit 0 ;;\n*) {other} ;;\nesac'

    def follow(self, block: Block) -> None:
        """Write or execute a block. Raises AssertionError with what it printed where it fails."""
        if block.file:
            target = self.home / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.executed and block.language == "python":
            self._run(block, [sys.executable, "-c", block.text])
        elif block.executed:
            self._run(block, ["bash", "-euo", "pipefail", "-c", "\n".join(block.commands)])

    def _run(self, block: Block, command: list[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{block.page}, line {block.line}:\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, said
