"""A small correct method, and eight ways to get one thing wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from methods.base import Artefacts, Facts, Loop, Method, Stage, StageFactory, Stream


class Net(nn.Module):
    """x plus two convolutions with a batch normalisation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = (
            nn.Conv2d(3, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 3, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(torch.relu(self.norm(self.first(x))))


class ToyStage(Stage):
    steps = 3
    losses = ("l1",)

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.networks = {"restorer": net}
        self.streams = {"pairs": Stream("paired", crop=16, batch=2, augment="flips8")}

    def configure(self) -> None:
        self.optimisers = {"restorer": torch.optim.Adam(self.net.parameters(), 1e-2)}

    def jitter(self, loop: Loop, shape: torch.Size) -> Tensor:
        return loop.generator("jitter").normal(*shape)

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        x, y = batch["pairs"]["degraded"], batch["pairs"]["clean"]
        loss = (self.net(x + 0.01 * self.jitter(loop, x.shape)) - y).abs().mean()
        optimiser = self.optimisers["restorer"]
        optimiser.zero_grad()
        loop.backward(loss)
        loop.update(optimiser, clip=1.0)
        return {"l1": loss.detach()}

    def restorer(self):
        return lambda x, info: self.net(x)

    def artefacts(self) -> Artefacts:
        return {"restorer": {k: v.clone() for k, v in self.net.state_dict().items()}}


class Toy(Method):
    name = "toy"
    recipes = {"tiny": {"tier": "tiny", "network": {}, "train": {"lr": 0.01}}}
    network: type[nn.Module] = Net
    stage: type[ToyStage] = ToyStage

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.net = self.network()

    @property
    def facts(self) -> Facts:
        return Facts(("denoise",), "paired", context=2)

    def restore(self, x, info=None):
        return self.net(x)

    def roles(self) -> dict[str, nn.Module]:
        return {"restorer": self.net}

    def stages(self) -> Iterator[StageFactory]:
        yield lambda artefacts: self.stage(self.network())


class WrongShape(Toy):
    """Cuts the odd last row off, as a network with strides does that forgets to pad."""

    def restore(self, x, info=None):
        return self.net(x)[..., : x.shape[-2] // 2 * 2, :]


class NotDeterministic(Toy):
    """Draws noise from a generator of its own that goes on from call to call."""

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.generator = torch.Generator()

    def restore(self, x, info=None):
        return self.net(x) + 1e-3 * torch.randn(x.shape, generator=self.generator)


class BatchDependent(Toy):
    """Normalises by the statistics of the batch."""

    def restore(self, x, info=None):
        return self.net(x - x.mean()) + x.mean()


class NoSkip(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 3, 3, padding=1))


class SwapsChannels(Toy):
    """Turns RGB into BGR on the way in and forgets to turn it back; the network has no skip that would show it."""

    network = NoSkip

    def restore(self, x, info=None):
        return self.net(x.flip(1))


class InPlace(Toy):
    """Centres the image in the caller's own memory."""

    def restore(self, x, info=None):
        result = self.net(x.clone())
        x.sub_(0.5)
        return result


class MovesStatistics(Toy):
    """Updates running statistics while restoring."""

    def restore(self, x, info=None):
        result = self.net(x)
        self.net.norm.running_mean += 1e-3
        return result


class GlobalRandomness(Toy):
    """Draws from the global generator."""

    def restore(self, x, info=None):
        return self.net(x) + 1e-3 * random.random()


class OutsideState(Toy):
    """Keeps a learned gain where no state dict sees it."""

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.gain = 1 + 0.1 * torch.rand(3, 1, 1)

    def restore(self, x, info=None):
        return self.net(x) * self.gain


class OwnDraws(ToyStage):
    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        self.generator = torch.Generator()

    def jitter(self, loop: Loop, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.generator)


class BreaksResume(Toy):
    """Its step ignores the loop's generator and draws from one that starts anew at every resume."""

    stage = OwnDraws


class Counts(ToyStage):
    """Keeps a schedule in an attribute that no state dict holds."""

    done = 0

    def jitter(self, loop: Loop, shape: torch.Size) -> Tensor:
        self.done += 1
        return super().jitter(loop, shape) * self.done


class ForgetsState(Toy):
    """Its schedule starts anew at every resume."""

    stage = Counts


class LearnsNothing(Toy):
    """Its step updates no weight."""

    class stage(ToyStage):  # noqa: N801
        def step(self, batch, loop):
            return {"l1": torch.zeros(())}


# mutant -> the check that is made for it
MUTANTS: dict[type[Toy], str] = {
    WrongShape: "shape",
    NotDeterministic: "determinism",
    BatchDependent: "batch",
    SwapsChannels: "channels",
    InPlace: "input",
    MovesStatistics: "eval",
    GlobalRandomness: "randomness",
    OutsideState: "weights",
    LearnsNothing: "training",
    BreaksResume: "resume",
    ForgetsState: "resume",
}
