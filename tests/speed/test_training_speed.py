"""A step of training as the harness computes it, beside the same step in a script of its own."""

from __future__ import annotations

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

name, chosen, kind, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
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
stage = next(build(method, recipe(method, chosen)).stages())({})
for network in stage.networks.values():
    arrange(network, kind)
stage.configure()
members = {"paired": ("degraded", "clean"), "raw": ("input", "target")}
batches = {key: {m: torch.rand(s.batch, 3, s.crop, s.crop) for m in members.get(s.source, (s.source,))}
           for key, s in stage.streams.items()}
loop = Loop()

def step():
    stage.step({key: arranged(batch, kind) for key, batch in batches.items()}, loop)
    loop.step += 1

def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

step(), step()
start = spent()
for _ in range(count):
    step()
print(json.dumps((spent() - start) / count))
"""
FIRST, LAST = "channels first", "channels last"
STAGES = {"r2r": ("cpu", 6), "dgunet": ("cpu", 6), "scpgan": ("cpu", 10), "mssr": ("cpu", 20), "lir": ("cpu", 10)}


@pytest.mark.parametrize("name", STAGES)
def test_a_step(name: str) -> None:
    recipe, count = STAGES[name]
    pairs = [
        (script(STEPS, name, recipe, LAST, count), script(STEPS, name, recipe, FIRST, count)) for _ in range(rounds(3))
    ]
    record(f"{name} ({recipe}): a step of the first stage of its training", pairs, "the same stage in a plain loop")
