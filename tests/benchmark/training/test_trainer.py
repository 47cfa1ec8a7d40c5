"""The training loop: what decides the weights and what does not, budgets, checkpoints, logs, refusals."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from benchmark.training import TrainingData, TrainingIdentity, TrainSettings, estimate, train
from benchmark.training.budget import Budget
from benchmark.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from benchmark.training.data import pools
from benchmark.training.loop import NotFiniteError
from benchmark.training.random import KeyedDraws
from datasets.core.dataset_ref import named
from datasets.core.errors import UserError
from methods.base import Stage, Stream
from methods.weights import read_card
from tests.helpers.files_dataset import FilesDataset
from tests.helpers.two_stages import (
    RECIPE,
    SETTINGS,
    SIZES,
    Adversaries,
    OneStage,
    Refine,
    TwoStages,
    dataset,
    sha,
    trained,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def images(tmp_path):
    dataset(tmp_path / "images")
    return tmp_path / "images"


def weights_of(paths):
    return sha(paths["restorer"])


def test_a_finished_training_is_recognised_and_not_repeated(tmp_path, images, monkeypatch):
    first = trained(tmp_path / "r", images, OneStage)
    when = first["restorer"].stat().st_mtime_ns
    monkeypatch.setattr(OneStage, "stages", lambda self: pytest.fail("trained again"))
    again = trained(tmp_path / "r", images, OneStage)
    assert again == first and again["restorer"].stat().st_mtime_ns == when


def test_lost_weights_are_written_again_without_training(tmp_path, images, monkeypatch):
    first = trained(tmp_path / "r", images, OneStage)
    before = weights_of(first)
    first["restorer"].unlink()
    monkeypatch.setattr(Refine, "step", lambda self, batch, loop: pytest.fail("trained again"))
    assert weights_of(trained(tmp_path / "r", images, OneStage)) == before


def test_the_seed_decides_and_the_callers_generator_does_not(tmp_path, images):
    torch.default_generator.manual_seed(1)
    a = weights_of(trained(tmp_path / "a", images, OneStage))
    data, method = TrainingData(dataset(images)), OneStage(RECIPE)
    before = torch.default_generator.get_state()
    b = weights_of(train(method, data, SETTINGS, tmp_path / "b"))
    assert torch.equal(torch.default_generator.get_state(), before)
    c = weights_of(trained(tmp_path / "c", images, OneStage, settings=replace(SETTINGS, seed=1)))
    assert a == b != c


def test_how_often_it_saves_and_whether_it_validates_changes_no_weight(tmp_path, images):
    plain = weights_of(trained(tmp_path / "a", images, OneStage))
    rare = replace(SETTINGS, checkpoint_steps=0, checkpoint_seconds=1e9)
    assert weights_of(trained(tmp_path / "b", images, OneStage, settings=rare)) == plain
    held = FilesDataset(tmp_path / "held", [(20, 20)], seed=2)
    data = TrainingData(dataset(images), held)
    assert weights_of(train(OneStage(RECIPE), data, rare, tmp_path / "c")) == plain


def test_degraded_only_training_never_sees_a_clean_file(tmp_path, images):
    whole = weights_of(trained(tmp_path / "a", images, OneStage))
    data = TrainingData(dataset(images))
    for file in images.glob("*-clean.npy"):
        file.unlink()
    paths = train(OneStage(RECIPE), data, SETTINGS, tmp_path / "b")
    assert weights_of(paths) == whole
    with pytest.raises(UserError, match="missing"):
        train(TwoStages(RECIPE), data, SETTINGS, tmp_path / "c")


def test_the_card_and_the_names(tmp_path, images):
    plain = trained(tmp_path / "r", images, OneStage, settings=TrainSettings(device="cpu", tensorboard=False))[
        "restorer"
    ]
    assert plain == tmp_path / "r/weights/toy/tiny-toyset-s0.safetensors"
    card = read_card(plain)
    assert (card.method, card.recipe, card.steps, card.seed, card.selected_by) == ("toy", "tiny", 16, 0, "")
    assert card.sha256 == sha(plain) and card.recipe_digest == RECIPE.digest and card.trained_on == "toyset-train"
    shorter = trained(tmp_path / "r", images, OneStage, settings=replace(SETTINGS, steps=5))["restorer"]
    other = trained(tmp_path / "r", images, OneStage, replace(RECIPE, train={"rate": 0.1, "norm": True}))["restorer"]
    assert len({plain, shorter, other}) == 3 and read_card(shorter).steps == 5
    assert sha(plain) == card.sha256


def test_a_stage_that_keeps_its_best_names_the_data_that_chose(tmp_path, images):
    class First(TwoStages):
        def stages(self):
            yield lambda artefacts: Adversaries(self.recipe)

    held = FilesDataset(tmp_path / "held", [(20, 20)], seed=2)
    paths = train(First(RECIPE), TrainingData(dataset(images), held), SETTINGS, tmp_path / "r")
    assert read_card(paths["restorer"]).selected_by == "toyset train"
    (best,) = (tmp_path / "r").glob("training/*/best.pt")
    state = torch.load(best, weights_only=True)
    scores = [float(row["psnr"]) for row in rows_of(tmp_path / "r") if row["psnr"]]
    assert len(scores) == 3 and state["best"] == pytest.approx(max(scores), rel=1e-8)
    assert state["step"] == 8 * (scores.index(max(scores)) + 1)


def rows_of(results):
    (path,) = results.glob("training/*/log.csv")
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_a_loss_that_is_not_finite_ends_the_training_and_keeps_the_checkpoint(tmp_path, images, monkeypatch):
    step = Refine.step

    def broken(self, batch, loop):
        if loop.step == 12:
            batch["pairs"]["target"][0, 0, 0, 0] = float("nan")
        return step(self, batch, loop)

    monkeypatch.setattr(Refine, "step", broken)
    with pytest.raises(NotFiniteError, match=r"'second' is not finite at step 13 of 16.*last\.pt"):
        trained(tmp_path / "r", images, OneStage)
    assert torch.load(next((tmp_path / "r").glob("training/*/last.pt")), weights_only=True)["step"] == 10
    monkeypatch.setattr(Refine, "step", step)
    repaired = weights_of(trained(tmp_path / "r", images, OneStage))
    assert repaired == weights_of(trained(tmp_path / "s", images, OneStage))


def test_a_loss_is_looked_at_before_any_checkpoint_even_without_backward(tmp_path, images, monkeypatch):
    monkeypatch.setattr(Refine, "step", lambda self, batch, loop: {"mse": torch.tensor(float("inf"))})
    with pytest.raises(NotFiniteError, match="step 1 of 16"):
        trained(tmp_path / "r", images, OneStage)
    assert not list((tmp_path / "r").glob("training/*/last.pt"))


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "last.pt"
    write_checkpoint(path, TrainingState(step=3, state={"x": torch.ones(2)}), {"seed": 0, "data": "a"})
    assert read_checkpoint(path, {"seed": 0, "data": "a"}).step == 3
    with pytest.raises(UserError, match="another training: seed 0, wanted 1"):
        read_checkpoint(path, {"seed": 1, "data": "a"})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="cannot be read"):
        read_checkpoint(path, {"seed": 0, "data": "a"})


def test_a_checkpoint_runs_no_code_and_takes_plain_values_only(tmp_path):
    with pytest.raises(TypeError, match=r"checkpoint\.state\.net\[1\] is Generator"):
        write_checkpoint(tmp_path / "x.pt", TrainingState(state={"net": [1, torch.Generator()]}), {})
    assert not list(tmp_path.iterdir())
    torch.save({"identity": {}, "format": 1, "evil": pytest.raises}, tmp_path / "y.pt")
    with pytest.raises(UserError, match="cannot be read"):
        read_checkpoint(tmp_path / "y.pt", {})


def test_two_trainings_at_once_are_refused(tmp_path, images):
    from datasets.core.locks import exclusive

    data = TrainingData(dataset(images))
    folder = TrainingIdentity.of(OneStage(RECIPE), data, SETTINGS, tmp_path / "r").folder
    folder.mkdir(parents=True)
    with exclusive(folder / "lock", "it"), pytest.raises(UserError, match="Another run"):
        train(OneStage(RECIPE), data, SETTINGS, tmp_path / "r")


def test_unpaired_streams_never_share_a_scene(tmp_path, images):
    known = dataset(images)
    found = pools(Adversaries(RECIPE), TrainingData(known), tmp_path, 0, CPU)
    scenes = {}
    for name, pool in found.items():
        (member,) = pool._pixels
        store = {"degraded": "noisy", "clean": "clear"}[member]
        names = json.loads(next(p for p in tmp_path.glob("*/index.json") if member in p.read_text()).read_text())[
            "names"
        ]
        scenes[store] = {row.scene for row in known.rows if row.name in names}
    assert scenes["noisy"] and scenes["clear"] and not scenes["noisy"] & scenes["clear"]
    assert scenes["noisy"] | scenes["clear"] == {"s0", "s1", "s2"}
    with pytest.raises(UserError, match="same scenes"):
        pools(Adversaries(RECIPE), TrainingData(known, clean=known), tmp_path, 0, CPU)
    with pytest.raises(UserError, match="two scenes"):
        pools(Adversaries(RECIPE), TrainingData(FilesDataset(tmp_path / "one", [(20, 20)] * 2)), tmp_path, 0, CPU)
    other = FilesDataset(tmp_path / "other", [(30, 30)], seed=5)
    other.rows = [replace(row, scene="elsewhere") for row in other.rows]
    assert pools(Adversaries(RECIPE), TrainingData(known, clean=other), tmp_path, 0, CPU)["clear"].order.count == 1


def test_pools_of_degraded_and_of_clean_images_are_taken_whole(tmp_path, images):
    known = dataset(images)
    half = len(known.rows) // 2

    def only(row, role):
        return replace(row, files={role: row.files[role]}, scene=f"{role} {row.name}")

    known.rows = [only(row, "degraded" if i < half else "clean") for i, row in enumerate(known.rows)]
    found = pools(Adversaries(RECIPE), TrainingData(known), tmp_path, 0, CPU)
    assert {name: pool.order.count for name, pool in found.items() if name == "clear"} == {"clear": len(known) - half}
    known.rows = [replace(row, scene="one") for row in known.rows]
    with pytest.raises(UserError, match="same scenes"):
        pools(Adversaries(RECIPE), TrainingData(known), tmp_path, 0, CPU)


def test_a_card_names_the_options_of_the_training_data(tmp_path, images):
    noisy, clean = dataset(images), dataset(images)
    noisy.facts = replace(noisy.facts, options={"sigma": (25.0, "of the noise"), "clip": (False, "or not")})
    assert named(TrainingData(noisy).refs) == "toyset-train"
    noisy.options = {"sigma": 50.0, "clip": True}
    assert named(TrainingData(noisy, clean=clean).refs) == "toyset[sigma=50,clip=true]-train+toyset-train"


class Clear(Stage):
    """A stage of an unpaired method that reads clean images alone."""

    streams = {"clear": Stream("clean", 8, 2)}

    def __init__(self):
        self.name = "start"


def test_a_stage_of_clean_images_alone_sees_no_partner_of_the_degraded_ones(tmp_path, images):
    both = TrainingData(dataset(images))
    count = {
        unpaired: pools(Clear(), both, tmp_path, 0, CPU, unpaired=unpaired)["clear"].order.count
        for unpaired in (True, False)
    }
    other = pools(Adversaries(RECIPE), both, tmp_path, 0, CPU)["clear"].order.count
    assert count[True] == other and other < count[False] == len(SIZES)


def test_budgets():
    stage = Stage()
    stage.steps = 100
    assert Budget(TrainSettings(), 1).goal(0, stage) == 100
    shared = Budget(TrainSettings(steps=25), 2)
    assert [shared.goal(0, stage), shared.goal(1, stage)] == [12, 13] and shared.schedule(0, stage) == 12
    stage.rescales = False
    assert shared.schedule(0, stage) == 100
    with pytest.raises(UserError, match="not both"):
        TrainSettings(steps=1, minutes=1)
    with pytest.raises(UserError, match="more than 0"):
        TrainSettings(minutes=0)


def test_minutes_become_steps_once(tmp_path, images):
    settings = replace(SETTINGS, minutes=0.01)  # 0.6 s
    paths = trained(tmp_path / "r", images, OneStage, settings=settings)
    steps = read_card(paths["restorer"]).steps
    checkpoint = torch.load(next((tmp_path / "r").glob("training/*/last.pt")), weights_only=True)
    assert checkpoint["budget"] == {"0": steps} and steps > 50
    assert len(rows_of(tmp_path / "r")) == steps
    assert 0.2 < float(rows_of(tmp_path / "r")[-1]["seconds"]) < 3


def test_minutes_that_are_decided_stay_decided(tmp_path, images, monkeypatch):
    settings = replace(SETTINGS, minutes=0.01)
    calls = []
    monkeypatch.setattr(Budget, "steps_in_minutes", lambda self, each, spent: calls.append(each) or 57)
    whole = weights_of(trained(tmp_path / "a", images, OneStage, settings=settings))
    step = Refine.step

    def interrupted(self, batch, loop):
        if loop.step == 55:
            raise KeyboardInterrupt
        return step(self, batch, loop)

    monkeypatch.setattr(Refine, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "b", images, OneStage, settings=settings)
    monkeypatch.setattr(Refine, "step", step)
    assert len(calls) == 2 and all(0 < each < 1 for each in calls)
    monkeypatch.setattr(Budget, "steps_in_minutes", lambda self, each, spent: pytest.fail("decided again"))
    assert weights_of(trained(tmp_path / "b", images, OneStage, settings=settings)) == whole


def test_the_log_and_tensorboard(tmp_path, images):
    pytest.importorskip("tensorboard")
    trained(tmp_path / "r", images, OneStage, settings=replace(SETTINGS, tensorboard=True))
    rows = rows_of(tmp_path / "r")
    assert [int(r["step"]) for r in rows] == list(range(1, 17)) and {r["stage"] for r in rows} == {"second"}
    assert all(float(r["mse"]) > 0 and float(r["lr"]) == 0.05 for r in rows)
    assert list((tmp_path / "r").glob("training/*/tensorboard/events*"))


def test_force_trains_again(tmp_path, images):
    first = trained(tmp_path / "r", images, OneStage)
    before, when = weights_of(first), first["restorer"].stat().st_mtime_ns
    again = trained(tmp_path / "r", images, OneStage, settings=replace(SETTINGS, force=True))
    assert weights_of(again) == before and again["restorer"].stat().st_mtime_ns > when


def test_bf16_and_determinism_are_of_the_identity(tmp_path, images):
    paths = [
        trained(tmp_path / "r", images, OneStage, settings=replace(SETTINGS, **more))["restorer"]
        for more in ({}, {"precision": "bf16"}, {"tf32": True})
    ]
    assert len(set(paths)) == 3 and read_card(paths[1]).precision == "bf16"
    a, b = load_file(paths[0])["0.weight"], load_file(paths[1])["0.weight"]
    assert b.dtype == torch.float32 and not torch.equal(a, b) and torch.allclose(a, b, atol=0.02)


def test_an_estimate_trains_nothing(tmp_path, images):
    data = TrainingData(dataset(images))
    guess = estimate(OneStage(RECIPE), data, SETTINGS, tmp_path / "r")
    assert guess.steps == 16 and 0 < guess.seconds_per_step < 1 and not guess.from_log
    assert not (tmp_path / "r").exists()
    trained(tmp_path / "r", images, OneStage)
    assert estimate(OneStage(RECIPE), data, SETTINGS, tmp_path / "r").from_log


def test_a_results_folder_that_cannot_be_written(tmp_path, images, monkeypatch):
    import errno
    from pathlib import Path

    def full(*args, **more):
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    data = TrainingData(dataset(images))
    monkeypatch.setattr("benchmark.training.trainer.write_checkpoint", full)
    with pytest.raises(UserError, match="No space left on device; make room"):
        train(OneStage(RECIPE), data, SETTINGS, tmp_path / "r")
    assert not list(Path(tmp_path / "r").rglob("*.part"))


def test_a_stage_without_streams_or_artefacts_is_refused(tmp_path, images, monkeypatch):
    with pytest.raises(UserError, match="no streams"):
        pools(Stage(), TrainingData(dataset(images)), tmp_path, 0, CPU)
    monkeypatch.setattr(Refine, "artefacts", lambda self: {"other": {}})
    with pytest.raises(UserError, match="left the role 'restorer'"):
        trained(tmp_path / "r", images, OneStage)


@pytest.mark.parametrize("world", [2, 3])
def test_draws_are_of_the_global_batch(world):
    from datasets.pool import share

    def draw(local, total):
        draws = KeyedDraws((0, "s", 1, "n"), CPU, local, total)
        n = local.stop - local.start
        return draws.normal(n, 2), draws.uniform(2 * n), draws.integers(0, 9, n), draws.uniform(), draws.permutation(5)

    whole = draw(slice(0, 7), 7)
    parts = [draw(share(7, r, world), 7) for r in range(world)]
    for k in (0, 2):
        assert torch.equal(torch.cat([p[k] for p in parts]), whole[k])
    pairs = torch.cat([p[1].view(2, -1) for p in parts], dim=1)
    assert torch.equal(pairs.flatten(), whole[1])
    assert all(torch.equal(p[k], whole[k]) for p in parts for k in (3, 4))
    other = KeyedDraws((0, "s", 2, "n"), CPU, slice(0, 7), 7)
    assert not torch.equal(other.normal(7, 2), whole[0])


def test_a_stream_of_r2r_trains_on_synthetic_images(tmp_path):
    r2r = pytest.importorskip("methods.r2r.adapter")
    from methods.recipes import recipe

    settings = {"train.crop": 16, "train.batch": 4, "train.steps": 6}
    chosen = recipe(r2r.R2R, "tiny", {"train.noise": "srgb", **settings})
    data = TrainingData(FilesDataset(tmp_path / "i", [(72, 64), (64, 68)]))
    first = train(r2r.R2R(chosen), data, SETTINGS, tmp_path / "r")
    other = train(r2r.R2R(chosen), data, replace(SETTINGS, seed=1), tmp_path / "r")
    assert read_card(first["restorer"]).steps == 6 and first != other and weights_of(first) != weights_of(other)


def test_streams_of_a_stage_must_fit_the_data(tmp_path, images):
    stage = Refine(RECIPE, {})
    stage.streams = {"x": Stream("paired", 8, 4)}
    with pytest.raises(UserError, match="takes no second dataset"):
        pools(stage, TrainingData(dataset(images), clean=dataset(images)), tmp_path, 0, CPU)
