"""What survives a restart, a kill and missing files, through the harness's own loop."""

import hashlib

import pytest

from benchmark.conformance import check
from benchmark.training import TrainingData
from methods.mssr.adapter import MSSR
from methods.mssr.training import stages
from tests.methods.killing import states
from tests.methods.loop import FakeLoop, through_a_file
from tests.methods.mssr import killing
from tests.methods.mssr.small import SCALES, batches, equal, made, run_through, tiny


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


def test_killed_in_every_stage(tmp_path):
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
    whole, *killed = states("tests.methods.mssr.killing", tmp_path, orders)
    assert whole["finished"] == 0 and len(whole["weights"]) == 2 and len(killed) == len(orders) - 1
    for got in killed:
        assert got["killed"] and got["finished"] == 0, got["order"]
        assert got["weights"] == whole["weights"], got["order"]


@pytest.mark.parametrize("scale", SCALES)
def test_the_clean_partners_of_the_degraded_images_are_never_seen(tmp_path, scale):
    """Within one dataset, whose scenes the harness halves: the clean files of the degraded half may be gone."""
    data = TrainingData(killing.images(tmp_path, scale=scale))
    settings = {**killing.SETTINGS, **({"network.scale": 4, "network.shrink": 1} if scale > 1 else {})}
    settings |= {"train.start_steps": 2, "train.steps": 2}
    before = killing.trained(tmp_path / "a", data, settings)
    gone = [file.unlink() for file in partners(data, tmp_path / "images")]
    after = killing.trained(tmp_path / "b", data, settings)
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
