"""Restoring images of any size, the authors' checkpoints, and what becomes of a missing file of VGG-19."""

import hashlib

import numpy as np
import pytest
import torch

import methods
from datasets.core.errors import UserError
from methods import METHODS, features
from methods.lir.adapter import LIR
from methods.lir.network import PARTS, generator, restorer
from methods.loading import build
from methods.recipes import recipe
from methods.weights import fill
from tests.helpers.material import material, needs_material
from tests.helpers.rule_weights import relative, rule_state

SMALL = {"network.dim": 4, "network.residuals": 1, "network.decoder_residuals": 1}
USED = {"a": ("enc", "styc", "dec_recs"), "b": ("enc", "dec_cont")}


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (11, 13), (16, 27), (31, 34)])
@pytest.mark.parametrize("name", ["gaussian-paper", "budget", "tiny"])
@torch.no_grad()
def test_any_size_from_eight_pixels(size, name):
    method = build(LIR, recipe(LIR, name, {"network.dim": 4}))
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    restored = method.restore(x)
    assert (
        restored.shape == x.shape
        and bool(restored.isfinite().all())
        and float(restored.abs().max()) <= method.recipe.network["reach"]
    )
    height, width = (side - side % 4 for side in size)
    whole = method.restore(x[..., :height, :width])
    assert torch.equal(whole, method.restorer(x[..., :height, :width]))
    assert method.facts.min_side <= 8 and method.facts.context is None


@torch.no_grad()
def test_tiles_and_the_whole_image_differ():
    """The layer norms look at the whole image, so that a record must say what tiling changed."""
    method = build(LIR, recipe(LIR, "gaussian-paper", {"network.dim": 4}))
    x = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0)) ** torch.linspace(0.3, 3, 48)
    whole, tiled = method.restore(x), torch.cat([method.restore(x[..., :24]), method.restore(x[..., 24:])], -1)
    assert float((whole - tiled)[..., :8].abs().mean()) > 1e-3


def official(path, parts, dim=4):
    """A checkpoint as the authors leave it; and its networks."""
    network = recipe(LIR, "gaussian-paper", {**SMALL, "network.dim": dim}).network
    made = {}
    for side in "ab":
        torch.manual_seed(ord(side))
        made[side] = generator(network, parts[side])
    torch.save({side: net.state_dict() for side, net in made.items()}, path)
    return made


WHOLE = {side: tuple(PARTS) for side in "ab"}


class Narrow(LIR):
    """LIR with narrow networks in its first recipe, so that a file of them is quickly made."""

    recipes = {
        "gaussian-paper": {
            "tier": "paper",
            "network": dict(recipe(LIR, "gaussian-paper", SMALL).network),
            "train": dict(recipe(LIR, "gaussian-paper").train),
        },
        "grey": {
            "tier": "paper",
            "network": {**recipe(LIR, "gaussian-paper", SMALL).network, "grey": True},
            "train": dict(recipe(LIR, "gaussian-paper").train),
        },
    }


@pytest.fixture
def narrow():
    """`lir` means Narrow for one test."""
    with METHODS.added({"lir": Narrow}):
        yield


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("parts", [WHOLE, USED, {"a": ("enc",), "b": ("dec_cont",)}], ids=["whole", "used", "bare"])
@torch.no_grad()
def test_official_checkpoints(tmp_path, parts):
    path = tmp_path / "gen_00300000.pt"
    made = official(path, parts)
    loaded = methods.load("lir", weights=path)
    x = torch.rand(1, 3, 16, 20)
    a, b = made["a"].eval(), made["b"].eval()
    assert loaded.recipe.name == "gaussian-paper"
    assert torch.equal(loaded.restore(x), b["dec_cont"](a["enc"](x)))
    if "dec_cont" in a and "enc" in b:  # exchanged sides would be something else
        assert not torch.allclose(loaded.restore(x), a["dec_cont"](b["enc"](x)), atol=1e-3)
    grey = methods.load("lir", recipe="grey", weights=path)
    assert grey.restore(x[:, :1]).shape == (1, 1, 16, 20)


