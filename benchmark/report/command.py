"""The command that makes a record again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import methods
from benchmark.inference.settings import options
from benchmark.planning.published_weights import PUBLISHED, is_published
from benchmark.planning.weights_search import candidates
from benchmark.records.record import Record


def command(record: Record, results: Path) -> str:
    """The `run`, or the `score` of another program's outputs, that leads to the same cell. Weights are named by file.

    Args:
        results: where trained weights are looked for, beside those that come with the project.
    """
    cell = record.cell
    if not cell.is_baseline and cell.method not in methods.names():
        words = ["score", "--folder", "OUTPUTS", "--dataset", cell.data.spec, "--split", cell.data.split]
        return _line([*words, "--name", cell.method])
    words = ["run", "--methods", cell.method, "--dataset", cell.data.spec, "--split", cell.data.split]
    words += ["--recipe", cell.recipe] if cell.recipe else []
    words += ["--weights", weights_of(record, results)] if cell.weights else []
    words += ["--seeds", str(cell.seed)] if cell.seed and not cell.weights else []
    words += ["--limit", str(cell.limit)] if cell.limit else []
    words += [word for key, value in cell.settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    for option in options():
        value = getattr(cell.inference, option.name)
        if value != option.default:
            words += [option.metadata["flag"]] + ([] if value is True else [str(value)])
    return _line(words)


def _line(words: list[str]) -> str:
    return shlex.join(["python", "-m", "benchmark", *words])


def weights_of(record: Record, results: Path) -> str:
    """The file of a record's weights as the command line takes it: a path where the file is here, else its name."""
    cell = record.cell
    if cell.weights_sha256 and is_published(cell.weights_sha256):
        return PUBLISHED
    if cell.method in methods.names():
        for candidate in candidates(cell.method, results):
            if candidate.card.sha256 == cell.weights_sha256 or (
                not cell.weights_sha256 and candidate.path.name == cell.weights
            ):
                return shown_path(candidate.path)
    return cell.weights


def shown_path(path: Path) -> str:
    """A path below the working folder, or the last parts of one elsewhere: a page tells nobody's home folder."""
    path = path.resolve()
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return "/".join(path.parts[-4:]) if "weights" in path.parts[-4:] else path.name
