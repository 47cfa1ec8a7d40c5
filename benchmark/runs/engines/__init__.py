"""Where jobs run: in this process, in workers on this machine, on a Ray cluster. One interface (jobs.py), one queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.runs.engines.settings import ENGINES, EngineSettings
from datasets.core.errors import UserError
from datasets.core.registry import unknown

if TYPE_CHECKING:  # the command line reads the settings; whoever only asks for help does not wait for torch
    from benchmark.progress import Report
    from benchmark.runs.config import RunConfig
    from benchmark.runs.engines.jobs import Engine


def engine_of(settings: EngineSettings, config: RunConfig, report: Report = None) -> Engine:
    """The engine that was asked for.

    ``auto`` is `local` where workers are asked for, or the device is auto or cuda and there are several GPUs; else
    `here`. ``gpus`` is `local` with a worker for each GPU.

    Raises:
        UserError: an unknown engine; Ray, or a GPU, that is not there. `slurm` takes whole plans, not single jobs.
    """
    from benchmark.runs.engines.here import Here
    from benchmark.runs.engines.local import Local

    if settings.engine not in ENGINES:
        raise unknown("engine", settings.engine, ENGINES)
    gpus = _gpus() if config.device in ("auto", "cuda") and settings.engine != "here" else 0
    if settings.engine == "gpus" and not gpus:
        raise UserError("The engine 'gpus' needs a CUDA device, and torch sees none; use the engine 'here'.")
    if settings.engine == "ray":
        from benchmark.runs.engines.ray_cluster import RayCluster

        return RayCluster(settings, config, report)
    if settings.engine == "here" or (settings.engine == "auto" and not settings.workers and gpus < 2):
        return Here(settings, config, report)
    count = settings.workers or gpus or 1
    devices = [f"cuda:{index % gpus}" if gpus else config.device for index in range(count)]
    return Local(settings, config, devices, report)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()
