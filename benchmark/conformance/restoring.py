"""Checks on `Method.restore`: its output, what that may depend on, and what must stay unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.conformance.subject import (
    ROUNDING,
    Subject,
    changed,
    expect,
    gap,
    global_seeds,
    global_state,
    infos,
    restore,
    same,
    snapshot,
)

# Untrained networks may be far off, but a figure like this comes from a division by zero or a forgotten scaling.
ABSURD = 1e4
# What to do about a result that varies.
KEYED = "Draw with info.draw(key, shape), which depends on the noise seed and the image's name alone."


def shape(subject: Subject) -> str:
    """One float32 tensor of the input's size times the scale, finite and of a sane range, for odd sides too."""
    method, x = subject.stirred(), subject.images(2)
    out: Any = restore(method, x)
    expect(isinstance(out, Tensor), f"restore() must return one tensor; it returned a {type(out).__name__}.")
    n, c, h, w = x.shape
    expected = (n, c, h * method.facts.scale, w * method.facts.scale)
    expect(tuple(out.shape) == expected, f"For {tuple(x.shape)} expected {expected}, got {tuple(out.shape)}.")
    expect(out.dtype == x.dtype, f"Expected {x.dtype}, got {out.dtype}.")
    expect(bool(torch.isfinite(out).all()), "The output holds NaN or infinite values.")
    peak = float(out.abs().max())
    expect(peak < ABSURD, f"Values up to {peak:.3g} for an image in [0, 1].")
    return f"{tuple(x.shape)} -> {expected}, values in [{float(out.min()):.3g}, {float(out.max()):.3g}]"


def determinism(subject: Subject) -> str:
    """The same image under the same name gives the same bits."""
    method, x = subject.stirred(), subject.images()
    first, second = restore(method, x), restore(method, x)
    expect(same(first, second), f"Two runs on one image differ by up to {gap(first, second):.3g}. {KEYED}")
    return "two runs are bit-identical"


def batch(subject: Subject) -> str:
    """An image's result does not depend on its neighbours in the batch, nor on its place."""
    method, x, info = subject.stirred(), subject.images(3), infos(3)
    whole = restore(method, x, info)
    alone = torch.cat([restore(method, x[i : i + 1], [info[i]]) for i in range(3)])
    turned = restore(method, x.flip(0), info[::-1]).flip(0)
    most = max(gap(whole, alone), gap(whole, turned)) / max(1.0, float(whole.abs().max()))
    expect(most < ROUNDING, f"In a batch of three an image differs by {most:.3g} from the image alone. {KEYED}")
    return f"largest difference {most:.2g} (rounding)"


def untouched_input(subject: Subject) -> str:
    """restore() leaves the tensor that it was given as it was."""
    method, x = subject.stirred(), subject.images()
    before = x.clone()
    with torch.no_grad():
        method.restore(x, infos(1))
    expect(same(before, x), "restore() changed its input in place; work on a copy.")
    return "the input is unchanged"


def eval_mode(subject: Subject) -> str:
    """In eval mode restoring changes no weight and no statistic, and a detour through train mode leaves no trace."""
    method, x = subject.stirred(), subject.images(2)
    before = snapshot(method)
    first = restore(method, x)
    moved = changed(before, snapshot(method))
    expect(not moved, f"restore() in eval mode changed {', '.join(moved[:3])}; batch statistics must stay.")
    training = [name or "the method" for name, module in method.named_modules() if module.training]
    expect(not training, f"restore() left {', '.join(training[:3])} in train mode.")
    method.train()
    method.eval()
    expect(same(first, restore(method, x)), "After train() and eval() the same image gives another result.")
    return "weights, statistics and modes stay as they are"


def randomness(subject: Subject) -> str:
    """Restoring neither reads nor moves the global generators of torch, numpy and random."""
    method, x = subject.stirred(), subject.images()
    outputs = []
    for seed in (1, 2):
        with global_seeds(seed):
            before = global_state()
            outputs.append(restore(method, x))
            after = global_state()
        same_numpy = before[1][2] == after[1][2] and np.array_equal(before[1][1], after[1][1])  # position and key
        unmoved = {"torch": torch.equal(before[0], after[0]), "numpy": same_numpy, "random": before[2] == after[2]}
        moved = [name for name, flag in unmoved.items() if not flag]
        expect(not moved, f"restore() draws from the global generator of {' and '.join(moved)}. {KEYED}")
    expect(same(*outputs), f"The result depends on the global seed. {KEYED}")
    return "global generators are neither read nor moved"


def tiles(subject: Subject) -> str:
    """An output pixel depends on no more surroundings than `facts.context` says."""
    method = subject.stirred()
    context = method.facts.context
    if context is None:
        return "the method says that it sees the whole image"
    multiple = method.facts.multiple
    border = -(-context // multiple) * multiple  # a tile starts at a multiple, as the harness cuts it
    side = max(2 * border + 4 * multiple, method.facts.min_side)
    x = subject.images(1, side + 2 * border + 2 * multiple, side + border)
    if not same(restore(method, x), restore(method, x, infos(1, first=1))):
        return "not decidable: the result has random draws, which differ from tile to tile"
    tile = restore(method, x[..., multiple : multiple + side, :side])
    s = method.facts.scale
    inner = tile[..., border * s : -border * s or None, : -border * s or None]
    whole = restore(method, x)[..., (multiple + border) * s :, :][..., : inner.shape[-2], : inner.shape[-1]]
    most = gap(inner, whole) / max(1.0, float(whole.abs().max()))
    expect(
        most < ROUNDING, f"A tile with {context} pixels around it differs by {most:.3g}: facts.context is too small."
    )
    return f"with {context} pixels of surroundings tiles agree to {most:.2g}"
