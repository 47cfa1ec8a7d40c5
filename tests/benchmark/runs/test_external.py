"""Outputs of other origin, in all forms that people have them in: scored, doubted, and submitted."""

from __future__ import annotations

import base64
import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from torch import nn

import benchmark
from benchmark.records.files import read_records
from benchmark.records.record import Record
from benchmark.runs.plausibility import doubt, look_at
from datasets import submission
from datasets.base import Dataset, Sample
from datasets.core.errors import UserError
from datasets.dnd import DND
from datasets.ops.images import read_image, write_png
from datasets.registry import DATASETS
from datasets.sidd import SIDD
from tests.helpers.command_line import Plain, Studio, pictures

COUNT = 8


@pytest.fixture
def ready(studio: Studio) -> Studio:
    pictures(studio.source, COUNT)
    assert studio("prepare", "folder", "--source", studio.source, "--data", studio.data, "--quiet") == 0, studio.err
    return studio


def restored(studio: Studio, index: int) -> np.ndarray:
    """(H, W, 3) float32: half of the noise gone."""
    degraded, clean = (read_image(studio.source / role / f"p{index}.png") for role in ("degraded", "clean"))
    return (degraded.astype(np.float32) + clean.astype(np.float32)) / 510


def save(studio: Studio, change=lambda image: image) -> Path:
    folder = studio.root / "theirs"
    folder.mkdir(exist_ok=True)
    for index in range(COUNT):
        np.save(folder / f"p{index}.npy", change(restored(studio, index)))
    return folder


def score(studio: Studio, path: Path, *words: object) -> int:
    where = ("--data", studio.data, "--results", studio.results)
    return studio("score", "--folder", path, "--dataset", "folder", "--name", "theirs", *where, *words)


def row(studio: Studio, name: str = "theirs") -> Record:
    (found,) = [record for record in read_records(studio.results) if record.cell.method == name]
    return found


def psnr(studio: Studio) -> float:
    return row(studio).figures["float-gauss"].psnr.mean


def true_psnr(studio: Studio) -> float:
    clean = [read_image(studio.source / "clean" / f"p{index}.png") for index in range(COUNT)]
    return float(np.mean([benchmark.score(restored(studio, i), c, "float-gauss").psnr for i, c in enumerate(clean)]))


def test_floats_on_255_are_refused_or_scored_with_their_range(ready: Studio) -> None:
    """Case 3."""
    folder = save(ready, lambda image: image * 255)
    assert score(ready, folder) == 2
    assert "p0.npy has values from" in ready.sentence and "--range 255" in ready.sentence
    assert not list(ready.results.glob("runs/*"))
    assert score(ready, folder, "--range", 255) == 0, ready.err
    assert psnr(ready) == pytest.approx(true_psnr(ready), abs=1e-3)


def test_a_range_that_is_not_theirs(ready: Studio) -> None:
    assert score(ready, save(ready), "--range", 255) == 2
    assert "white is 1 already; leave --range out" in ready.sentence
    for index in range(COUNT):
        write_png(ready.root / "pngs" / f"p{index}.png", np.rint(restored(ready, index) * 255).astype(np.uint8))
    assert score(ready, ready.root / "pngs", "--range", 255) == 2
    assert "--range is for outputs of floats" in ready.sentence
    assert score(ready, save(ready), "--range", "nan") == 2
    assert "what white is" in ready.sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x > 0.5, "got bool"),
        (lambda x: x.astype(np.complex64), "got complex64"),
        (lambda x: (x * 255).astype(np.uint8), "save 8-bit outputs as PNG"),
        (lambda x: np.full_like(x, np.nan), "NaN or infinite"),
        (lambda x: x.transpose(2, 0, 1), "shape (3, 24, 24), where (24, 24, 3) is expected"),
        (lambda x: x[:, :, 0], "shape (24, 24, 1), where"),
    ],
)
def test_arrays_that_are_no_images(ready: Studio, change, words: str) -> None:
    """C2: bool, complex, whole numbers; C x H x W."""
    assert score(ready, save(ready, change)) == 2
    assert words in ready.sentence and "p0.npy" in ready.sentence


class Scaled(nn.Module):
    def __init__(self, change) -> None:
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x * 255, "where white is 1"),
        (lambda x: (x * 255).to(torch.uint8), "the type uint8"),
        (lambda x: x > 0.5, "the type bool"),
        (lambda x: x.to(torch.complex64), "the type complex64"),
        (lambda x: x.swapaxes(1, 3), "the shape"),
    ],
)
def test_modules_and_plug_ins_pass_the_same_check(ready: Studio, monkeypatch, change, words: str) -> None:
    """Cases 3 and C2, for modules handed to evaluate and for methods."""
    with pytest.raises(UserError, match=words):
        benchmark.evaluate(Scaled(change), "folder", data=ready.data, results=ready.results, device="cpu")
    monkeypatch.setattr(Plain, "restore", lambda self, x, info=None: change(x))
    assert ready.run("--methods", "plain") == 1
    assert words in ready.err and "plain on folder failed" in ready.err


