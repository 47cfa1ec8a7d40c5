"""Facts are computed from a recipe's numbers; here each network is built once and asked."""

import subprocess
import sys

import pytest
import torch

import methods
from methods.base import Facts, Method, Recipe
from methods.recipes import recipe, recipes

EVERY = [(name, one) for name in methods.names() for one in recipes(name)]


@pytest.mark.parametrize(("name", "one"), EVERY)
def test_facts_are_what_the_network_says(name, one):
    asked = recipes(name)[one]
    facts = methods.describe(name, asked)
    with torch.device("meta"):
        method = methods.get(name)(asked)
    assert method.facts == facts == methods.describe(type(method), asked)
    network = method.network_of("restorer")
    assert facts.needs_weights == any(True for _ in network.parameters())
    assert facts.measures == (facts.tasks == ("compressive-sensing",))
    for attribute, value in {
        "multiple": facts.multiple,
        "shrink": facts.multiple,
        "scale": facts.scale,
        "context": facts.context,
        "depth": facts.context,
        "smallest": facts.min_side,
        "channels": facts.channels[0],
        "grey": facts.channels == (1,),
        "block": facts.multiple if not asked.restore.get("patch") else 32,
    }.items():
        if hasattr(network, attribute):
            assert getattr(network, attribute) == value, attribute


@pytest.mark.parametrize(("name", "one"), [(name, one) for name, one in EVERY if recipes(name)[one].tier == "tiny"])
def test_every_size_and_colour_that_facts_allow_goes_through(name, one):
    asked = recipes(name)[one]
    facts = methods.describe(name, asked)
    channels, side, odd = facts.channels[0], facts.min_side, facts.min_side + facts.multiple + 1
    with torch.device("meta"), torch.no_grad():
        method = methods.get(name)(asked).eval()
        x = torch.empty(1, channels, side, odd)
        if facts.needs_noise_level:  # its draws are made on the CPU
            restored = method.restorer(x)
        else:
            restored = method.restore(method.measure(x) if facts.measures else x)[..., :side, :odd]
    if facts.scale == 1:
        assert restored.shape == x.shape


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("r2r", "tiny", "network.depth", 5), {"context": 5}),
        (("lir", "tiny", "network.halvings", 3), {"multiple": 8, "min_side": 16}),
        (("mssr", "tiny", "network.blocks", 2), {"context": 2 * (1 + 30 + 1 + 2) + 1, "multiple": 2}),
        (("scpgan", "tiny", "network.levels", 2), {"multiple": 4}),
        (("dgunet", "cs-tiny", "restore.patch", 0), {"context": None, "multiple": 32}),
    ],
)
def test_facts_follow_the_settings(settings, expected):
    name, one, dotted, value = settings
    facts = methods.describe(name, recipe(name, one, {dotted: value}))
    assert {key: getattr(facts, key) for key in expected} == expected


def test_describing_imports_no_torch():
    code = (
        "import sys, methods; from methods.recipes import recipes\n"
        "for name in methods.names():\n"
        "    for one in recipes(name).values(): methods.describe(name, one); methods.paper(name); methods.title(name)\n"
        "print(*[name for name in ('torch', 'numpy', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", methods.names())
def test_papers_are_bibtex(name):
    assert methods.paper(name) == methods.get(name).paper and methods.paper(name).startswith("@")


class Classical(Method):
    """A plug-in that tells facts of an object alone, and has no parameters."""

    name = "classical"
    built = 0

    def __init__(self, recipe):
        super().__init__(recipe)
        type(self).built += 1

    @property
    def facts(self):
        return Facts(("denoise",), "paired", context=self.recipe.network["side"])

    def measure(self, clean):
        return clean


def test_a_class_that_only_has_facts_is_built_once_and_without_weights():
    three, five = (Recipe("classical", "", "tiny", network={"side": side}) for side in (3, 5))
    facts = methods.describe(Classical, three)
    assert (facts.context, facts.needs_weights, facts.measures) == (3, False, True)
    assert methods.describe(Classical, three) is facts and Classical.built == 1
    assert methods.describe(Classical, five).context == 5


class Valued(Method):
    """A plug-in whose constructor reads its tensors' values."""

    name = "valued"

    def __init__(self, recipe):
        super().__init__(recipe)
        self.restorer = torch.nn.Conv2d(3, 3, 1)
        self.mean = float(self.restorer.weight.mean().item())

    @property
    def facts(self):
        return Facts(("denoise",), "paired")


def test_a_constructor_that_needs_values_is_described_too():
    before = torch.random.get_rng_state()
    assert methods.describe(Valued, Recipe("valued", "", "tiny")).needs_weights
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_class_without_facts_says_so():
    with pytest.raises(NotImplementedError, match="overrides neither describe"):
        methods.describe(type("Mute", (Method,), {"name": "mute"}), Recipe("mute", "", "tiny"))
