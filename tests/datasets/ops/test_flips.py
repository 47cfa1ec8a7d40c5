"""The eight turns: numbering, inverses, tensors against arrays."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from datasets.ops.flips import INVERSE, MODES, flip, unflip
from datasets.ops.isp import CFAS, mosaic
from tests.helpers.material import material, needs_material

modes = st.sampled_from(MODES)
sides = st.integers(1, 7)


@needs_material
@pytest.mark.parametrize("mode", MODES)
def test_numbering_is_the_official_one(mode):
    golden = np.load(material("golden/scpgan/augment_modes.npz"))
    np.testing.assert_array_equal(flip(golden["input"], mode), golden[f"mode_{mode}"])


@given(modes, sides, sides)
def test_inverse_is_exact(mode, height, width):
    image = np.arange(height * width * 3).reshape(height, width, 3)
    np.testing.assert_array_equal(unflip(flip(image, mode), mode), image)
    np.testing.assert_array_equal(flip(unflip(image, mode), mode), image)
    tensor = torch.from_numpy(image)
    assert torch.equal(unflip(flip(tensor, mode), mode), tensor)


@given(modes, sides, sides)
def test_tensors_turn_like_arrays(mode, height, width):
    image = np.arange(height * width * 3).reshape(height, width, 3)
    turned = flip(torch.from_numpy(image).permute(2, 0, 1)[None].contiguous(), mode)
    np.testing.assert_array_equal(turned[0].permute(1, 2, 0).numpy(), flip(image, mode))
    assert turned.is_contiguous()
    assert flip(image, mode).flags.c_contiguous


def test_the_eight_are_different_and_closed():
    image = np.arange(9).reshape(3, 3)
    turned = {flip(image, mode).tobytes() for mode in MODES}
    assert len(turned) == 8
    assert {flip(flip(image, a), b).tobytes() for a in MODES for b in MODES} == turned
    assert [INVERSE[INVERSE[m]] for m in MODES] == list(MODES)


@given(modes, st.sampled_from(sorted(CFAS)))
def test_filter_array_turns_with_its_mosaic(mode, name):
    rgb = np.random.default_rng(1).random((6, 8, 3))
    cell = flip(np.reshape(CFAS[name], (2, 2)), mode).ravel()
    np.testing.assert_array_equal(flip(mosaic(rgb, CFAS[name]), mode), mosaic(flip(rgb, mode), cell))


@pytest.mark.parametrize("mode", [-1, 8])
def test_other_modes_are_refused(mode):
    with pytest.raises(ValueError, match="0 to 7"):
        flip(np.zeros((2, 2)), mode)
    with pytest.raises(ValueError, match="0 to 7"):
        unflip(np.zeros((2, 2)), mode)
