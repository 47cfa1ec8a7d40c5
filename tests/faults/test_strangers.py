"""What strangers wrote stays inside its folder and is only text; one bad file stops nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from benchmark.cli import main
from benchmark.cli.options import setting
from benchmark.leaderboard.files import write_leaderboard
from benchmark.planning.weights_search import candidates, unchanged
from benchmark.records.files import read_record, read_records, read_scores
from benchmark.records.merge import merge
from benchmark.tables.csv_table import csv_text
from benchmark.tables.markdown_table import markdown_cell
from datasets.core.errors import UserError
from datasets.core.names import printable
from datasets.core.sealed import DamagedWarning, write_sealed
from methods.loading import load_from
from methods.recipes import settings_of
from methods.weights import Card, read_card, save_weights
from tests.helpers.command_line import Studio
from tests.helpers.made_records import keep, record

SCORES = {"s0-1": {"psnr[unclamped-float]": 33.4, "psnr[matlab-volume-float]": 33.5}}
DEEP = "[" * 100_000


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["../../escaped/here", "/tmp/escaped", "..", "a/b", "x\0y", "other-cell"])
def test_merge_writes_nothing_outside_of_its_cells(tmp_path, name):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    keep(theirs, record("r2r"), SCORES)
    (path,) = theirs.rglob("record.json")
    value = json.loads(path.read_text())
    write_sealed(path, {**value, "id": name})
    before = everything(tmp_path)
    outcome = merge(ours, [theirs])
    assert outcome.copied == [] and len(outcome.refused) == 1
    assert everything(tmp_path) == before


def test_merge_takes_no_links_pipes_or_untied_scores(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for method in ("r2r", "lir", "mssr"):
        keep(theirs, record(method), SCORES)
    link, pipe, other = sorted(theirs.rglob("scores.csv"))
    link.unlink(), link.symlink_to("/etc/hostname")
    pipe.unlink(), os.mkfifo(pipe)
    other.write_text(other.read_text().replace("33.5", "93.5"))
    keep(theirs, record("dgunet"), SCORES)
    outcome = merge(ours, [theirs])
    assert len(outcome.copied) == 1 and len(outcome.refused) == 3
    assert [found.cell.method for found in read_records(ours)] == ["dgunet"]


def test_names_are_text_wherever_they_are_shown(tmp_path, capsys):
    name = '<script>alert("x")</script>[a](http://x)\x1b[31m\udcff|'
    keep(tmp_path, replace(record("r2r"), cell=replace(record("r2r").cell, method="=cmd|' /C calc'!A0", recipe=name)))
    keep(tmp_path, record("lir"))
    write_leaderboard(tmp_path)
    page, table = (tmp_path / "leaderboard.md").read_text(), (tmp_path / "leaderboard.csv").read_text()
    assert "<script" not in page and "](http" not in page and "\x1b" not in page + table
    assert not [cell for row in csv.reader(table.splitlines()) for cell in row if cell.startswith("=")]
    assert main(["leaderboard", "--results", str(tmp_path)]) == 0
    shown = "".join(capsys.readouterr())
    assert "\x1b" not in shown and "\\x1b[31m" in shown


def test_each_target_has_its_escapes_and_figures_stay():
    assert [csv_text(text) for text in ("-0.53", "+1e-05", "-inf", "=1+1", "@x", "-x", "a=b")] == [
        *("-0.53", "+1e-05", "-inf"),
        *("'=1+1", "'@x", "'-x", "a=b"),
    ]
    assert markdown_cell("p < 0.05 | demo[sigma=50] **b**") == "p < 0.05 \\| demo[sigma=50] **b**"
    assert printable("a\n\tb\x9b\u202ec\udc80ä±") == "a\n\tb\\x9b\\u202ec\\udc80ä±"


def test_a_record_that_nobody_can_read_stops_nothing(tmp_path):
    keep(tmp_path, record("r2r"), SCORES)
    bad = {"deep": DEEP, "deeper": json.dumps({"id": "x"})[:-1] + f', "note": {DEEP}', "empty": "", "nul": "\0" * 99}
    for name, content in bad.items():
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "record.json").write_text(content)
    said: list[str] = []
    assert [found.cell.method for found in read_records(tmp_path, said.append)] == ["r2r"]
    assert len(said) == len(bad)
    (folder,) = (tmp_path / "runs").glob("r2r-*")
    (folder / "scores.csv").write_text(f"name,scene\n{'x' * 200_000},s\n")
    csv.field_size_limit(131_072)  # Python's own, which other tests raise
    with pytest.raises(UserError, match="field larger"):
        read_scores(folder, read_record(folder))


def shipped_copy(results: Path) -> Path:
    """Small weights of r2r as a training leaves them."""
    method = load_from("r2r", "tiny").method
    card = Card("r2r", "tiny", method.recipe.digest, settings_of(method.recipe), steps=5)
    save_weights(results / "weights/r2r/good.safetensors", method.roles()["restorer"].state_dict(), card)
    return results / "weights/r2r/good.safetensors"


WRONG = {
    "list for recipe": {"recipe": ["tiny"]},
    "list for role": {"role": []},
    "text for steps": {"steps": "many"},
    "number for train_data": {"train_data": 5},
    "sets that are none": {"train_data": [{"nom": "demo"}]},
    "text for minutes": {"minutes": "long"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_a_card_of_wrong_types_is_a_sentence(tmp_path, change):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**asdict(Card("r2r", "tiny")), **change}))
    with pytest.raises(UserError, match="card"):
        read_card(path)
    path.write_text(DEEP)
    with pytest.raises(UserError, match="nested"):
        read_card(path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network.width": -1}, "a number of 0 or more"),
        ({"network.width": 100_000}, "asks for networks of more than .* parameters"),
        ({"network.depth": 100_000}, "asks for networks of more than .* (parameters|parts)"),
        ({"network.depth": 10**12, "network.width": 1}, "asks for networks of more than .* parts"),
    ],
)
def test_a_card_asks_for_no_network_that_its_file_could_not_fill(tmp_path, settings, words):
    path = shipped_copy(tmp_path)
    assert load_from("r2r", weights=path).card
    card = read_card(path)
    write_sealed(path.with_suffix(".json"), asdict(replace(card, recipe_settings={**card.recipe_settings, **settings})))
    start = time.process_time()
    with pytest.raises(UserError, match=words):
        load_from("r2r", weights=path)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("name", ["dgunet", "lir", "mssr", "r2r", "scpgan"])
def test_every_shipped_card_has_room(name):
    """The largest share that a method's own networks take of what their files allow."""
    for candidate in candidates(name, Path("nowhere")):
        assert load_from(name, weights=candidate.path).card


