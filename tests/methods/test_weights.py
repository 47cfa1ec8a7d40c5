"""Weights files: ours and others', damaged ones and dangerous ones."""

import json
import os
import pickle
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file

import methods
from datasets.core.dataset_ref import DatasetRef
from datasets.core.errors import UserError
from methods.checkpoints import peel
from methods.loading import load_from
from methods.matching import recognise_by_shape
from methods.r2r.adapter import R2R
from methods.recipes import recipe, settings_of
from methods.weights import Card, card_path, fill, read_card, read_weights, save_weights


@pytest.fixture(scope="module")
def tiny():
    return methods.load("r2r", "tiny")


@pytest.fixture
def state(tiny):
    return {key: value.clone() for key, value in tiny.restorer.state_dict().items()}


def card(**changes):
    return Card(
        **{"method": "r2r", "recipe": "tiny", "train_data": (DatasetRef("demo", {}, "train"),), "steps": 7, **changes}
    )


def equal(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_ours_come_back_with_their_card(tmp_path, state):
    path = tmp_path / "deep" / "tiny-demo.safetensors"
    written = save_weights(path, state, card(versions={"torch": "2"}))
    weights = read_weights(path)
    assert weights.card == written == read_card(path)
    assert written.sha256 == weights.sha256 and written.steps == 7
    assert set(weights.roles) == {"restorer"} and equal(weights.roles["restorer"], state)
    assert sorted(p.name for p in path.parent.iterdir()) == ["tiny-demo.json", "tiny-demo.safetensors"]
    value = json.loads(card_path(path).read_text())
    assert len(value.pop("checksum")) == 64 and value == json.loads(json.dumps(asdict(written)))


def test_shared_and_turned_tensors_are_stored(tmp_path):
    shared = torch.rand(3, 4)
    save_weights(tmp_path / "a.safetensors", {"a": shared, "b": shared, "c": shared.T}, card())
    assert equal(read_weights(tmp_path / "a.safetensors").roles["restorer"], {"a": shared, "b": shared, "c": shared.T})


def test_half_precision_is_read_as_float32(tmp_path, state):
    path = tmp_path / "half.safetensors"
    save_weights(path, state, card(), half=True)
    read = read_weights(path).roles["restorer"]
    assert {v.dtype for v in read.values()} == {torch.float32, torch.int64}
    assert all(torch.allclose(read[key].float(), state[key].float(), rtol=1e-3, atol=1e-6) for key in state)
    assert path.stat().st_size < 0.8 * sum(v.nbytes for v in state.values())


def test_weights_are_as_readable_as_their_card(tmp_path, state):
    path = tmp_path / "mine.safetensors"
    save_weights(path, state, Card("r2r", "tiny"))
    assert path.stat().st_mode == card_path(path).stat().st_mode


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match=r"NAME\.safetensors"):
        save_weights(tmp_path / "a.pth", {}, card())
    with pytest.raises(AttributeError):
        save_weights(tmp_path / "a.safetensors", {"a": "no tensor"}, card())
    assert not list(tmp_path.iterdir())


def test_a_changed_file_is_noticed(tmp_path, state):
    path = tmp_path / "a.safetensors"
    save_weights(path, state, card())
    save_file({key: value + 1 for key, value in state.items()}, path)
    with pytest.raises(UserError, match="changed since it was written"):
        read_weights(path)


def test_a_damaged_card_is_named(tmp_path, state):
    path = tmp_path / "a.safetensors"
    save_weights(path, state, card())
    card_path(path).write_text('["no card"]')
    with pytest.raises(UserError, match=r"a\.json was expected to be the card"):
        read_weights(path)


def test_loading_ours_takes_the_settings_of_the_training(tmp_path, state):
    path = tmp_path / "a.safetensors"
    kept = settings_of(recipe(R2R, "tiny", {"train.alpha": 3}))
    save_weights(path, state, card(recipe_settings={**kept, "train.gone": 1}))
    loaded = load_from("r2r", weights=path)
    assert (loaded.method.recipe.name, loaded.method.recipe.train["alpha"]) == ("tiny", 3.0)
    assert "train.gone" in loaded.note and not loaded.method.training
    assert equal(loaded.method.restorer.state_dict(), state)
    assert methods.load("r2r", weights=path, settings={"train.alpha": 4}).recipe.train["alpha"] == 4.0
    with pytest.raises(UserError, match="does not fit r2r's recipe cpu"):
        methods.load("r2r", "cpu", weights=path)


def test_weights_of_another_method_or_role(tmp_path, state):
    save_weights(tmp_path / "a.safetensors", state, card(method="lir"))
    with pytest.raises(UserError, match="holds weights of lir, not of r2r"):
        methods.load("r2r", weights=tmp_path / "a.safetensors")
    save_weights(tmp_path / "b.safetensors", state, card(role="generator"))
    with pytest.raises(UserError, match=r"role 'restorer'.*holds: generator"):
        methods.load("r2r", weights=tmp_path / "b.safetensors")


