"""Batches, tiles, ensembles and checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmark.inference.restorer import Restorer, batches, products
from benchmark.inference.settings import InferenceSettings
from benchmark.inference.tiling import spans
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.ops.flips import flip, unflip
from methods.base import Facts, Method, Recipe
from tests.helpers.small_world import GreySquares, Squares, tensor


class Convolution(Method):
    """Two 5x5 convolutions: context 4. Optionally on a grid twice as coarse, and enlarging."""

    name = "convolution"

    def __init__(self, context=4, multiple=1, scale=1) -> None:
        super().__init__(Recipe("convolution", "", "cpu"))
        self.given = Facts(("denoise",), "paired", context=context, multiple=multiple, scale=scale)
        self.tags = []
        state = torch.random.get_rng_state()
        torch.random.default_generator.manual_seed(1)
        self.a, self.b = nn.Conv2d(3, 8, 5, padding=2), nn.Conv2d(8, 3, 5, padding=2)
        torch.random.set_rng_state(state)

    @property
    def facts(self):
        return self.given

    def restore(self, x, info=None):
        self.tags += [i.name for i in info]
        if self.given.multiple == 2:  # every other pixel, in both directions, and back
            return self.b(torch.relu(self.a(x)))[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
        y = self.b(torch.relu(self.a(x)))
        return y.repeat_interleave(self.given.scale, -1).repeat_interleave(self.given.scale, -2)


def sample(name="x", height=40, width=52, dtype=np.float32) -> Sample:
    image = tensor(height, width, 3).numpy()
    image = (image * 255).astype(np.uint8) if dtype == np.uint8 else image
    return Sample(name, image, image, "s")


def one(method, what, **more):
    given = {key: more.pop(key) for key in ("batch_pixels",) if key in more}
    (restored,) = Restorer(method, settings=InferenceSettings(**more), **given)([what])
    return restored.output


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 70), st.integers(20, 70), st.integers(12, 40))
def test_tiles_equal_the_whole_image_where_the_context_is_finite(height, width, tile):
    what = sample(height=height, width=width)
    whole, cut = one(Convolution(), what), one(Convolution(), what, tile=tile)
    np.testing.assert_allclose(cut, whole, rtol=0, atol=2e-6)


def test_tiles_of_a_coarser_grid_keep_the_grid():
    what = sample(height=46, width=58)
    whole, cut = one(Convolution(multiple=2), what), one(Convolution(multiple=2), what, tile=21)
    np.testing.assert_allclose(cut, whole, rtol=0, atol=2e-6)


def test_tiles_with_a_scale():
    what = sample()
    np.testing.assert_allclose(one(Convolution(scale=3), what, tile=20), one(Convolution(scale=3), what), atol=2e-6)


def test_too_little_context_is_seen():
    """The property above can fail: a method that claims less context than it has shows seams."""
    what = sample()
    assert np.abs(one(Convolution(context=1), what, tile=16) - one(Convolution(context=1), what)).max() > 1e-3


def test_tiles_without_a_finite_context_are_faded():
    what = sample(height=70, width=70)
    whole, cut = one(Convolution(context=None), what), one(Convolution(context=None), what, tile=32)
    assert cut.shape == whole.shape and np.abs(cut - whole).mean() < 0.02
    flat = replace(what, degraded=np.full((70, 70, 3), 0.5, np.float32))

    class Same(Convolution):
        def restore(self, x, info=None):
            return x

    np.testing.assert_allclose(one(Same(context=None), flat, tile=32), 0.5, atol=1e-6)


def test_a_method_says_how_far_its_tiles_are_faded():
    """Half of the tiles' outputs are 0, half are 1: the step between them is as wide as the fade, and not wider."""

    class Steps(Convolution):
        def restore(self, x, info=None):
            return torch.stack([torch.full_like(one, float(k % 2)) for k, one in enumerate(x)])

    def width(fade):
        method = Steps(context=None)
        method.given = replace(method.facts, fade=fade)
        flat = replace(sample(height=32, width=200), degraded=np.full((32, 200, 3), 0.5, np.float32))
        row = one(method, flat, tile=128)[16, :, 0]
        return np.count_nonzero((row > 0) & (row < 1))

    assert 0 < width(4) <= 8 < width(None) <= 32
    assert width(100) == width(None)  # no more than an eighth of a tile


def test_a_tile_without_room_for_a_core_is_refused():
    with pytest.raises(UserError, match="--tile 12 or more"):
        one(Convolution(), sample(), tile=8)


