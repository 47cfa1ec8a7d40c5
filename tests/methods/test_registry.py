"""Methods by name."""

import subprocess
import sys

import pytest

import methods
from datasets.ops.errors import UserError


def test_names_are_listed_once():
    assert methods.names().count("r2r") == 1
    assert methods.get("r2r").name == "r2r"


def test_an_unknown_method():
    with pytest.raises(UserError, match="Unknown method 'r2'.*Did you mean 'r2r'"):
        methods.load("r2")


def test_importing_the_package_is_light():
    code = "import sys, methods; methods.names(); print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
