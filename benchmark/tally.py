"""Scoring restored images under many conventions, beside the restoring: a few threads, a bounded queue."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np

from benchmark.records import Figures, ImageScore
from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST, Score, applicable, convention, score_many
from benchmark.scoring.statistics import interval
from datasets.base import Sample
from datasets.ops.phases import passing

_MOST_THREADS = 4
_AHEAD = 2  # images waiting per thread: what the queue may hold in memory


class Tally:
    """Collects images to score and gives back a row for each, in the order of adding. Use as a context manager.

    Args:
        conventions: names. threads: 0 = the number of CPUs, at most 4.
    """

    def __init__(self, conventions: Sequence[str], threads: int = 0) -> None:
        self.conventions = tuple(conventions)
        threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scoring")
        self._most = threads * _AHEAD
        self._rows: list[tuple[str, str, Future[dict[str, Score]] | None]] = []
        self._waiting: list[Future[dict[str, Score]]] = []

    def __enter__(self) -> Tally:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def add(self, sample: Sample, restored: np.ndarray) -> None:
        """Queue one image; waits while the queue is full. Raises what scoring an earlier image raised."""
        if sample.clean is None or not self.conventions:
            self._rows.append((sample.name, sample.scene, None))
            return
        while len(self._waiting) >= self._most:
            self._waiting.pop(0).result()
        future = self._pool.submit(score_many, restored, sample.clean, self.conventions)
        self._rows.append((sample.name, sample.scene, future))
        self._waiting.append(future)
        passing("run.score")

    def rows(self) -> list[ImageScore]:
        """A row per image. Waits for the last ones."""
        return [ImageScore(name, scene, self._values(future)) for name, scene, future in self._rows]

    def _values(self, future: Future[dict[str, Score]] | None) -> dict[str, float | None]:
        values: dict[str, float | None] = {}
        scores: Mapping[str, Score] = future.result() if future else {}
        for name in self.conventions:
            found = scores.get(name)
            values[f"psnr[{name}]"] = found.psnr if found else None
            values[f"ssim[{name}]"] = found.ssim if found else None
        return values


def chosen(names: Sequence[str], channels: int, own: str = "") -> tuple[list[str], list[str]]:
    """Conventions to score under, and a remark for each one asked for that does not fit images of so many channels.

    Args:
        names: () = every one that applies, those on request only where the dataset's `own` is one of them. Raises
            UserError for an unknown name.
    """
    wanted = names or dict.fromkeys([*CONVENTIONS, *([own] if own in ON_REQUEST else [])])
    reasons = {name: applicable(convention(name), channels) for name in wanted}
    fitting = [name for name, reason in reasons.items() if not reason]
    remarks = [f"not scored under {name}: {reason}" for name, reason in reasons.items() if reason] if names else []
    return fitting, remarks


def figures(scores: Sequence[ImageScore], conventions: Iterable[str]) -> dict[str, Figures]:
    """Means with intervals per convention, over the images that have a score."""
    found = {}
    for name in conventions:
        scored = [row for row in scores if row.values.get(f"psnr[{name}]") is not None]
        if scored:
            found[name] = _figures(scored, name)
    return found


def _figures(scored: Sequence[ImageScore], name: str) -> Figures:
    scenes = [row.scene for row in scored]
    psnr = [row.values[f"psnr[{name}]"] for row in scored]
    ssim = [row.values.get(f"ssim[{name}]") for row in scored]
    whole = None if None in ssim else interval(ssim, scenes)  # type: ignore[arg-type]
    return Figures(interval(psnr, scenes), whole, len(scored), len(set(scenes)))  # type: ignore[arg-type]
