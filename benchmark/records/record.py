"""What a finished cell leaves: record.json with the figures and all provenance, scores.csv with a row per image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.records.cell import Cell, Reason
from benchmark.scoring.statistics import SSIM_RANGE, Interval
from datasets.core.dataset_ref import DatasetRef, named

DONE, FAILED, SKIPPED = "done", "failed", "skipped"

# In what a row departs from the paper's own, the strongest first: another network is another method, other data teach
# it something else, and a training may be short or a restoring quick where both are the paper's.
NETWORK, TRAIN_DATA, TRAINING, RESTORING = DEPARTURES = ("network", "training data", "training", "restoring")


def _count(default: Any) -> Any:
    return field(default=default, metadata={"minimum": 0})


@dataclass(frozen=True)
class Figures:
    """PSNR (dB) and SSIM under one convention: means over `n` images of `scenes` scenes, with their intervals.

    `ssim` is None where the convention has none; its ends lie within -1 to 1, whatever a file says.
    """

    psnr: Interval
    ssim: Interval | None
    n: int
    scenes: int

    def __post_init__(self) -> None:
        if self.ssim is not None:
            object.__setattr__(self, "ssim", self.ssim.within(*SSIM_RANGE))


@dataclass(frozen=True)
class Perceived:
    """One perceptual convention's figure, lower is better: the mean over `n` images of `scenes` scenes.

    Attributes:
        value: with its interval, not below 0. definition: of the convention, in one line. files: what it was computed
            with, name -> SHA-256.
    """

    value: Interval
    n: int
    scenes: int
    definition: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.value.within(0.0))


@dataclass(frozen=True)
class Costs:
    """What restoring costs; None where it was not measured.

    Attributes:
        params: parameters used at inference. gmacs: 10^9 multiply-accumulates on a 256x256 input.
        ms_per_megapixel: wall time of restoring per 10^6 input pixels. peak_mb: peak memory of the device (the
            process's, on a CPU) while restoring, in 10^6 bytes.
    """

    params: int | None = _count(None)
    gmacs: float | None = None
    ms_per_megapixel: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class DataInfo:
    """What the dataset says of the images that were restored.

    Attributes:
        partial: '' or such as ``partial: 65 of 1280`` (then not comparable). convention: the set's own, the first
            line's in a table. images: how many were restored.
    """

    partial: str = ""
    convention: str = ""
    images: int = _count(0)


@dataclass(frozen=True)
class Training:
    """Where the weights come from, as their card says.

    Attributes:
        data: what they were trained on. fingerprint, licence: of those data. steps: of the training.
        selected_by: the data that chose the checkpoint, '' = the last step.
    """

    data: tuple[DatasetRef, ...] = ()
    fingerprint: str = ""
    steps: int | None = _count(None)
    licence: str = ""
    selected_by: str = ""

    @property
    def text(self) -> str:
        """The data in words."""
        return named(self.data)


@dataclass(frozen=True)
class Environment:
    """What a cell ran on.

    Attributes:
        device: in words, such as ``cpu (Intel Xeon, 2 threads)``. versions: package -> version. commit: git commit of
            the checkout, with ``+`` where it had changes ('' outside of git). deterministic: torch's algorithms.
        started: UTC, ISO 8601. seconds: wall time.
    """

    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    deterministic: bool = False
    started: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Record:
    """One cell's outcome.

    Attributes:
        id: of the cell; the name of its folder. cell: what was run; its weights are a file name here.
        status: done, failed or skipped. reason: why it is not done.
        tier: of the recipe. variant: Facts.variant, the name that published figures carry ('' = not comparable).
        departures: of DEPARTURES, in what this is not the paper's.
        data: what the dataset says. training: what the weights' card says, None without weights that have one.
        figures: convention -> Figures. perceptual: perceptual convention -> Perceived. costs: see Costs.
        environment: see Environment.
        note: remarks, joined by ``; ``. scores: digest of the rows of scores.csv under the conventions of `figures`;
            '' = there are none, or the record is of a version before.
        folder: where the record was read from (not written).
    """

    id: str
    cell: Cell
    status: str = field(metadata={"enum": [DONE, FAILED, SKIPPED]})
    reason: Reason | None = None
    tier: str = ""
    variant: str = ""
    departures: tuple[str, ...] = ()
    data: DataInfo = field(default_factory=DataInfo)
    training: Training | None = None
    figures: Mapping[str, Figures] = field(default_factory=dict)
    perceptual: Mapping[str, Perceived] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    environment: Environment = field(default_factory=Environment)
    note: str = ""
    scores: str = field(default="", compare=False)
    folder: str = field(default="", metadata={"transient": True})

    @property
    def why(self) -> str:
        """The reason in words; '' for a cell that is done."""
        return self.reason.text if self.reason else ""


@dataclass(frozen=True)
class ImageScore:
    """One row of scores.csv: values of one image by column, such as ``psnr[float-gauss]`` or
    ``perceptual[niqe]``; None = not scored."""

    name: str
    scene: str
    values: Mapping[str, float | None]
