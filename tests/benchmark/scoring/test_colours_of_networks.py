"""docs/colours_of_networks.py: fields of one colour under strong noise, and the table of their mean errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from benchmark.inference.restorer import Restored
from datasets.core.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("colours_of_networks", ROOT / "docs" / "colours_of_networks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.CAMERAS = 2
    return module


class Greying:
    """A restorer that knows the clean field and takes its colours halfway to grey."""

    def __init__(self, clean: np.ndarray) -> None:
        self.clean = clean / np.float32(255)

    def __call__(self, samples):
        grey = self.clean.mean()
        return [
            Restored(sample, np.zeros_like(sample.degraded, np.float32) + (self.clean + grey) / 2) for sample in samples
        ]


def test_errors_are_those_of_the_colours(script):
    chosen, colour = script.cameras(), (133, 80, 120)
    assert len(chosen) == 2 and all(2.5e-2 < meta["beta"][2] < 5e-2 for meta in chosen)
    found = script.mean_errors(Greying(np.array(colour, np.float32)), colour, chosen, "purple")
    np.testing.assert_allclose(found, (np.mean(colour) - colour) / 2, atol=1.5)  # the camera's rounding
    noisy = script.mean_errors(None, colour, chosen, "purple")
    assert (noisy < -3).all()  # what noise takes from a mean through a concave curve


def test_the_table_has_a_column_for_each_file(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "COLOURS", {"purple": (133, 80, 120)})
    script.main([f"r2r={ROOT / 'results' / 'weights' / 'r2r' / 'cpu-demo.safetensors'}"])
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| colour (R, G, B) | noisy | r2r cpu-demo |"
    assert row.startswith("| purple (133, 80, 120) | -") and row.count("|") == 4
    with pytest.raises(UserError, match="gone.safetensors"):
        script.main(["r2r=gone.safetensors"])
