"""The collaborative training of two restorers, each on what its own generator makes of clean images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from datasets.core.files import sha256_file
from methods.base import Artefacts, Loop, Recipe, SampleInfo, Stage, Stream, cpu_state_dict
from methods.mssr import losses, network, pairs, schedules
from methods.mssr.inference import restore
from methods.mssr.start import started

PAIR = ("a", "b")


class Collaboration(Stage):
    """Two restorers, equal at the start, of which the first sees the first generator's images as its own.

    Per iteration each takes two steps of Adam: one on its own pairs and towards the other network's answer to the
    other generator's images; one, with both networks just updated, towards the mean of both on real degraded images,
    with a weight that grows linearly from 0 to 1.
    """

    name = "collaborative"
    losses = ("a", "b", "a_supervised", "b_supervised", "a_collaborative", "b_collaborative", "a_adapted", "b_adapted")

    def __init__(self, recipe: Recipe, artefacts: Artefacts) -> None:
        super().__init__()
        self.recipe, self.train, self.scale = recipe, recipe.train, recipe.network["scale"]
        self.networks = {name: started(recipe, artefacts) for name in PAIR}
        for number, name in enumerate(PAIR):
            generator = network.generator(self.train, self.train["generators"][number], self.scale)
            generator.load_state_dict(artefacts[f"generator-{number + 1}/generator"])
            self.networks[f"generator_{name}"] = generator.requires_grad_(False)
        self.streams = self._streams()
        self.steps, self.rescales = self.train["steps"], self.train["rescales"]
        self.evaluate_every = self.train["evaluate_every"]

    def _streams(self) -> dict[str, Stream]:
        crop, batch = self.train["restorer_crop"], self.train["batch"]
        augment = self.train["augment"]
        setting = "train.restorer_crop"
        clean = Stream("clean", crop, batch, self.scale, augment, setting=setting)
        if self.train["crop_beyond"]:
            clean = Stream("clean", 0, batch)
        return {"clean": clean, "degraded": Stream("degraded", crop, batch, augment=augment, setting=setting)}

    def configure(self) -> None:
        """An Adam for each network."""
        rate, betas = self.train["rate"], tuple(self.train["betas"])
        self.optimisers = {name: torch.optim.Adam(self.networks[name].parameters(), rate, betas) for name in PAIR}

    def step(self, batch: dict[str, dict[str, Tensor]], loop: Loop) -> dict[str, Tensor]:
        """One iteration; see the base class."""
        rate = self.train["rate"] * schedules.halved(loop.step, loop.steps, self.train["halvings"])
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate
        clean, real = self._clean(batch["clean"]["clean"], loop), batch["degraded"]["degraded"]
        terms = self._supervised_steps(clean, loop) | self._adapting_steps(real, loop)
        return {name: value.detach() for name, value in terms.items()}

    def _clean(self, clean: Tensor, loop: Loop) -> Tensor:
        if self.train["crop_beyond"]:
            clean = pairs.beyond(clean, self.train["restorer_crop"], self.scale, loop.generator("places"))
        return pairs.recoloured(clean, loop.generator("colours")) if self.train["recolour"] else clean

    def synthesised(self, clean: Tensor, loop: Loop) -> list[Tensor]:
        """What the generators make of clean images, neither clamped nor rounded: fresh noise, no gradient."""
        with torch.no_grad():
            return [
                self.networks[f"generator_{name}"].eval()(clean, loop.generator(f"noise of {name}").normal).to(clean)
                for name in PAIR
            ]

    def _supervised_steps(self, clean: Tensor, loop: Loop) -> dict[str, Tensor]:
        made = torch.cat(self.synthesised(clean, loop))
        # each network's answers to the first and to the second generator's images
        a, b = (self.networks[name].train()(made).to(clean).chunk(2) for name in PAIR)
        own = {"a": a[0], "b": b[1]}
        others = {"a": losses.collaborative(a[1], own["b"]), "b": losses.collaborative(b[0], own["a"])}
        weight = self.train["collaborative_weight"] * (loop.step > self.train["collaborative_start"])
        terms: dict[str, Tensor] = {}
        for name in PAIR:
            supervised = losses.supervised(own[name], clean)
            loss = self.train["supervised_weight"] * supervised + weight * others[name]
            self._update(name, loss, loop)
            terms |= {name: loss, f"{name}_supervised": supervised, f"{name}_collaborative": others[name]}
        return terms

    def _adapting_steps(self, real: Tensor, loop: Loop) -> dict[str, Tensor]:
        """Up to the start of collaboration the gradients are 0, but the steps are taken: Adam's momentum moves on."""
        distances = losses.adaptation(*(self.networks[name](real).to(real) for name in PAIR))
        weight = self.train["adapt_weight"] * schedules.ramp(loop.step, loop.steps, self.train["collaborative_start"])
        for name, term in zip(PAIR, distances, strict=True):
            self._update(name, weight * term, loop)
        return {f"{name}_adapted": term for name, term in zip(PAIR, distances, strict=True)}

    def _update(self, name: str, loss: Tensor, loop: Loop) -> None:
        self.optimisers[name].zero_grad(set_to_none=True)
        loop.backward(loss)
        loop.update(self.optimisers[name])

    def restorer(self) -> Callable[[Tensor, Sequence[SampleInfo] | None], Tensor]:
        """The mean of both networks."""
        pair = self._pair().eval()
        return lambda x, info: restore(pair, x)

    def _pair(self) -> network.Pair:
        return network.Pair(self.networks["a"], self.networks["b"])  # type: ignore[arg-type]  # both are RRDBNets

    def artefacts(self) -> Artefacts:
        """Both networks as they are now, and the generators that made their images; the authors select none."""
        generators = {number: self.networks[f"generator_{name}"] for number, name in enumerate(PAIR, 1)}
        made = {
            key: value for number, net in generators.items() for key, value in cpu_state_dict(net, f"{number}.").items()
        }
        return {"restorer": cpu_state_dict(self._pair()), "generator": made}

    def note(self) -> str:
        """Which file the training started from, where one was named."""
        named = self.train["start_weights"]
        return f"started from {Path(named).name}, sha256 {sha256_file(named)}" if named else ""
