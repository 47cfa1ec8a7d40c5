"""The regression check goes red for a planted change of each kind, and stays green where only the machine changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.inference.restorer import Restorer
from benchmark.planning import weights_search
from benchmark.regression import images, measuring
from benchmark.regression.baseline import Baseline, Figure, tolerance
from benchmark.regression.checking import compared
from benchmark.regression.images import Made, sets
from benchmark.regression.measuring import Key, Row, measure, measured_apart, rows
from benchmark.regression.variations import VARIATIONS, applied
from benchmark.scoring import conventions, metrics
from datasets.ops import resize
from methods.r2r import inference
from methods.r2r.adapter import R2R
from methods.weights import read_card, read_weights, save_weights

PLANTS = {}


def plant(function):
    """A change that somebody could make by mistake: called with pytest's monkeypatch, makes it for one test."""
    PLANTS[function.__name__] = function
    return function


@plant
def constant_of_ssim(monkeypatch):
    monkeypatch.setattr(metrics, "K1", 0.0105)


@plant
def constant_of_luma(monkeypatch):
    monkeypatch.setattr(metrics, "_Y", (65.738, 129.057, 25.064))


@plant
def range_of_psnr(monkeypatch):
    changed = replace(conventions.CONVENTIONS["float-gauss"], data_range=1.005)
    monkeypatch.setitem(conventions.CONVENTIONS, "float-gauss", changed)


@plant
def rounding_to_truncation(monkeypatch):
    changed = replace(conventions.CONVENTIONS["uint8-gauss"], psnr_input="truncated")
    monkeypatch.setitem(conventions.CONVENTIONS, "uint8-gauss", changed)


@plant
def channel_swap(monkeypatch):
    monkeypatch.setattr(inference, "bgr", lambda x: x)


@plant
def eps_of_batch_normalisation(monkeypatch):
    begin = R2R.__init__

    def changed(self, recipe):
        begin(self, recipe)
        for module in self.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eps = 1e-5

    monkeypatch.setattr(R2R, "__init__", changed)


@plant
def kernel_of_the_resize(monkeypatch):
    """Keys' cubic with OpenCV's a = -0.75 in place of MATLAB's -0.5."""

    def keys(t):
        t, a = np.abs(t), -0.75
        outer = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
        return np.where(t <= 1, (a + 2) * t**3 - (a + 3) * t**2 + 1, np.where(t < 2, outer, 0.0))

    monkeypatch.setattr(resize, "_keys", keys)


@plant
def clamp_of_the_output(monkeypatch):
    real = Restorer._restore_batch
    monkeypatch.setattr(Restorer, "_restore_batch", lambda self, batch: [y.clip(0, 1) for y in real(self, batch)])


@plant
def clamp_before_the_network(monkeypatch):
    real = R2R.restore
    monkeypatch.setattr(R2R, "restore", lambda self, x, info=None: real(self, x.clamp(0, 1), info))


@plant
def clamp_of_a_convention(monkeypatch):
    changed = replace(conventions.CONVENTIONS["float-gauss"], clamp=False)
    monkeypatch.setitem(conventions.CONVENTIONS, "float-gauss", changed)


@plant
def two_hundredths_of_a_decibel(monkeypatch):
    """Adds an error of the size that costs 0.02 dB: about 0.46 % of the mean squared error."""
    real = Restorer._restore_batch

    def changed(self, batch):
        found = []
        for sample, y in zip(batch, real(self, batch), strict=True):
            clean = images._clean(sample).astype(np.float32) / 255
            found.append(clean + (y - clean) * np.float32(10 ** (0.02 / 20)))
        return found

    monkeypatch.setattr(Restorer, "_restore_batch", changed)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return {data.facts.name: data for data in sets(tmp_path_factory.mktemp("images"))}


@pytest.fixture(scope="module")
def small(whole):
    """One crop of the demo and one with white noise, and one block to enlarge."""
    demo = Made(whole["demo"].facts, [whole["demo"][0]])
    return [demo, *(Made(whole[name].facts, whole[name].samples[:1]) for name in ("awgn", "x4"))]


@pytest.fixture(scope="module")
def chosen():
    return [row for row in rows(("input", "r2r")) if row.weights in ("", "cpu-demo.safetensors")]


