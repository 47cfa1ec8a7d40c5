"""One iteration without its optimisers: what is translated, and the loss terms of it.

The letters are those of the paper: a is a degraded image and b a clean one of something else; z contents, n noise
latents; ``ab`` is a translated to the clean side, which restores it, ``aba`` that and back again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from methods.base import Draws
from methods.lir import losses
from methods.lir.semantic import Semantic

Terms = dict[str, Tensor]


class Translator:
    """The generators, with the noise that one step adds to the latents before they are decoded.

    Each side's noise is drawn once and serves all its decodings, as in the authors' code.

    Args:
        gen_a, gen_b: the parts of methods.lir.network.USED. noise: standard deviation. draws: of this step.
    """

    def __init__(self, gen_a: nn.ModuleDict, gen_b: nn.ModuleDict, noise: float, draws: Draws) -> None:
        self.gen_a, self.gen_b, self.noise, self.draws = gen_a, gen_b, noise, draws
        self.drawn: dict[str, Tensor] = {}

    def spoil(self, content: Tensor, noise: Tensor) -> Tensor:
        """G_X([content; noise]), (N, 3, H, W)."""
        return self.gen_a["dec_recs"](self._stirred("a", torch.cat([content, noise], 1)))

    def clear(self, content: Tensor) -> Tensor:
        """G_Y(content), (N, 3, H, W)."""
        return self.gen_b["dec_cont"](self._stirred("b", content))

    def _stirred(self, side: str, z: Tensor) -> Tensor:
        if not self.noise:
            return z
        if side not in self.drawn:
            self.drawn[side] = self.noise * self.draws.normal(*z.shape).to(z)
        return z + self.drawn[side]


def contents(gen_a: nn.ModuleDict, gen_b: nn.ModuleDict, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """z_a = E_X(a) and z_b = E_Y(b)."""
    return gen_a["enc"](a), gen_b["enc"](b)


@dataclass
class Views:
    """All images, (N, 3, H, W), and latents, (N, C, h, w), of one iteration.

    Attributes:
        z_a, z_b, n_a: of the images. z_ba, n_ba: E_X and E_X^N of x_ba. z_ab: E_Y of x_ab.
        aa, bb: reconstructed. ba: b with the noise of a. ab: a restored. aba, bab: there and back.
    """

    a: Tensor
    b: Tensor
    z_a: Tensor
    z_b: Tensor
    n_a: Tensor
    aa: Tensor
    bb: Tensor
    ba: Tensor
    ab: Tensor
    z_ba: Tensor
    n_ba: Tensor
    z_ab: Tensor
    aba: Tensor
    bab: Tensor

    @property
    def translated(self) -> dict[str, Tensor]:
        """The translated images by the side that they should look like."""
        return {"a": self.ba, "b": self.ab}


def views(pair: Translator, a: Tensor, b: Tensor) -> Views:
    """Translate there and back; the noise of x_aba is that of x_ba, encoded again."""
    z_a, z_b = contents(pair.gen_a, pair.gen_b, a, b)
    n_a = pair.gen_a["styc"](a)
    aa, bb = pair.spoil(z_a, n_a), pair.clear(z_b)
    ba, ab = pair.spoil(z_b, n_a), pair.clear(z_a)
    z_ba, n_ba, z_ab = pair.gen_a["enc"](ba), pair.gen_a["styc"](ba), pair.gen_b["enc"](ab)
    aba, bab = pair.spoil(z_ab, n_ba), pair.clear(z_ba)
    made = (z_a, z_b, n_a, aa, bb, ba, ab, z_ba, n_ba, z_ab, aba, bab)
    return Views(a, b, *(value.to(a.dtype) for value in made))


def latent_terms(discriminator: nn.Module, z_a: Tensor, z_b: Tensor) -> Tensor:
    """What D_R learns: contents of degraded images are 0, of clean ones 1."""
    return losses.scores_near([discriminator(z_a)], 0) + losses.scores_near([discriminator(z_b)], 1)


def discriminator_terms(
    discriminators: Mapping[str, nn.Module], real: Mapping[str, Tensor], fake: Mapping[str, Tensor]
) -> Terms:
    """What D_X (key ``a``) and D_Y (``b``) learn: real images are 1, translated ones 0, at each scale."""
    return {
        f"judge_{side}": losses.scores_near(net(fake[side]), 0) + losses.scores_near(net(real[side]), 1)
        for side, net in discriminators.items()
    }


def generator_terms(
    seen: Views,
    discriminators: Mapping[str, nn.Module],
    latent: nn.Module,
    semantic: Semantic | None,
    train: Mapping[str, Any],
) -> Terms:
    """Every term of the generators' loss, unweighted, and ``generator``, their weighted sum.

    Args:
        discriminators: D_X (``a``) and D_Y (``b``). latent: D_R. semantic: None = that term is 0.
        train: a recipe's table.
    """
    terms = {
        f"adversarial_{side}": losses.scores_near(discriminators[side](x), 1) for side, x in seen.translated.items()
    }
    terms["latent"] = losses.scores_near([latent(z) for z in (seen.z_a, seen.z_b)], 0.5)
    with torch.autocast(seen.a.device.type, enabled=False):  # small differences are not for bfloat16
        terms |= _consistency(seen, train)
        nothing = torch.zeros_like(terms["background"])
        terms["semantic_a"] = semantic(seen.ba, seen.b) if semantic else nothing
        terms["semantic_b"] = semantic(seen.ab, seen.a) if semantic else nothing
    weighted = [weight(train, name) * value for name, value in terms.items()]
    return {"generator": torch.stack(weighted).sum(), **terms}


def weight(train: Mapping[str, Any], term: str) -> float:
    """Of a term: its own, or the one that it shares with others, such as ``kl`` of ``kl_a`` and ``kl_noise``."""
    return train[term if term in train else term.rpartition("_")[0]]


def _consistency(seen: Views, train: Mapping[str, Any]) -> Terms:
    blur = train["blur_sides"], train["blur_weights"], train["blur_sigma"]
    return {
        "self_a": losses.l1(seen.aa, seen.a),
        "self_b": losses.l1(seen.bb, seen.b),
        "cycle_a": losses.l1(seen.aba, seen.a),
        "cycle_b": losses.l1(seen.bab, seen.b),
        "kl_a": losses.mean_square(seen.z_a),
        "kl_b": losses.mean_square(seen.z_b),
        "kl_noise": losses.mean_square(seen.n_a),
        "cycle_kl_a": losses.mean_square(seen.z_ab),
        "cycle_kl_b": losses.mean_square(seen.z_ba),
        "cycle_kl_noise": losses.mean_square(seen.n_ba),
        "background": losses.background(seen.ab, seen.a, *blur) + losses.background(seen.ba, seen.b, *blur),
    }
