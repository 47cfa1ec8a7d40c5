"""Checkpoints on the command line: rows, pictures, conformance; what is refused; how spandrel is imported."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
import torch

import benchmark
from benchmark.records.files import read_records
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from methods.checkpoints import peel
from methods.outside import architectures, library
from methods.outside.architectures import recognise
from tests.helpers.zoo import LEVEL, NEEDS_ZOO, SPECIMENS, images, write_file

pytestmark = NEEDS_ZOO


class Harmful:
    def __reduce__(self):
        return print, ("run",)


def _seconds():
    """Of processors, this process's and its workers': a wall clock would measure the machine's other work too."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def test_rows_beside_r2r_in_less_than_a_minute(studio):
    """The journey of the page: two files of outside architectures beside a method of the benchmark."""
    paths = {name: write_file(studio.root, name) for name in ("nafnet", "restormer")}
    start = _seconds()
    named = ",".join(f"{name}={path}" for name, path in paths.items())
    where = ("--data", studio.data, "--results", studio.results)
    assert studio("run", "--methods", f"{named},r2r", "--dataset", "demo", *where) == 0, studio.err
    assert _seconds() - start < 60
    rows = {row["method"]: row for row in csv.DictReader((studio.results / "leaderboard.csv").open())}
    assert {"input", "nafnet", "restormer", "r2r"} <= rows.keys()
    for name in paths:
        row, net = rows[name], SPECIMENS[name].build()
        assert row["architecture"] == SPECIMENS[name].architecture and row["status"] == "done"
        assert int(row["params"]) == sum(p.numel() for p in net.parameters()) and float(row["gmacs"]) > 0
        assert len(row["weights_sha256"]) == 64 and row["weights"] == f"{name}.pth"
    assert rows["nafnet"]["licence"].startswith("permissive") and rows["restormer"]["licence"].startswith("restricted")
    assert "NAFNet" in studio.out and "restricted (non-commercial" in (studio.results / "leaderboard.md").read_text()
    record = next(r for r in read_records(studio.results) if r.cell.method == "nafnet")
    assert record.environment.versions["spandrel"] == version("spandrel")
    assert f"spandrel {version('spandrel')}" in record.cell.method_version


def test_the_noise_level_of_the_dataset_reaches_the_network(studio):
    path = write_file(studio.root, "drunet")
    where = {"data": studio.data, "results": studio.results, "device": "cpu", "limit": 1, "name": "told"}
    known = benchmark.evaluate(path, "demo[sigma=50]", **where)
    same = benchmark.evaluate(path, "demo[sigma=50]", settings={"restore.sigma": 50}, **where)
    other = benchmark.evaluate(path, "demo[sigma=50]", settings={"restore.sigma": 15}, **where)
    assert known["psnr"][0] == same["psnr"][0] != other["psnr"][0]
    assert "told the noise level 15/255 for every image" in other.attrs["note"]
    with pytest.raises(UserError, match="that of 'astronaut_0000_0000' is unknown; --set NAME.restore.sigma=15"):
        benchmark.evaluate(path, "demo", **where)


