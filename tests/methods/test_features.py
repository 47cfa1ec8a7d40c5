"""Feature networks against recorded outputs of the official ones; their files: found, told apart, refused."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.base import Recipe
from methods.features import (
    LPIPS,
    VGG19,
    AlexNet,
    absent,
    files,
    find,
    read_alexnet,
    read_lpips,
    read_vgg19,
    without_absent,
)
from methods.recipes import override
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_value, ruled

LAYER = 20


def lpips_by_rule() -> LPIPS:
    """The golden file's network: the official slices have the layer numbers of torchvision, the heads are positive."""
    slices = {f"features.{n}.{kind}": f"net.slice{k}.{n}.{kind}"
              for k, n in enumerate((0, 3, 6, 8, 10), 1) for kind in ("weight", "bias")}  # fmt: skip
    keys = {f"lin{k}.model.1.weight": (1, c, 1, 1) for k, c in enumerate(AlexNet.channels)}
    heads = {key: torch.from_numpy(np.abs(rule_value(key, shape))) for key, shape in keys.items()}
    return LPIPS(ruled(AlexNet(), rename=slices), heads)


@needs_material
def test_lpips_is_the_official_one():
    golden = np.load(material("golden/mssr/lpips_alex_v01.npz"))
    x, y = (torch.from_numpy(golden[key]) for key in ("input", "target"))
    x.requires_grad_()
    network = lpips_by_rule()
    parts = network.contributions(x, y)
    assert relative(torch.stack(parts), golden["per_layer"]) < 1e-9
    distance = network(x, y)
    assert relative(distance, golden["distance"]) < 1e-9
    distance.mean().backward()
    assert float(x.grad.norm()) == pytest.approx(float(golden["grad_norm"]), rel=1e-9)


@needs_material
def test_vgg19_is_the_official_one():
    golden = np.load(material("golden/lir/lir_vgg_loss.npz"))
    listed = json.loads(material("golden/lir/lir_vgg_loss.json").read_text())
    network = VGG19(LAYER)
    ours = {key.replace("features.", "feature_ext."): list(v.shape) for key, v in network.state_dict().items()}
    assert ours == {key: shape for key, shape, _ in listed["state_dict"]}
    ruled(network, rename={key: key.replace("features.", "feature_ext.") for key in network.state_dict()})
    features = network(torch.from_numpy(golden["preprocessed"]))
    assert relative(features[0, :4], golden["feature_first"]) < 1e-9
    assert float(features.norm()) == pytest.approx(float(golden["feature_norm"]), rel=1e-9)
    assert float(features.mean()) == pytest.approx(float(golden["feature_mean"]), rel=1e-9)


@needs_material
def test_the_published_heads_of_lpips_are_taken():
    heads = files.read_lpips_heads(material("weights/lpips_v01_alex_heads.pth"))
    assert [value.shape[1] for value in heads.values()] == list(AlexNet.channels)
    assert all(float(value.min()) >= 0 for value in heads.values())


def test_the_distance_is_zero_for_equal_images_and_grows_with_noise():
    network, x = lpips_by_rule(), torch.rand(2, 3, 48, 48, dtype=torch.float64)
    noise = torch.randn_like(x)
    near, far = network(x, x + 0.05 * noise), network(x, x + 0.2 * noise)
    assert torch.equal(network(x, x), torch.zeros(2, dtype=torch.float64)) and bool(
        (near > 0).all() & (near < far).all()
    )


@pytest.mark.parametrize("network", [VGG19(5), AlexNet(), lpips_by_rule()])
def test_weights_are_frozen(network):
    assert not any(p.requires_grad for p in network.parameters())


