"""Every kind of file that the software writes and reads back, as small as it gets."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

import datasets
from benchmark.inference.restorer import Restored
from benchmark.planning.remote_weights import Fetched, keep_origin, origin
from benchmark.protocols.queue.portable import pack, unpack
from benchmark.protocols.queue.timings import Timing, read_timings, write_timings
from benchmark.records.files import read_record, read_scores
from benchmark.regression import baseline
from benchmark.regression.baseline import Baseline, Figure
from benchmark.regression.measuring import Key
from benchmark.runs.outputs import Outputs, read_saved
from benchmark.runs.plans import PLANS, Expected, Plan, read_plans
from benchmark.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from benchmark.training.identity import TrainingIdentity, _left
from datasets.base import Sample
from datasets.core.codec import encode
from datasets.core.errors import UserError
from datasets.core.sealed import write_sealed
from datasets.pool.store import Store, _made, _whole
from methods.weights import Card, read_weights, save_weights
from tests.helpers.command_line import pictures
from tests.helpers.corruption import Kind
from tests.helpers.made_records import keep, record

IDENTITY = {"method": "toy", "seed": 0}
_DRAW = np.random.default_rng(3)
SAMPLES = [Sample(f"p{i}", _DRAW.random((6, 5, 3), np.float32), None, "s", {}) for i in range(3)]


def bits(value: Any) -> Any:
    """A value that is equal for the same bits: tensors and arrays as their hashes."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), hashlib.sha256(value.numpy().tobytes()).hexdigest()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if isinstance(value, dict):
        return {key: bits(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(inner) for inner in value]
    return value


def _checkpoint(folder: Path) -> None:
    tensors = {f"w{i}": torch.arange(200, dtype=torch.float32).sin() * i for i in range(4)}
    state = TrainingState(step=7, state={"net": tensors, "rate": 0.1}, artefacts={"a/restorer": tensors}, seconds=3.5)
    write_checkpoint(folder / "last.pt", state, IDENTITY)


def _read_checkpoint(folder: Path) -> Any:
    return bits(vars(read_checkpoint(folder / "last.pt", IDENTITY)))


def _sources() -> list:
    draw = np.random.default_rng(1)
    entries = [{"degraded": draw.integers(0, 256, (9, 7 + i, 3), np.uint8)} for i in range(4)]
    return [(f"im{i}", lambda entry=entry: [entry]) for i, entry in enumerate(entries)]


def _pool(folder: Path) -> None:
    Store.make(folder / "pool", _sources())


def _read_pool(folder: Path) -> Any:
    store = Store(folder / "pool")
    return store.names, bits(store.shapes), bits({k: np.array(v) for k, v in store.pixels.items()})


def _parts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    list(_made(folder, _sources(), None))


def _read_parts(folder: Path) -> Any:
    """Damaged parts are made again, so they are as good as detected when `_whole` says so."""
    paths = sorted(folder.glob("*.npz"))
    if not all(map(_whole, paths)):
        raise UserError("a part is damaged")
    return [{key: bits(np.load(path)[key]) for key in np.load(path).files} for path in paths]


def _record(folder: Path) -> None:
    scores = {
        f"s{i}-{j}": {"psnr[unclamped-float]": 30 + i + j / 7, "ssim[unclamped-float]": None}
        for i in range(3)
        for j in range(2)
    }
    scores = {
        name: {**row, "psnr[matlab-volume-float]": 0.1 + row["psnr[unclamped-float]"]} for name, row in scores.items()
    }
    keep(folder, record("r2r"), scores)


def _read_record(folder: Path) -> Any:
    where = next((folder / "runs").iterdir())
    found = read_record(where)
    if found is None:
        raise UserError("no record")
    return replace(found, folder=""), found.scores, read_scores(where, found)


def _weights(folder: Path) -> None:
    state = {"conv.weight": torch.arange(300, dtype=torch.float32).cos().reshape(3, 100), "conv.bias": torch.ones(3)}
    save_weights(folder / "x.safetensors", state, Card("toy", "tiny", steps=16, source="trained"))


def _read_weights(folder: Path) -> Any:
    found = read_weights(folder / "x.safetensors")
    return bits(found.roles), found.card, found.sha256


def _identity(folder: Path) -> TrainingIdentity:
    return TrainingIdentity("toy", IDENTITY, folder, "tiny")


def _done(folder: Path) -> None:
    _identity(folder).finish({"restorer": "a" * 64, "judge": "b" * 64})


def _read_done(folder: Path) -> Any:
    return _left(_identity(folder).folder / "done.json")


def _baseline(folder: Path) -> None:
    keys = [Key("r2r", "w", "demo", f"im{i}", "float-gauss", metric) for i in range(4) for metric in ("PSNR", "SSIM")]
    figures = {key: Figure(0.5 + i / 7, 1e-5, 0.0009, "abc") for i, key in enumerate(keys)}
    baseline.write(folder / "baseline.csv", Baseline(figures, ("2026 first",)))


def _outputs(folder: Path) -> None:
    outputs = Outputs(folder, images=False, arrays=True)
    for sample in SAMPLES:
        outputs.save(Restored(sample, sample.degraded))
    outputs.finish()


def _read_outputs(folder: Path) -> Any:
    return [bits(found.output) for found in read_saved(folder, SAMPLES)]


def _prepared(folder: Path) -> None:
    datasets.prepare("folder", pictures(folder / "source", 3), folder / "data")


def _read_prepared(folder: Path) -> Any:
    opened = datasets.open_dataset("folder", folder / "data")
    return opened.fingerprint, [(s.name, s.scene, bits(s.degraded), bits(s.clean)) for s in opened]


def _state(folder: Path) -> None:
    _record(folder / "results")
    pack(folder / "results", folder / "state")


def _read_state(folder: Path) -> Any:
    with TemporaryDirectory() as place:
        unpack(folder / "state", Path(place))
        found = [path for path in sorted(Path(place).rglob("*")) if path.is_file()]
        return [(str(path.relative_to(place)), path.read_bytes()) for path in found]


TIMINGS = [Timing("line", f"m{i}", "tiny", "fp32", "cpu", 5, 10 + i, 0.25 / (i + 1), "2026-01-01") for i in range(6)]


def _read_timings(folder: Path) -> Any:
    """Damaged lines are left out, and their rows say that nothing was measured."""
    found = read_timings(folder)
    if len(found) < len(TIMINGS):
        raise UserError("lines were left out")
    return found


def make_plan(path: Path) -> None:
    cells = (
        Expected("r2r-demo-0", "r2r", "tiny", "demo", 0),
        Expected("", "lir", "", "demo", 1, "train --methods lir"),
    )
    write_sealed(path, encode(Plan(("run", "--methods", "r2r"), "here", 7, 1.5e9, cells)))


def _read_plans(folder: Path) -> Any:
    found = read_plans(folder)
    if not found:
        raise UserError("it was passed over")
    return found


def _origin(folder: Path) -> None:
    (folder / "w").mkdir(parents=True)
    keep_origin(folder / "w" / "x.safetensors", Fetched("hf://org/repo:x.safetensors", "c" * 40, "a" * 64))


def _read_origin(folder: Path) -> Any:
    found = origin(folder / "w" / "x.safetensors")
    if found is None:
        raise UserError("nothing is known of it")
    return found


KINDS = (
    Kind("checkpoint", _checkpoint, "last.pt", _read_checkpoint),
    Kind("pool array", _pool, "pool/degraded.npy", _read_pool),
    Kind("pool index", _pool, "pool/index.json", _read_pool),
    Kind("pool part", _parts, "000002.npz", _read_parts),
    Kind("record", _record, "runs/*/record.json", _read_record),
    Kind("scores", _record, "runs/*/scores.csv", _read_record),
    Kind("weights", _weights, "x.safetensors", _read_weights),
    Kind("card", _weights, "x.json", _read_weights),
    Kind("done.json", _done, "training/*/done.json", _read_done),
    Kind("baseline", _baseline, "baseline.csv", lambda folder: baseline.read(folder / "baseline.csv")),
    Kind("saved output", _outputs, "outputs/p1.npy", _read_outputs),
    Kind("outputs' checksums", _outputs, "outputs/checksums.json", _read_outputs),
    Kind("manifest", _prepared, "data/folder/manifest.csv", _read_prepared),
    Kind("dataset.json", _prepared, "data/folder/dataset.json", _read_prepared, decides=False),
    Kind("state's index", _state, "state/state.json", _read_state),
    Kind("state's part", _state, "state/state-*-000", _read_state),
    Kind("timings", lambda folder: write_timings(folder, TIMINGS), "timings.csv", _read_timings),
    Kind("origin of weights", _origin, "w/origin.json", _read_origin),
    Kind("plan", lambda folder: make_plan(folder / PLANS / "x.json"), "plans/x.json", _read_plans),
    Kind("prepared image", _prepared, "data/folder/*/degraded/*.png", _read_prepared),
)
