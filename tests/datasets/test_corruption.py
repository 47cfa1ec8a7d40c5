"""Seeded damage to a prepared folder: noticed, or of no consequence; and `prepare` makes it what it was."""

import shutil

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from tests.datasets.test_hostile import source


def damaged(data, kind, rng):
    """Bytes with a flip, cut, without a row, or with a block of zeros."""
    at = int(rng.integers(len(data)))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "rows":
        lines = data.splitlines(keepends=True)
        return b"".join(lines[: int(rng.integers(len(lines)))])
    return data[:at] + b"\0" * min(64, len(data) - at) + data[at + 64 :]


def content(root):
    opened = datasets.open_dataset("folder", root)
    return opened.fingerprint, [(s.name, s.scene, s.degraded.tobytes(), s.clean.tobytes()) for s in opened]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    source(folder / "s", "abc")
    datasets.prepare("folder", folder / "s", folder / "data")
    return folder, content(folder / "data")


@pytest.mark.parametrize("kind", ["flip", "cut", "rows", "zeros"])
@pytest.mark.parametrize("seed", range(30))
def test_damage_is_noticed_or_harmless_and_mended(whole, tmp_path, kind, seed):
    folder, wanted = whole
    shutil.copytree(folder / "data", tmp_path / "data")
    rng = np.random.default_rng([seed, len(kind), ord(kind[0])])
    files = sorted(path for path in (tmp_path / "data").rglob("*") if path.is_file() and path.name != ".lock")
    # every second time the manifest or the description, of which there are few
    small = [path for path in files if path.suffix in (".csv", ".json")]
    chosen = (small if seed % 2 else files)[int(rng.integers(len(small if seed % 2 else files)))]
    chosen.write_bytes(damaged(chosen.read_bytes(), kind, rng))
    try:
        assert content(tmp_path / "data") == wanted
    except UserError as error:
        assert "\n" not in str(error)
    datasets.prepare("folder", folder / "s", tmp_path / "data")
    assert content(tmp_path / "data") == wanted
