"""The shipped weights for snow: what they do to crops that they never saw, and what their card says."""

import pytest
import torch

import methods
from benchmark.paths import shipped
from benchmark.scoring.conventions import score
from datasets.demo_snow import degraded, layout
from methods.weights import read_card

WEIGHTS = "weights/scpgan/desnow-nafnet-cpu-demo-snow.safetensors"
# PSNR in dB under uint8-gauss of test crops: snowy, restored. On a bright sky it does harm, and the page says so.
FIGURES = {
    "moon_0000_0000": (18.325, 21.110),
    "chelsea_0172_0322": (20.499, 21.603),
    "coins_0000_0256": (17.103, 18.988),
    "camera_0000_0000": (30.365, 21.888),
}


@pytest.fixture(scope="module")
def method():
    return methods.load("scpgan", weights=shipped(WEIGHTS))


@pytest.mark.parametrize("name", FIGURES)
def test_figures(method, name):
    crop = next(crop for crop in layout()["test"] if crop.name == name)
    snowy, clean = degraded(crop), crop.pixels()
    with torch.no_grad():
        x = torch.from_numpy(snowy).permute(2, 0, 1)[None].float() / 255
        restored = method.restore(x)[0].permute(1, 2, 0).numpy()
    found = score(snowy, clean, "uint8-gauss").psnr, score(restored, clean, "uint8-gauss").psnr
    assert found == pytest.approx(FIGURES[name], abs=0.01)


def test_the_card_says_what_is_unknown_and_what_chose_them():
    card = read_card(shipped(WEIGHTS))
    assert card.recipe == "desnow-nafnet-cpu" and card.selected_by == "demo-snow validation"
    assert card.recipe_settings["train.unknown"].startswith("width and blocks")
    assert shipped(WEIGHTS).stat().st_size < 1.5e6
