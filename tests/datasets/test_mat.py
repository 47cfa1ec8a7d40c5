"""MATLAB files of every container: arrays, blocks, and bad files."""

import h5py
import numpy as np
import pytest
import scipy.io

from datasets.core.errors import UserError
from datasets.mat import Blocks, read_array, variables

KINDS = ("v5", "v5-compressed", "v7.3", "v7.3-chunked")


def save(path, kind, **arrays):
    if kind.startswith("v5"):
        scipy.io.savemat(path, arrays, do_compression=kind.endswith("compressed"))
        return path
    extra = {"chunks": True, "compression": "gzip"} if kind.endswith("chunked") else {}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T, **extra)
    return path


def noise(shape, dtype=np.uint8):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, shape, np.uint8) if dtype == np.uint8 else rng.random(shape).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_keep_matlabs_axis_order(tmp_path, kind):
    array = noise((2, 3, 8, 5, 3))
    path = save(tmp_path / "a.mat", kind, V=array)
    assert variables(path) == {"V": (2, 3, 8, 5, 3)}
    assert np.array_equal(read_array(path), array)
    assert np.array_equal(read_array(path, "V"), array)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 3, 12, 10, 3), (7, 12, 10, 3)])
def test_blocks_are_the_arrays_blocks(tmp_path, kind, shape, monkeypatch):
    monkeypatch.setattr("datasets.mat._SLAB_BYTES", 2500)
    monkeypatch.setattr("datasets.mat._STRIP_ROWS", 64)
    array = noise(shape)
    blocks = Blocks(save(tmp_path / "a.mat", kind, V=array), "V")
    flat = array.reshape(-1, *shape[-3:])
    assert len(blocks) == len(flat)
    for index in (*range(len(flat)), 0):
        block = blocks.block(index)
        assert block.flags.c_contiguous and np.array_equal(block, flat[index])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mosaics(tmp_path, dtype):
    array = noise((3, 2, 8, 6), dtype)
    blocks = Blocks(save(tmp_path / "a.mat", "v5", R=array), "R", channels=0, kind="f")
    assert np.array_equal(blocks.block(3), array[1, 1].astype(np.float32))
    assert blocks.block(3).dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.999])
def test_truncated_files_are_named(tmp_path, kind, part):
    path = save(tmp_path / "cut.mat", kind, V=noise((2, 3, 32, 32, 3)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UserError, match="cut\\.mat"):
        Blocks(path, "V").block(0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_variable_lists_those_present(tmp_path, kind):
    path = save(tmp_path / "a.mat", kind, First=noise((2, 2)), Second=noise((3, 2)))
    with pytest.raises(UserError, match=r"'Third'.*First \(2, 2\), Second \(3, 2\)"):
        read_array(path, "Third")
    with pytest.raises(UserError, match="exactly one variable"):
        read_array(path)


def test_wrong_shape_dtype_and_kind(tmp_path):
    with pytest.raises(UserError, match=r"\(4, 4, 3, 2\)"):
        Blocks(save(tmp_path / "a.mat", "v5", V=noise((4, 4, 3, 2))), "V")
    with pytest.raises(UserError, match="uint8, but it is float64"):
        Blocks(save(tmp_path / "b.mat", "v5", V=noise((2, 2, 4, 4, 3), np.float64)), "V").block(0)
    scipy.io.savemat(tmp_path / "c.mat", {"V": {"field": 1}})
    with pytest.raises(UserError, match="numeric array 'V'"):
        read_array(tmp_path / "c.mat", "V")
    with pytest.raises(UserError, match="absent"):
        read_array(tmp_path / "absent.mat")


@pytest.mark.parametrize("name", ["x", "abcd", "ValidationNoisyBlocksSrgb"])
def test_uncompressed_uint8_is_mapped_and_everything_else_is_left_to_the_readers(tmp_path, name):
    from datasets.mat_plain import read_plain

    array = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4, 3), np.uint8)
    other = np.arange(6.0).reshape(2, 3)
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"other": other, name: array})
    found = read_plain(path, name, hdf5=False)
    assert np.array_equal(found, array)
    assert read_plain(path, "other", hdf5=False) is None and np.array_equal(read_array(path, "other"), other)
    path.write_bytes(path.read_bytes()[:-40])
    assert read_plain(path, name, hdf5=False) is None
    scipy.io.savemat(path, {name: array}, do_compression=True)
    assert read_plain(path, name, hdf5=False) is None and np.array_equal(read_array(path, name), array)
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file[name] = array.transpose()
        file.create_dataset("packed", data=array.transpose(), compression="gzip")
    assert np.array_equal(read_plain(tmp_path / "b.mat", name, hdf5=True), array)
    assert read_plain(tmp_path / "b.mat", "packed", hdf5=True) is None
