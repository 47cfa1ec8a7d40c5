"""The digest of a method's code: what counts and what does not."""

import importlib
import sys

import pytest

import methods
from methods.code import code_digest

ADAPTER = '''"""A plug-in."""
from methods.base import Method
from methods.features import LPIPS
from plugged.nets import network

class Mine(Method):
    """Mine."""
    name = "mine"

    def restore(self, x, info=None):
        """Restore."""
        return x * network.GAIN
'''


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """A function (changed file -> new text) -> digest of the plug-in as it then is; None deletes nothing."""
    files = {
        "plugged/__init__.py": "",
        "plugged/adapters/__init__.py": "",
        "plugged/adapters/mine.py": ADAPTER,
        "plugged/adapters/notes.txt": "",
        "plugged/nets/__init__.py": "",
        "plugged/nets/network.py": "from ..tools import times\nGAIN = times(1)\n",
        "plugged/tools.py": "def times(x):\n    return 2 * x\n",
        "plugged/unused.py": "A = 1\n",
    }
    monkeypatch.syspath_prepend(str(tmp_path))

    def compute(changed="", text=""):
        for name, content in {**files, **({changed: text} if changed else {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        for name in [name for name in sys.modules if name.partition(".")[0] == "plugged"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return code_digest(importlib.import_module("plugged.adapters.mine").Mine)

    yield compute
    for name in [name for name in sys.modules if name.partition(".")[0] == "plugged"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ("plugged/adapters/mine.py", ADAPTER.replace("x * ", "x + ")),
        ("plugged/adapters/beside.py", "B = 1\n"),
        ("plugged/nets/network.py", "from ..tools import times\nGAIN = times(3)\n"),
        ("plugged/tools.py", "def times(x):\n    return 3 * x\n"),
    ],
)
def test_an_edit_of_the_code_changes_the_digest(digest, changed, text):
    assert digest() != digest(changed, text)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ("plugged/adapters/mine.py", ADAPTER.replace('"""Restore."""', '"""Other words."""  # and a comment')),
        ("plugged/adapters/mine.py", ADAPTER.replace("x * network.GAIN", "(\n            x * network.GAIN)")),
        ("plugged/adapters/notes.txt", "words"),
        ("plugged/unused.py", "A = 2\n"),
    ],
)
def test_words_and_form_do_not_change_it(digest, changed, text):
    assert len(digest()) == 64 and digest() == digest(changed, text)


def test_built_in_methods_have_digests_of_their_own():
    every = [code_digest(methods.get(name)) for name in methods.names()]
    assert len(set(every)) == len(every) and all(every)


def test_a_class_without_source_has_none():
    assert code_digest(type("Typed", (), {"__module__": "nowhere"})) == ""
