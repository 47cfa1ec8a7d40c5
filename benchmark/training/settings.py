"""How a training runs: its budget, seed, device and arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.inference.settings import LAYOUTS, InferenceSettings
from datasets.core.errors import UserError
from datasets.core.registry import unknown


@dataclass(frozen=True)
class TrainSettings:
    """What a person chooses beside method, recipe and data.

    Attributes:
        steps: in all, over all stages by equal shares; None = the recipe's.
        minutes: of training proper (preparing the data comes on top); turned into steps once, after 50 of them.
        seed: of initial weights, order of the data and every draw.
        device: auto, cpu, cuda or cuda:i. precision: fp32, or bf16 (autocast). tf32: allow TF32 products on CUDA.
        channels_last: memory layout of batches and weights: on, off, or auto, which is on on a CPU, where it is faster;
            a training goes on in the layout that it began in. deterministic: torch's deterministic algorithms, or an
            error.
        checkpoint_seconds, checkpoint_steps: how often last.pt is written; 0 steps = by time alone.
        tensorboard: also log for TensorBoard where it is installed. force: train from the start, whatever is there.
    """

    steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    tf32: bool = False
    deterministic: bool = False
    checkpoint_seconds: float = 60.0
    checkpoint_steps: int = 0
    tensorboard: bool = True
    force: bool = False
    channels_last: str = "auto"

    def __post_init__(self) -> None:
        if self.steps is not None and self.minutes is not None:
            raise UserError("A training has one budget: give --steps or --minutes, not both.")
        for name, value in (("steps", self.steps), ("minutes", self.minutes)):
            if value is not None and value <= 0:
                raise UserError(f"--{name} must be more than 0; it is {value}.")
        if self.precision not in ("fp32", "bf16"):
            raise UserError(f"--precision is fp32 or bf16, not {self.precision!r}.")

        if self.channels_last not in LAYOUTS:
            raise unknown("value of --channels-last", self.channels_last, LAYOUTS)

    @property
    def inference(self) -> InferenceSettings:
        """How validation images are restored: in float32, so that scores of trainings in bf16 compare with others."""
        return InferenceSettings(tf32=self.tf32, noise_seed=self.seed)

    @property
    def arithmetic(self) -> str:
        """Precision as a card shows it: ``fp32``, ``fp32, tf32``, ``bf16`` ..."""
        return self.precision + (", tf32" if self.tf32 else "")
