"""MSSR's stages made small enough for tests: settings, batches, and all stages in a row."""

import torch

from methods.mssr.adapter import MSSR
from methods.mssr.training import stages
from methods.recipes import recipe
from tests.helpers.fake_loop import FakeLoop

SCALES = [1, 4]


def tiny(scale=1, **train):
    network = {"network.scale": scale, "network.shrink": 1} if scale > 1 else {}
    crops = {f"train.{key}": 16 for key in ("crop", "start_crop", "restorer_crop")}
    return recipe(MSSR, "tiny", network | crops | {f"train.{key}": value for key, value in train.items()})


def made(factory, artefacts, seed=0):
    torch.manual_seed(seed)
    stage = factory(artefacts)
    stage.configure()
    return stage


def run_through(chosen, count=1, seed=0):
    """Every stage for so many steps: the stages, and what they leave under the harness's names."""
    left, found = {}, []
    for factory in stages(chosen):
        stage = made(factory, dict(left), seed)
        FakeLoop(steps=max(count, 10)).run(stage, batches(stage), count)
        left |= {f"{stage.name}/{role}": state for role, state in stage.artefacts().items()}
        found.append(stage)
    return found, left


def batches(stage, whole=(40, 48)):
    """Images of the sizes that a stage's streams ask for, from the step alone."""

    def batch(step):
        rng = torch.Generator().manual_seed(step)
        made = {}
        for name, s in stage.streams.items():
            side = [s.crop * s.scale] * 2 if s.crop else list(whole)
            coarse = torch.rand(s.batch, 3, *(-(-length // 8) for length in side), generator=rng)
            smooth = torch.nn.functional.interpolate(coarse, size=side, mode="bicubic").clamp(0, 1)
            made[name] = {s.source: smooth}
        return made

    return batch


def equal(a, b):
    return set(a) == set(b) and all(torch.equal(a[key], b[key]) for key in a)
