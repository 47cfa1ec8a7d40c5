"""What the harness sees of MSSR: facts, restoring, sampling of degraded images, roles and recipes."""

import pytest
import torch

from benchmark.conformance import check
from benchmark.runs.profiling import gmacs, parameters
from datasets.core.errors import UserError
from methods.base import SampleInfo
from methods.loading import build
from methods.mssr import network
from methods.mssr.adapter import MSSR
from methods.mssr.inference import continued
from methods.recipes import recipe, recipes
from methods.weights import fill

SMALL = ("budget", "budget-x4", "cpu", "cpu-x4", "tiny")


def method(name="tiny", settings=None):
    return build(MSSR, recipe(MSSR, name, settings))


def stirred(name="tiny", settings=None):
    """With generators that hold something."""
    made = method(name, settings)
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(3)
        for parameter in made.network_of("generator").parameters():
            parameter.data.normal_(0, 0.2)
    return made


def infos(*names, seed=0):
    return [SampleInfo(name, seed=seed) for name in names]


@pytest.mark.parametrize("name", ["aim2019-paper", "ntire2020-paper"])
def test_facts_of_the_papers(name):
    with torch.device("meta"):
        facts = MSSR(recipe(MSSR, name)).facts
        assert facts.tasks == ("super-resolve",) and (facts.scale, facts.supervision) == (4, "unpaired")
        assert (facts.variant, facts.note, facts.multiple) == ("MSSR", "", 1)
        other = MSSR(recipe(MSSR, name, {"train.turn_whole": True})).facts
    assert other.variant == "" and other.note == "train.turn_whole = True in place of False"


def test_scale_1_is_marked_as_our_own():
    facts = method("cpu").facts
    assert facts.tasks == ("denoise",) and facts.scale == 1 and facts.variant == ""
    assert facts.note.startswith("adapted: not in the paper")
    with torch.device("meta"):
        paper = MSSR(recipe(MSSR, "aim2019-paper", {"network.scale": 1})).facts
    assert paper.note.startswith("adapted: not in the paper") and paper.variant == ""


@torch.no_grad()
@pytest.mark.parametrize("settings", [{}, {"network.scale": 4, "network.shrink": 1}])
def test_the_result_is_the_mean_of_both(settings):
    made = method("tiny", {"network.head_start": 1.0, **settings})
    x, pair = torch.rand(2, 3, 8, 12), made.restorer
    want = (pair.a(x) + pair.b(x)) / 2
    assert torch.allclose(made.restore(x), want, atol=1e-6) and not torch.allclose(pair.a(x), want, atol=1e-4)
    assert float(want.abs().max()) > 0
    odd = made.restore(x[..., :7, :11])
    assert odd.shape[2:] == (7 * pair.scale, 11 * pair.scale)


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_continued_by_mirroring(side):
    x = torch.arange(float(side)).expand(1, 1, 4, side)
    row = continued(x, 4)[0, 0, 0].tolist()
    mirrored = (list(range(side)) + list(range(side))[::-1]) * 4
    assert row == mirrored[: -(-side // 4) * 4]


@torch.no_grad()
def test_samples_belong_to_the_name_and_the_draw():
    made = stirred(settings={"train.noise_std": 1.0})
    x = torch.rand(2, 3, 16, 16)
    both = made.degrade(x, infos("one", "two"))
    assert both.shape == x.shape
    turned = made.degrade(x.flip(0), infos("two", "one")).flip(0)
    alone = made.degrade(x[1:], infos("two"))
    assert torch.allclose(turned, both, atol=1e-5) and torch.allclose(alone, both[1:], atol=1e-5)
    gaps = [made.degrade(x, infos("one", "two"), draw) - both for draw in (0, 1, 2)]
    assert not gaps[0].any() and gaps[1].abs().mean() > 1e-3 and gaps[2].abs().mean() > 1e-3
    assert not torch.equal(made.degrade(x, infos("one", "two", seed=1)), both)
    same = made.degrade(x[:1].repeat(2, 1, 1, 1), infos("one", "two"))
    assert not torch.allclose(same[0], same[1], atol=1e-3)


@torch.no_grad()
def test_draws_take_the_generators_in_turn():
    made, x = stirred(settings={"train.noise_std": 0.0}), torch.rand(1, 3, 8, 8)
    for draw in range(4):
        assert torch.equal(made.degrade(x, infos("one"), draw), made.network_of("generator")[str(draw % 2 + 1)](x))


def test_generators_are_a_role_that_restoring_does_without():
    made, source = method(), stirred()
    assert made.role_names() == ("restorer", "generator") and list(made.roles()) == ["restorer"]
    assert parameters(made) == parameters(made.restorer)
    fill(made, {"restorer": source.restorer.state_dict()})
    assert made.generators is None
    with pytest.raises(UserError, match="needs weights of the role 'restorer'"):
        fill(made, {"generator": source.network_of("generator").state_dict()})
    fill(made, {"generator": source.network_of("generator").state_dict()}, role="generator")
    assert parameters(made) == parameters(made.restorer) + parameters(made.network_of("generator"))
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(made.degrade(x, infos("a")), source.degrade(x, infos("a")))


def test_generators_that_are_trained_have_the_role_s_keys():
    train, scale = recipe(MSSR, "tiny").train, 1
    role = network.generators(train, scale).state_dict()
    kept = {
        f"{n}.{key}": value.shape
        for n, kind in enumerate(train["generators"], 1)
        for key, value in network.generator(train, kind, scale).state_dict().items()
    }
    assert {key: value.shape for key, value in role.items()} == kept


@pytest.mark.parametrize("name", SMALL)
def test_small_recipes_keep_to_their_size(name):
    made = method(name)
    train = made.recipe.train
    judges = 2 * parameters(network.discriminator(train))
    assert parameters(made) <= 3e6 and parameters(made) + parameters(made.network_of("generator")) + judges <= 4e6
    if made.facts.scale == 1:
        assert gmacs(made, torch.rand(1, 3, 128, 128), SampleInfo("a")) <= 60


def test_recipes_differ_in_numbers():
    every = recipes(MSSR)
    assert {"aim2019-paper", "ntire2020-paper", *SMALL} <= set(every)
    for one in every.values():
        assert one.network.keys() == every["aim2019-paper"].network.keys()
        assert one.train.keys() - {"unknown"} == every["aim2019-paper"].train.keys()
        assert list(one.train["generators"]) == ["deresnet", "han"]
    paper = every["aim2019-paper"]
    assert [paper.network[key] for key in ("width", "blocks", "growth", "scale")] == [64, 23, 32, 4]
    assert [every[name].network["scale"] for name in ("cpu", "cpu-x4", "budget", "budget-x4")] == [1, 4, 1, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train.generators": ["deresnet", "hann"]}, "Did you mean 'han'"),
        ({"network.scale": 3}, "by 1, 2 or 4"),
        ({"train.filter": "wavelett"}, "Did you mean 'wavelet'"),
    ],
)
def test_settings_that_mean_nothing(settings, message):
    with pytest.raises(UserError, match=message):
        made = method("tiny", settings)
        network.discriminator(made.recipe.train)


@pytest.mark.parametrize("scale", [{}, {"network.scale": 4, "network.shrink": 1, "train.crop": 8}])
def test_conformance(scale):
    failed = [(c.name, c.detail) for c in check(MSSR, recipe(MSSR, "tiny", scale)) if not c.passed]
    assert not failed
