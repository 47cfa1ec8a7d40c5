"""Where a device's memory is not enough: half a batch, one image, tiles; and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.inference.portion import smaller
from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from benchmark.records.record import DONE
from benchmark.runs.runner import run_cell
from datasets.base import Sample
from methods.base import Facts, Method, Recipe
from tests.helpers.small_world import Half, cell, context


class Tight(Method):
    """A 3x3 mean that takes no more than `room` pixels at once."""

    name, room = "tight", 0

    def __init__(self, room: int) -> None:
        super().__init__(Recipe("tight", "plain", "tiny"))
        self.room, self.seen = room, []
        self.layer = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    @property
    def facts(self) -> Facts:
        return Facts(("denoise",), "paired", context=1)

    def restore(self, x, info=None):
        self.seen.append(tuple(x.shape))
        if x.shape[0] * x.shape[2] * x.shape[3] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.layer(x)


def samples(count: int, height: int, width: int) -> list[Sample]:
    rng = np.random.default_rng(1)
    return [Sample(f"im{i}", rng.random((height, width, 3), np.float32), None, "s", {}, None) for i in range(count)]


def outputs(method: Method, images: list[Sample], **how) -> tuple[Restorer, list[np.ndarray]]:
    restorer = Restorer(method, "cpu", InferenceSettings(**how), batch_pixels=1 << 20, check_range=False)
    return restorer, [restored.output for restored in restorer(images)]


def test_a_batch_is_halved_until_it_fits_and_stays_so():
    images = samples(8, 16, 16)
    whole, tight = Tight(1 << 30), Tight(3 * 16 * 16)
    restorer, found = outputs(tight, images)
    assert [len(a) for a in found] == [len(a) for a in outputs(whole, images)[1]]
    assert all(np.array_equal(a, b) for a, b in zip(found, outputs(whole, images)[1], strict=True))
    assert [shape[0] for shape in tight.seen] == [8, 4, 2, 2, 4, 2, 2]
    assert restorer.remark == "out of memory: 2 images at a time" and restorer.batch_pixels == 2 * 16 * 16
    assert restorer.tile == 0


def test_one_image_is_cut_into_tiles():
    images = samples(1, 300, 200)
    restorer, (found,) = outputs(Tight(10_000), images)
    (whole,) = outputs(Tight(1 << 30), images)[1]
    assert np.allclose(found, whole, atol=1e-6)
    assert restorer.tile == 75 and restorer.remark == "out of memory: tiles of 75"


def test_tiles_that_were_asked_for_are_first_taken_one_at_a_time():
    tight = Tight(100 * 100)
    restorer, _ = outputs(tight, samples(1, 300, 300), tile=100)
    assert restorer.tile == 100 and restorer.remark == "out of memory: fewer tiles of 100 at a time"
    assert tight.seen[0][0] > 1


def test_where_nothing_smaller_is_left_the_error_passes():
    with pytest.raises(torch.OutOfMemoryError):
        outputs(Tight(10), samples(2, 100, 100))
    assert smaller(1, (100, 100), 1, 0, Facts(("denoise",), "paired", context=40)) is None


def test_the_record_says_so(world, tmp_path, monkeypatch):
    restore = Half.restore

    def tight(self, x, info=None):
        if len(x) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return restore(self, x, info)

    monkeypatch.setattr(Half, "restore", tight)
    record = run_cell(cell("half"), context(tmp_path))
    assert record.status == DONE and "out of memory: 1 images at a time" in record.note
