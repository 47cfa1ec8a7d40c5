"""Methods by name."""

import subprocess
import sys

import pytest

import methods
from datasets.core.errors import UserError
from datasets.core.registry import Registry


def test_names_are_listed_once():
    assert methods.names().count("r2r") == 1
    assert methods.get("r2r").name == "r2r"


def test_an_unknown_method():
    with pytest.raises(UserError, match="Unknown method 'r2'.*Did you mean 'r2r'"):
        methods.load("r2")


def test_names_added_for_a_block_mean_afterwards_what_they_meant_before():
    things = Registry("thing", {"built": "math:pi"}, "no.such.group")
    things.add("kept", 1)
    with pytest.raises(KeyError), things.added({"built": 2, "kept": 3, "new": 4}):
        assert [things.get(name) for name in things.names()] == [2, 3, 4]
        with things.added({"new": 5}):
            assert things.get("new") == 5
        assert things.get("new") == 4
        raise KeyError
    assert things.names() == ["built", "kept"]
    assert things.get("built") != 2 and things.get("kept") == 1


def test_importing_the_package_is_light():
    code = "import sys, methods; methods.names(); print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