@given(st.integers(1, 300), st.integers(12, 80), st.integers(0, 5), st.sampled_from([1, 2, 4, 16]))
def test_cores_cover_an_axis_once(side, tile, context, multiple):
    if tile - 2 * (-(-context // multiple) * multiple) < multiple:
        return
    found = spans(side, tile, context, multiple)
    covered = [k for span in found for k in range(span.core_low, span.core_high)]
    assert covered == list(range(side))
    assert all(span.low <= span.core_low and span.core_high <= span.high for span in found)
    assert all(span.low % multiple == 0 for span in found)
    assert len({span.high - span.low for span in found}) == 1 and found[0].high < tile + multiple
    margin = -(-context // multiple) * multiple
    assert all(span.core_low - span.low >= margin for span in found[1:])
    assert all(span.high - span.core_high >= margin for span in found[:-1])


@pytest.mark.parametrize(("height", "width"), [(3000, 4000), (1500, 2000), (4000, 6000), (513, 700), (2049, 1025)])
@pytest.mark.parametrize("multiple", [1, 8])
def test_few_pixels_are_computed_twice(height, width, multiple):
    needed, computed = height * width, 1
    for side in (height, width):
        computed *= sum(span.high - span.low for span in spans(side, 512, 8, multiple))
    assert computed / needed <= 1.1


def test_tiles_of_one_image_are_restored_together():
    sizes = []

    class Counting(Convolution):
        def restore(self, x, info=None):
            sizes.append(tuple(x.shape))
            assert len(info) == len(x)
            return super().restore(x, info)

    what = sample(height=60, width=70)
    together = one(Counting(), what, tile=24, batch_pixels=4 * 24 * 24)
    apart = one(Convolution(), what, tile=24, batch_pixels=1)
    assert max(shape[0] for shape in sizes) >= 4
    np.testing.assert_allclose(together, apart, atol=1e-6)


def test_the_ensemble_is_the_mean_over_eight_views():
    what, method = sample(), Convolution().eval()
    x = torch.from_numpy(what.degraded).permute(2, 0, 1)[None]
    with torch.no_grad():
        views = [unflip(method.b(torch.relu(method.a(flip(x, m)))), m) for m in range(8)]
    expected = torch.stack(views).mean(0)[0].permute(1, 2, 0).numpy()
    before = what.degraded.copy()
    np.testing.assert_allclose(one(method, what, ensemble=True), expected, atol=1e-6)
    np.testing.assert_array_equal(what.degraded, before)


def test_tiles_and_views_have_names_of_their_own():
    method = Convolution()
    one(method, sample(), tile=28, ensemble=True)
    assert len(set(method.tags)) == len(method.tags) > 8
    assert "x#flip3#tile0,0" in method.tags


def test_batches_hold_neighbours_of_one_size():
    samples = [sample(str(k), 10, 10 if k < 5 else 12) for k in range(8)]
    found = [[s.name for s in b] for b in batches(samples, lambda: 200)]
    assert found == [["0", "1"], ["2", "3"], ["4"], ["5"], ["6"], ["7"]]


@pytest.mark.parametrize("pixels", [1, 1000, 1 << 20])
def test_the_batch_size_changes_nothing(pixels):
    names = [r.sample.name for r in Restorer(Convolution(), batch_pixels=pixels)(Squares(None))]
    assert names == [s.name for s in Squares(None)]
    alone = [r.output for r in Restorer(Convolution(), batch_pixels=1)(Squares(None))]
    together = [r.output for r in Restorer(Convolution(), batch_pixels=pixels)(Squares(None))]
    np.testing.assert_allclose(np.stack(alone), np.stack(together), atol=1e-6)


def test_bytes_are_divided_by_255():
    class Same(Convolution):
        def restore(self, x, info=None):
            return x

    what = sample(dtype=np.uint8)
    np.testing.assert_array_equal(one(Same(), what), what.degraded.astype(np.float32) / np.float32(255))


def test_channels_last_changes_the_layout_only():
    what = sample()
    np.testing.assert_allclose(one(Convolution(), what, channels_last="on"), one(Convolution(), what), atol=1e-6)


class Normalised(Convolution):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(self.a, nn.BatchNorm2d(8))
        self.a[1].running_var.fill_(0.3)
        self.a[1].running_mean.fill_(0.1)


def test_folding_is_off_by_exact_and_leaves_the_method_alone():
    method, what = Normalised(), sample()
    fast = one(method, what)
    assert isinstance(method.a[1], nn.BatchNorm2d)
    exact = one(method, what, exact=True)
    np.testing.assert_allclose(fast, exact, atol=1e-6)
    x = torch.from_numpy(what.degraded).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        np.testing.assert_array_equal(exact, method.b(torch.relu(method.a(x)))[0].permute(1, 2, 0).numpy())


def test_bf16_is_close_and_not_the_same():
    what = sample()
    half, full = one(Convolution(), what, precision="bf16"), one(Convolution(), what)
    assert half.dtype == np.float32 and 0 < np.abs(half - full).max() < 0.05


def test_grey_as_rgb():
    grey = next(iter(GreySquares(None)))
    output = one(Convolution(), grey, grey_as_rgb=True)
    wide = replace(grey, degraded=np.repeat(grey.degraded, 3, 2))
    np.testing.assert_allclose(output, one(Convolution(), wide).mean(2, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda x: (x, x, x), "a tuple of 3; name the one to score by output="),
        (lambda x: x.numpy(), "returned ndarray"),
        (lambda x: x[..., 1:], "has the shape"),
    ],
)
def test_wrong_results_are_named(result, words):
    class Wrong(Convolution):
        def restore(self, x, info=None):
            return result(x)

    with pytest.raises(UserError, match=words.replace("(", "\\(")):
        one(Wrong(), sample())


def test_tf32_is_off_inside_and_put_back_after():
    before = torch.backends.cudnn.allow_tf32
    with products(False):
        assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_method_that_senses_measures_the_clean_image():
    class Senses(Convolution):
        def measure(self, clean):
            return clean * 0 + 0.25

        def restore(self, x, info=None):
            return x + 0.5

    what = replace(sample(), degraded=None)
    np.testing.assert_allclose(one(Senses(), what), 0.75)


def test_speed_leaves_the_first_batch_out():
    restorer = Restorer(Convolution(), batch_pixels=480)
    list(restorer(Squares(None)))
    assert restorer.pixels == 11 * 480 and restorer.speed > 0


def test_an_unknown_precision_is_refused():
    with pytest.raises(UserError, match="fp32"):
        Restorer(Convolution(), settings=InferenceSettings(precision="fp16"))
