"""The Haar transform and what the discriminator sees, against recorded values and what the formulas say."""

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.mssr.discriminator import Discriminator
from methods.mssr.highpass import HighPass
from methods.mssr.wavelet import haar
from tests.helpers.material import material, needs_material


@pytest.fixture
def recorded():
    arrays = np.load(material("golden/mssr/wavelet_filter.npz"))
    return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


def near(got, want, tolerance=1e-12):
    return got.shape == want.shape and float((got - want).abs().max()) < tolerance


@needs_material
def test_recorded_bands(recorded):
    bands = haar(recorded["input"])
    assert all(near(band, recorded[name]) for band, name in zip(bands, ("LL", "LH", "HL", "HH"), strict=True))
    assert near(0.5 * bands[0], recorded["color_filter"])


@needs_material
@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "disc_filter_cat"),
        ({"bands": "sum"}, "disc_filter_sum"),
        ({"filter": "gaussian"}, "filter_high_gau"),
        ({"filter": "average"}, "filter_high_avg_pool"),
    ],
)
def test_recorded_details(recorded, settings, name):
    assert near(Discriminator(8, **settings).double().details(recorded["input"]), recorded[name])


@pytest.mark.parametrize("height, width", [(8, 6), (7, 6), (8, 5), (3, 3)])
def test_bands_hold_all_of_an_image(height, width):
    x = torch.rand(2, 3, height, width, dtype=torch.float64)
    ll, lh, hl, hh = haar(x)
    assert ll.shape == (2, 3, -(-height // 2), -(-width // 2))
    back = x.new_zeros(2, 3, 2 * ll.shape[2], 2 * ll.shape[3])
    for row in (0, 1):
        for column in (0, 1):
            signs = (1 - 2 * row), (1 - 2 * column)
            back[..., row::2, column::2] = (ll + signs[0] * lh + signs[1] * hl + signs[0] * signs[1] * hh) / 2
    assert near(back[..., :height, :width], x)
    # an odd side goes on with the row or column before its last
    if height % 2:
        assert near(back[..., height, :width], x[..., height - 2, :])
    if width % 2:
        assert near(back[..., :height, width], x[..., :, width - 2])


def test_directions():
    rows = torch.tensor([0.0, 1.0]).repeat(2)[:, None].expand(1, 1, 4, 4)
    ll, lh, hl, hh = haar(rows)
    assert torch.all(ll == 1) and torch.all(lh == -1) and not hl.any() and not hh.any()
    assert torch.all(haar(rows.transpose(2, 3))[2] == -1)


def test_details_of_a_flat_image_are_nothing():
    flat = torch.full((1, 3, 8, 8), 0.3)
    for kind in ("wavelet", "average"):
        details = Discriminator(8, filter=kind, gain=8.0, offset=0.25).details(flat)
        assert float((details - 0.25).abs().max()) < 1e-5
    assert float(HighPass(True)(flat)[0][..., 2:-2, 2:-2].abs().max()) < 1e-6


def test_gain_multiplies_what_is_judged():
    x = torch.rand(1, 3, 8, 8)
    one, eight = (Discriminator(8, gain=gain, offset=0.0).details(x) for gain in (1.0, 8.0))
    assert torch.allclose(eight, 8 * one) and one.abs().max() > 0.01


def test_a_second_level_judges_the_details_of_the_means():
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    one, two = (Discriminator(8, levels=levels, gain=1.0, offset=0.0).details(x) for levels in (1, 2))
    assert two.shape == (1, 18, 8, 8) and near(two[:, :9], one)
    assert near(two[:, 9:, ::2, ::2], torch.cat(haar(haar(x)[0])[1:], 1))
    assert near(two[:, 9:, 1::2, 1::2], two[:, 9:, ::2, ::2])


@pytest.mark.parametrize("norm, keys", [("instance", 12), ("batch", 22), ("none", 12)])
def test_norms(norm, keys):
    net = Discriminator(4, norm=norm)
    assert len(net.state_dict()) == keys
    scores = net(torch.rand(2, 3, 16, 16))
    assert scores.shape == (2, 1, 8, 8) and bool(((scores > 0) & (scores < 1)).all())


@pytest.mark.parametrize("layout, side", [("fsd", 16), ("nld1", 12), ("nld2", 2)])
def test_layouts(layout, side):
    assert Discriminator(4, layout=layout)(torch.rand(1, 3, 32, 32)).shape == (1, 1, side, side)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"filter": "wavelets"}, "Did you mean 'wavelet'"),
        ({"norm": "instanse"}, "Did you mean 'instance'"),
        ({"layout": "nld"}, "train.layout"),
        ({"bands": "all"}, "train.bands"),
    ],
)
def test_unknown_settings(settings, message):
    with pytest.raises(UserError, match=message):
        Discriminator(4, **settings)
