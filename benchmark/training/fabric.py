"""What a training runs on: processes and device (Lightning Fabric), numerics, and disk errors in one sentence."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmark.environment import deterministic, device
from benchmark.inference.memory import keep_freed_memory
from benchmark.inference.restorer import products
from benchmark.training.settings import TrainSettings
from datasets.core.errors import UserError


def launch_fabric(settings: TrainSettings) -> Any:
    """Lightning Fabric for this process, launched.

    One process by default; several where the program was started by ``torchrun``, which sets their number.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment

    where = device(settings.device)
    world, here = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    several = world > 1
    single: Any = [where.index or 0] if where.type == "cuda" else 1
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning_fabric")
        fabric = Fabric(
            accelerator=where.type,
            devices=here if several else single,
            num_nodes=world // here if several else 1,
            strategy="ddp" if several else "auto",
            # One process is one, whatever a scheduler has started beside it.
            plugins=None if several else LightningEnvironment(),
            precision="bf16-mixed" if settings.precision == "bf16" else "32-true",
        )
        fabric.launch()
    if several:
        # Gloo's threads, if they still run when the program ends, may abort it.
        atexit.register(lambda: torch.distributed.is_initialized() and torch.distributed.destroy_process_group())
    return fabric


def now(device: torch.device) -> float:
    """Seconds of a clock, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@contextmanager
def numerics(settings: TrainSettings) -> Iterator[None]:
    """TF32 and determinism as asked for, memory kept between steps; torch's own generators are put back afterwards."""
    keep_freed_memory()
    gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(gpus), products(settings.tf32), deterministic(settings.deterministic):
        yield


@contextmanager
def disk_errors_explained(folder: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise UserError(
            f"The training could not write {error.filename or folder}: {error.strerror}; make room or choose another "
            "--results folder, then give the same command again: it goes on from the last checkpoint."
        ) from error
