"""Protocols: what the project's say, and that a file which says something else is refused in one sentence."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import torch

import datasets
import methods
from benchmark.cli import main as command
from benchmark.cli import parser
from benchmark.cli.pages import main
from benchmark.protocols import TIERS, names, protocol
from benchmark.protocols.needs import needs
from benchmark.protocols.parse import mapped
from benchmark.protocols.request import ReproduceRequest, obstacle
from benchmark.runs.profiling import gmacs
from datasets.core.errors import UserError
from datasets.polyu import scene_sides
from methods.base import SampleInfo
from methods.loading import build
from methods.recipes import recipe
from tests.helpers.learner import PROTOCOL

ROOT = Path(__file__).resolve().parents[3]
FIVE = {"r2r", "scpgan", "dgunet", "mssr", "lir"}


def test_the_protocols_of_the_project() -> None:
    assert names() == ["phone", "polyu-scenes", "r2r-bsd68", "sidd-sample"]
    assert protocol("bsd68") == protocol("r2r-bsd68")
    scenes = protocol("polyu-scenes")
    assert (scenes.tests, scenes.train, scenes.seeds) == (("polyu:scenes-test",), "polyu:scenes-train", (0, 1, 2))
    for tier in TIERS:
        assert Counter(entry.method for entry in scenes.tiers[tier].entries) == Counter(FIVE)


def test_phone_has_five_small_networks_and_no_test_picture_to_train_on() -> None:
    phone = protocol("phone")
    assert phone.train == "phone" and set(phone.tests) == {"sidd:validation", "polyu:test", "cc15", "phone:test"}
    rows = [entry for entry in phone.tiers["cpu"].entries if not entry.train]
    assert Counter(entry.method for entry in rows) == Counter(FIVE)
    again = [entry for entry in phone.tiers["cpu"].entries if entry.train]
    assert {(entry.method, entry.train) for entry in again} == {
        ("dgunet", "phone-strong"),
        *((method, "phone-colours") for method in FIVE),
    }
    assert set(needs(phone)) >= {"phone", "phone-strong", "phone-colours"}
    made = [build(methods.get(entry.method), recipe(methods.get(entry.method), entry.recipe)).eval() for entry in rows]
    assert sum(gmacs(method, torch.rand(1, 3, 128, 128), SampleInfo("x")) for method in made) <= 60
    assert sum(p.numel() for method in made for p in method.roles()["restorer"].parameters()) <= 5_000_000


def test_no_scene_is_trained_and_tested() -> None:
    assert set(scene_sides().values()) == {"train", "test"}  # a scene has one side only: it is a key


def test_the_sample_borrows_its_weights_and_says_how_little_it_proves() -> None:
    sample, scenes = protocol("sidd-sample"), protocol("polyu-scenes")
    assert (sample.weights_of, sample.tests) == ("polyu-scenes", ("sidd:validation",))
    assert (sample.tiers, sample.train, sample.seeds) == (scenes.tiers, scenes.train, scenes.seeds)
    assert "3 scenes" in sample.caution and "no interval" in sample.caution


def test_bsd68_has_fifty_draws_on_a_gpu_and_five_on_a_cpu() -> None:
    bsd = protocol("r2r-bsd68")
    for tier, draws in (("budget", {50}), ("cpu", {5})):
        for entry in bsd.tiers[tier].entries:
            chosen = recipe(methods.get("r2r"), entry.recipe, {**entry.settings, **entry.restore})
            assert chosen.restore["draws"] in draws
            assert entry.test == f"bsd68[sigma={chosen.train['sigma']:g}]"
    paper = [entry for entry in bsd.tiers["cpu"].entries if entry.recipe == "awgn-paper"]
    assert len(paper) == 2 and not any(entry.trained for entry in paper)


@pytest.mark.parametrize("name", names())
def test_every_row_can_be_done_with_the_methods_that_are_here(name: str) -> None:
    found = protocol(name)
    for tier in found.tiers.values():
        for entry in tier.entries:
            if entry.method in methods.names():
                assert obstacle(entry) == ""
            else:
                assert "is not part of this version" in obstacle(entry)
    for place in (*found.tests, found.train):
        spec, _, split = place.partition(":")
        facts = datasets.facts(datasets.parse_spec(spec)[0])
        assert not split or split in facts.splits


@pytest.mark.parametrize("name", names())
def test_a_common_budget_of_pixels_is_kept(name: str) -> None:
    found = protocol(name)
    for tier in found.tiers.values():
        here = [entry for entry in tier.entries if entry.method in methods.names()]
        for entry in here if tier.patch_pixels else ():
            assert ReproduceRequest(found, tier.name).training(entry, 0).step_pixels() == tier.patch_pixels, entry


def test_small_networks_are_as_small_as_the_tiers_say() -> None:
    """At most 3 M parameters at inference; the paper's rows have the paper's."""
    for tier in protocol("polyu-scenes").tiers.values():
        for entry in tier.entries:
            if entry.method in methods.names():
                cls = methods.get(entry.method)
                method = build(cls, recipe(cls, entry.recipe, dict(entry.settings)))
                assert sum(p.numel() for p in method.roles()["restorer"].parameters()) <= 3_000_000


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("tests =", "test =", "Unknown key of the protocol 'own' 'test'. Did you mean 'tests'?"),
        ('title = "Learners"', "", "lacks the key 'title'"),
        ('title = "Learners"', "title = 3", "takes a value of type str; got 3"),
        ('train = "folder:train"', "", "lacks the key 'train'; give it, or weights_of"),
        ('train = "folder:train"', 'train = "a"\nweights_of = "polyu-scenes"', "has no 'train' itself"),
        ("seeds = [0, 1]", "seeds = []", "whole numbers, 0 or more"),
        ("seeds = [0, 1]", "seeds = [1, 1]", "different whole numbers"),
        ("seeds = [0, 1]", 'seeds = ["0"]', "whole numbers"),
        ('tests = ["folder"]', "tests = []", "one text or more"),
        (
            "[tiers.cpu]",
            "[tiers.gpu]\nbudget = 'x'\nrows = []\n[tiers.cpu]",
            "Unknown tier of the protocol 'own' 'gpu'",
        ),
        ("patch_pixels = 128", "patch_pixels = 0", "patch_pixels above 0"),
        ("patch_pixels = 128", "pixels = 128", "Did you mean 'patch_pixels'?"),
        ("steps = 6\n\n", "steps = 0\n\n", "steps of the row 1 in tier 'cpu' of protocol 'own' must be 1 or more"),
        ("steps = 6\n\n", "steps = true\n\n", "takes a value of type int; got True"),
        ('method = "nobody"\n', "", "row 3 in tier 'cpu' of protocol 'own' lacks the key 'method'"),
        ("restore.gain", "train.rate", "under restore, which takes keys such as restore.draws only"),
        ('label = "half"', 'test = "polyu"', "Unknown test of the row 2"),
        ('label = "half"', "", "two rows learner budget: tell them apart by a label"),
    ],
)
def test_a_file_that_says_something_else(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "own.toml"
    assert PROTOCOL.count(old) >= 1
    path.write_text(PROTOCOL.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        protocol(str(path))
    assert sentence in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("title = ", encoding="utf-8")
    for path in (broken, tmp_path / "absent.toml", tmp_path):
        with pytest.raises(UserError, match="cannot be read" if path.suffix else "Unknown protocol"):
            protocol(str(path))
    with pytest.raises(UserError, match="Did you mean 'polyu-scenes'"):
        protocol("polyu-scene")


def test_weights_of_a_protocol_that_is_not_there() -> None:
    tables = tomllib.loads('title = "a"\nabout = "b"\ntests = ["demo"]\nweights_of = "polyu-scene"')

    def borrowed(name: str) -> dict:
        raise UserError(f"Unknown protocol {name}")

    with pytest.raises(UserError, match="polyu-scene"):
        mapped("own", tables, borrowed)


def test_the_page_says_what_the_protocols_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols", "--page", str(ROOT / "docs" / "protocols.md"), "--check"]) == 0
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- protocols: begin -->\nold\n<!-- protocols: end -->\nafter\n", encoding="utf-8")
    assert main(["protocols", "--page", str(page), "--check"]) == 1
    assert main(["protocols", "--page", str(page)]) == main(["protocols", "--page", str(page), "--check"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and "old" not in text and "### polyu-scenes" in text
    page.write_text("no marks", encoding="utf-8")
    assert main(["protocols", "--page", str(page)]) == 2
    assert "marks" in capsys.readouterr().err


def test_every_command_of_the_queue_is_one_that_the_protocols_know() -> None:
    text = (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
    commands = re.findall(r"benchmark reproduce ([^`\n]+)", text)
    assert len(commands) >= 9
    for words in commands:
        args = parser().parse_args(["reproduce", *words.partition("#")[0].split()])
        if args.queue is not None:
            continue
        found = protocol(args.name)
        for tier in [args.tier] if args.tier else found.tiers:
            assert set(args.methods) <= {entry.method for entry in found.tiers[tier].entries}


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["list", "protocols"]) == 0
    out = capsys.readouterr().out
    assert "r2r-bsd68, bsd68" in out and "nothing (weights of polyu-scenes)" in out