def test_pictures_are_restored_as_by_hand(studio):
    path, specimen = write_file(studio.root, "drunet"), SPECIMENS["drunet"]
    picture = (images(3, (17, 21))[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    write_png(studio.root / "in" / "p.png", picture)
    words = ("restore", "in", "--output", "out", "--methods", f"drunet={path}", "--device", "cpu")
    assert studio(*words) == 1 and "--noise-level 15" in studio.err
    assert studio(*words, "--noise-level", 50) == 0, studio.err
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    want = specimen.by_hand(specimen.build(), x, LEVEL)[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255
    assert np.abs(read_image(studio.root / "out" / "p.png").astype(float) - want).max() <= 0.51


def test_grey_pictures_by_a_network_for_colour(studio):
    studio.prepared()
    path = write_file(studio.root, "dncnn-grey")
    assert studio.run("--methods", f"grey={path}", "--limit", 1) == 0
    found = next(r for r in read_records(studio.results) if r.cell.method == "grey")
    assert found.why == "folder has 3 channels; this method under this recipe takes 1"
    assert found.cell.origin.architecture == "DnCNN"


def test_tiles_that_are_not_advised_are_remarked(studio):
    studio.prepared()
    path = write_file(studio.root, "swinir")
    assert studio.run("--methods", f"swinir={path}", "--limit", 1, "--tile", 16) == 0, studio.err
    found = next(r for r in read_records(studio.results) if r.cell.method == "swinir")
    assert "tiles are not advised for this architecture" in found.note


@pytest.mark.parametrize("name", ["nafnet", "fdncnn"])
def test_conformance(studio, name):
    path = write_file(studio.root, name)
    assert studio("conformance", f"mine={path}", "--json") == 0, studio.out
    assert all(outcome["passed"] for outcome in json.loads(studio.out))


def test_a_file_for_another_task_is_skipped_with_a_reason(studio):
    studio.prepared()
    path = write_file(studio.root, "esrgan-x4")
    assert studio.run("--methods", f"esrgan={path}", "--limit", 1) == 0
    found = next(r for r in read_records(studio.results) if r.cell.method == "esrgan")
    assert found.why == "folder is for denoise; this method is for super-resolve"


def test_what_cannot_be_a_row_is_one_sentence(studio):
    studio.prepared()
    torch.save({"weight": torch.zeros(3), "code": Harmful()}, "harmful.pth")
    torch.save({"some.layer": torch.zeros(3, 3), "other.layer": torch.zeros(3)}, "unknown.pth")
    torch.save(
        {"params": SPECIMENS["nafnet"].build().state_dict() | {"ending.weight": torch.zeros(3, 4, 3, 3)}}, "bent.pth"
    )
    torch.save({name: SPECIMENS[name].build().state_dict() for name in ("nafnet", "dncnn")}, "two.pth")
    sentences = {
        "harmful.pth": "harmful.pth was refused and nothing of it was run: it asks for",
        "unknown.pth": "unknown.pth is of no architecture that spandrel recognises (its keys are some.layer",
        "bent.pth": "bent.pth looks like NAFNet, but its tensors do not fit (RuntimeError:",
        "two.pth": "two.pth holds several networks (nafnet, dncnn): save the one that you mean alone",
    }
    for name, sentence in sentences.items():
        assert studio.run("--methods", f"mine={name}") == 2 and sentence in studio.sentence


def test_ffdnet_is_not_taken_for_what_it_resembles(tmp_path):
    """Its layers have the keys of an FDnCNN; the channels, those of shuffled pixels, tell that it is something else."""
    layers = {f"model.{i}.{key}": torch.zeros(shape) for i in range(0, 22, 2) for key, shape in _conv(8, 8)}
    layers |= {f"model.0.{key}": torch.zeros(shape) for key, shape in _conv(13, 8)}
    layers |= {f"model.22.{key}": torch.zeros(shape) for key, shape in _conv(8, 12)}
    with pytest.raises(
        UserError, match="read as FDnCNN from 12 to 12 channels .* give the code that builds its network"
    ):
        recognise(layers, tmp_path / "ffdnet.pth")


def _conv(given, made):
    return ("weight", (made, given, 3, 3)), ("bias", (made,))


@pytest.mark.parametrize(("name", "why"), architectures.REFUSED.items())
def test_networks_of_no_task_here_are_refused_by_name(name, why, tmp_path):
    known = next(one for one in library.architectures() if one.id == name)
    with pytest.raises(UserError, match=f"is of {known.name}, {why}: it cannot be a row here"):
        architectures._check_allowed(known, tmp_path / "x.pth")


def test_wrappers_and_prefixes_are_taken_off(tmp_path):
    net = SPECIMENS["dncnn"].build()
    wrapped = {"params_ema": {f"module.{key}": value for key, value in net.state_dict().items()}}
    found = recognise(peel(wrapped, "x")[0], tmp_path / "x.pth")
    assert found.architecture == "DnCNN"
    assert all(torch.equal(a, b) for a, b in zip(found.network.parameters(), net.parameters(), strict=True))


def test_the_list_of_architectures_names_their_licences(studio):
    assert studio("list", "architectures", "--json") == 0
    rows = {row["name"]: row for row in json.loads(studio.out)}
    assert rows["Restormer"]["licence of its code"].startswith("restricted") and rows["NAFNet"]["can be a row"] == "yes"
    assert rows["DDColor"]["can be a row"] == "no: is for colourisation" and len(rows) > 40


_STAND_IN = """
import sys, types
{before}
from methods.outside.library import architectures
found = architectures()
left = [name for name in sys.modules if name.partition(".")[0] == "torchvision"]
print(len(found), len(left), {after})
"""
_THEIRS = """
for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
    sys.modules[name] = types.ModuleType(name)
real = sys.modules["torchvision.transforms.functional"]
real.normalize = real.rotate = real.InterpolationMode = "theirs"
"""
_BROKEN = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("torchvision"):
            raise RuntimeError("operator torchvision::nms does not exist")
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    ("before", "after", "left", "seen"),
    [
        ("", "'_absent'", 0, "_absent"),
        (_BROKEN, "'_absent'", 0, "_absent"),
        (_THEIRS, "sys.modules['spandrel.architectures.RestoreFormer'].tv_normalize", 3, "theirs"),
    ],
)
def test_torchvision_is_used_where_it_is_and_stood_in_for_where_not(before, after, left, seen):
    """The stand-in is gone afterwards; a torchvision that is there stays and is used."""
    code = _STAND_IN.format(before=before, after=after)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, remaining, what = done.stdout.split()
    assert (int(count) > 40, int(remaining), what) == (True, left, seen)


def test_without_the_restricted_package_the_rest_works(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "_version", lambda package: "" if package == library.EXTRA else "0.4.2")
    library.architectures.cache_clear()
    try:
        state = SPECIMENS["restormer"].build().state_dict()
        library.architectures.cache_clear()
        with pytest.raises(UserError, match="spandrel_extra_arches, which knows more of them, is not installed"):
            recognise(state, tmp_path / "x.pth")
        assert recognise(SPECIMENS["nafnet"].build().state_dict(), tmp_path / "x.pth").architecture == "NAFNet"
    finally:
        library.architectures.cache_clear()