def test_vgg19_is_torchvisions_whole_stack():
    """16 convolutions with 20,024,384 parameters, 37 layers; anything else is refused."""
    with torch.device("meta"):
        whole = VGG19(37)
    convolutions = [n for n, layer in enumerate(whole.features) if hasattr(layer, "weight")]
    assert convolutions == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert sum(p.numel() for p in whole.parameters()) == 20_024_384
    for layers in (0, 38):
        with pytest.raises(ValueError, match="1 to 37"):
            VGG19(layers)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Torch's cache of downloads, empty."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def saved(folder, state, name="weights.pth", hashed=True):
    """A file of torch.save; `hashed` puts the digits of its hash into its name, as torch.hub's are."""
    path = folder / name
    torch.save(state, path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(folder / f"{path.stem}-{digits[:8]}.pth") if hashed else path


def vgg_state():
    return {**VGG19(12).state_dict(), "classifier.0.weight": torch.zeros(2, 2)}


def test_a_file_is_looked_for_where_it_was_named_then_in_the_cache(cache, tmp_path):
    assert find("vgg19") is None and find("alexnet") is None and find("lpips-alex") is None
    for name, file in (("vgg19", "vgg19-dcbb9e9d.pth"), ("alexnet", "alexnet-owt-4df8aa71.pth")):
        (cache / file).touch()
        assert find(name) == cache / file
    own = tmp_path / "own.pth"
    own.touch()
    assert find("vgg19", str(own)) == own
    with pytest.raises(UserError, match=r"no-such.*no file.*download\.pytorch\.org"):
        find("vgg19", str(tmp_path / "no-such.pth"))
    with pytest.raises(UserError, match="Did you mean 'vgg19'"):
        find("vgg18")


def test_the_sentence_on_an_absent_file_says_where_it_is_to_be_had_and_belongs(cache):
    sentence = absent("alexnet")
    assert (
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth" in sentence
        and "checkpoints/alexnet-owt-7be5be79.pth" in sentence
    )


def test_a_file_with_its_hash_in_its_name_is_read_and_frozen(tmp_path):
    state = vgg_state()
    network = read_vgg19(saved(tmp_path, state), 10)
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    network(x).sum().backward()
    assert float(x.grad.abs().sum()) > 0


def test_lpips_is_read_from_two_files(tmp_path):
    whole = lpips_by_rule().float()
    inner = saved(tmp_path, whole.net.state_dict())
    heads = saved(tmp_path, {k: v for k, v in whole.state_dict().items() if k.startswith("lin")}, "heads.pth")
    x, y = torch.rand(2, 2, 3, 40, 40).unbind()
    assert torch.equal(read_lpips(inner, heads)(x, y), whole(x, y))
    with pytest.raises(UserError, match="Expected lin0"):
        files.read_lpips_heads(inner)


def test_reading_draws_no_random_numbers(tmp_path):
    path = saved(tmp_path, vgg_state())
    before = torch.default_generator.get_state()
    read_vgg19(path, 12)
    assert torch.equal(torch.default_generator.get_state(), before)


def test_a_file_of_another_hash_is_refused_with_both_ways_out(tmp_path):
    path = saved(tmp_path, vgg_state(), hashed=False)
    with pytest.raises(UserError, match=r"dcbb9e9d\.\.\.; it has [0-9a-f]{64}\. Fetch https.*weights-[0-9a-f]{8}\.pth"):
        read_vgg19(path, 10)
    damaged = saved(tmp_path, vgg_state())
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="it has"):
        read_vgg19(damaged, 10)


def test_a_file_of_another_network_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"Expected features\.0\.weight of shape \(64, 3, 11, 11\)"):
        read_alexnet(saved(tmp_path, vgg_state()))


RECIPE = Recipe("toy", "tiny", "tiny", train={"semantic": 1.0, "vgg": "", "alexnet": ""})
FILES = {"vgg19": "train.vgg", "alexnet": "train.alexnet"}


def test_a_term_whose_file_is_absent_is_switched_off_and_the_digest_shows_it(cache):
    (cache / "alexnet-owt-7be5be79.pth").touch()
    recipe, sentence = without_absent(RECIPE, "train.semantic", FILES)
    assert recipe.train == {"semantic": 0.0, "vgg": "", "alexnet": ""} and recipe.digest != RECIPE.digest
    assert "train.semantic = 0" in sentence and "--set train.vgg=PATH" in sentence and "AlexNet" not in sentence
    assert without_absent(recipe, "train.semantic", FILES) == (recipe, "")


def test_a_term_whose_files_are_here_stays_and_a_named_one_must_be_there(cache, tmp_path):
    for name in ("alexnet-owt-7be5be79.pth", "vgg19-dcbb9e9d.pth"):
        (cache / name).touch()
    assert without_absent(RECIPE, "train.semantic", FILES) == (RECIPE, "")
    wrong = override(RECIPE, {"train.vgg": str(tmp_path / "none.pth")})
    with pytest.raises(UserError, match="no file"):
        without_absent(wrong, "train.semantic", FILES)
