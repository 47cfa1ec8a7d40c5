"""`run --config` and `--save-config`: the options of a run in a file."""

from __future__ import annotations

import json
import os
import tomllib

import pytest

from benchmark.cli import arguments
from benchmark.settings_file import written
from datasets.core.errors import UserError
from tests.helpers.command_line import Studio

FULL = """
methods = ["plain", "pair"]
dataset = "folder"
limit = 2
save-images = true
minutes = 1.5
seeds = [0, 1]

[set]
"restore.gain" = 0.5
dataset.clean = true
"""


def test_options_come_from_the_file_and_the_command_wins(tmp_path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(FULL)
    args = arguments(["run", "--config", str(path), "--limit", "3", "--set", "restore.gain=0.7"])
    assert args.methods == ("plain", "pair") and args.dataset == ("folder",) and args.seeds == (0, 1)
    assert (args.limit, args.save_images, args.minutes) == (3, True, 1.5)
    assert dict(args.set) == {"restore.gain": 0.7, "dataset.clean": True}
    assert arguments(["run", f"--config={path}", "--steps", "5"]).minutes is None  # one budget: the command's


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method = 'r2r'\nlimt = 3", "'limit'"),
        ("limit = 'x'", "a whole number"),
        ("force = 'yes'", "true or false"),
        ("device = true", "a text"),
        ("device = 'gpu'", "cuda"),
        ("train = 'ever'", "never"),
        ("set = 3", "a table"),
        ("quiet = true", "Unknown key"),
        ("limit = ", "config"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, text: str, words: str) -> None:
    path = tmp_path / "e.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        arguments(["run", "--dataset", "demo", "--config", str(path)])


def test_what_was_run_is_saved_and_runs_again(studio: Studio) -> None:
    studio.prepared()
    saved = studio.root / "made.toml"
    words = ("--methods", "plain", "--limit", 2, "--set", "restore.gain=0.5", "--quiet")
    assert studio.run(*words, "--save-config", saved) == 0, studio.err
    content = tomllib.loads(saved.read_text())
    assert content["methods"] == ["plain"] and content["set"] == {"restore.gain": 0.5} and content["limit"] == 2
    assert "config" not in content and "quiet" not in content
    assert studio("run", "--config", saved, "--dry-run", "--json") == 0, studio.err
    assert {row["state"] for row in json.loads(studio.out)} == {"done"}
    again = studio.root / "again.toml"
    assert studio("run", "--config", saved, "--save-config", again, "--dry-run", "--json") == 0, studio.err
    assert again.read_text() == saved.read_text()


def test_what_is_written_is_read_back() -> None:
    tables = {"a": [1, 2.5, 'x"y\n'], "b": True, "t": {"k.l": "ü", "m": [True]}}
    assert tomllib.loads(written(tables)) == tables


def test_a_file_without_end_or_a_pipe_is_a_sentence(tmp_path) -> None:
    (tmp_path / "long.toml").write_text("methods = ['" + "r" * (1 << 20) + "']")
    os.mkfifo(tmp_path / "pipe.toml")
    for name, words in (("long", "at most 1048576 bytes"), ("pipe", "ordinary file")):
        with pytest.raises(UserError, match=f"A config was expected in .*{name}.toml, which cannot be read: .*{words}"):
            arguments(["run", "--config", str(tmp_path / f"{name}.toml")])