@pytest.mark.usefixtures("narrow")
def test_checkpoints_of_something_else(tmp_path):
    path = tmp_path / "gen_00000001.pt"
    made = {side: net.state_dict() for side, net in official(path, WHOLE).items()}
    wrong = {side: net.state_dict() for side, net in official(path, WHOLE, dim=6).items()}
    not_whole = {key: value for key, value in made["b"].items() if key != "styc.model.3.bias"}
    for b in (wrong["b"], not_whole, {**made["b"], "extra.weight": torch.zeros(1)}):
        torch.save({"a": made["a"], "b": b}, path)
        with pytest.raises(UserError, match=r"expected to hold weights of lir|fits no recipe of lir"):
            methods.load("lir", weights=path)


def test_official_widths_are_the_papers():
    with torch.device("meta"):
        net = generator(recipe(LIR, "gaussian-paper").network)
    state = {f"{side}/{key}": value for side in "ab" for key, value in net.state_dict().items()}
    first, *others = LIR.recognise(state)
    assert first.recipe == "gaussian-paper" and [m.recipe for m in others] == ["poisson-paper", "ldct"]
    assert set(first.roles) == {"restorer"} and "several recipes" in first.note
    assert LIR.recognise({"a/conv.weight": torch.zeros(1), "b/conv.weight": torch.zeros(1)}) == []


@needs_material
@torch.no_grad()
def test_recorded_restoration_through_the_adapter(tmp_path):
    """The authors' file at full width: of each generator the part that the other lacks."""
    recorded = np.load(material("golden/lir/lir_restoration.npz"))
    net = restorer(recipe(LIR, "gaussian-paper").network).double()
    sides = {"a": ("enc", net.enc), "b": ("dec_cont", net.dec_cont)}
    file = {
        side: {f"{part}.{key}": v for key, v in rule_state(child, seed_prefix=f"{side}.{part}.").items()}
        for side, (part, child) in sides.items()
    }
    (match, *_) = LIR.recognise({f"{side}/{key}": v for side, state in file.items() for key, v in state.items()})
    method = LIR(recipe(LIR, match.recipe)).double()
    fill(method, match.roles)
    x = torch.from_numpy(recorded["input"])
    assert relative(method.restore(x), recorded["output"]) < 1e-9
    assert method.restore(x[..., :30, :45]).shape == (1, 3, 30, 45)


def test_without_a_file_of_vgg_the_term_is_off_and_shows(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    paper = recipe(LIR, "gaussian-paper")
    found, text = LIR.available(paper)
    assert found.train["semantic"] == 0 and found.digest != paper.digest
    assert "VGG-19" in text and "train.vgg_file" in text
    facts = LIR(found).facts
    assert facts.variant == "" and "train.semantic = 0.0 in place of 1.0" in facts.note
    with pytest.raises(UserError, match="train.semantic=0"):
        next(LIR(paper).stages())({})
    assert LIR.available(recipe(LIR, "cpu")) == (recipe(LIR, "cpu"), "")


def test_a_file_of_vgg_is_found_and_read(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    path = tmp_path / "vgg.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}, path)
    settings = {**SMALL, "train.vgg_file": str(path), "train.vgg_layer": 1, "train.judge_dim": 4}
    named = recipe(LIR, "gaussian-paper", settings)
    assert LIR.available(named) == (named, "")
    assert "vgg_file" not in LIR(named).facts.note
    with pytest.raises(UserError, match="SHA-256"):  # it is not the published one
        next(LIR(named).stages())({})
    honest = path.rename(tmp_path / f"vgg-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth")
    named = recipe(LIR, "gaussian-paper", {**settings, "train.vgg_file": str(honest)})
    stage = next(LIR(named).stages())({})
    assert not stage.networks["vgg"].features[0].weight.any() and isinstance(stage.networks["vgg"], features.VGG19)


@pytest.mark.parametrize("name", ["budget", "cpu", "tiny"])
def test_small_recipes_restore_cheaply(name):
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        method = LIR(recipe(LIR, name))
        with FlopCounterMode(display=False) as counter:
            method.restore(torch.zeros(1, 3, 256, 256))
    assert counter.get_total_flops() / 2 <= 60e9
    assert sum(p.numel() for p in method.restorer.parameters()) <= 3_000_000
