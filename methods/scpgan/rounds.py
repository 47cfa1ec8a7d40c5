"""What the authors did by hand between two runs: find the best state so far, and say when the next round begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.base import State, cpu_state_dict

RULES = ("steps", "plateau", "list", "none")
SCORES = ("validation", "proxy", "none")
RESTARTS = {"restart_restorer": ("best", "keep"), "restart_gan": ("best", "keep", "fresh")}


def check(train: Mapping[str, Any]) -> None:
    """Raise UserError for values that mean nothing, or that contradict each other."""
    for key, known in (("replace", RULES), ("score", SCORES), *RESTARTS.items()):
        if train[key] not in known:
            raise unknown(f"value of train.{key}", train[key], known)
    if train["replace"] == "plateau" and train["score"] == "none":
        raise UserError(
            "The rule train.replace = 'plateau' waits for a score, but train.score is 'none'; choose --set "
            "train.score=validation or --set train.score=proxy."
        )
    if train["score"] != "none" and train["evaluate_every"] < 1:
        raise UserError(f"train.score = {train['score']!r} needs a train.evaluate_every of 1 step or more.")
    if train["replace"] == "steps" and train["replace_every"] < 1:
        raise UserError("The rule train.replace = 'steps' needs a train.replace_every of 1 step or more.")
    if train["replace"] == "plateau" and train["patience"] < 1:
        raise UserError("The rule train.replace = 'plateau' needs a train.patience of 1 evaluation or more.")


class Rounds:
    """The best state so far, the scores that chose it, and the replacements.

    Args:
        train: a recipe's ``train`` table. steps: of the stage in the recipe; a training of another length stretches
            the rules ``steps`` and ``list`` where the recipe rescales.

    Attributes:
        best: None before the first score, else score, step (done when it was scored) and networks (CPU tensors).
        stale: evaluations since the best one or the last replacement. scores: [step, score], all of them.
        history: one entry per replacement: step, score and step of the state that was taken (None, the step itself
            where nothing has been scored), the score last seen before.
    """

    def __init__(self, train: Mapping[str, Any], steps: int) -> None:
        self.train, self.steps = train, steps
        self.best: dict[str, Any] | None = None
        self.stale = 0
        self.scores: list[list[float]] = []
        self.history: list[dict[str, Any]] = []

    def score(self, value: float, step: int, networks: Mapping[str, nn.Module]) -> None:
        """Take note of a score (higher is better) after `step` steps; keep the networks where it is the best."""
        self.scores.append([step, value])
        self.stale += 1
        if self.best is None or value > self.best["score"]:
            self.stale = 0
            self.best = {"score": value, "step": step, "networks": snapshot(networks)}

    def due(self, step: int, steps: int) -> bool:
        """Whether a round ends before step `step` (0-based) of `steps`."""
        if step == 0 or self.train["replace"] == "none":
            return False
        if self.train["replace"] == "plateau":
            return self.stale >= self.train["patience"]
        stretch = steps / self.steps if self.train["rescales"] else 1.0
        if self.train["replace"] == "list":
            return step in {round(place * stretch) for place in self.train["replace_at"]}
        return step % max(1, round(self.train["replace_every"] * stretch)) == 0

    def replaced(self, step: int) -> None:
        """Note a replacement before step `step`."""
        self.history.append(
            {
                "step": step,
                "taken_step": self.best["step"] if self.best else step,
                "taken_score": self.best["score"] if self.best else None,
                "last_score": self.scores[-1][1] if self.scores else None,
            }
        )
        self.stale = 0

    def state(self) -> dict[str, Any]:
        """Tensors and plain values."""
        kept = {"best": self.best, "stale": self.stale, "scores": self.scores, "history": self.history}
        return {key: list(value) if isinstance(value, list) else value for key, value in kept.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.best, self.stale = state["best"], state["stale"]
        self.scores, self.history = list(state["scores"]), list(state["history"])

    def table(self) -> State:
        """The history as numbers, a row per replacement in the order of its fields; NaN where nothing was scored."""
        rows = [[float("nan") if value is None else float(value) for value in entry.values()] for entry in self.history]
        return {"replacements": torch.tensor(rows, dtype=torch.float64).reshape(-1, 4)}

    def note(self) -> str:
        """The history in words, for a card."""
        chosen = {"validation": "ground truth of the validation data", "proxy": "a no-reference proxy"}
        by = f"best by {chosen.get(self.train['score'], '')}" if self.best else "last step, nothing scored"
        places = [
            f"{entry['step']} (took step {entry['taken_step']}"
            + (f", {entry['taken_score']:.2f} dB)" if entry["taken_score"] is not None else ")")
            for entry in self.history
        ]
        return f"{by}; replacements before steps: {', '.join(places) or 'none'}"


def snapshot(networks: Mapping[str, nn.Module]) -> dict[str, State]:
    """Copies of the networks' tensors on the CPU."""
    return {name: cpu_state_dict(net) for name, net in networks.items()}
