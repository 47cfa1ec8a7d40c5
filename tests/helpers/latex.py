"""LaTeX for tests: compile a kit, or skip where there is none and the environment does not ask for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MUST = "BENCHMARK_LATEX"  # set to `required` by tox -e latex
PROGRAMS = ("pdflatex", "bibtex")


def need_latex() -> None:
    """Skip the test where LaTeX is missing; fail where the environment says that it must be there."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get(MUST) == "required":
        pytest.fail(
            f"{' and '.join(missing)} not found, though {MUST} asks for it: apt-get install texlive-latex-base "
            "texlive-latex-recommended"
        )
    if missing:
        pytest.skip(f"{' and '.join(missing)} not found: apt-get install texlive-latex-base texlive-latex-recommended")


def compile_preview(folder: Path) -> tuple[str, int]:
    """The last log and the number of pages of a kit's preview.tex."""
    for program in ("pdflatex", "bibtex", "pdflatex", "pdflatex"):
        halt = ["-interaction=nonstopmode", "-halt-on-error"] if program == "pdflatex" else []
        done = subprocess.run([program, *halt, "preview"], cwd=folder, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    log = (folder / "preview.log").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"Output written on preview\.pdf \((\d+) pages?", log)
    assert found, log[-2000:]
    return log, int(found[1])
