"""Train the one-stage toy in as many processes as torchrun starts. Arguments: results folder, images folder."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from tests.helpers.two_stages import PLAIN, SETTINGS, OneStage, trained

if __name__ == "__main__":
    torch.set_num_threads(1)
    stop = int(sys.argv[3]) if len(sys.argv) > 3 else None
    settings = replace(SETTINGS, steps=24)
    if stop is not None:
        from tests.helpers.two_stages import Refine

        step = Refine.step

        def interrupted(self, batch, loop):
            if loop.step == stop:
                raise SystemExit(7)
            return step(self, batch, loop)

        Refine.step = interrupted
    trained(Path(sys.argv[1]), Path(sys.argv[2]), OneStage, PLAIN, settings)