def frozen(found) -> Baseline:
    """What was measured as a baseline, with the smallest tolerances."""
    return Baseline(
        {key: Figure(v, 0.0, tolerance(key.metric, 0.0), found.outputs[key]) for key, v in found.figures.items()}
    )


@pytest.fixture(scope="module")
def baseline(small, chosen, tmp_path_factory):
    resize._taps.cache_clear()
    found = measure(chosen, small, tmp_path_factory.mktemp("base"))
    assert not found.failed and {key.method for key in found.figures} == {"input", "r2r"}
    return frozen(found)


@pytest.fixture
def fresh_weights_of_resizing():
    """Weights of a resize are remembered from call to call."""
    resize._taps.cache_clear()
    yield
    resize._taps.cache_clear()


def test_green_where_nothing_changed(baseline, small, chosen, tmp_path):
    outcome = compared(baseline, measure(chosen, small, tmp_path))
    assert outcome.green and outcome.compared == len(baseline.figures) > 60


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_change_is_caught(name, baseline, small, chosen, tmp_path, monkeypatch, fresh_weights_of_resizing):
    PLANTS[name](monkeypatch)
    outcome = compared(baseline, measure(chosen, small, tmp_path))
    assert outcome.changes and not outcome.green and not outcome.problems
    assert min(change.size for change in outcome.changes) > 1


def test_two_hundredths_of_a_decibel_are_seen_as_such(baseline, small, chosen, tmp_path, monkeypatch):
    two_hundredths_of_a_decibel(monkeypatch)
    changes = compared(baseline, measure(chosen, small, tmp_path)).changes
    shifts = [c.now - c.was for c in changes if c.key.convention == "unclamped-float" and c.key.dataset == "demo"]
    assert len(shifts) == 2 and shifts == pytest.approx([-0.02] * 2, abs=1e-4)


def test_only_the_changed_convention_moves(baseline, small, chosen, tmp_path, monkeypatch):
    range_of_psnr(monkeypatch)
    changes = compared(baseline, measure(chosen, small, tmp_path)).changes
    assert {(c.key.convention, c.key.metric) for c in changes} == {("float-gauss", "PSNR")}
    assert all(c.now - c.was == pytest.approx(20 * np.log10(1.005), abs=1e-6) for c in changes)


@pytest.mark.parametrize("variation", [v for v in VARIATIONS if not v.environment], ids=lambda v: v.name)
def test_threads_batches_and_formats_keep_it_green(variation, baseline, small, chosen, tmp_path):
    two = [Made(data.facts, [*data.samples, replace(data.samples[0], name="again")]) for data in small]
    found = measure(chosen, two, tmp_path, variation)
    again = {key: value for key, value in found.figures.items() if key.image == "again"}
    found.figures = {key: value for key, value in found.figures.items() if key not in again}
    assert compared(baseline, found).green
    # the second of a batch is restored like the first
    shifts = [abs(value - baseline.figures[_first(key, baseline)].value) for key, value in again.items()]
    assert max(shifts) < 0.002


def _first(key: Key, baseline: Baseline) -> Key:
    return next(k for k in baseline.figures if k._replace(image="again") == key)


def test_another_processor_keeps_it_green(whole, tmp_path):
    """In a process of its own, which makes its own images with the instructions of an older processor."""
    every = rows(("input",))
    before = frozen(measure(every, list(whole.values()), tmp_path))
    outcome = compared(before, measured_apart(every, VARIATIONS[-1]))
    assert outcome.green and outcome.compared == len(before.figures)


def test_variations_leave_no_trace():
    before = torch.get_num_threads(), torch.backends.mkldnn.enabled
    for variation in VARIATIONS:
        with applied(variation):
            assert torch.get_num_threads() == (variation.threads or before[0])
            assert torch.backends.mkldnn.enabled == (before[1] and variation.onednn)
        assert (torch.get_num_threads(), torch.backends.mkldnn.enabled) == before