def wrapped(state):
    prefixed = {f"module.{key}": value for key, value in state.items()}
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    return {
        "bare": state,
        "prefixed": prefixed,
        "lightning": {"epoch": 3, "state_dict": prefixed, "optimizer": {"lr": 0.1}},
        "averaged": {"params": {"other": torch.zeros(1)}, "params_ema": state},
        "several": {"epoch": 1, "model_state_dict": {"D": prefixed, "G": {"x": torch.zeros(2)}}},
        "old": old,
    }


@pytest.mark.parametrize("kind", ["bare", "prefixed", "lightning", "averaged", "several", "old"])
@pytest.mark.parametrize("form", ["pth", "legacy", "safetensors"])
def test_foreign_layouts(tmp_path, state, kind, form):
    content, path = wrapped(state)[kind], tmp_path / f"model.{'safetensors' if form == 'safetensors' else 'tar'}"
    if form == "safetensors" and kind not in ("bare", "prefixed", "old"):
        pytest.skip("safetensors holds one flat dictionary")
    if form == "safetensors":
        save_file(content, path)
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "pth")
    loaded = load_from("r2r", weights=path)
    assert loaded.method.recipe.name == "tiny" and loaded.weights.card is None
    got = loaded.method.restorer.state_dict()
    assert all(torch.equal(got[key], state[key]) for key in state)
    assert ("'D'" in loaded.note) == (kind == "several")


def test_peeling_tells_what_it_did(state):
    flat, layout = peel(wrapped(state)["several"], "x")
    assert layout == "wrapped in model_state_dict, DataParallel prefix removed"
    assert {key.split("/")[0] for key in flat} == {"D", "G"}


class Planted:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle-2", "pickle-4"])
def test_a_pickle_that_would_run_code_is_refused(tmp_path, state, form):
    planted, path = tmp_path / "planted", tmp_path / "model.pth"
    content = {"state_dict": state, "extra": Planted(planted)}
    if form.startswith("pickle"):
        path.write_bytes(pickle.dumps(content["extra"], protocol=int(form[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(UserError, match=r"refused and nothing of it was run: it asks for posix\.system,") as caught:
        methods.load("r2r", weights=path)
    assert not planted.exists()
    assert "\n" not in str(caught.value)
    pickle.loads(pickle.dumps(Planted(planted)))  # the plant does work where a pickle is run
    assert planted.exists()


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\x80\x02K\x01", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_damaged_files(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=name) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_a_truncated_checkpoint(tmp_path, state):
    for form in (True, False):
        path = tmp_path / "a.pth"
        torch.save(state, path, _use_new_zipfile_serialization=form)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(UserError, match="expected to be a checkpoint"):
            read_weights(path)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], torch.zeros(3)])
def test_files_without_a_network(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(UserError, match="expected to hold the tensors of a network"):
        read_weights(tmp_path / "a.pth")


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="where there is none"):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("named", [None, "tiny"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("dncnn.0.weight"), r"1 missing \(dncnn\.0\.weight\)"),
        (
            lambda s: s.update({f"extra.{i}": torch.zeros(1) for i in range(5)}),
            r"5 unexpected \(extra\.0.*extra\.2 \.\.\.\)",
        ),
        (
            lambda s: s.update({"dncnn.2.weight": torch.zeros(2, 3)}),
            r"1 of another shape \(dncnn\.2\.weight is \(2, 3\), not",
        ),
    ],
)
def test_keys_that_do_not_fit(tmp_path, state, change, message, named):
    change(state)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(UserError, match=message) as caught:
        methods.load("r2r", named, weights=tmp_path / "a.pth")
    assert "recipe" in str(caught.value) and "tiny" in str(caught.value)


def test_a_file_of_something_else(tmp_path):
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match=r"with keys such as dncnn\.0\.weight.*it has layer\.weight"):
        methods.load("r2r", weights=tmp_path / "a.pth")


def test_filling_is_strict_about_roles(tiny, state):
    with pytest.raises(UserError, match="holds: restorer, critic"):
        fill(tiny, {"restorer": state, "critic": state})


def test_recipes_of_one_architecture_are_told(state):
    matches = recognise_by_shape(R2R, state)
    assert [match.recipe for match in matches] == ["tiny"]
    grey = methods.load("r2r", "awgn-paper").restorer.state_dict()
    assert [m.recipe for m in recognise_by_shape(R2R, grey)] == ["awgn-paper", "dncnn-noise"]
    assert all("first of several" in m.note for m in recognise_by_shape(R2R, grey))
    assert all(m.needs_recipe for m in R2R.recognise(grey))


def test_loading_touches_no_global_randomness():
    before = torch.random.get_rng_state()
    first, second = methods.load("r2r", "tiny"), methods.load("r2r", "tiny")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert equal(first.state_dict(), second.state_dict())
