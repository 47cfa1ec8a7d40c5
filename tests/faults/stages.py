"""The folders that `prepare`, `train` and `run` start from, and what they leave if nothing disturbs them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.helpers.kill import Killer
from tests.test_kill import Folders

COMMAND = "tests.helpers.kill:command"
ORDER = ("prepare", "train", "run")


class Stages:
    """Made by undisturbed commands. `left`: command -> what it leaves."""

    def __init__(self, killer: Killer, root: Path) -> None:
        self._root, self._tries = root, 0
        self.left: dict[str, dict[str, str]] = {}
        whole = root / "whole"
        whole.mkdir()
        for name in ORDER:
            shutil.copytree(whole, root / f"before-{name}")
            done = killer(COMMAND, *Folders(whole).argv(name))
            assert done.code == 0, done.output
            self.left[name] = Folders(whole).left(name)

    def before(self, name: str) -> Folders:
        """New folders as a command finds them."""
        self._tries += 1
        root = self._root / f"try{self._tries}"
        shutil.copytree(self._root / f"before-{name}", root)
        return Folders(root)
