"""Checks on weights and training: what is stored is all there is, every stage learns, a resume changes no bit."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from benchmark.conformance.subject import Subject, changed, expect, gap, global_seeds, restore, same
from benchmark.conformance.synthetic_data import loop_of
from methods.base import Artefacts, Method, Stage

STEPS = 4
_READY = "a method that is at hand: nothing is trained here"
HALF = 2
_OUTSIDE = "a tensor lies outside the state dicts of roles(); register it as a parameter or buffer."
_UNSAVED = (
    "something that the step depends on is outside state_dict(), or random numbers do not come from loop.generator."
)


def weights(subject: Subject) -> str:
    """Weights written to files and read into another new method give the same output, bit for bit."""
    from methods.weights import Card, fill, read_weights, save_weights

    method, x = subject.stirred(), subject.images()
    if not any(method.network_of(role).state_dict() for role in method.role_names()):
        return "it has no weights to store"
    other = subject.build(seed=1)
    with TemporaryDirectory() as folder:
        for role in method.role_names():
            network = method.network_of(role)
            card = Card(subject.name, subject.recipe.name, role=role)
            save_weights(Path(folder) / f"{role}.safetensors", network.state_dict(), card)
        roles: Artefacts = {}
        for path in sorted(Path(folder).glob("*.safetensors")):
            roles.update(read_weights(path).roles)
    fill(other, roles)
    first, second = restore(method, x), restore(other.eval(), x)
    expect(same(first, second), f"Loaded weights give another result (by {gap(first, second):.3g}): {_OUTSIDE}")
    return f"{len(roles)} role(s) written, read and strictly loaded; outputs are bit-identical"


def training_step(subject: Subject) -> str:
    """One step of every stage gives the declared losses, all finite, and moves weights; the last leaves a restorer."""
    if subject.original is not None:
        return _READY
    method, seen, left = subject.build(), [], {}
    with global_seeds(3):
        for stage, artefacts in _stages(method):
            before = _networks(stage)
            losses = _run(subject, stage, range(1), 1)
            expect(
                set(losses) == set(stage.losses),
                f"Stage {stage.name!r} declares the losses {sorted(stage.losses)} and returned {sorted(losses)}.",
            )
            bad = [name for name, value in losses.items() if not bool(torch.isfinite(value).all())]
            expect(not bad, f"Stage {stage.name!r} returned a loss that is not finite: {', '.join(bad)}.")
            expect(bool(changed(before, _networks(stage))), f"A step of stage {stage.name!r} changed no weight.")
            left = stage.artefacts()
            artefacts.update({f"{stage.name}/{role}": state for role, state in left.items()})
            seen.append(f"{stage.name} ({', '.join(losses)})")
    expect(bool(seen), "stages() yields none: there is nothing to train.")
    _check_restorer(method, left)
    return "; ".join(seen)


def resume(subject: Subject) -> str:
    """Four steps equal two, a restart from the saved state in a new object, and two more, in every bit."""
    if subject.original is not None:
        return _READY
    names = []
    for index, _ in enumerate(subject.build().stages()):
        with global_seeds(4):
            whole, start = _fresh(subject, index)
            _run(subject, whole, range(STEPS), STEPS)
        with global_seeds(5):
            first, _ = _fresh(subject, index, start)
            _run(subject, first, range(HALF), STEPS)
            state = first.state_dict()
            with TemporaryDirectory() as folder:  # as from a checkpoint: only tensors and plain values survive
                path = Path(folder) / "state.pt"
                torch.save(state, path)
                saved = torch.load(path, weights_only=True)
        with global_seeds(6):
            second, _ = _fresh(subject, index, saved)
            _run(subject, second, range(HALF, STEPS), STEPS)
        differ = changed(dict(_tensors(whole.state_dict())), dict(_tensors(second.state_dict())))
        expect(
            not differ,
            f"Stage {whole.name!r} resumed after {HALF} of {STEPS} steps differs in {len(differ)} tensors, "
            f"such as {differ[:1]}: {_UNSAVED}",
        )
        names.append(whole.name)
    return f"{', '.join(names)}: {HALF} + {STEPS - HALF} steps are bit-identical to {STEPS}"


def _stages(method: Method) -> Iterator[tuple[Stage, Artefacts]]:
    artefacts: Artefacts = {}
    for factory in method.stages():
        stage = factory(artefacts)
        stage.configure()
        yield stage, artefacts


def _fresh(subject: Subject, index: int, state: dict[str, Any] | None = None) -> tuple[Stage, dict[str, Any]]:
    """Stage number `index` of a new method, after one step of each stage before it; with `state` loaded where given."""
    with global_seeds(7):
        for place, (stage, artefacts) in enumerate(_stages(subject.build())):
            if place == index:
                break
            _run(subject, stage, range(1), 1)
            artefacts.update({f"{stage.name}/{role}": s for role, s in stage.artefacts().items()})
    if state is not None:
        stage.load_state_dict(copy.deepcopy(state))
    return stage, copy.deepcopy(stage.state_dict())


def _run(subject: Subject, stage: Stage, steps: range, of: int) -> dict[str, Tensor]:
    losses: dict[str, Tensor] = {}
    facts = subject.build().facts
    with TemporaryDirectory() as cache:
        loop = loop_of(stage, facts.channels[0], facts.scale, of, Path(cache))
        for step in steps:
            loop.step = step
            losses = loop.run_step()
    return losses


def _networks(stage: Stage) -> dict[str, Tensor]:
    return {k: t.clone() for k, t in _tensors({n: net.state_dict() for n, net in stage.networks.items()})}


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor and number in nested containers, by its path."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, (bool, int, float)):
        yield name, torch.tensor(value, dtype=torch.float64)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _tensors(entry, f"{name}/{key}")
    elif isinstance(value, (list, tuple)):
        for place, entry in enumerate(value):
            yield from _tensors(entry, f"{name}/{place}")


def _check_restorer(method: Method, left: Artefacts) -> None:
    needed = method.roles()["restorer"].state_dict()
    expect("restorer" in left, f"The last stage leaves {sorted(left)}; restoring needs 'restorer'.")
    shapes = {k: tuple(t.shape) for k, t in left["restorer"].items()}
    expect(
        shapes == {k: tuple(t.shape) for k, t in needed.items()},
        "The restorer that the training leaves does not fit the network of roles()['restorer'].",
    )
