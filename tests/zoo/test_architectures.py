"""Files of twenty small networks, made by their own classes: recognised, called as by hand, at odd sizes, in tiles."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import pytest
import torch

from benchmark.inference.tiling import tiled
from methods.base import SampleInfo
from methods.loading import load_from
from methods.outside.source import Source
from tests.helpers.zoo import LEVEL, NEEDS_ZOO, ODD, RECORD, SPECIMENS, images, summary, write_file

pytestmark = NEEDS_ZOO
NAMES = list(SPECIMENS)


def infos(count, level=LEVEL):
    return [SampleInfo(f"image{i}", level) for i in range(count)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Name -> the method that its file makes, and the network of the class itself with the same weights."""
    folder = tmp_path_factory.mktemp("files")

    @cache
    def made(name):
        source = Source.read(name, str(write_file(folder, name)))
        return load_from(source.method(), None, source.file).method, SPECIMENS[name].build()

    return made


def scale_of(y):
    return max(1.0, float(y.abs().max()))


@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_read_from_the_file(opened, name):
    facts, specimen = opened(name)[0].facts, SPECIMENS[name]
    assert (facts.architecture, facts.channels, facts.scale) == (
        specimen.architecture,
        (specimen.channels,),
        specimen.scale,
    )
    multiple = specimen.sides[0] if specimen.sides[0] <= 16 else 1
    assert (facts.multiple, facts.needs_noise_level) == (multiple, specimen.takes_level)
    assert (facts.tiling, facts.context, facts.min_side) == (specimen.tiling, None, 1)
    assert ("super-resolve" in facts.tasks) is (specimen.scale > 1)
    assert facts.licence.startswith("restricted" if "extra" in specimen.place else "permissive")


@torch.no_grad()
@pytest.mark.parametrize("size", ODD)
@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_class_called_by_hand(opened, name, count, size):
    method, net = opened(name)
    x = images(SPECIMENS[name].channels, size, count)
    before = x.clone()
    got, want = method.restore(x, infos(count)), SPECIMENS[name].by_hand(net, x)
    assert got.shape == (count, x.shape[1], size[0] * method.facts.scale, size[1] * method.facts.scale)
    assert got.dtype == torch.float32 and torch.equal(x, before)
    assert float((got - want).abs().max()) <= 1e-6 * scale_of(want)
    assert float(want.std()) > 0


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_in_tiles_it_equals_the_class_called_by_hand_in_tiles(opened, name):
    """Tiles of the same cut; one that has room for the whole image changes nothing."""
    method, net = opened(name)
    specimen, tile = SPECIMENS[name], 64
    x = images(specimen.channels, (83, 77))
    tiles = []

    def by_hand(pieces, tags):
        tiles.extend(tags)
        return specimen.by_hand(net, pieces)

    want = tiled(by_hand, x, tile, method.facts)
    got = tiled(lambda pieces, tags: method.restore(pieces, infos(len(pieces))), x, tile, method.facts)
    assert len(tiles) > 1 and float((got - want).abs().max()) <= 1e-6 * scale_of(want)
    whole = tiled(lambda pieces, tags: method.restore(pieces, infos(1)), x, 1024, method.facts)
    assert torch.equal(whole, method.restore(x, infos(1)))


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_on_record(opened, name):
    method, specimen = opened(name)[0], SPECIMENS[name]
    got = summary(method.restore(images(specimen.channels, ODD[0]), infos(1)))
    want = json.loads(Path(RECORD).read_text(encoding="utf-8"))[name]
    assert got == pytest.approx(want, rel=2e-4, abs=2e-4 * max(map(abs, want[2:])))


@torch.no_grad()
@pytest.mark.parametrize("name", ["drunet", "drunet-grey", "fdncnn"])
def test_the_level_of_each_sample_is_fed(opened, name):
    """Not the library's constant 15/255: at sigma 50 the outcome differs from it, and equals the class told 50."""
    method, net = opened(name)
    specimen, x = SPECIMENS[name], images(SPECIMENS[name].channels, (24, 24), 2)
    mixed = method.restore(x, [SampleInfo("a", 50 / 255), SampleInfo("b", 15 / 255)])
    fifty, fifteen = (specimen.by_hand(net, x, sigma / 255) for sigma in (50, 15))
    assert torch.allclose(mixed[0], fifty[0], atol=1e-6 * scale_of(fifty), rtol=0)
    assert torch.allclose(mixed[1], fifteen[1], atol=1e-6 * scale_of(fifteen), rtol=0)
    assert float((fifty[0] - fifteen[0]).abs().max()) > 1e-3 * scale_of(fifty)


@pytest.mark.parametrize("name", ["nafnet", "drunet", "fdncnn", "restormer", "esrgan-x4"])
def test_all_that_is_fed_lies_on_the_network_s_device(opened, name):
    """Torch's meta device computes shapes alone, and refuses tensors that were left on the CPU."""
    method = copy.deepcopy(opened(name)[0]).to("meta")
    y = method.restore(images(3, (17, 21), 2).to("meta"), infos(2))
    assert (y.device.type, y.shape[-1]) == ("meta", 21 * method.facts.scale)


def test_there_are_fourteen_and_more():
    assert len({specimen.architecture for specimen in SPECIMENS.values()}) >= 13 and len(SPECIMENS) >= 14
