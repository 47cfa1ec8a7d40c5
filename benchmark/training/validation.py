"""Scoring a stage on validation data: mean PSNR in dB of the clamped float output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.cell import Report
from benchmark.scoring.metrics import psnr
from datasets.base import Dataset, Sample
from datasets.ops.errors import UserError
from methods.base import Method, SampleInfo, Stage


def validate(
    stage: Stage, method: Method, dataset: Dataset, device: torch.device, seed: int = 0, report: Report = None
) -> float:
    """Mean over the images of the PSNR over all pixels and channels, output clamped to [0, 1], nothing rounded.

    The networks' train or eval modes are afterwards what they were before.
    """
    modes = [(module, module.training) for net in stage.networks.values() for module in net.modules()]
    try:
        with torch.no_grad():
            restore = stage.restorer()
            scores = []
            for number, sample in enumerate(dataset, 1):
                scores.append(_score(restore, method, sample, device, seed))
                if report:
                    report(f"validating {stage.name}", number, len(dataset))
    finally:
        for module, training in modes:
            module.training = training
    finite = [min(score, 100.0) for score in scores]
    return sum(finite) / len(finite)


def _score(restore: Any, method: Method, sample: Sample, device: torch.device, seed: int) -> float:
    if sample.clean is None:
        raise UserError(f"Validation needs clean images, and {sample.name!r} has none; choose another validation set.")
    info = [SampleInfo(sample.name, sample.noise_level, seed, sample.meta)]
    if sample.degraded is None:
        x = method.measure(_tensor(sample.clean, device))  # type: ignore[operator]  # methods.base.Senses
    else:
        x = _tensor(sample.degraded, device)
    output = restore(x, info)[0].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    if sample.degraded is None:  # measured with padding
        output = output[: sample.clean.shape[0], : sample.clean.shape[1]]
    score = psnr(output.astype(np.float64), _unit(sample.clean).astype(np.float64), 1.0)
    if math.isnan(score):
        raise UserError(f"The restored validation image {sample.name!r} is not finite; train with a smaller rate.")
    return score


def _unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / np.float32(255) if image.dtype == np.uint8 else image


def _tensor(image: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(_unit(image).transpose(2, 0, 1)))[None].to(device)