def test_one_broken_card_or_weights_file_stops_nothing(tmp_path, capsys):
    path = shipped_copy(tmp_path)
    for name in ("bad", "cut"):
        for suffix in (".safetensors", ".json"):
            path.with_name(f"{name}{suffix}").write_bytes(path.with_suffix(suffix).read_bytes())
    path.with_name("bad.json").write_text(DEEP)
    path.with_name("cut.safetensors").write_bytes(path.read_bytes()[:-5])
    with pytest.warns(DamagedWarning, match="passed over"):
        found = [c.path.name for c in unchanged(candidates("r2r", tmp_path)) if c.own]
    assert found == ["good.safetensors"]
    assert main(["list", "weights", "--results", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "BROKEN" in shown and "good.safetensors" in shown


def test_a_run_goes_on_beside_a_broken_card(studio: Studio):
    studio.prepared()
    folder = studio.results / "weights" / "r2r"
    folder.mkdir(parents=True)
    (folder / "x.safetensors").write_bytes(b"x")
    (folder / "x.json").write_text("{")
    assert studio.run("--methods", "plain,r2r", "--dry-run", "--quiet") == 0, studio.err
    assert "x.json is damaged" in studio.err and "Traceback" not in studio.err and "plain" in studio.out


def test_settings_nested_without_end_are_a_sentence(capsys):
    assert setting(f"restore.draws={DEEP}") == ("restore.draws", DEEP)
    code = main(["run", "--methods", "r2r", "--dataset", "demo", "--set", f"train.lr={DEEP[:5000]}", "--dry-run"])
    said = capsys.readouterr().err
    assert code == 2 and "Traceback" not in said and len(said) < 2000


def test_a_protocol_nested_without_end_is_a_sentence(tmp_path, capsys):
    (tmp_path / "x.toml").write_text("a = " + DEEP[:5000])
    assert main(["reproduce", str(tmp_path / "x.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_reader_that_leaves_and_a_stdout_that_is_closed(tmp_path):
    verb = f"{sys.executable} -m benchmark list datasets"
    gone = shell(f"{verb} --json | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert gone.stdout.strip() in ("0", "141") and gone.stderr == ""
    closed = shell(f"{verb} >&-; echo $?", tmp_path)
    assert closed.stderr == "" and closed.stdout.strip() == "0"


def test_a_name_that_is_no_utf8_is_a_sentence(studio: Studio):
    from datasets.ops.images import write_png

    write_png(studio.source / "clean" / "a\udcff.png", torch.zeros(8, 8, 3, dtype=torch.uint8).numpy())
    write_png(studio.source / "degraded" / "a\udcff.png", torch.zeros(8, 8, 3, dtype=torch.uint8).numpy())
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data, "--quiet") == 2
    assert "\udcff" not in studio.err and studio.sentence
