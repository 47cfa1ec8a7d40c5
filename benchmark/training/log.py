"""The training's log: a CSV with a row per step, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.ops.files import replacing

FIXED = ("stage", "step", "lr", "seconds")


class Log:
    """Rows ``stage, step, lr, seconds, losses ...``; `step` counts from 1 within its stage.

    Opening it drops every row after the checkpoint that the training goes on from, so that no step is there twice.

    Args:
        path: log.csv. finished: names of the finished stages. stage, step: where the training stands.
        losses: columns of this stage; those of earlier stages are kept. board: folder for TensorBoard, or None.
        offset: steps of the finished stages, for TensorBoard's axis.
    """

    def __init__(
        self,
        path: Path,
        finished: Sequence[str],
        stage: str,
        step: int,
        losses: Sequence[str],
        board: Path | None = None,
        offset: int = 0,
    ) -> None:
        self.stage, self._offset = stage, offset
        kept = [
            row
            for row in _read(path)
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

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """One row; values are the learning rate, the seconds, the losses, and `psnr` after an evaluation."""
        self._writer.writerow({"stage": self.stage, "step": step, **{k: f"{v:.9g}" for k, v in values.items()}})
        for name, value in values.items():
            if self._board is not None and name != "seconds":
                self._board.add_scalar(f"{self.stage}/{name}", value, self._offset + step)

    def flush(self) -> None:
        """Hand the rows to the operating system."""
        self._stream.flush()

    def close(self) -> None:
        """Close the files."""
        self._stream.close()
        if self._board is not None:
            self._board.close()


def _read(path: Path) -> list[dict[str, str]]:
    """Whole rows of a log; the last one may have been cut by a kill."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
    return [row for row in rows if row["step"] and None not in row.values()]


def _board(folder: Path, purge: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # an extra; the CSV has the same figures
        return None
    return SummaryWriter(str(folder), purge_step=purge + 1)
