"""What the last bits of a training's arithmetic depend on beside its identity, and what is said where that changed."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from benchmark.training.settings import TrainSettings


def surroundings(device: torch.device, settings: TrainSettings, processes: int, layout: str) -> dict[str, str]:
    """Threads, kind of device, instruction set, torch's version ... of this process, as a checkpoint keeps them."""
    gpu = device.type == "cuda"
    return {
        "threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name(device) if gpu else device.type,
        "instruction set": torch.backends.cpu.get_cpu_capability(),
        "torch": str(torch.__version__),
        "deterministic": str(settings.deterministic),
        "processes": str(processes),
        "layout": layout,
    }


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """In what two differ, in words: ``threads 2, then 1``; '' where a resume is exact, and where nothing is known."""
    return ", ".join(
        f"{key} {before[key]}, then {value}" for key, value in now.items() if before.get(key, value) != value
    )
