"""A step of training as the harness computes it, beside the same step in a script of its own."""

from __future__ import annotations

import json

import pytest

from tests.helpers.speed_record import record, rounds, script

pytestmark = pytest.mark.speed

# The same stage, its optimisers and random batches; what differs is what a plain script does not do: memory is kept
# between steps, batches and weights have the channels last. The first stage of each method.
STEPS = """
import json, resource, sys
import torch
import methods
from benchmark.inference.memory import keep_freed_memory
from benchmark.training.layout import FIRST, LAST, arrange, arranged
from benchmark.training.random import KeyedDraws
from methods.loading import build
from methods.recipes import recipe

name, chosen, kind, count, most = *sys.argv[1:4], *map(int, sys.argv[4:6])
settings = json.loads(sys.argv[6])
torch.set_num_threads(1)
if kind == LAST:
    keep_freed_memory()

class Loop:
    step, steps, epoch, seed, device = 0, 1000, 0, 0, torch.device("cpu")
    def backward(self, loss, retain_graph=False):
        loss.backward(retain_graph=retain_graph)
    def update(self, optimiser, clip=None):
        optimiser.step()
    def mean(self, value, stream=""):
        return value
    def generator(self, key, stream=""):
        return KeyedDraws((0, "train", self.step, key), self.device, slice(0, 10**6), 10**6)

method = methods.get(name)
stage = next(build(method, recipe(method, chosen, settings)).stages())({})
for network in stage.networks.values():
    arrange(network, kind)
stage.configure()
members = {"paired": ("degraded", "clean"), "raw": ("input", "target")}
batches = {key: {m: torch.rand(min(s.batch, most), 3, s.crop, s.crop) for m in members.get(s.source, (s.source,))}
           for key, s in stage.streams.items()}
loop = Loop()

def step():
    stage.step({key: arranged(batch, kind) for key, batch in batches.items()}, loop)
    loop.step += 1

def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

step()
start = spent()
for _ in range(count):
    step()
print(json.dumps((spent() - start) / count))
"""
FIRST, LAST = "channels first", "channels last"
WHOLE = 1000  # more than any batch has
# Steps of a measurement, and images of a batch at the most: of the papers' networks, one step of a small batch.
STAGES = [("r2r", "cpu", 6, WHOLE), ("dgunet", "cpu", 6, WHOLE), ("scpgan", "cpu", 10, WHOLE)]
STAGES += [("mssr", "cpu", 20, WHOLE), ("lir", "cpu", 10, WHOLE)]
STAGES += [("r2r", "sidd-paper", 2, 2), ("dgunet", "sidd-paper", 1, 1), ("scpgan", "scpgabnet-paper", 1, 1)]
STAGES += [("mssr", "aim2019-paper", 1, 1), ("lir", "gaussian-paper", 2, 2)]
OVER = {"lir": {"train.semantic": 0}}  # that term is of VGG19, whose weights are not everywhere


@pytest.mark.parametrize(("name", "recipe", "count", "most"), STAGES)
def test_a_step(name: str, recipe: str, count: int, most: int) -> None:
    def step(kind: str) -> float:
        return float(script(STEPS, name, recipe, kind, count, most, json.dumps(OVER.get(name, {}))))

    step(LAST)  # reads the libraries in
    pairs = [(step(LAST), step(FIRST)) for _ in range(rounds(3))]
    few = f", {most} image{'s' * (most > 1)} at a time" if most < WHOLE else ""
    what = f"{name} ({recipe}): a step of the first stage of its training{few}"
    record(what, pairs, "the same stage in a plain loop", threads=1)
