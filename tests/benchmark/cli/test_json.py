"""Every verb's --json is one document on stdout, whether it works or fails; on stdout is nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmark.cli import parser
from tests.helpers.command_line import Studio

# verb -> words that work, words that fail; {results} and so on are the studio's folders
WORKING: dict[str, tuple[str, ...]] = {
    "list": ("list methods", "list recipes", "list datasets", "list conventions", "list weights", "list protocols"),
    "explain": ("explain done", "explain"),
    "cite": ("cite r2r",),
    "conformance": ("conformance r2r --recipe tiny",),
    "prepare": ("prepare folder --source {source} --data {data}",),
    "run": (
        "run --methods plain --dataset folder --data {data} --results {results} --save-outputs",
        "run --methods plain --dataset folder --data {data} --results {results} --dry-run",
    ),
    "train": (),  # a training is minutes; what it prints is a list of paths
    "reproduce": ("reproduce polyu-scenes --tier cpu --dry-run --data {data} --results {results}",),
    "restore": ("restore {source}/clean/p0.png --methods r2r --output {results}/r.png",),
    "score": ("score --outputs {run} --data {data}",),
    "submit": (),  # needs a benchmark's blocks
    "degrade": ("degrade {source}/clean/p0.png --methods mssr --output {results}/d.png",),
    "leaderboard": ("leaderboard --results {results}", "leaderboard --results {results} --compare plain input"),
    "report": ("report --results {results} --data {data}",),
    "paper": ("paper --out {results}/paper --results {results} --data {data}",),
    "check": ("check --methods input",),
    "status": ("status --results {results}",),
    "merge": ("merge {results} --results {other}",),
    "weights": ("weights list", "weights verify"),
    "fetch": (),  # needs a network, or a package that holds the files
    "export": ("export plain --eval-results --results {results} --output {other}/card",),
}
FAILING: dict[str, str] = {
    "list": "list nothing",
    "explain": "explain nonsense",
    "cite": "cite nobody",
    "conformance": "conformance nobody",
    "prepare": "prepare nothing",
    "run": "run --methods nobody --dataset folder",
    "train": "train --methods r2r --set train.nothing=1 --dataset demo",
    "reproduce": "reproduce nothing",
    "restore": "restore nowhere --methods r2r",
    "score": "score --outputs nowhere",
    "submit": "submit sidd --data nowhere",
    "degrade": "degrade nowhere --methods r2r",
    "leaderboard": "leaderboard --results nowhere",
    "report": "report --results nowhere",
    "paper": "paper --results nowhere --out x",
    "check": "check --update",
    "status": "status --results nowhere --nothing",
    "merge": "merge nowhere",
    "weights": "weights import",
    "fetch": "fetch nothing",
    "export": "export nobody --eval-results --results nowhere",
}


def test_no_verb_is_left_out() -> None:
    assert set(WORKING) == set(FAILING) == set(parser().verbs)


@pytest.mark.parametrize("verb", FAILING)
def test_a_failure_is_a_document(studio: Studio, verb: str) -> None:
    assert studio(*FAILING[verb].split(), "--json") == 2, studio.err
    found = json.loads(studio.out)
    assert found["exit_code"] == 2 and found["error"] in studio.err.replace("\n", " ")
    assert studio(*FAILING[verb].split()) == 2
    assert studio.out == ""


def test_a_command_that_cannot_be_read_is_a_document(studio: Studio) -> None:
    for words in (("run", "--limt", "3", "--json"), ("runn", "--json"), ("--json",)):
        assert studio(*words) == 2
        assert json.loads(studio.out)["exit_code"] == 2


def test_a_bug_is_a_document_and_a_traceback(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: Any) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("benchmark.cli._done", burst)
    with pytest.raises(ZeroDivisionError):
        studio("list", "methods", "--json")
    assert json.loads(studio.capsys.readouterr().out) == {"error": "ZeroDivisionError: oh", "exit_code": 1}


def test_what_works_is_a_document(studio: Studio) -> None:
    """All verbs in the order in which somebody would use them."""
    studio.prepared()
    where = {"source": studio.source, "data": studio.data, "results": studio.results, "other": studio.root / "other"}
    for verb in ("prepare", "run", *(verb for verb in WORKING if verb not in ("prepare", "run"))):
        for line in WORKING[verb]:
            where["run"] = next(studio.results.glob("runs/plain-*"), studio.root)
            words = [word.format(**where) for word in line.split()]
            assert studio(*words, "--json") in (0, 1), f"{line}: {studio.err}"
            assert json.loads(studio.out) is not None, line


def test_a_cell_that_fails_is_in_the_document(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "pair", "--json") == 1
    rows = {row["method"]: row for row in json.loads(studio.out)}
    assert rows["pair"]["status"] == "failed" and "returned a tuple" in rows["pair"]["note"]
    assert studio.err.count("returned a tuple") == 1
