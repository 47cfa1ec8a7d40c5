"""Preparing and reading: resume, idempotence, changed files, other sources, bad disks."""

import csv
import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import datasets
from datasets.base import DatasetFacts, Item
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.ops.noise import keyed_generator
from datasets.options import spelled, typed
from datasets.prepare_writer import prepare_items
from datasets.prepared import Prepared
from datasets.registry import DATASETS


def picture(number, size=16):
    return keyed_generator("picture", number).integers(0, 256, (size, size, 3), np.uint8)


class Pairs(Prepared):
    """Two folders of equal names; odd ones are of scene `b`."""

    facts = DatasetFacts(
        name="pairs",
        title="Pairs",
        task="denoise",
        splits=("test", "odd", "other"),
        default_split="test",
        convention="x",
    )

    @classmethod
    def items(cls, source, **options):
        for path in sorted((source / "noisy").glob("*.png")):
            load = {
                "degraded": lambda p=path: read_image(p),
                "clean": lambda p=path: read_image(source / "clean" / p.name),
            }
            yield Item(path.stem, "test", "ab"[int(path.stem) % 2], load, "cam", 100, {"number": int(path.stem)})

    def select(self, row, split):
        return int(row.name) % 2 == 1 if split == "odd" else row.split == split


class Synthetic(Prepared):
    facts = DatasetFacts(
        name="synthetic",
        title="Synthetic",
        task="denoise",
        splits=("test",),
        default_split="test",
        convention="x",
        synthetic=True,
        options={"sigma": (25.0, "noise"), "clip": (False, "clip"), "kind": ("awgn", "which")},
    )
    items = Pairs.items

    def degrade(self, clean, row, options, seed):
        return clean / 255 + options["sigma"] / 255 * keyed_generator(seed, row.name).standard_normal(clean.shape)


@pytest.fixture(autouse=True)
def registered():
    with DATASETS.added({"pairs": Pairs, "synthetic": Synthetic}):
        yield


@pytest.fixture
def source(tmp_path):
    for number in range(6):
        write_png(tmp_path / "source" / "noisy" / f"{number}.png", picture(number))
        write_png(tmp_path / "source" / "clean" / f"{number}.png", picture(-number - 1))
    return tmp_path / "source"


def stamps(root):
    return {path: path.stat().st_mtime_ns for path in Path(root).rglob("*") if path.is_file()}


def test_prepare_and_read(source, tmp_path):
    seen = []
    report = datasets.prepare("pairs", source, tmp_path / "data", progress=lambda *a: seen.append(a))
    assert (report.images, report.written, report.kept, dict(report.splits)) == (6, 12, 0, {"test": 6})
    assert seen[-1] == ("prepare pairs", 12, 12) and len(seen) == 12
    opened = datasets.open_dataset("pairs", tmp_path / "data")
    sample = opened[3]
    assert (sample.name, sample.scene, sample.meta["number"]) == ("3", "b", 3)
    assert np.array_equal(sample.degraded, picture(3)) and np.array_equal(sample.clean, picture(-4))
    assert [s.name for s in opened] == list("012345")
    assert (opened.rows[0].camera, opened.rows[0].iso) == ("cam", 100)
    assert opened.degradation == "real" and opened.partial == ""
    described = json.loads((tmp_path / "data/pairs/dataset.json").read_text())
    assert described["dataset"] == "pairs" and described["counts"] == {"test": 6}
    header = next(csv.reader((tmp_path / "data/pairs/manifest.csv").open()))
    assert header[:6] == ["name", "split", "scene", "camera", "iso", "meta"]
    assert header[6:] == ["degraded", "degraded_sha256", "clean", "clean_sha256"]


