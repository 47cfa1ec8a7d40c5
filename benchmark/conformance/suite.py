"""Running the checks on a method, each on its own: one that raises has failed, and the others go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmark.conformance import colour, restoring, training
from benchmark.conformance.subject import ConformanceError, Subject
from datasets.core.errors import UserError
from methods.base import Method, Recipe

# A check returns what it saw, as words; it raises ConformanceError with what was expected and what came.
CHECKS: dict[str, Callable[[Subject], str]] = {
    "shape": restoring.shape,
    "determinism": restoring.determinism,
    "batch": restoring.batch,
    "channels": colour.channels,
    "input": restoring.untouched_input,
    "eval": restoring.eval_mode,
    "randomness": restoring.randomness,
    "tiles": restoring.tiles,
    "weights": training.weights,
    "training": training.training_step,
    "resume": training.resume,
}


@dataclass(frozen=True)
class Check:
    """Outcome of one check. `detail` says what was seen or, for a failure, what was expected and what came."""

    name: str
    passed: bool
    detail: str


def check(
    target: str | type[Method] | Method,
    recipe: str | Recipe | None = None,
    report: Callable[[str, int, int], None] | None = None,
) -> list[Check]:
    """Run every check of `CHECKS` on an untrained method, on the CPU, with synthetic images.

    Args:
        target: a registered name (plug-ins included), a Method subclass, or a Method that is at hand, such as one that
            `methods.loading.load_from` made of a file: it is checked as it is, but for the training.
        recipe: name of one of its recipes or a Recipe; default: the one of the lowest tier.
        report: progress, called with (what, checks done, checks in all).
    Returns:
        One Check per entry of `CHECKS`, in that order.
    Raises:
        UserError: unknown method or recipe.
    """
    subject = find(target, recipe)
    results = []
    for done, (name, function) in enumerate(CHECKS.items(), 1):
        try:
            results.append(Check(name, True, function(subject)))
        except ConformanceError as failure:
            results.append(Check(name, False, str(failure)))
        except Exception as error:  # foreign code may raise anything, and the other checks still have something to say
            results.append(Check(name, False, f"It raised {type(error).__name__}: {error}"))
        if report:
            report(f"conformance of {subject.name}", done, len(CHECKS))
    return results


def find(target: str | type[Method] | Method, recipe: str | Recipe | None) -> Subject:
    """The method and recipe that are meant. Raises UserError for unknown ones, or a method without recipes."""
    from methods import get
    from methods.recipes import recipe as named
    from methods.recipes import recipes

    if isinstance(target, Method):
        return Subject(type(target), target.recipe, target)
    cls = get(target) if isinstance(target, str) else target
    if isinstance(recipe, Recipe):
        return Subject(cls, recipe)
    if recipe is not None:
        return Subject(cls, named(cls, recipe, {}))
    every = list(recipes(cls).values())
    if not every:
        raise UserError(f"Method {cls.name!r} has no recipe: its recipes.toml must hold one at least.")
    tiers = ("tiny", "cpu", "budget", "paper")
    return Subject(cls, min(every, key=lambda r: tiers.index(r.tier) if r.tier in tiers else len(tiers)))
