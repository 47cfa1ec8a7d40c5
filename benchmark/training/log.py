"""The training's log: a CSV with a row per step, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from datasets.core.files import replacing

FIXED = ("stage", "step", "lr", "seconds")


class Log:
    """Rows ``stage, step, lr, seconds, losses ...``; `step` counts from 1 within its stage.

    Opening it drops every row after the checkpoint that the training goes on from, so that no step is there twice.
    Rows wait in memory until `write`. Their losses may still be on the device: reading one makes the program wait.

    Args:
        path: log.csv; None = check the losses and write nothing (every process but the first).
        finished: names of the finished stages. stage, step: where the training stands.
        losses: columns of this stage; those of earlier stages are kept. board: folder for TensorBoard, or None.
        offset: steps of the finished stages, for TensorBoard's axis.
    """

    def __init__(
        self,
        path: Path | None,
        finished: Sequence[str],
        stage: str,
        step: int,
        losses: Sequence[str],
        board: Path | None = None,
        offset: int = 0,
    ) -> None:
        self.stage, self._offset = stage, offset
        self._waiting: list[tuple[int, dict[str, Any]]] = []
        self._stream = self._board = None
        if path is None:
            return
        kept = [
            row
            for row in read_log(path)
            if row["stage"] in finished or (row["stage"] == stage and int(row["step"]) <= step)
        ]
        earlier = [name for row in kept[:1] for name in row]
        columns = list(dict.fromkeys([*FIXED, *earlier, *losses, "psnr"]))
        with replacing(path, durable=False) as part, part.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(kept)
        self._stream = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._stream, columns)
        self._board = _board(board, offset + step) if board else None

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return len(self._waiting)

    def add(self, step: int, values: Mapping[str, float | Tensor]) -> None:
        """One row: the learning rate, the seconds and the losses."""
        self._waiting.append((step, dict(values)))

    def last(self) -> dict[str, float]:
        """The last row that waits, its losses brought to the CPU."""
        return {name: float(value) for name, value in self._waiting[-1][1].items()}

    def add_score(self, psnr: float) -> None:
        """The score of an evaluation, to the last row."""
        self._waiting[-1][1]["psnr"] = psnr

    def first_not_finite(self) -> int | None:
        """Bring the waiting losses to the CPU; the step, from 1, of the first one that is NaN or infinite."""
        for step, values in self._waiting:
            for name, value in values.items():
                values[name] = float(value)
                if isinstance(value, Tensor) and not abs(values[name]) < float("inf"):
                    return step
        return None

    def write(self, *, but_last: bool = False) -> None:
        """Hand the waiting rows to the operating system; `but_last`: the last one waits for its score."""
        rows, left = (self._waiting[:-1], self._waiting[-1:]) if but_last else (self._waiting, [])
        for step, values in rows if self._stream else ():
            self._writer.writerow({"stage": self.stage, "step": step, **{k: f"{v:.9g}" for k, v in values.items()}})
            for name, value in values.items():
                if self._board is not None and name != "seconds":
                    self._board.add_scalar(f"{self.stage}/{name}", value, self._offset + step)
        if self._stream:
            self._stream.flush()
        self._waiting = list(left)

    def close(self) -> None:
        """Close the files."""
        for file in (self._stream, self._board):
            if file is not None:
                file.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """Whole rows of a log; the last one may have been cut by a kill."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        rows = list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))
    except csv.Error:  # a log decides about nothing: what cannot be read of it is left out
        return []
    return [row for row in rows if None not in row and None not in row.values() and _stands(row)]


def column(path: Path, stage: str, name: str) -> list[float]:
    """One column of a stage, in the order of its steps; [] where the log has no such column, or not all of it."""
    values = [row.get(name, "") for row in read_log(path) if row["stage"] == stage]
    try:
        return [float(value) for value in values]
    except ValueError:
        return []


def _stands(row: dict[str, str]) -> bool:
    """Whether a row says where it belongs, in numbers that can be read."""
    try:
        return bool(row["stage"]) and int(row["step"]) > 0 and math.isfinite(float(row["seconds"] or 0))
    except (KeyError, ValueError):
        return False


def _board(folder: Path, purge: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # an extra; the CSV has the same figures
        return None
    return SummaryWriter(str(folder), purge_step=purge + 1)
