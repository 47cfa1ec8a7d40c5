"""Any module as a row; the package's lazy front door."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import benchmark
import datasets
from benchmark.records.files import read_records
from benchmark.scoring.conventions import score
from datasets.core.errors import UserError
from tests.helpers.small_world import Squares

pytestmark = pytest.mark.usefixtures("world")


class Shrink(nn.Module):
    def __init__(self, part=0.5) -> None:
        super().__init__()
        self.part = nn.Parameter(torch.tensor(part))
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        return 0.5 + (x - 0.5) * self.part


class Several(Shrink):
    def forward(self, x):
        return {"noise": x, "image": super().forward(x)}


def evaluate(module, tmp_path, **more):
    where = {"data": tmp_path, "results": tmp_path / "results", "device": "cpu", "conventions": ["float-gauss"]}
    return benchmark.evaluate(module, "squares", **{**where, **more})


def test_the_table_holds_the_figures(tmp_path):
    table = evaluate(Shrink(), tmp_path)
    expected = [score(0.5 + (s.degraded - 0.5) * np.float32(0.5), s.clean, "float-gauss") for s in Squares(None)]
    assert list(table["convention"]) == ["float-gauss"]
    assert table["psnr"][0] == pytest.approx(np.mean([e.psnr for e in expected]))
    assert (table["n"][0], table["scenes"][0]) == (12, 6) and table["psnr_low"][0] < table["psnr"][0]
    (record,) = read_records(tmp_path / "results")
    assert record.folder == table.attrs["record"] and record.cell.method == "shrink" and record.costs.params == 1


def test_a_set_that_needs_no_source_is_prepared(tmp_path, monkeypatch):
    """Case 32: as `run` does."""
    prepared = []

    def prepare(name, source, data, *, progress=None):
        prepared.append((name, source, data))
        (data / name).mkdir(parents=True)
        (data / name / "manifest.csv").write_text("")

    monkeypatch.setattr(Squares, "facts", replace(Squares.facts, embedded=True))
    monkeypatch.setattr(datasets, "prepare", prepare)
    for _ in range(2):
        evaluate(Shrink(), tmp_path, data=tmp_path / "fresh")
    assert prepared == [("squares", None, tmp_path / "fresh")]


def test_eval_mode_and_no_second_run(tmp_path):
    module = Shrink()
    evaluate(module, tmp_path)
    calls = len(module.modes)
    assert not any(module.modes)
    evaluate(module, tmp_path)
    assert len(module.modes) == calls
    evaluate(Shrink(0.6), tmp_path)
    assert len(read_records(tmp_path / "results")) == 2


def test_several_tensors_need_a_name(tmp_path):
    with pytest.raises(UserError, match="returned a dict of 2; name the one to score by output="):
        evaluate(Several(), tmp_path)
    with pytest.raises(UserError, match="the keys noise, image, which has no output='picture'"):
        evaluate(Several(), tmp_path, output="picture")
    assert evaluate(Several(), tmp_path, output="image")["psnr"][0] == evaluate(Shrink(), tmp_path)["psnr"][0]


def test_a_tuple_by_index(tmp_path):
    class Two(nn.Module):
        def forward(self, x):
            return x, x * 0 + 0.5

    assert evaluate(Two(), tmp_path, output=1)["psnr"][0] != evaluate(Two(), tmp_path, output=0)["psnr"][0]
    with pytest.raises(UserError, match="a tuple of 2, which has no output=2"):
        evaluate(Two(), tmp_path, output=2)


@pytest.mark.parametrize("name", ["input", "r2r", "a/b", ""])
def test_names_that_cannot_be(tmp_path, name):
    if not name:
        assert evaluate(Shrink(), tmp_path, name=name).attrs["record"].find("/runs/shrink-") > 0
        return
    with pytest.raises(UserError, match="name"):
        evaluate(Shrink(), tmp_path, name=name)


def test_the_wrong_channels_are_said(tmp_path):
    with pytest.raises(UserError, match="3 channels"):
        evaluate(Shrink(), tmp_path, channels=(1,))


def test_the_front_door_is_lazy_and_stays_open():
    code = (
        "import sys, benchmark; assert not {'torch', 'numpy', 'pandas'} & set(sys.modules), 'heavy';"
        "import benchmark.evaluation; assert callable(benchmark.evaluate) and callable(benchmark.score);"
        "print(benchmark.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == benchmark.__version__, done.stderr
    with pytest.raises(AttributeError):
        benchmark.nothing


def test_another_library_called_datasets_is_told_apart(tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import benchmark"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "another library of that name" in last and str(tmp_path) in last and "venv" in last
