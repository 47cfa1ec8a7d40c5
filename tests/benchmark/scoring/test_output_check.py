"""The one check of outputs: what is refused, in which words, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import benchmark
from benchmark.scoring.output_check import check_form, check_output, check_values
from datasets.core.errors import UserError

REFERENCE = np.random.default_rng(0).uniform(0.2, 0.7, (12, 10, 3)).astype(np.float32)
SHAPE = REFERENCE.shape


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (REFERENCE > 0.5, "the type bool"),
        (REFERENCE.astype(np.complex64), "the type complex64"),
        ((REFERENCE * 65535).astype(np.uint16), "the type uint16"),
        ((REFERENCE * 255).astype(np.int64), "the type int64"),
        (REFERENCE.astype(object), "the type object"),
        (REFERENCE[1:], r"the shape \(11, 10, 3\), where \(12, 10, 3\)"),
        (REFERENCE.swapaxes(0, 1), r"the shape \(10, 12, 3\)"),
        (np.where(REFERENCE > 0.69, np.nan, REFERENCE), "holds NaN or infinite values"),
        (np.where(REFERENCE > 0.69, -np.inf, REFERENCE), "holds NaN or infinite values"),
        (REFERENCE * 255, r"values from 5\d\.\d* to 17\d\.\d*, where white is 1: divide by 255"),
        (REFERENCE.astype(np.float64) * 4095, "divide by 4095"),
        (REFERENCE * 65535, "divide by 65535"),
    ],
)
def test_what_is_refused(output, words) -> None:
    with pytest.raises(UserError, match=words):
        check_output(output, REFERENCE, SHAPE, "The output a.npy")


@pytest.mark.parametrize(
    "output",
    [
        REFERENCE,
        REFERENCE.astype(np.float64),
        REFERENCE.astype(np.float16),
        REFERENCE + np.float32(0.6),  # overshoots
        REFERENCE * 0,
        (REFERENCE - 0.5) * 40,  # a bad network: around black, on no scale
        REFERENCE * 2 - 1,
        (REFERENCE * 255).astype(np.uint8),
    ],
)
def test_what_is_an_image_however_bad(output) -> None:
    found = check_output(output, REFERENCE, SHAPE, "The output a.npy")
    assert found.dtype == (np.uint8 if output.dtype == np.uint8 else np.float32) and found.shape == SHAPE


def test_dark_pictures_on_255_are_told_by_what_they_come_from() -> None:
    dark = REFERENCE * np.float32(0.02)
    with pytest.raises(UserError, match="divide by 255"):
        check_values(dark * 255, dark, "It")
    check_values(REFERENCE * np.float32(1.9), REFERENCE, "It")


def test_the_reference_may_have_8_or_16_bits_and_another_size() -> None:
    for reference in ((REFERENCE * 255).astype(np.uint8), (REFERENCE[::2] * 65535).astype(np.uint16)):
        check_values(REFERENCE, reference, "It")
        with pytest.raises(UserError, match="divide by 255"):
            check_values(REFERENCE * 255, reference, "It")


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.complex64, torch.int64])
def test_tensors_of_other_types(kind) -> None:
    with pytest.raises(UserError, match=f"the type {str(kind).removeprefix('torch.')}"):
        check_form(torch.zeros(1, 3, 4, 4).to(kind), (1, 3, 4, 4), "It")
    for good in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        check_form(torch.zeros(1, 3, 4, 4, dtype=good), (1, 3, 4, 4), "It")


def test_arrays_handed_to_score() -> None:
    """Case 3: the same for arrays."""
    with pytest.raises(UserError, match="from .* to .*, where white is 1: divide by 255"):
        benchmark.score(REFERENCE * 255, REFERENCE, "float-gauss")
    for wrong in (REFERENCE > 0.5, REFERENCE.astype(np.complex64)):
        with pytest.raises(UserError, match="uint8, float32 or float64"):
            benchmark.score(wrong, REFERENCE, "float-gauss")