def test_second_call_writes_nothing(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    before = stamps(tmp_path / "data")
    report = datasets.prepare("pairs", source, tmp_path / "data")
    assert report.written == 0 and "already prepared" in str(report)
    assert "already prepared" in str(datasets.prepare("pairs", None, tmp_path / "data"))
    assert stamps(tmp_path / "data") == before


def test_a_damaged_file_is_made_again_and_only_that(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    manifest = (tmp_path / "data/pairs/manifest.csv").read_bytes()
    hurt, gone = (tmp_path / f"data/pairs/test/{name}.png" for name in ("clean/2", "degraded/4"))
    hurt.write_bytes(hurt.read_bytes() + b"x")
    gone.unlink()
    report = datasets.prepare("pairs", source, tmp_path / "data")
    assert (report.written, report.kept) == (2, 10)
    assert (tmp_path / "data/pairs/manifest.csv").read_bytes() == manifest
    gone.unlink()
    with pytest.raises(UserError, match="--source"):
        datasets.prepare("pairs", None, tmp_path / "data")


def test_changed_and_deleted_files_are_noticed_only_when_read(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    for path in (tmp_path / "data/pairs/test/clean").iterdir():
        path.unlink()
    opened = datasets.open_dataset("pairs", tmp_path / "data")
    assert np.array_equal(opened.read(1, "degraded"), picture(1))
    with pytest.raises(UserError, match="cannot be read.*prepare pairs"):
        opened.read(1, "clean")
    write_png(tmp_path / "data/pairs/test/degraded/1.png", picture(99))
    with pytest.raises(UserError, match="changed since prepare.*prepare pairs"):
        opened.read(1, "degraded")
    with pytest.raises(UserError, match="no 'raw' file"):
        opened.read(0, "raw")


def test_another_source_starts_over(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    first = datasets.open_dataset("pairs", tmp_path / "data").fingerprint
    write_png(source / "noisy" / "3.png", picture(77))
    (source / "noisy" / "5.png").unlink()
    report = datasets.prepare("pairs", source, tmp_path / "data")
    opened = datasets.open_dataset("pairs", tmp_path / "data")
    assert (report.written, len(opened)) == (10, 5)
    assert np.array_equal(opened.read(3, "degraded"), picture(77)) and opened.fingerprint != first
    assert not (tmp_path / "data/pairs/test/degraded/5.png").exists()


def test_splits_limits_and_fingerprints(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    whole, odd = (datasets.open_dataset("pairs", tmp_path / "data", split=s) for s in ("test", "odd"))
    assert [row.name for row in odd.rows] == ["1", "3", "5"] and odd.fingerprint != whole.fingerprint
    cut = datasets.open_dataset("pairs", tmp_path / "data", limit=2)
    assert cut.partial == "partial: 2 of 6" and len(cut) == 2
    with pytest.raises(UserError, match="'tset'.*'test'"):
        datasets.open_dataset("pairs", tmp_path / "data", split="tset")
    with pytest.raises(UserError, match="no image of split 'other'"):
        datasets.open_dataset("pairs", tmp_path / "data", split="other")
    with pytest.raises(UserError, match="at least one"):
        datasets.open_dataset("pairs", tmp_path / "data", limit=0)


def test_synthetic_noise_depends_on_seed_and_name_only(source, tmp_path):
    datasets.prepare("synthetic", source, tmp_path / "data")
    for path in (tmp_path / "data/synthetic/test/degraded").iterdir():
        path.unlink()
    manifest = tmp_path / "data/synthetic/manifest.csv"
    rows = [line.split(",") for line in manifest.read_text().splitlines()]
    manifest.write_text("\n".join(",".join(row[:-4] + row[-2:]) for row in rows) + "\n")
    (tmp_path / "data/synthetic/dataset.json").unlink()  # it has the hash of the manifest as it was
    one = datasets.open_dataset("synthetic[sigma=50]", tmp_path / "data")
    two = datasets.open_dataset("synthetic", tmp_path / "data", options={"sigma": "50"}, limit=3)
    assert np.array_equal(one[2].degraded, two[2].degraded) and not np.array_equal(one[2].degraded, one[1].degraded)
    assert one.degradation == "sigma50-kind-awgn"


def test_reading_from_threads(source, tmp_path):
    datasets.prepare("pairs", source, tmp_path / "data")
    opened = datasets.open_dataset("pairs", tmp_path / "data")
    with ThreadPoolExecutor(4) as pool:
        for number, image in enumerate(pool.map(lambda i: opened.read(i % 6, "clean"), range(60))):
            assert np.array_equal(image, picture(-(number % 6) - 1))


def test_spec_and_options():
    assert datasets.parse_spec("synthetic[sigma=15,clip=true]") == ("synthetic", {"sigma": 15.0, "clip": True})
    assert datasets.parse_spec("pairs") == ("pairs", {})
    for spec, text in (
        ("synthetic[sgima=3]", "'sgima'.*'sigma'"),
        ("synthetic[sigma=loud]", "float"),
        ("synthetic[sigma=nan]", "a number that is finite"),
        ("synthetic[sigma=1e999]", "a number that is finite"),
        ("synthetic[sigma=-5]", "a number of 0 or more"),
        ("synthetic[clip=perhaps]", "bool"),
        ("synthetic[sigma]", "Expected a dataset such as"),
        ("synthetic[", "Expected a dataset such as"),
        ("sinthetic", "'synthetic'"),
    ):
        with pytest.raises(UserError, match=text):
            datasets.parse_spec(spec)


@pytest.mark.parametrize("spec", ["synthetic[sigma=15,clip=true]", "synthetic[sigma=12.5]", "synthetic"])
def test_a_spec_is_spelled_as_it_is_read(spec):
    name, options = datasets.parse_spec(spec)
    assert spelled(datasets.facts(name), options) == spec
    assert spelled(datasets.facts(name), typed(datasets.facts(name), {})) == name


def test_not_prepared_and_damaged_manifest(source, tmp_path):
    with pytest.raises(UserError, match="python -m benchmark prepare pairs"):
        datasets.open_dataset("pairs", tmp_path / "data")
    datasets.prepare("pairs", source, tmp_path / "data")
    manifest = tmp_path / "data/pairs/manifest.csv"
    manifest.write_text(manifest.read_text().replace("meta", "mata", 1))
    with pytest.raises(UserError, match="damaged"):
        datasets.open_dataset("pairs", tmp_path / "data")


@pytest.mark.parametrize("what", ["missing", "empty", "corrupt", "partner", "itself"])
def test_bad_sources_leave_nothing(source, tmp_path, what):
    if what == "missing":
        source = tmp_path / "elsewhere"
    elif what == "empty":
        source = tmp_path / "void"
        source.mkdir()
    elif what == "corrupt":
        (source / "clean/4.png").write_bytes(b"no picture")
    elif what == "partner":
        (source / "clean/4.png").unlink()
    else:
        source = tmp_path / "data/pairs"
        write_png(source / "noisy/0.png", picture(0))
    there = stamps(tmp_path / "data") if (tmp_path / "data").exists() else {}
    with pytest.raises(UserError) as caught:
        datasets.prepare("pairs", source, tmp_path / "data")
    assert "Expected" in str(caught.value) or "The source" in str(caught.value)
    assert (stamps(tmp_path / "data") if (tmp_path / "data").exists() else {}) == there


def test_a_folder_of_somebody_elses_is_left_alone(source, tmp_path):
    mine = tmp_path / "data/pairs/test/degraded/0.png"
    write_png(mine, picture(5))
    with pytest.raises(UserError, match=r"holds 'test' and no dataset\.json"):
        datasets.prepare("pairs", source, tmp_path / "data")
    assert np.array_equal(read_image(mine), picture(5))


@pytest.mark.parametrize(
    ("number", "text"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "Input/output")]
)
def test_a_disk_that_refuses(source, tmp_path, monkeypatch, number, text):
    write = Path.write_bytes
    calls = []

    def refuse(self, data):
        calls.append(self)
        if len(calls) == 8:
            raise OSError(number, os.strerror(number))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(UserError, match=text):
        datasets.prepare("pairs", source, tmp_path / "data", workers=1)
    monkeypatch.undo()
    root = tmp_path / "data/pairs"
    assert not (root / "manifest.csv").exists() and not list(root.rglob("*.part"))
    report = datasets.prepare("pairs", source, tmp_path / "data")
    assert report.kept > 0 and report.kept + report.written == 12


def test_a_place_that_is_no_folder(source, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="Writing the prepared dataset"):
        datasets.prepare("pairs", source, tmp_path / "file")


def test_same_name_twice_is_refused(tmp_path):
    item = Item("a", "test", "s", {"clean": lambda: picture(0)})
    with pytest.raises(UserError, match="'a' twice"):
        prepare_items(Pairs, [item, item], {}, tmp_path / "r")
    with pytest.raises(UserError, match="no image"):
        prepare_items(Pairs, [], {}, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_raw_roles_are_float32_arrays(tmp_path):
    mosaic = np.random.default_rng(0).random((6, 8))
    prepare_items(Pairs, [Item("1", "test", "s", {"raw": lambda: mosaic})], {}, tmp_path / "pairs")
    opened = Pairs(tmp_path / "pairs")
    assert (
        np.array_equal(opened.read(0, "raw"), mosaic.astype(np.float32)) and opened.read(0, "raw").dtype == np.float32
    )
    assert opened[0].degraded is None and opened[0].clean is None


def test_ctrl_c_leaves_whole_files_and_no_manifest(source, tmp_path):
    def stop(what, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        datasets.prepare("pairs", source, tmp_path / "data", progress=stop, workers=1)
    root = tmp_path / "data/pairs"
    assert not (root / "manifest.csv").exists() and not list(root.rglob("*.part"))
    assert datasets.prepare("pairs", source, tmp_path / "data").kept >= 3


def prepare_pairs(source: str, data: str) -> None:
    """A scenario for the kill program."""
    with DATASETS.added({"pairs": Pairs}):
        datasets.prepare("pairs", source, data, workers=1)


@pytest.mark.parametrize("order", ["prepare.image:1", "prepare.image:5", "prepare.image:12", "prepare.manifest:1"])
def test_killed_and_started_again(killer, source, tmp_path, order):
    assert killer(f"{__name__}:prepare_pairs", source, tmp_path / "data", kill=order).killed
    with pytest.raises(UserError, match="not prepared"):
        datasets.open_dataset("pairs", tmp_path / "data")
    report = datasets.prepare("pairs", source, tmp_path / "data")
    expected = 12 if order.startswith("prepare.manifest") else int(order.split(":")[1]) - 1
    assert (report.kept, report.written) == (expected, 12 - expected)
    datasets.prepare("pairs", source, tmp_path / "straight")
    assert not list((tmp_path / "data").rglob("*.part"))
    one, two = (datasets.open_dataset("pairs", tmp_path / name) for name in ("data", "straight"))
    assert one.fingerprint == two.fingerprint


def test_remains_without_a_marker_are_not_taken_over(source, tmp_path):
    """A kill while another source's images were being removed."""
    datasets.prepare("pairs", source, tmp_path / "data")
    root = tmp_path / "data/pairs"
    (root / "manifest.csv").unlink()
    (root / "test/source.json").unlink()
    assert datasets.prepare("pairs", source, tmp_path / "data").written == 12


def test_two_at_once(source, tmp_path):
    import fcntl

    root = tmp_path / "data/pairs"
    root.mkdir(parents=True)
    with (root / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="is working on the preparation of"):
            datasets.prepare("pairs", source, tmp_path / "data")


def test_importing_is_light():
    heavy = "[m for m in ('cv2', 'torch', 'pandas', 'scipy', 'h5py', 'pooch') if m in sys.modules]"
    program = f"import sys, datasets; datasets.facts('sidd'); print({heavy})"
    project = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=project, check=True)
    assert done.stdout.strip() == "[]" and datasets.IS_RESTORATION_BENCHMARK