@pytest.fixture
def shipped(tmp_path, monkeypatch, chosen) -> Path:
    """A shipped folder of its own, with R2R's cpu weights."""
    (tmp_path / "weights/r2r").mkdir(parents=True)
    for path in chosen[-1].path.parent.glob("cpu-demo.*"):
        (tmp_path / "weights/r2r" / path.name).write_bytes(path.read_bytes())
    for module in (weights_search, measuring):
        monkeypatch.setattr(module, "shipped", lambda relative="": tmp_path / relative)
    return tmp_path / "weights/r2r/cpu-demo.safetensors"


def test_another_weights_file_under_the_same_name_is_caught(baseline, small, shipped, tmp_path):
    restorer = read_weights(shipped).roles["restorer"]
    state = {key: value * 1.001 if value.dim() == 4 else value for key, value in restorer.items()}
    save_weights(shipped, state, read_card(shipped))
    outcome = compared(baseline, measure(rows(("input", "r2r")), small, tmp_path / "out"))
    assert outcome.changes and {change.key.method for change in outcome.changes} == {"r2r"}


def test_a_missing_weights_file_is_reported(baseline, small, shipped, tmp_path):
    shipped.unlink()
    outcome = compared(baseline, measure(rows(("input", "r2r")), small, tmp_path / "out"))
    assert not outcome.green and not outcome.changes and len(outcome.problems) == 1
    assert "r2r/cpu-demo.safetensors" in outcome.problems[0] and "missing" in outcome.problems[0]


def test_weights_that_do_not_fit_their_card_are_reported(baseline, small, shipped, tmp_path):
    shipped.write_bytes(shipped.read_bytes()[:-4] + b"gone")
    outcome = compared(baseline, measure(rows(("input", "r2r")), small, tmp_path / "out"))
    assert not outcome.green and not outcome.changes
    assert len(outcome.problems) == 1 and outcome.problems[0].startswith("r2r (cpu-demo.safetensors) failed")


def test_new_weights_are_reported(baseline, small, shipped, tmp_path):
    for suffix in (".safetensors", ".json"):
        shipped.with_suffix(suffix).rename(shipped.with_name(f"other{suffix}"))
    outcome = compared(baseline, measure(rows(("input", "r2r")), small, tmp_path / "out"))
    text = " ".join(outcome.problems)
    assert (
        len(outcome.problems) == 2 and "r2r (other.safetensors) is not in the baseline" in text and "--update" in text
    )


def test_every_row_follows_from_the_registry_and_the_shipped_weights(shipped):
    assert rows(("r2r", "blur")) == [Row("blur"), Row("r2r", "cpu-demo.safetensors", shipped)]
    assert [row.method for row in rows()] == ["input", "blur", "nlm", "r2r"]


def test_a_row_that_no_set_fits_is_named(small, chosen, tmp_path):
    found = measure(chosen[-1:], [data for data in small if data.facts.scale > 1], tmp_path)
    assert found.unfit == ["r2r (cpu-demo.safetensors)"] and not found.figures and not found.failed


def test_a_method_that_bursts_is_reported(baseline, small, chosen, tmp_path, monkeypatch):
    monkeypatch.setattr(R2R, "restore", lambda self, x, info=None: x[..., 1:])
    outcome = compared(baseline, measure(chosen, small, tmp_path))
    assert not outcome.changes and len(outcome.problems) == 2  # on demo and on awgn
    assert "has the shape" in outcome.problems[0]


def test_the_sets_hold_what_they_are_said_to_hold(whole):
    assert {name: len(data) for name, data in whole.items()} == {
        "demo": 4,
        "sidd": 2,
        "awgn": 2,
        "awgn-grey": 2,
        "x4": 2,
    }
    assert [sample.name for sample in whole["sidd"]] == ["0001", "0002"]
    assert [sample.meta["scene_index"] for sample in whole["sidd"]] == [0, 1]
    assert np.any(whole["awgn"][0].degraded < 0) and np.any(whole["awgn"][0].degraded > 1)
    assert whole["awgn-grey"][0].degraded.shape == (64, 64, 1)
    assert whole["x4"][0].degraded.shape == (64, 64, 3) and whole["x4"][0].clean.shape == (256, 256, 3)


def test_the_same_images_are_made_again(whole, tmp_path):
    assert [data.fingerprint for data in sets(tmp_path)] == [data.fingerprint for data in whole.values()]
