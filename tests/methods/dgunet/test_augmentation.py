"""What is done to training patches: against Pillow, and against a literal reading of the official code's effect."""

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from datasets.core.errors import UserError
from datasets.ops.colour import matlab_y
from datasets.ops.flips import flip
from datasets.ops.noise import keyed_generator
from datasets.streams import AUGMENTS
from methods.base import SampleInfo
from methods.dgunet.augmentation import jitter, rows_and_transposes, saturate, training_luma
from methods.dgunet.patches import Patches, preparation


def levels(seed, shape=(2, 3, 12, 10)):
    return torch.from_numpy(keyed_generator("levels", seed).integers(0, 256, shape)).float()


@pytest.mark.parametrize("factor", [0.8, 0.93, 1.0, 1.07, 1.2])
def test_saturation_is_pillow_s(factor):
    x = levels(0)
    got = (saturate(x / 255, torch.tensor([factor, 1.0])) * 255).round()
    picture = Image.fromarray(x[0].permute(1, 2, 0).numpy().astype(np.uint8))
    want = np.asarray(ImageEnhance.Color(picture).enhance(factor)).astype(np.float32)
    # Pillow computes in float32 in another order, which may move a value across a whole level
    apart = np.abs(got[0].permute(1, 2, 0).numpy() - want)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.02
    assert torch.equal(got[1], x[1])


def test_jitter_takes_a_third_of_the_pairs_and_one_factor_for_both():
    clean = levels(1, (3, 3, 8, 8)) / 255
    draws = torch.tensor([[0.1, 0.9], [0.5, 0.9], [0.9, 0.0]])
    degraded, sharp = jitter((1 - clean, clean), draws, 0.2)
    assert torch.equal(sharp[:2], clean[:2]) and torch.equal(degraded[:2], (1 - clean)[:2])
    assert torch.equal(sharp[2:], saturate(clean[2:], torch.tensor([1.2])))
    assert torch.equal(degraded[2:], saturate((1 - clean)[2:], torch.tensor([1.2])))
    uniform = torch.from_numpy(keyed_generator("j").random((3000, 2), np.float32))
    colour = (torch.tensor([200.0, 120.0, 50.0]) / 255).view(1, 3, 1, 1).repeat(3000, 1, 1, 1)
    changed = (jitter((colour, colour), uniform, 0.2)[0] != colour).any(dim=1)
    assert 0.3 < changed.float().mean() < 0.36


def official(x, a):
    """Flip rows (1) or columns (2), turn once to three times (3 to 5), flip rows or columns and turn (6, 7)."""
    flipped = {1: x.flip(1), 2: x.flip(2), 6: x.flip(1), 7: x.flip(2)}.get(a, x)
    return torch.rot90(flipped, {3: 1, 4: 2, 5: 3, 6: 1, 7: 1}.get(a, 0), (1, 2))


def test_nine_draws_of_the_official_flips():
    x = torch.arange(16.0).view(1, 4, 4)
    assert len(AUGMENTS["flips9"]) == 9
    for a, mode in enumerate(AUGMENTS["flips9"]):
        assert torch.equal(flip(x, mode), official(x, a)), a
    assert sorted(AUGMENTS["flips8"]) == sorted(set(AUGMENTS["flips9"]))


def test_flips_of_the_sensing_code():
    x = torch.arange(9.0).view(1, 1, 3, 3).repeat(400, 1, 1, 1)
    draws = torch.from_numpy(keyed_generator("flips").random((400, 2), np.float32))
    seen = Counter(tuple(image.flatten().tolist()) for image in rows_and_transposes(x, draws))
    one = x[0, 0]
    meant = [one, one.flip(0), one.T, one.flip(0).T]
    assert seen.keys() == {tuple(image.flatten().tolist()) for image in meant}
    assert min(seen.values()) > 70
    assert tuple(one.flip(1).flatten().tolist()) not in seen


def test_luma_of_the_sensing_code():
    x = levels(2) / 255
    got = training_luma(x)[:, 0] * 255
    want = matlab_y(levels(2).permute(0, 2, 3, 1).numpy().astype(np.float64))
    np.testing.assert_allclose(got.numpy(), want, atol=1e-4)
    assert training_luma(x[:, :1]) is not None and torch.equal(training_luma(x[:, :1]), x[:, :1])
    black, white = training_luma(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)).flatten().tolist()
    assert (black, white) == pytest.approx((16 / 255, 235 / 255))


def test_patches_are_cut_alike_from_both():
    degraded = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    arrays = {"degraded": degraded, "clean": 255 - degraded}
    made = Patches(30, 16)(arrays, SampleInfo("a"), keyed_generator(3))
    assert len(made) == 30 and len({m["clean"].tobytes() for m in made}) > 25
    for members in made:
        assert members["degraded"].shape == (16, 16, 3)
        np.testing.assert_array_equal(members["degraded"], 255 - members["clean"])
    whole = Patches(2, 40)({"clean": degraded[:, :40]}, SampleInfo("a"), keyed_generator(3))
    np.testing.assert_array_equal(whole[0]["clean"], degraded[:, :40])
    with pytest.raises(UserError, match="64x64 cannot be cut from a of 40x50"):
        Patches(1, 64)(arrays, SampleInfo("a"), keyed_generator(3))
    assert preparation(0, 256) is None
    assert preparation(3, 8).key == ["Patches", {"count": 3, "side": 8}]
