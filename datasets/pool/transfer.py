"""From the CPU's memory to a device's."""

from __future__ import annotations

import torch
from torch import Tensor


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device. From the CPU to CUDA it goes through pinned memory, so that nothing waits for it."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def room(device: torch.device) -> float:
    """Bytes that the images of a training may take on a device: all of it on the CPU, half of what is free on CUDA."""
    if device.type != "cuda":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return free // 2
