"""The peers' own loops and metrics beside ours, where tox -e speed has installed them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmark.scoring.conventions import score_many
from tests.helpers.material import needs_material
from tests.helpers.speed_record import in_turn, record
from tests.speed.test_restoring_speed import BLOCKS, run_against

pytestmark = pytest.mark.speed

# deepinv asks for torchvision at import, of which there is no CPU build here. What `test` needs of it is nothing: an
# empty stand-in is enough, in this process alone.
DEEPINV = """
import importlib.machinery, json, sys, types
from pathlib import Path
from unittest.mock import MagicMock

class Empty(types.ModuleType):
    __path__ = []
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()

if not importlib.util.find_spec("torchvision"):
    names = ("", ".datasets", ".datasets.folder", ".datasets.utils", ".models", ".ops", ".transforms",
             ".transforms.functional", ".transforms.v2", ".transforms.v2.functional", ".utils")
    for name in names:
        module = Empty(f"torchvision{name}")
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        sys.modules[module.__name__] = module
import cv2, deepinv, torch
from torch.utils.data import DataLoader, Dataset
from methods.r2r.network import DnCNN

folder, weights, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
net = DnCNN(3, 20, first_bias=True, eps=1e-4)
state = torch.load(weights, map_location="cpu", weights_only=True)
state = state.get("state_dict", state)
net.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})

class Pairs(Dataset):
    paths = sorted((folder / "noisy").glob("*.png"))[:limit]
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, number):
        name = self.paths[number].name
        images = (cv2.imread(str(folder / side / name)) for side in ("clean", "noisy"))
        return tuple(torch.from_numpy(image).permute(2, 0, 1).float() / 255 for image in images)

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net.eval()
    def forward(self, y, physics, **options):
        return self.net(y).clamp(0, 1)

metrics = [deepinv.loss.metric.PSNR(), deepinv.loss.metric.SSIM()]
physics = deepinv.physics.Denoising()
with torch.no_grad():
    found = deepinv.test(Model(), DataLoader(Pairs(), batch_size=1), physics=physics, metrics=metrics, device="cpu",
                         verbose=False, show_progress_bar=False, plot_images=False)
print(json.dumps(float(next(v for k, v in found.items() if k.startswith("PSNR") and "std" not in k and "no" not in k))))
"""


@needs_material
@pytest.mark.skipif(not find_spec("deepinv"), reason="deepinv is not installed; tox -e speed installs it")
def test_a_run_against_deepinv(tmp_path: Path) -> None:
    """Whole processes; the same network, weights and blocks, PSNR and SSIM on both sides."""
    pairs, apart = run_against(DEEPINV, tmp_path)
    assert apart < 5e-3  # deepinv's PSNR is of float32 sums
    record(f"run of R2R, official weights, {BLOCKS} SIDD blocks, against deepinv.test", pairs, "deepinv.test")


@pytest.mark.skipif(not find_spec("torchmetrics"), reason="torchmetrics is not installed; tox -e speed installs it")
def test_metrics_against_torchmetrics() -> None:
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    generator = np.random.default_rng(0)
    clean = generator.random((256, 256, 3), np.float32)
    restored = np.clip(clean + generator.normal(0, 0.02, clean.shape), 0, 1).astype(np.float32)
    x, y = (torch.from_numpy(image).permute(2, 0, 1)[None] for image in (restored, clean))

    def theirs() -> None:
        for _ in range(20):
            peak_signal_noise_ratio(x, y, data_range=1.0)
            structural_similarity_index_measure(x, y, data_range=1.0)

    def ours() -> None:
        for _ in range(20):
            score_many(restored, clean, ("float-gauss",))

    ours()
    theirs()
    record("scoring 20 float32 blocks of 256x256x3, one convention", in_turn(ours, theirs, 5), "torchmetrics")
