"""Kill -9 at every phase of a training, then the same command again: the weights are those of an undisturbed run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.kill import Chain
from tests.helpers.two_stages import dataset, trained

STEPS = [("first", 24), ("second", 16)]


def train_both_stages(results: str, images: str) -> None:
    """The scenario."""
    trained(Path(results), Path(images))


def killed(killer, folder: Path, orders: list[str]) -> list[Chain]:
    dataset(folder / "images")
    return killer.chains(orders, f"{__name__}:train_both_stages", folder, folder / "images")


def check(whole: Chain, *others: Chain) -> None:
    assert whole.order == "" and len(whole.weights) == 1
    for chain in (whole, *others):
        assert chain.log == chain.phases and chain.killed, chain
        assert chain.finished.code == 0 and chain.weights == whole.weights, chain
        rows = [["stage", "step"], *([name, str(k + 1)] for name, steps in STEPS for k in range(steps))]
        assert logged(chain.results) == rows, chain  # every step once, in order, whatever happened in between


def logged(results: Path) -> list[list[str]]:
    """Stage and step of every row of a training's log."""
    return [line.split(",")[:2] for path in results.glob("training/toy-*/log.csv") for line in path.read_text().split()]


def test_killed_and_started_again(killer, tmp_path):
    orders = [
        "train.prepare:3",
        "train.step:3",
        "train.step:17",
        "train.step:33",
        "train.checkpoint:2",
        "train.evaluate:2",
        "train.weights:1",
        "train.weights:2",
        "train.prepare:2+train.step:7+train.checkpoint:1+train.evaluate:1+train.step:30+train.weights:1",
    ]
    check(*killed(killer, tmp_path, ["", *orders]))


@pytest.mark.golden_slow
def test_killed_at_every_passing_of_every_phase(killer, tmp_path):
    # preparations: both halves of the six images for the first stage, the degraded half again for the second
    counts = {"train.prepare": 10, "train.step": 40, "train.checkpoint": 9, "train.evaluate": 4, "train.weights": 2}
    check(
        *killed(killer, tmp_path, ["", *(f"{phase}:{n + 1}" for phase, count in counts.items() for n in range(count))])
    )