def blocks(studio: Studio) -> np.ndarray:
    """(2 scenes, 4 blocks, H, W, 3)."""
    return np.stack([restored(studio, index) for index in range(COUNT)]).reshape(2, 4, 24, 24, 3)


def test_scenes_and_blocks_exchanged_are_said(ready: Studio) -> None:
    """Case 4."""
    scipy.io.savemat(ready.root / "o.mat", {"o": blocks(ready)})
    assert score(ready, ready.root / "o.mat") == 0, ready.err
    assert psnr(ready) == pytest.approx(true_psnr(ready), abs=1e-3) and "far below" not in row(ready).note
    scipy.io.savemat(ready.root / "o.mat", {"o": blocks(ready).swapaxes(0, 1)})
    assert score(ready, ready.root / "o.mat", "--name", "exchanged") == 0, ready.err
    note = row(ready, "exchanged").note
    assert "far below its own input" in note and "scenes and blocks seem to be exchanged (expected 2 x 4)" in note
    assert "exchanged (expected 2 x 4)" in ready.out + ready.err


def test_an_order_by_a_rule_is_said_wherever_the_row_is_below_its_input(tmp_path) -> None:
    """Exchanged blocks of similar scenes lie less than 3 dB below the input."""
    rng = np.random.default_rng(0)
    scene = rng.random((1, 1, 8, 8, 3))
    clean = np.clip(scene * 0.4 + 0.06 * rng.random((2, 4, 8, 8, 3)) + 0.2, 0, 1).reshape(8, 8, 8, 3)
    clean = clean.repeat(4, 1).repeat(4, 2).astype(np.float32)
    noisy = clean + rng.normal(0, 0.02, clean.shape).astype(np.float32)
    output = (clean + noisy) / 2

    def said(order) -> str:
        samples = [Sample(str(k), noisy[k], clean[k], str(k // 4)) for k in range(8)]
        looks = [look_at(sample, output[k]) for sample, k in zip(samples, order, strict=True)]
        return doubt(looks, [sample.name for sample in samples])

    exchanged = np.arange(8).reshape(2, 4).T.ravel()
    assert said(range(8)) == ""
    assert said(exchanged).startswith("below its own input (") and "expected 2 x 4" in said(exchanged)
    assert "begin at '1'" in said(np.roll(np.arange(8), -1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x[:, :, ::-1], "BGR"),
        (lambda x: x.swapaxes(0, 1), "height and width seem to be exchanged"),
        (lambda x: x * 2 - 1, "-1..1"),
        (lambda x: x / 255, "divided by 255 twice"),
        (lambda x: x[::-1], "upside down"),
        (lambda x: np.rot90(x), "turned by 270 degrees"),
        (lambda x: 1 - x, "black and white"),
        (lambda x: x * 0 + np.float32(1), ""),
    ],
)
def test_a_row_far_below_its_input_says_why(ready: Studio, change, words: str) -> None:
    assert score(ready, save(ready, change)) == 0, ready.err
    note = row(ready).note
    assert "far below its own input (" in note
    assert words in note and ("likely" in note) == bool(words)


def test_outputs_that_begin_elsewhere(ready: Studio) -> None:
    folder = save(ready)
    for index in range(COUNT):
        np.save(folder / f"p{index}.npy", restored(ready, (index + 1) % COUNT))
    assert score(ready, folder) == 0
    assert "order: the outputs seem to begin at 'p1'" in row(ready).note


def test_the_method_of_a_run_is_doubted_too(ready: Studio, monkeypatch) -> None:
    monkeypatch.setattr(Plain, "restore", lambda self, x, info=None: x.flip(1))
    assert ready.run("--methods", "plain") == 0
    assert "channel order: they seem to be BGR" in row(ready, "plain").note
    assert "plain on folder: " in ready.err and "BGR" in ready.err
    assert not [r for r in read_records(ready.results) if r.cell.is_baseline and "far below" in r.note]
    table = benchmark.evaluate(Scaled(lambda x: x.flip(1)), "folder", data=ready.data, results=ready.results)
    assert "BGR" in table.attrs["note"]


def test_a_variable_by_name(ready: Studio) -> None:
    """Case 26."""
    scipy.io.savemat(ready.root / "o.mat", {"o": blocks(ready), "other": blocks(ready) * 0})
    assert score(ready, ready.root / "o.mat") == 2
    assert "--variable NAME" in ready.sentence
    assert score(ready, ready.root / "o.mat", "--variable", "o") == 0, ready.err
    assert psnr(ready) == pytest.approx(true_psnr(ready), abs=1e-3)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_matlabs_cells(ready: Studio, kind) -> None:
    """Case 26: a cell of images, beside the variables of a submission."""
    cell = np.empty((2, 4), object)
    for place in np.ndindex(2, 4):
        image = blocks(ready)[place]
        cell[place] = np.rint(image * 255).astype(kind) if kind == np.uint8 else image.astype(kind)
    content = {"DenoisedBlocksSrgb": cell, "TimeMPSrgb": 1.5, "OptionalData": {"MethodName": "R2R"}}
    scipy.io.savemat(ready.root / "SubmitSrgb.mat", content)
    assert score(ready, ready.root / "SubmitSrgb.mat") == 0, ready.err
    found = row(ready).figures["uint8-gauss"].psnr.mean
    assert found == pytest.approx(true_psnr(ready), abs=0.05)


class Benchmark(Dataset):
    """Four blocks without ground truth, as SIDD's benchmark has 1280 and DND its crops."""

    facts, side, fingerprint = SIDD.facts, 256, "none"

    def __init__(self, root, *, split=None, options=None, noise_seed=0, limit=None) -> None:
        self.split, self.options, self.noise_seed = split, {}, 0
        self.rows = [type("Row", (), {"name": f"b{i}", "scene": f"{i // 2}"}) for i in range(4)]

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Sample:
        if index >= 4:
            raise IndexError(index)
        rng = np.random.default_rng(index)
        coarse = rng.integers(30, 220, (8, 8, 3), np.uint8)
        noisy = np.kron(coarse, np.ones((self.side // 8, self.side // 8, 1), np.uint8))
        return Sample(f"b{index}", noisy, None, f"{index // 2}")


class Crops(Benchmark):
    facts, side = DND.facts, 512


@pytest.fixture
def servers(studio: Studio, monkeypatch) -> Studio:
    """Four blocks in place of 1280 and 1000."""
    monkeypatch.setattr(submission, "SCENES", 2)
    monkeypatch.setattr(submission, "PER_SCENE", 2)
    monkeypatch.setattr(submission, "DND_IMAGES", 2)
    monkeypatch.setattr(submission, "DND_CROPS", 2)
    with DATASETS.added({"sidd": Benchmark, "dnd": Crops}):
        yield studio


def theirs(studio: Studio, cls=Benchmark, change=lambda image: image) -> Path:
    folder = studio.root / "outputs"
    folder.mkdir(exist_ok=True)
    for index in range(4):
        sample = cls(None)[index]
        np.save(folder / f"{sample.name}.npy", change(sample.degraded.astype(np.float32) / 255 * 0.98))
    return folder


def written(path: Path) -> list[np.ndarray]:
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="") as stream:
        texts = [line["BLOCK"] for line in csv.DictReader(stream)]
    return [np.frombuffer(base64.b64decode(text), np.uint8).reshape(256, 256, 3) for text in texts]


def test_outputs_of_ones_own_are_submitted_to_sidd(servers: Studio) -> None:
    """Case 27."""
    folder = theirs(servers)
    assert servers("submit", "sidd", "--folder", folder, "--json") == 0, servers.err
    (path,) = json.loads(servers.out)
    expected = [submission.to_uint8(np.load(folder / f"b{i}.npy")) for i in range(4)]
    assert all(np.array_equal(a, b) for a, b in zip(written(Path(path)), expected, strict=True))
    # what was written can be handed in again, and as the other format
    assert servers("submit", "sidd", "--folder", path, "--format", "mat") == 0, servers.err
    assert "TimeMPSrgb is 0" in servers.err
    content = scipy.io.loadmat("submission/SubmitSrgb.mat")
    assert np.array_equal(content["DenoisedBlocksSrgb"].reshape(4, 256, 256, 3), np.stack(expected))


def test_outputs_of_ones_own_are_submitted_to_dnd(servers: Studio) -> None:
    assert servers("submit", "dnd", "--folder", theirs(servers, Crops)) == 0, servers.err
    cell = scipy.io.loadmat("submission/0002.mat")["Idenoised"]
    np.testing.assert_array_equal(cell[0, 1], np.load("outputs/b3.npy"))
    assert servers("submit", "dnd", "--folder", "submission", "--output", "again") == 0, servers.err
    np.testing.assert_array_equal(scipy.io.loadmat("again/0002.mat")["Idenoised"][0, 1], cell[0, 1])


def in_blocks(studio: Studio) -> np.ndarray:
    """Theirs, (2, 2, 256, 256, 3) floats."""
    folder = theirs(studio)
    return np.stack([np.load(folder / f"b{i}.npy") for i in range(4)]).reshape(2, 2, 256, 256, 3)


@pytest.mark.parametrize("form", ["array", "cell", "range", "variable"])
def test_a_mat_of_ones_own_is_submitted(servers: Studio, form: str) -> None:
    """Case 27: the ways in that `score --folder` has hold for `submit`."""
    blocks, words = in_blocks(servers), ["--folder", servers.root / "mine.mat"]
    cell = np.empty((2, 2), object)
    for place in np.ndindex(2, 2):
        cell[place] = blocks[place]
    content = {
        "array": {"o": blocks}, "cell": {"o": cell}, "range": {"o": blocks * 255},
        "variable": {"o": blocks, "other": blocks[::-1]},
    }[form]  # fmt: skip
    scipy.io.savemat(servers.root / "mine.mat", content)
    if form in ("range", "variable"):
        assert servers("submit", "sidd", *words) == 2
        assert {"range": "--range 255", "variable": "--variable NAME"}[form] in servers.sentence
        assert not Path("submission").exists() or not list(Path("submission").iterdir())
        words += ["--range", 255] if form == "range" else ["--variable", "o"]
    assert servers("submit", "sidd", *words) == 0, servers.err
    expected = [submission.to_uint8(block) for block in blocks.reshape(4, 256, 256, 3)]
    found = written(Path("submission/SubmitSrgb.csv"))
    assert all(np.abs(a.astype(int) - b).max() <= (form == "range") for a, b in zip(found, expected, strict=True))


def test_what_a_run_kept_is_submitted(studio: Studio, monkeypatch) -> None:
    """From SIDD's file of noisy blocks over `run --save-outputs` to the server's file."""
    monkeypatch.setattr(submission, "SCENES", 2)
    monkeypatch.setattr(submission, "PER_SCENE", 2)
    noisy = np.stack([Benchmark(None)[index].degraded for index in range(4)]).reshape(2, 2, 256, 256, 3)
    studio.source.mkdir()
    scipy.io.savemat(studio.source / "BenchmarkNoisyBlocksSrgb.mat", {"BenchmarkNoisyBlocksSrgb": noisy})
    data = ("--data", studio.data)
    assert studio("prepare", "sidd", "--source", studio.source, *data) == 0, studio.err
    where = ("--split", "benchmark", *data, "--results", studio.results)
    words = ("run", "--dataset", "sidd", "--methods", "plain", *where)
    assert studio(*words) == 0, studio.err
    (run,) = studio.results.glob("runs/plain-*")
    assert studio("submit", "sidd", "--outputs", run, *data) == 2
    assert "were not kept: run it again with --save-outputs" in studio.sentence
    assert studio(*words, "--save-outputs") == 0, studio.err
    assert studio("submit", "sidd", "--outputs", run, "--output", "kept", *data) == 0, studio.err
    expected = [
        submission.to_uint8(image.astype(np.float32) / 255 * np.float32(0.9)) for image in noisy.reshape(4, 256, 256, 3)
    ]
    assert all(np.array_equal(a, b) for a, b in zip(written(Path("kept/SubmitSrgb.csv")), expected, strict=True))

    output = next((run / "outputs").glob("*.npy"))
    sound = output.read_bytes()
    output.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert studio("submit", "sidd", "--outputs", run, "--output", "bad", *data) == 2
    assert "its checksum is another" in studio.sentence and not Path("bad/SubmitSrgb.csv").exists()
    output.write_bytes(sound)
    assert studio("submit", "sidd", "--outputs", studio.root / "nothing", *data) == 2
    assert "holds no finished record" in studio.sentence


def test_a_run_on_another_dataset_is_not_submitted(servers: Studio) -> None:
    servers.prepared()
    assert servers.run("--methods", "plain", "--save-outputs") == 0, servers.err
    (run,) = servers.results.glob("runs/plain-*")
    assert servers("submit", "sidd", "--outputs", run) == 2
    assert "Expected the outputs of a run on the split None of sidd, but plain-" in servers.sentence.replace(
        "'benchmark'", "None"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x * 255, "--range 255"),
        (lambda x: x[1:], "the shape (255, 256, 3)"),
        (lambda x: x * np.nan, "NaN"),
    ],
)
def test_what_is_submitted_is_checked(servers: Studio, change, words: str) -> None:
    assert servers("submit", "sidd", "--folder", theirs(servers, change=change)) == 2
    assert words in servers.sentence
    assert not Path("submission/SubmitSrgb.csv").exists()


def test_a_submission_that_looks_wrong_is_doubted(servers: Studio) -> None:
    assert servers("submit", "sidd", "--folder", theirs(servers, change=lambda x: x[:, :, ::-1])) == 0, servers.err
    assert "Look at these outputs before you send them" in servers.err and "BGR" in servers.err


def test_a_submission_needs_a_method_or_outputs(servers: Studio) -> None:
    assert servers("submit", "sidd") == 2
    assert "--folder PATH" in servers.sentence
    assert servers("submit", "sidd", "--methods", "plain", "--folder", "x") == 2
    assert "not both" in servers.sentence
