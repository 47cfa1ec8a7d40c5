"""What survives a restart, a kill and missing files, through the harness's own loop."""

import hashlib
from pathlib import Path

import pytest

from benchmark.conformance import check
from benchmark.training import TrainingData, TrainSettings, train
from methods.mssr.adapter import MSSR
from methods.mssr.training import stages
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop, through_a_file
from tests.helpers.files_dataset import pairs
from tests.helpers.mssr_stages import SCALES, batches, equal, made, run_through, tiny


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("number", range(4))
def test_a_restart_within_a_stage_changes_nothing(number, at, monkeypatch):
    chosen = tiny()
    _, left = run_through(chosen)
    factory = list(stages(chosen))[number]
    whole, half, rest = (made(factory, dict(left), seed) for seed in (0, 0, 1))
    FakeLoop(steps=3).run(whole, batches(whole), 3)
    FakeLoop(steps=3).run(half, batches(half), at)
    rest.load_state_dict(through_a_file(half.state_dict()))
    loop = FakeLoop(steps=3)
    loop.step = at
    loop.run(rest, batches(rest), 3 - at)
    for role, state in whole.artefacts().items():
        assert equal(state, rest.artefacts()[role]), role
    assert all(equal(net.state_dict(), rest.networks[name].state_dict()) for name, net in whole.networks.items())


# steps of the four stages: 3, 2, 2, 3
SETTINGS = {
    "train.start_steps": 3,
    "train.start_crop": 16,
    "train.generator_steps": [2, 2],
    "train.crop": 16,
    "train.steps": 3,
    "train.restorer_crop": 16,
    "train.generator_average": 0.5,
    "train.start_average": 0.5,
    "train.rescales": False,
}


def trained(results, data, settings=SETTINGS):
    """Role -> weights of one training."""
    plan = TrainSettings(device="cpu", checkpoint_steps=1, tensorboard=False)
    return train(MSSR(recipe(MSSR, "tiny", settings)), data, plan, results)


def train_on_pairs(results: str, folder: str) -> None:
    """A scenario for the kill program."""
    trained(Path(results), TrainingData(pairs(Path(folder)), pairs(Path(folder), "held", 1, seed=1)))


def test_killed_in_every_stage(killer, tmp_path):
    """Ten steps in all: 3 of the start, 2 and 2 of the generators, 3 together."""
    orders = [
        "",
        "train.step:2",
        "train.step:4",
        "train.step:7",
        "train.checkpoint:8",
        "train.step:9",
        "train.weights:2",
    ]
    whole, *killed = killer.chains(orders, f"{__name__}:train_on_pairs", tmp_path, tmp_path)
    assert whole.finished.code == 0 and len(whole.weights) == 2 and len(killed) == len(orders) - 1
    for got in killed:
        assert got.killed and got.finished.code == 0, got.order
        assert got.weights == whole.weights, got.order


@pytest.mark.parametrize("scale", SCALES)
def test_the_clean_partners_of_the_degraded_images_are_never_seen(tmp_path, scale):
    """Within one dataset, whose scenes the harness halves: the clean files of the degraded half may be gone."""
    data = TrainingData(pairs(tmp_path, scale=scale))
    settings = {**SETTINGS, **({"network.scale": 4, "network.shrink": 1} if scale > 1 else {})}
    settings |= {"train.start_steps": 2, "train.steps": 2}
    before = trained(tmp_path / "a", data, settings)
    gone = [file.unlink() for file in partners(data, tmp_path / "images")]
    after = trained(tmp_path / "b", data, settings)
    assert len(gone) == 2 and before.keys() == after.keys() == {"restorer", "generator"}
    for role in before:
        digests = [hashlib.sha256(paths[role].read_bytes()).hexdigest() for paths in (before, after)]
        assert digests[0] == digests[1], role


def partners(data, folder):
    """Clean files of the scenes that the degraded streams take."""
    from benchmark.training.data import _halves

    _, indices = _halves(data.dataset)["degraded"]
    return [folder / data.dataset.rows[i].files["clean"] for i in indices]


def test_conformance():
    failed = [(c.name, c.detail) for c in check(MSSR, "tiny") if not c.passed]
    assert not failed
