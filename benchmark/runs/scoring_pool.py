"""Scoring restored images under many conventions, beside the restoring: a few threads, a bounded queue."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from benchmark.records.record import Figures, ImageScore
from benchmark.runs.asked import Asked
from benchmark.runs.perceived import perceived, unmeasured
from benchmark.runs.plausibility import Look, doubt, look_at
from benchmark.scoring.conventions import Score, convention, score_many
from benchmark.scoring.perceptual.definition import PERCEPTUAL
from benchmark.scoring.perceptual.definition import column as column_of
from benchmark.scoring.perceptual.measure import measure
from benchmark.scoring.statistics import Interval, intervals
from datasets.base import Sample
from datasets.core.fault_points import fault_point

_MOST_THREADS = 4
_AHEAD = 2  # images waiting per thread: what the queue may hold in memory


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} others"


class ScoringPool:
    """Collects images to score and gives back a row for each, in the order of adding. Use as a context manager.

    Args:
        asked: what to score under. threads: 0 = the number of CPUs, at most 4.
    """

    def __init__(self, asked: Asked, threads: int = 0) -> None:
        self.conventions, self.perceptual = asked.conventions, asked.perceptual
        threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scoring")
        self._most = threads * _AHEAD
        self._rows: list[tuple[str, str, Future[Mapping[str, Score]] | None]] = []
        self._seen: list[Future[dict[str, float | None]] | None] = []
        self._looks: list[Future[Look | None]] = []
        self._waiting: list[Future[Any]] = []

    def __enter__(self) -> ScoringPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def add(self, sample: Sample, restored: np.ndarray) -> None:
        """Queue one image; waits while the queue is full. Raises what scoring an earlier image raised."""
        seen = None
        if self.perceptual and (sample.clean is not None or not all(PERCEPTUAL[n].reference for n in self.perceptual)):
            seen = self._submit(measure, restored, sample.clean, self.perceptual)
        self._seen.append(seen)
        if sample.clean is None or not self.conventions:
            self._rows.append((sample.name, sample.scene, None))
            return
        future = self._submit(_scores, restored, sample.clean, self.conventions)
        self._looks.append(self._pool.submit(look_at, sample, restored))
        self._rows.append((sample.name, sample.scene, future))
        fault_point("run.score")

    def _submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        while len(self._waiting) >= self._most:
            self._waiting.pop(0).result()
        future = self._pool.submit(work, *args)
        self._waiting.append(future)
        return future

    def rows(self) -> list[ImageScore]:
        """A row per image. Waits for the last ones."""
        rows = []
        for (name, scene, future), seen in zip(self._rows, self._seen, strict=True):
            scores: Mapping[str, Score] = future.result() if future else {}
            values: dict[str, float | None] = {}
            for rule in self.conventions:
                score = scores.get(rule)
                values[f"psnr[{rule}]"] = score.psnr if score else None
                values[f"ssim[{rule}]"] = score.ssim if score else None
            distances = seen.result() if seen else {}
            values |= {column_of(rule): distances.get(rule) for rule in self.perceptual}
            rows.append(ImageScore(name, scene, values))
        return rows

    def remarks(self) -> list[str]:
        """Sentences about images that have no score under some convention, or only a part of one."""
        return [*self._remarks(), *unmeasured(self.rows(), self.perceptual)]

    def _remarks(self) -> list[str]:
        """Sentences about images without ground truth, and about those too small for a convention or its SSIM."""
        scored = [(name, future.result()) for name, _, future in self._rows if future]
        if not self.conventions or not self._rows:
            return []
        if not scored:
            return ["no ground truth: not scored"]
        truth = f"scored {len(scored)} of {len(self._rows)}: the rest has no ground truth"
        absent: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for rule in map(convention, self.conventions):
            none = tuple(name for name, found in scored if rule.name not in found)
            bare = tuple(name for name, found in scored if rule.name in found and found[rule.name].ssim is None)
            if none:
                absent.setdefault(("not scored", none), []).append(rule.name)
            if bare and rule.ssim_input is not None:
                absent.setdefault(("no SSIM", bare), []).append(rule.name)
        return [truth] * (len(scored) < len(self._rows)) + [
            f"{what} under {_some(rules)} for {len(images)} of {len(scored)} images, which are too small for it "
            f"({_some(images)})"
            for (what, images), rules in absent.items()
        ]

    def doubt(self) -> str:
        """A sentence where the images lie far below their inputs, with the likely reason; '' where they do not."""
        scored = [name for name, _, future in self._rows if future]
        return doubt([future.result() for future in self._looks], scored)


def measured(scores: Sequence[ImageScore], asked: Asked) -> dict[str, Any]:
    """The fields of a record that come from its images' scores: ``figures`` and ``perceptual``."""
    return {"figures": figures(scores, asked.conventions), "perceptual": perceived(scores, asked.perceptual)}


def figures(scores: Sequence[ImageScore], conventions: Iterable[str]) -> dict[str, Figures]:
    """Means with intervals per convention: PSNR over the images that have one, SSIM over those that have one."""
    names = list(conventions)
    groups: dict[tuple[int, ...], list[str]] = {}  # columns that have the same images share one pass of draws
    for column in (f"{metric}[{name}]" for name in names for metric in ("psnr", "ssim")):
        scored = tuple(n for n, row in enumerate(scores) if row.values.get(column) is not None)
        if scored:
            groups.setdefault(scored, []).append(column)
    found: dict[str, Interval] = {}
    for images, columns in groups.items():
        values: list[list[float]] = [[scores[n].values[column] for n in images] for column in columns]  # type: ignore[misc]
        found |= zip(columns, intervals(values, [scores[n].scene for n in images]), strict=True)
    means = {name: found[f"psnr[{name}]"] for name in names if f"psnr[{name}]" in found}
    return {name: Figures(psnr, found.get(f"ssim[{name}]"), psnr.n, psnr.scenes) for name, psnr in means.items()}


def _scores(restored: np.ndarray, clean: np.ndarray, conventions: Sequence[str]) -> Mapping[str, Score]:
    """Of one image. A convention that it is too small for is absent, and so is an SSIM."""
    asked = []
    for rule in map(convention, conventions):
        psnr, ssim = rule.room(*clean.shape[:2])
        if psnr:
            asked.append(rule if ssim else replace(rule, ssim_input=None))
    return score_many(restored, clean, asked)
