"""`reproduce`: trains what is missing, runs every row, writes the table from records; killed anywhere, it goes on."""

from __future__ import annotations

import csv
import json
import re
import statistics
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.leaderboard.compare import compare
from benchmark.planning import weights_search
from benchmark.protocols import protocol
from benchmark.protocols.columns import FIGURES
from benchmark.protocols.render import remarks
from benchmark.protocols.table import measured
from benchmark.records.files import read_records
from benchmark.training import TrainingRequest, TrainSettings
from datasets.core.files import sha256_file
from datasets.core.locks import exclusive
from methods.registry import METHODS
from methods.weights import read_card
from tests.helpers.command_line import Studio
from tests.helpers.kill import command
from tests.helpers.learner import PROTOCOL, Learner, arranged
from tests.helpers.made_records import figures, keep, record

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reproduce(studio: Studio, learner: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(weights_search, "shipped", lambda relative: studio.root / "shipped" / relative)

    def command(*more: str, text: str = PROTOCOL) -> int:
        return studio(*arranged(studio.root, text), "--results", studio.results, "--quiet", *more)

    command.studio = studio  # type: ignore[attr-defined]
    return command


def table(studio: Studio) -> dict[str, dict[str, str]]:
    with (studio.results / "protocols" / "learners.csv").open(newline="", encoding="utf-8") as stream:
        return {row["row"]: row for row in csv.DictReader(stream)}


def test_the_table_is_what_the_records_say(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce() == 0, studio.err
    rows, records = table(studio), read_records(studio.results)
    assert list(rows) == ["input", "blur", "nlm", "learner budget", "learner budget (half)", "nobody cpu"]
    mine = [r.figures["float-gauss"].psnr.mean for r in records if r.cell.method == "learner" and not r.cell.settings]
    assert len(mine) == 2 and mine[0] != mine[1]
    row = rows["learner budget"]
    assert float(row["psnr"]) == pytest.approx(statistics.fmean(mine), rel=1e-5)
    assert float(row["psnr_sd"]) == pytest.approx(statistics.stdev(mine), rel=1e-4)
    blur = next(record for record in records if record.cell.method == "blur")
    pairs = [compare(records, r.id, blur.id) for r in records if r.cell.method == "learner" and not r.cell.settings]
    means = [line.psnr.mean for found in pairs for line in found if line.convention == "float-gauss"]
    assert float(row["minus_blur"]) == pytest.approx(statistics.fmean(means), rel=1e-4)
    assert float(row["minus_blur_low"]) < float(row["minus_blur"]) < float(row["minus_blur_high"])
    assert (row["seeds"], row["steps"], row["patch_pixels"]) == ("0 1", "6", str(6 * 2 * 8 * 8))
    assert row["params"] == "84" and row["train_device"].startswith("cpu")
    best = max((r for r in rows.values() if r["psnr"]), key=lambda r: float(r["psnr"]))
    assert best["minus_best"] == "" and all(
        float(r["minus_best"]) < 0 for r in rows.values() if r["psnr"] and r != best
    )
    assert rows["nobody cpu"]["note"] == "the method 'nobody' is not part of this version"


def test_rows_that_differ_in_restoring_alone_share_their_weights(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce() == 0
    assert len(list((studio.results / "weights" / "learner").glob("*.safetensors"))) == 2  # one per seed
    rows = table(studio)
    assert rows["learner budget"]["psnr"] != rows["learner budget (half)"]["psnr"]
    page = (studio.results / "protocols" / "learners.md").read_text(encoding="utf-8")
    assert "| learner budget | 0, 1 |" in page and " ± " in page
    assert "Training budget: a second; 128 pixels of patches per step in each stream." in page
    assert "- nobody cpu: the method 'nobody' is not part of this version" in page


def test_the_tables_go_to_another_page(reproduce, tmp_path) -> None:
    page = tmp_path / "page.md"
    assert reproduce("--page", str(page)) == 2 and "(--page), where there is none" in reproduce.studio.err
    page.write_text("before\n<!-- learners: begin -->\n<!-- learners: end -->\nafter\n", encoding="utf-8")
    assert reproduce("--page", str(page)) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n")
    whole = (reproduce.studio.results / "protocols" / "learners.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| learner")]
    assert rows and all(row in whole for row in rows)


def test_a_second_time_nothing_is_trained_or_run(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce() == 0
    kept = [
        *studio.results.rglob("record.json"),
        *studio.results.rglob("*.safetensors"),
        *studio.results.rglob("log.csv"),
    ]
    before = {path: path.stat().st_mtime_ns for path in kept}
    content = (studio.results / "protocols" / "learners.md").read_bytes()
    assert reproduce() == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert (studio.results / "protocols" / "learners.md").read_bytes() == content


def test_rows_that_another_run_is_at_work_on_are_looked_at_again(reproduce, monkeypatch) -> None:
    """Two runs of different seeds share the rows without training, and only those."""
    assert reproduce("--seeds", "0") == 0
    (blur,) = (reproduce.studio.results / "runs").glob("blur-*")
    (blur / "record.json").unlink()
    held, before = ExitStack(), TrainingRequest.run
    held.enter_context(exclusive(blur / "lock", "blur"))

    def trained(*given):
        held.close()
        return before(*given)

    monkeypatch.setattr(TrainingRequest, "run", trained)
    assert reproduce("--seeds", "1") == 0
    assert (blur / "record.json").is_file() and table(reproduce.studio)["blur"]["psnr"]


def test_seed_by_seed_the_table_grows(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce("--seeds", "1") == 0
    row = table(studio)["learner budget"]
    assert (row["seeds"], row["psnr_sd"]) == ("1", "")
    assert "| learner budget | 1 of 0, 1 |" in (studio.results / "protocols" / "learners.md").read_text(
        encoding="utf-8"
    )
    assert reproduce() == 0
    assert table(studio)["learner budget"]["seeds"] == "0 1"


def test_shipped_weights_are_known_by_their_cards(reproduce) -> None:
    """Under another name and without the traces of the training they are the same training."""
    studio = reproduce.studio
    assert reproduce("--seeds", "0") == 0
    shipped = studio.root / "shipped" / "weights" / "learner"
    shipped.mkdir(parents=True)
    for path in (studio.results / "weights" / "learner").iterdir():
        (shipped / f"budget-folder{path.suffix}").write_bytes(path.read_bytes())
    studio.results = studio.root / "elsewhere"
    assert reproduce("--train", "never") == 0
    assert table(studio)["learner budget"]["seeds"] == "0"
    assert not (studio.results / "weights").exists() and not (studio.results / "training").exists()


def test_a_seed_whose_records_are_here_needs_no_weights(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce() == 0
    before = table(studio)["learner budget"]
    for path in (studio.results / "weights" / "learner").glob("*-s1*"):
        path.unlink()
    assert reproduce("--dry-run", "--json") == 0
    assert [row["cells"] for row in json.loads(studio.out)[:4]] == ["done"] * 4
    assert reproduce() == 0
    assert table(studio)["learner budget"] == before
    assert len(list((studio.results / "weights" / "learner").glob("*.safetensors"))) == 1
    assert reproduce("--train", "never", text=PROTOCOL.replace("steps = 6", "steps = 7")) == 0
    assert not table(studio)["learner budget"]["psnr"]


def test_the_published_figure_stands_beside_ours(tmp_path: Path) -> None:
    scores = {f"s{k}": {"psnr[awgn-grey]": 29.10} for k in range(6)}
    for seed, psnr in ((0, 29.10), (1, 29.20)):
        shown = {"awgn-grey": figures(psnr, None)}
        where = {"split": "test", "degradation": "sigma25", "convention": "awgn-grey", "seed": seed, "figures": shown}
        keep(tmp_path, record("r2r", "bsd68", f"r2r-bsd68-{seed}", **where), scores)
    line = measured("r2r", read_records(tmp_path))
    assert (line.published, line.difference) == (29.14, pytest.approx(0.01))
    assert line.psnr and line.psnr.deviation == pytest.approx(0.1 / 2**0.5)
    cells = {column.heading: column.cell_text(line) for column in FIGURES}
    assert (cells["published"], cells["difference"], cells["PSNR"]) == ("29.14", "+0.01", "29.15 ± 0.07")
    assert cells["comparable"] == "PSNR only: the SSIM's convention is unknown; second source"
    assert "published figure: PSNR only" in remarks([line])[0] and "second source" in remarks([line])[0]


def test_where_the_training_data_are_not_here_their_name_has_to_do(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce("--seeds", "0") == 0
    (path,) = (studio.results / "weights" / "learner").glob("*.safetensors")
    card = read_card(path)
    (entry, *_) = protocol(str(studio.root / "learners.toml")).tiers["cpu"].entries
    settings = TrainSettings(steps=entry.steps)
    training = TrainingRequest("learner", "budget", {}, "folder", "train", "", settings, studio.root / "nowhere")
    assert card and training.made(card)
    assert not replace(training, training=replace(settings, seed=1)).made(card)
    assert not replace(training, training=replace(settings, steps=7)).made(card)
    assert not replace(training, dataset="polyu").made(card)
    assert not replace(training, data=studio.data).made(replace(card, train_fingerprint="0"))
    assert not training.made(replace(card, selected_by="folder test"))
    assert replace(training, validation="folder").made(replace(card, selected_by="folder test"))


@pytest.mark.parametrize(
    "change", [("steps = 6", "steps = 7"), ("steps = 6", 'steps = 6\nset = { "train.rate" = 0.2 }')]
)
def test_weights_of_another_training_are_not_taken(reproduce, change) -> None:
    studio = reproduce.studio
    assert reproduce("--seeds", "0") == 0
    assert reproduce("--train", "never", text=PROTOCOL.replace(*change)) == 0
    note = table(studio)["learner budget"]["note"]
    assert note.startswith("no weights; train them with: python -m benchmark train --methods learner --recipe budget")
    assert change[1].split()[-1].strip("} ") in note


def test_a_training_that_fails_takes_no_other_down(reproduce) -> None:
    text = PROTOCOL.replace('recipe = "cpu"', 'recipe = "wild"').replace("nobody", "learner")
    assert reproduce(text=text) == 1
    studio = reproduce.studio
    assert "Failed: learner wild, seed 0:" in studio.err and "not finite" in studio.err
    assert table(studio)["learner budget"]["seeds"] == "0 1"


def test_a_dry_run_says_what_would_be_done_and_does_nothing(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce("--dry-run", "--json") == 0
    rows = {(row["row"], row["seed"]): row for row in json.loads(studio.out)}
    assert not studio.results.exists()
    todo = rows["learner budget", 1]
    assert todo["training"].startswith("to train: python -m benchmark train --methods learner --recipe budget")
    assert (todo["cells"], rows["nobody cpu", 0]["cells"]) == ("to run", "")
    assert reproduce("--seeds", "1") == 0
    assert reproduce("--dry-run", "--json") == 0
    after = {(row["row"], row["seed"]): row for row in json.loads(studio.out)}
    assert after["learner budget", 1]["cells"] == "done" and after["learner budget", 0]["cells"] == "to run"


def test_the_command_that_it_names_makes_the_weights(reproduce) -> None:
    studio = reproduce.studio
    assert reproduce("--dry-run", "--json", "--seeds", "1") == 0
    named = json.loads(studio.out)[0]["training"].removeprefix("to train: python -m benchmark ")
    assert studio(*named.split(), "--quiet") == 0
    (path,) = (studio.results / "weights" / "learner").glob("*.safetensors")
    before = sha256_file(path), path.stat().st_mtime_ns
    assert reproduce("--seeds", "1") == 0
    assert (sha256_file(path), path.stat().st_mtime_ns) == before
    assert table(studio)["learner budget"]["seeds"] == "1"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tier", "budgt"], "Did you mean 'budget'|There are: cpu"),
        (["--methods", "lerner"], "Did you mean 'learner'"),
        (["--seeds", "one"], "expected whole numbers"),
        (["--data", "nowhere"], "python -m benchmark prepare folder"),
    ],
)
def test_bad_input_is_one_sentence(reproduce, words, sentence) -> None:
    assert reproduce(*words) == 2
    assert re.search(sentence, reproduce.studio.sentence)
    assert not reproduce.studio.results.exists()


def reproduce_learners(results: str, folder: str) -> int:
    """A scenario for the kill program."""
    METHODS.add("learner", Learner)
    return command(*arranged(Path(folder)), "--quiet", "--results", results)


def left(results: Path) -> dict[str, Any]:
    """What the command leaves: the table without times, the weights' hashes, rows of the logs, half-written files."""
    with (results / "protocols" / "learners.csv").open(newline="", encoding="utf-8") as stream:
        rows = [{**row, "minutes": ""} for row in csv.DictReader(stream)]
    cards = sorted((results / "weights").rglob("*.json"))
    logs = {p.parent.name: len(p.read_text().splitlines()) - 1 for p in results.glob("training/*/log.csv")}
    return {
        "table": rows,
        "weights": [json.loads(card.read_text())["sha256"] for card in cards],
        "steps": sorted(logs.values()),
        "parts": [path.name for path in results.rglob("*.part")],
    }


def test_killed_and_given_again(killer, tmp_path: Path) -> None:
    orders = [
        "",
        "train.step:3+train.checkpoint:1+run.restore:3+run.record:1",
        "train.weights:1+train.step:4+run.leaderboard:1",
    ]
    arranged(tmp_path)
    whole, *killed = killer.chains(orders, f"{__name__}:reproduce_learners", tmp_path, tmp_path)
    before = left(whole.results)
    assert whole.finished.code == 0 and len(before["weights"]) == 2 and before["steps"] == [6, 6]
    for chain in killed:
        assert chain.killed and chain.log == chain.phases, chain
        assert chain.finished.code == 0 and left(chain.results) == before, chain
