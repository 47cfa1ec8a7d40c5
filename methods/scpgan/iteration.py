"""One iteration without its optimisers: what is synthesised and restored, and the loss terms of it.

The letters are those of the papers' figures: y a degraded image, x a clean one of something else, f = G(content,
prompt) a synthesised degraded image, r a restored one, t what the fixed older restorer makes of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from methods.scpgan import losses

Terms = dict[str, Tensor]
Look = Callable[[Tensor], Tensor]


@dataclass
class Views:
    """All images of one iteration, (N, C, H, W) each; None where neither a loss nor a prompt needs them.

    Attributes:
        y, x: degraded, clean. f1: G(x, prompt of y). f2: G(r2, prompt of y). f3: G(r2, prompt of f1).
        f4: G(r1, prompt of f1). r1: restored f1 (without gradient into f1). r2: restored y.
        t1, t2: y and f1 under the fixed restorer; None in the first stage, whose prompts are the images themselves.
    """

    y: Tensor
    x: Tensor
    f1: Tensor
    r1: Tensor
    r2: Tensor
    f2: Tensor | None = None
    f3: Tensor | None = None
    f4: Tensor | None = None
    t1: Tensor | None = None
    t2: Tensor | None = None

    def fakes(self, count: int) -> list[Tensor]:
        """The first `count` synthesised images: one or four."""
        return [f for f in (self.f1, self.f2, self.f3, self.f4)[:count] if f is not None]


def views(
    networks: Mapping[str, nn.Module], train: Mapping[str, Any], y: Tensor, x: Tensor, look: Look | None
) -> Views:
    """Synthesise and restore.

    As in the authors' code r1 and r2 stay in the graph where they enter f2 to f4, so that the generator's loss trains
    the restorer too; ``train.detach_restored`` cuts that, as the figures draw it.

    Args:
        networks: generator and restorer. train: a recipe's table. look: the fixed restorer, None in the first stage.
    """
    generate, restore = networks["generator"], networks["restorer"]
    t1 = look(y) if look else None
    prompt = y if t1 is None else y - t1
    f1 = generate(x, prompt)
    t2 = look(f1) if look else None
    r1, r2 = restore(torch.cat([f1.detach(), y])).chunk(2)
    made = Views(y, x, f1, r1, r2, t1=t1, t2=t2)
    if train["detach_restored"]:
        r1, r2 = r1.detach(), r2.detach()
    four = 4 in (train["adversarial"], train["fakes"])
    if four or train["second_background"]:
        made.f2 = generate(r2, prompt)
    if four:
        prompt = f1 if t2 is None else f1 - t2
        made.f3, made.f4 = generate(r2, prompt), generate(r1, prompt)
    return made


def generator_terms(seen: Views, discriminator: nn.Module, train: Mapping[str, Any]) -> Terms:
    """L_G: to be taken for real, and to leave the background of the content alone."""
    fakes = seen.fakes(train["adversarial"])
    maps = discriminator(torch.cat(fakes)).chunk(len(fakes))
    with full_precision(seen.y):
        adversarial = _sum([losses.adversarial(m.to(seen.y.dtype), True, train["gan"]) for m in maps])
        background = losses.background(seen.x, seen.f1.to(seen.y.dtype))
        second = torch.zeros_like(background)
        if train["second_background"] and seen.f2 is not None:
            r2 = seen.r2.detach() if train["detach_restored"] else seen.r2
            second = losses.background(r2.to(seen.y.dtype), seen.f2.to(seen.y.dtype))
    total = adversarial + train["background"] * (background + second)
    return {"generator": total, "adversarial": adversarial, "background": background, "self_background": second}


def restorer_terms(seen: Views, whole: Callable[[Tensor], Tensor] | None = None) -> Terms:
    """L_D of the papers. r1 shall be x; with a fixed restorer, r2 shall be t1 and r1 shall be t2 as well.

    Args:
        whole: see losses.log_ssim.
    """
    pairs = {"": (seen.r1, seen.x)}
    if seen.t1 is not None and seen.t2 is not None:
        pairs |= {"self_": (seen.r2, seen.t1), "cross_": (seen.r1, seen.t2)}
    terms: Terms = {}
    with full_precision(seen.y):
        for name, (a, b) in pairs.items():
            a, b = a.to(seen.y.dtype), b.to(seen.y.dtype)
            terms |= {f"{name}l1": losses.l1(a, b), f"{name}log_ssim": losses.log_ssim(a, b, whole=whole)}
    return {"restorer": _sum(list(terms.values())), **terms}


def discriminator_terms(seen: Views, discriminator: nn.Module, train: Mapping[str, Any]) -> Terms:
    """L_P: y is real, the synthesised images (one, or four summed) are not; half of both."""
    fakes = [f.detach().to(seen.y.dtype) for f in seen.fakes(train["fakes"])]
    first, *others = discriminator(torch.cat([seen.y, *fakes])).chunk(1 + len(fakes))
    with full_precision(seen.y):
        real = losses.adversarial(first.to(seen.y.dtype), True, train["gan"])
        fake = _sum([losses.adversarial(m.to(seen.y.dtype), False, train["gan"]) for m in others])
    return {"discriminator": 0.5 * (real + fake), "judged_real": real, "judged_fake": fake}


def full_precision(x: Tensor) -> AbstractContextManager[Any]:
    """No autocast: an SSIM in bfloat16 would be a difference of nearly equal numbers."""
    return torch.autocast(x.device.type, enabled=False)


def _sum(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()
