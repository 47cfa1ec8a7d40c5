"""The suite passes correct methods and fails each planted mutant by the check that is made for it."""

from __future__ import annotations

import pytest

from benchmark.conformance import check
from benchmark.conformance.suite import CHECKS
from datasets.core.errors import UserError
from tests.helpers import mutants as toy


def failed(results):
    return {c.name: c.detail for c in results if not c.passed}


def test_a_correct_method_passes_every_check():
    results = check(toy.Toy)
    assert [c.name for c in results] == list(CHECKS)
    assert failed(results) == {}
    assert all(c.detail for c in results)


@pytest.mark.parametrize(("mutant", "own"), toy.MUTANTS.items(), ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_each_mutant_fails_by_its_own_check(mutant, own):
    assert own in failed(check(mutant))


@pytest.mark.parametrize("mutant", [m for m in toy.MUTANTS if m not in (toy.WrongShape, toy.NotDeterministic)])
def test_a_mutant_fails_by_nothing_else(mutant):
    """A check that fails for another check's reason would send its reader to the wrong place."""
    varies = {"determinism", "batch", "eval", "randomness", "weights"}
    unavoidable = {toy.BatchDependent: {"tiles"}, toy.MovesStatistics: varies, toy.GlobalRandomness: varies}
    assert set(failed(check(mutant))) <= {toy.MUTANTS[mutant]} | unavoidable.get(mutant, set())


def test_a_context_that_is_too_small_fails_the_tiles():
    class Near(toy.Toy):
        @property
        def facts(self):
            return toy.Facts(("denoise",), "paired", context=0)

    assert set(failed(check(Near))) == {"tiles"}


def test_a_check_that_raises_has_failed_and_the_others_go_on():
    class Broken(toy.Toy):
        def stages(self):
            raise RuntimeError("no data")

    assert failed(check(Broken)) == {
        "training": "It raised RuntimeError: no data",
        "resume": "It raised RuntimeError: no data",
    }


def test_several_tensors_are_refused():
    class Pair(toy.Toy):
        def restore(self, x, info=None):
            return self.net(x), x

    assert "one tensor" in failed(check(Pair))["shape"]


def test_an_unknown_method_or_recipe_is_one_sentence():
    with pytest.raises(UserError, match="r2r"):
        check("r2")
    with pytest.raises(UserError, match="tiny"):
        check(toy.Toy, "tony")


def test_r2r_passes():
    assert failed(check("r2r")) == {}
