"""Where jobs run and how many at a time: what a person chooses beside the cells themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENGINES = ("auto", "here", "local", "gpus", "ray", "slurm")


@dataclass(frozen=True)
class EngineSettings:
    """Where jobs run; none of it changes a pixel but for `threads`, which may move the last bits.

    Attributes:
        engine: one of ENGINES. workers: processes of `local`; 0 = one per GPU, or one on a CPU.
        threads: of torch in each job; 0 = the processors shared equally among the workers.
        isolate: run built-in methods in a worker too, as plug-ins always are.
        timeout: minutes without a sign of progress after which a job is ended; 0 = never. It needs a worker.
        memory: most memory of one worker on a CPU, in GB; 0 = what is free when it starts.
        address: of a Ray cluster; '' = one of its own, on this machine.
        slurm: parameters of the jobs, such as ``partition``; see benchmark.runs.engines.slurm.
        wait: whether `slurm` waits for its jobs.
    """

    engine: str = "auto"
    workers: int = 0
    threads: int = 0
    isolate: bool = False
    timeout: float = 0.0
    memory: float = 0.0
    address: str = ""
    slurm: Mapping[str, str] = field(default_factory=dict)
    wait: bool = False
