"""Statistics of noise whose law is planted, and the script that plots a generator's against a dataset's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

import methods
from benchmark.scoring.noise_statistics import INTENSITIES, LAGS, NoiseStatistics, of_samples, reduced
from datasets import prepare
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.ops.resize import imresize
from methods.mssr.adapter import MSSR
from methods.weights import Card, save_weights

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "noise_statistics.py"


def planted(noise: object, seed: int = 0, images: int = 3) -> NoiseStatistics:
    """Of a few images with a ramp of intensities; `noise(clean, generator)` is added."""
    found, rng = NoiseStatistics(), np.random.default_rng(seed)
    for _ in range(images):
        clean = np.broadcast_to(np.linspace(0.02, 0.98, 240)[None, :, None], (160, 240, 3)).copy()
        found.add(clean, clean + noise(clean, rng))  # type: ignore[operator]
    return found


def white(sigma: float):
    return lambda clean, rng: rng.normal(0, sigma, clean.shape)


def test_white_noise_of_one_level() -> None:
    found = planted(white(0.05))
    assert found.deviation == pytest.approx(0.05, rel=0.01)
    centres, variance = found.variance()
    assert len(centres) == INTENSITIES and np.allclose(variance, 0.0025, rtol=0.06)
    correlation = found.autocorrelation()
    assert correlation.shape == (LAGS, LAGS) and correlation[0, 0] == 1
    correlation[0, 0] = 0
    assert np.abs(correlation).max() < 0.01


def test_a_constant_is_no_variance() -> None:
    found = planted(lambda clean, rng: 0.1 + rng.normal(0, 0.02, clean.shape))
    assert found.deviation == pytest.approx(0.02, rel=0.02)
    assert np.allclose(found.variance()[1], 0.0004, rtol=0.08)
    assert abs(found.autocorrelation()[0, 1]) < 0.01


def test_variance_that_grows_with_intensity() -> None:
    found = planted(lambda clean, rng: np.sqrt(0.004 * clean + 0.0002) * rng.standard_normal(clean.shape))
    centres, variance = found.variance()
    slope, offset = np.polyfit(centres, variance, 1)
    assert slope == pytest.approx(0.004, rel=0.05) and offset == pytest.approx(0.0002, abs=0.0001)


def test_correlation_along_one_axis() -> None:
    def along_rows(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        z = rng.normal(0, 0.05, (clean.shape[0], clean.shape[1] + 1, 3))
        return (z[:, 1:] + z[:, :-1]) / 2

    correlation = planted(along_rows).autocorrelation()
    assert correlation[0, 1] == pytest.approx(0.5, abs=0.01)
    assert abs(correlation[1, 0]) < 0.01 and abs(correlation[0, 2]) < 0.01 and abs(correlation[1, 1]) < 0.01


def test_divergence() -> None:
    one, again, wider = planted(white(0.05)), planted(white(0.05), seed=1), planted(white(0.1))
    assert one.divergence(one) == 0 and 0 <= one.divergence(again) < 0.001
    # of two normal laws: ln 2 + 1/8 - 1/2
    assert one.divergence(wider) == pytest.approx(np.log(2) - 3 / 8, rel=0.05)


def test_intensities_without_values_are_not_told() -> None:
    found = NoiseStatistics()
    clean = np.full((40, 40, 3), 0.5)
    found.add(clean, clean + np.random.default_rng(0).normal(0, 0.1, clean.shape))
    assert found.variance()[0].tolist() == [(INTENSITIES // 2 + 0.5) / INTENSITIES]


def test_samples_of_a_dataset() -> None:
    rng = np.random.default_rng(4)
    clean = rng.integers(0, 256, (64, 48, 3), np.uint8)
    small = imresize(clean / 255, 0.25).astype(np.float32)
    found = of_samples([Sample("a", small, clean, "a"), Sample("b", small, None, "b")], 4)
    assert found.counts.sum() == small.size and found.deviation < 1e-6
    assert np.array_equal(reduced(clean, 1), clean.astype(np.float32) / np.float32(255))
    with pytest.raises(UserError, match="images of one size"):
        found.add(clean, clean[1:])


def test_the_script_plots_a_generator_against_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    prepare("demo", None, tmp_path / "data")
    made = methods.load("mssr", "tiny")
    assert isinstance(made, MSSR)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        for parameter in made.network_of("generator").parameters():
            parameter.data.normal_(0, 0.1)
    path = tmp_path / "g.safetensors"
    save_weights(path, made.network_of("generator").state_dict(), Card("mssr", "tiny", role="generator"))
    spec = importlib.util.spec_from_file_location("noise_statistics", SCRIPT)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    words = ["--methods", "mssr", "--weights", str(path), "--dataset", "demo", "--data", str(tmp_path / "data")]
    assert script.main([*words, "--limit", "1", "--output", str(tmp_path / "noise.svg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["real", "generator, draw 0", "generator, draw 1"]
    assert lines[2].split("|")[-2].strip() == "0.000" and float(lines[3].split("|")[-2]) > 0
    picture = (tmp_path / "noise.svg").read_text()
    assert picture.startswith("<?xml") and picture.count("<path") > 20


def test_correlation_between_colours() -> None:
    mix = np.array([[1.0, 0, 0], [0.5, 1, 0], [0, 0, 1]])
    found = planted(lambda clean, rng: 0.03 * rng.normal(0, 1, clean.shape) @ mix.T)
    assert found.between_colours() == pytest.approx((0.5 / np.sqrt(1.25), 0, 0), abs=0.01)


def test_the_table_of_datasets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("noise_of_datasets", SCRIPT.with_name("noise_of_datasets.py"))
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    prepare("demo", None, tmp_path)
    assert script.main(["demo:validation", "--data", str(tmp_path), "--limit", "3"]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.count("|") == row.count("|") and row.startswith("| demo validation | 3 | ")
    assert 0.04 < float(row.split("|")[4].split()[0]) < 0.08 and 0.1 < float(row.split("|")[5].split()[0]) < 0.5
