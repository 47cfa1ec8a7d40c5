"""Help that teaches: each verb shows examples, explains every option, and the examples are commands that exist."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest

from benchmark.cli import main, parser
from benchmark.cli.parser import PROGRAM
from benchmark.leaderboard.glossary import CAVEATS, REASONS, STATUSES, explained, words
from benchmark.records import cell
from benchmark.records.record import DONE, FAILED, SKIPPED
from benchmark.scoring.conventions import CONVENTIONS
from tests.helpers.command_line import Studio

VERBS = parser().verbs


def examples(verb: str) -> list[list[str]]:
    """The words of each example behind the program's name; a remark follows two spaces."""
    lines = re.findall(rf"^  {re.escape(PROGRAM)} (.*)$", VERBS[verb].epilog or "", re.MULTILINE)
    return [shlex.split(re.split(r"\s{2,}", line, maxsplit=1)[0]) for line in lines]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_can_be_read(verb: str) -> None:
    assert examples(verb)
    for line in examples(verb):
        assert parser().parse_args(line).command == verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained_with_its_default(verb: str) -> None:
    shown = " ".join(VERBS[verb].format_help().split())
    for action in VERBS[verb]._actions:
        assert action.help, action.dest
        takes = action.nargs != 0 and action.option_strings and not action.required
        if takes and not isinstance(action, argparse._HelpAction):
            text = " ".join(VERBS[verb]._get_formatter()._expand_help(action).split())
            assert "default" in text, f"{verb} {action.option_strings}: {text}"
            assert text.replace(" ", "") in shown.replace(" ", "").replace("-\n", "")


@pytest.mark.parametrize(
    ("verb", "names"),
    [("run", ("--method", "--datasets")), ("train", ("--method", "--dataset")), ("paper", ("--datasets",))],
)
def test_one_and_several_are_the_same_option(verb: str, names: tuple[str, ...]) -> None:
    assert set(names) <= set(VERBS[verb]._option_string_actions)


def test_both_names_of_an_option_everywhere() -> None:
    for name, verb in VERBS.items():
        options = set(verb._option_string_actions)
        for one, several in (("--method", "--methods"), ("--dataset", "--datasets")):
            assert (one in options) == (several in options), (name, one)


def test_without_a_verb_there_is_a_start_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    page = capsys.readouterr().out
    commands = re.findall(rf"{re.escape(PROGRAM)} (\S.*?)(?:\s{{2,}}|$)", page, re.MULTILINE)
    assert len(commands) >= 8 and len(page.splitlines()) <= 20
    for line in commands:
        if not line.startswith("VERB"):
            parser().parse_args(shlex.split(line))


def test_every_status_and_reason_is_explained() -> None:
    assert set(STATUSES) == {DONE, FAILED, SKIPPED}
    codes = {value for name, value in vars(cell).items() if name.isupper() and isinstance(value, str)}
    assert codes == set(REASONS)
    assert all(explained(word) for word in words())
    assert explained("not the paper's network, training data") == CAVEATS["not the paper's"]
    assert explained("no weights") == REASONS[cell.NO_WEIGHTS]
    assert explained("partial: 65 of 1280") == CAVEATS["partial"]


def test_explain_knows_conventions_words_and_rows(studio: Studio) -> None:
    for name in CONVENTIONS:
        assert studio("explain", name) == 0 and CONVENTIONS[name].used_by in studio.out
    assert studio("explain", "minus", "best") == 0 and "Paired" in studio.out
    assert studio("explain") == 0 and "comparable" in studio.out
    assert studio("explain", "comparabel") == 2 and "'comparable'" in studio.sentence
    studio.prepared()
    assert studio.run("--methods", "plain", "--quiet") == 0
    (record,) = studio.results.glob("runs/plain-*")
    assert studio("explain", record.name, "--results", studio.results) == 0
    assert "plain only on folder" in studio.out and "not the paper's recipe: " in studio.out


@pytest.mark.parametrize("name", ["--output", "--out", "-o"])
def test_where_files_go_has_the_names_that_people_try(name, tmp_path):
    lines = ["restore x --methods r2r", "submit sidd", "degrade x --methods mssr", "report", "paper"]
    for line in lines:
        assert parser().parse_args([*line.split(), name, str(tmp_path)]).output == tmp_path


def test_a_wrong_option_is_not_proposed_again(capsys):
    """--out belongs to other verbs."""
    assert main(["run", "--methods", "r2r", "--dataset", "demo", "--out", "x"]) == 2
    said = capsys.readouterr().err
    assert "unrecognized arguments: --out" in said and "did you mean --out?" not in said
