"""Changes of the surroundings that must not move a figure: what the tolerances are derived from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmark.inference.settings import InferenceSettings


@dataclass(frozen=True)
class Variation:
    """One way to run the same code.

    Attributes:
        name: in tables. threads: of torch and OpenCV, 0 = as they are.
        batch: images restored together, 0 = as `run` does. inference: how methods are applied. onednn: whether torch
            uses it.
        environment: variables that libraries read when they start, so that a process of its own is needed.
    """

    name: str
    threads: int = 0
    batch: int = 0
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    onednn: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


def _instructions(torch: str, onednn: str, opencv: str, numpy: str, blas: str) -> dict[str, str]:
    """What makes each library do as on an older processor; names that a library does not know are ignored by it."""
    return {
        "ATEN_CPU_CAPABILITY": torch,
        "ONEDNN_MAX_CPU_ISA": onednn,
        "OPENCV_CPU_DISABLE": opencv,
        "NPY_DISABLE_CPU_FEATURES": numpy,
        "OPENBLAS_CORETYPE": blas,
    }


PLAIN = Variation("as it is")
VARIATIONS = (
    Variation("one thread", threads=1),
    Variation("two threads", threads=2),
    Variation("one image at a time", batch=1),
    Variation("four images at a time", batch=4),
    Variation("channels last", inference=InferenceSettings(channels_last="on")),
    Variation("without oneDNN", onednn=False),
    Variation(
        "a processor with AVX2 only",
        environment=_instructions("avx2", "AVX2", "AVX512-SKX", "X86_V4 AVX512_ICL AVX512_SPR", "Haswell"),
    ),
    Variation(
        "a processor without AVX",
        environment=_instructions(
            "default", "SSE41", "AVX512-SKX,AVX2,FP16,AVX", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR", "Nehalem"
        ),
    ),
)


@contextmanager
def applied(variation: Variation) -> Iterator[None]:
    """Threads and libraries as the variation says; the former state comes back. Its environment is `started_with`'s."""
    import cv2
    import torch

    onednn: Any = torch.backends.mkldnn
    before = torch.get_num_threads(), cv2.getNumThreads(), onednn.enabled
    if variation.threads:
        torch.set_num_threads(variation.threads)
        cv2.setNumThreads(variation.threads)
    try:
        onednn.enabled = onednn.enabled and variation.onednn
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
        onednn.enabled = before[2]


@contextmanager
def started_with(environment: Mapping[str, str]) -> Iterator[None]:
    """Processes that are started meanwhile see these variables."""
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None)
            os.environ.update({} if value is None else {key: value})
