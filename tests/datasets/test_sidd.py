"""SIDD in every container and index convention, from the real blocks."""

import csv
import shutil

import h5py
import numpy as np
import pytest
import scipy.io

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import read_image, write_png
from datasets.sidd import SIDD
from datasets.sidd_scenes import held_out, known_blocks
from tests.helpers.material import material, needs_material

REAL = "data/sidd/val_blocks"
NAMES = ("ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb")


def save_mat(path, variable, array, kind="v5"):
    if kind == "v7.3":
        with h5py.File(path, "w", userblock_size=512) as file:
            file.create_dataset(variable, data=array.T)
    else:
        scipy.io.savemat(path, {variable: array}, do_compression=kind == "v5-compressed")


@pytest.fixture(scope="module")
def real():
    """(64, 256, 256, 3) noisy and clean: scenes 0 and 1 whole."""
    return [
        np.stack([read_image(material(f"{REAL}/{kind}/{i:04d}.png")) for i in range(64)]) for kind in ("noisy", "clean")
    ]


def blocks(count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 256, 256, 3), np.uint8)


def save_set(folder, names, arrays):
    for (noisy, clean), noisy_block, clean_block in zip(names, *arrays, strict=True):
        write_png(folder / noisy, noisy_block)
        write_png(folder / clean, clean_block)


def opened(source, tmp_path, split="validation"):
    datasets.prepare("sidd", source, tmp_path / "data")
    return datasets.open_dataset("sidd", tmp_path / "data", split=split)


@needs_material
@pytest.mark.parametrize("kind", ["v5", "v5-compressed", "v7.3"])
def test_real_blocks_from_mat_are_bit_identical(tmp_path, real, kind):
    (tmp_path / "source").mkdir()
    for name, array in zip(NAMES, real, strict=True):
        save_mat(tmp_path / f"source/{name}.mat", name, array.reshape(2, 32, 256, 256, 3), kind)
    found = opened(tmp_path / "source", tmp_path)
    assert [row.name for row in found.rows] == [f"{i:04d}" for i in range(64)]
    for role, array in zip(("degraded", "clean"), real, strict=True):
        written = [read_image(tmp_path / f"data/sidd/validation/{role}/{i:04d}.png") for i in range(64)]
        assert np.array_equal(np.stack(written), array)
    assert found.partial == "partial: 64 of 1280"
    assert found.rows[40].scene == "0021_001_GP_10000_05000_5500_N"
    assert (found.rows[40].camera, found.rows[40].iso) == ("GP", 10000)
    assert found.rows[40].meta == {"block": 8, "scene_index": 1, "recognised": True}


@needs_material
def test_the_real_png_blocks(tmp_path):
    found = opened(material(REAL), tmp_path)
    assert len(found) == 65 and found.partial == "partial: 65 of 1280" and found.rows[64].scene.startswith("0024_")
    assert all(row.meta["recognised"] for row in found.rows)
    sample = found[5]
    assert np.array_equal(sample.degraded, read_image(material(f"{REAL}/noisy/0005.png")))


CONVENTIONS = {
    "flat, N and CL": lambda i: (f"{i:04d}_N.png", f"{i:04d}_CL.png"),
    "flat, two folders": lambda i: (f"noisy/{i:04d}.png", f"clean/{i:04d}.png"),
    "flat from 1": lambda i: (f"noisy/{i + 1}.png", f"gt/{i + 1}.png"),
    "pairs from 1": lambda i: (
        f"input/{i // 32 + 1:04d}_{i % 32 + 1:02d}.png",
        f"groundtruth/{i // 32 + 1:04d}_{i % 32 + 1:02d}.png",
    ),
    "val": lambda i: (f"val_{i}_NOISY.png", f"val_{i}_GT.png"),
}


@needs_material
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_png_index_conventions(tmp_path, real, convention):
    chosen = [5, 31, 32, 47]
    names = [CONVENTIONS[convention](i) for i in chosen]
    save_set(tmp_path / "source", names, [array[chosen] for array in real])
    found = opened(tmp_path / "source", tmp_path)
    assert [row.name for row in found.rows] == ["0005", "0031", "0032", "0047"]
    assert [row.meta["block"] for row in found.rows] == [5, 31, 0, 15]
    assert [row.scene[:4] for row in found.rows] == ["0009", "0009", "0021", "0021"]
    assert all(row.meta["recognised"] for row in found.rows)
    assert np.array_equal(found[2].degraded, real[0][32]) and np.array_equal(found[2].clean, real[1][32])


@needs_material
def test_hdf5_keys_are_sorted_as_numbers(tmp_path, real):
    (tmp_path / "source").mkdir()
    with h5py.File(tmp_path / "source/val.h5", "w") as file:
        for i in range(12):
            file.create_dataset(str(i), data=np.concatenate([real[0][i], real[1][i]], 2))
    found = opened(tmp_path / "source", tmp_path)
    assert [row.name for row in found.rows] == [f"{i:04d}" for i in range(12)] and found.rows[0].meta["recognised"]
    assert np.array_equal(found[2].clean, real[1][2]) and np.array_equal(found[10].degraded, real[0][10])


def test_strangers_are_accepted_and_said_to_be(tmp_path):
    (tmp_path / "source").mkdir()
    for name, seed in zip(NAMES, (1, 2), strict=True):
        save_mat(tmp_path / f"source/{name}.mat", name, blocks(6, seed).reshape(2, 3, 256, 256, 3))
    found = opened(tmp_path / "source", tmp_path)
    assert [row.name for row in found.rows] == [f"{i:04d}" for i in range(6)]
    assert [row.scene for row in found.rows] == ["scene00"] * 3 + ["scene01"] * 3
    assert found.rows[0].meta["note"] == "not the SIDD validation blocks by pixel hash"
    described = (tmp_path / "data/sidd/dataset.json").read_text()
    assert "not the SIDD validation blocks" in described and '"validation": false' in described
    assert np.array_equal(found[4].degraded, blocks(6, 1)[4])


@needs_material
@pytest.mark.parametrize(("changed", "known"), [("as it is", True), ("BGR", False), ("transposed", False)])
def test_blocks_in_another_order_of_channels_or_axes_are_strangers(tmp_path, real, changed, known):
    """Case 10."""
    change = {"as it is": lambda x: x, "BGR": lambda x: x[..., ::-1], "transposed": lambda x: x.swapaxes(1, 2)}[changed]
    (tmp_path / "source").mkdir()
    for name, images in zip(NAMES, real, strict=True):
        save_mat(tmp_path / f"source/{name}.mat", name, np.ascontiguousarray(change(images[:32])[None]))
    report = datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    assert any("not the SIDD validation blocks" in note for note in report.notes) != known
    assert bool(datasets.open_dataset("sidd", tmp_path / "data").rows[0].meta.get("recognised")) == known


def test_a_browsers_number_in_the_name(tmp_path):
    """Case 33: a file that was downloaded twice."""
    (tmp_path / "source").mkdir()
    for name, seed in zip(NAMES, (1, 2), strict=True):
        save_mat(tmp_path / f"source/{name} (1).mat", name, blocks(2, seed).reshape(1, 2, 256, 256, 3))
    found = opened(tmp_path / "source", tmp_path)
    assert np.array_equal(found[1].degraded, blocks(2, 1)[1]) and np.array_equal(found[1].clean, blocks(2, 2)[1])


def test_a_whole_set_of_strangers_is_partial(tmp_path, monkeypatch):
    monkeypatch.setattr(SIDD, "facts", SIDD.facts.__class__(**{**SIDD.facts.__dict__, "complete": {"validation": 2}}))
    save_set(
        tmp_path / "source", [("0000_N.png", "0000_CL.png"), ("0001_N.png", "0001_CL.png")], [blocks(2), blocks(2, 1)]
    )
    assert opened(tmp_path / "source", tmp_path).partial == "partial: not the SIDD validation blocks by pixel hash"


def test_numbers_that_tell_nothing_are_noted(tmp_path):
    save_set(tmp_path / "source", [("noisy/700.png", "clean/700.png")], [blocks(1), blocks(1, 1)])
    row = opened(tmp_path / "source", tmp_path).rows[0]
    assert row.name == "0700" and "0 was taken" in row.meta["note"] and "recognised" not in row.meta


def test_sources_of_other_splits_add_up(tmp_path):
    save_set(tmp_path / "one", [("0000_N.png", "0000_CL.png")], [blocks(1), blocks(1, 1)])
    (tmp_path / "two").mkdir()
    save_mat(
        tmp_path / "two/BenchmarkNoisyBlocksSrgb.mat", "BenchmarkNoisyBlocksSrgb", blocks(2).reshape(2, 1, 256, 256, 3)
    )
    first = opened(tmp_path / "one", tmp_path).fingerprint
    bench = opened(tmp_path / "two", tmp_path, "benchmark")
    assert bench[1].clean is None and bench.rows[1].scene == held_out()[1].name
    assert datasets.open_dataset("sidd", tmp_path / "data").fingerprint == first
    assert datasets.prepare("sidd", tmp_path / "one", tmp_path / "data").written == 0
    assert datasets.prepare("sidd", tmp_path / "two", tmp_path / "data").written == 0
    write_png(tmp_path / "one/0000_N.png", blocks(1, 5)[0])
    assert datasets.prepare("sidd", tmp_path / "one", tmp_path / "data").images == 3
    assert datasets.open_dataset("sidd", tmp_path / "data").fingerprint != first
    assert datasets.open_dataset("sidd", tmp_path / "data", split="benchmark").fingerprint == bench.fingerprint


def test_sidd_plus(tmp_path):
    (tmp_path / "source").mkdir()
    for stem, seed in (("siddplus_valid_noisy_srgb", 1), ("siddplus_valid_gt_srgb", 2)):
        save_mat(tmp_path / f"source/{stem}.mat", stem, blocks(3, seed))
    found = opened(tmp_path / "source", tmp_path, "plus")
    assert [row.name for row in found.rows] == ["0000", "0001", "0002"] and found.partial == "partial: 3 of 1024"
    assert np.array_equal(found[1].clean, blocks(3, 2)[1])


def bad_mat(folder, kind):
    folder.mkdir()
    good = blocks(2).reshape(1, 2, 256, 256, 3)
    save_mat(folder / f"{NAMES[0]}.mat", NAMES[0], good)
    path, name = folder / f"{NAMES[1]}.mat", NAMES[1]
    if kind == "truncated":
        save_mat(path, name, good)
        path.write_bytes(path.read_bytes()[:200_000])
    elif kind == "variable":
        save_mat(path, "SomethingElse", good)
    elif kind == "shape":
        save_mat(path, name, good[..., 0])
    elif kind == "size":
        save_mat(path, name, good[:, :, :128])
    elif kind == "dtype":
        save_mat(path, name, good.astype(np.float64))
    elif kind == "count":
        save_mat(path, name, good[:, :1])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("truncated", "truncated"),
        ("variable", r"'ValidationGtBlocksSrgb'.*SomethingElse \(1, 2, 256, 256, 3\)"),
        ("shape", r"\(1, 2, 256, 256\)"),
        ("size", r"\(1, 2, 128, 256, 3\)"),
        ("dtype", "uint8, but it is float64"),
        ("count", "as many clean blocks as noisy"),
        ("missing", "partner ValidationGtBlocksSrgb.mat"),
    ],
)
def test_bad_mat_files(tmp_path, kind, text):
    bad_mat(tmp_path / "source", kind)
    with pytest.raises(UserError, match=text):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    assert not (tmp_path / "data/sidd").exists()


def test_bad_block_images(tmp_path):
    two = [blocks(2), blocks(2, 1)]
    names = [("noisy/0000.png", "clean/0000.png"), ("noisy/0001.png", "clean/0001.png")]
    save_set(tmp_path / "source", names, two)
    (tmp_path / "source/clean/0001.png").unlink()
    with pytest.raises(UserError, match="clean partner of .*noisy/0001.png"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    (tmp_path / "source/clean/0001.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(UserError, match="clean/0001.png"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    write_png(tmp_path / "source/clean/0001.png", two[0][0][:128])
    with pytest.raises(UserError, match="256x256 pixels.*256x128"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    write_png(tmp_path / "source/elsewhere/noisy/0001.png", two[0][0])
    with pytest.raises(UserError, match="same"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    assert not (tmp_path / "data/sidd").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").write_text("nothing")
    with pytest.raises(UserError, match="none of its 1 files is of SIDD"):
        datasets.prepare("sidd", tmp_path / "other", tmp_path / "data")


@needs_material
def test_training_captures_srgb_and_raw(tmp_path):
    meta = material("data/sidd/meta")
    instance = "0001_001_S6_00100_00060_3200_L"
    folder = tmp_path / "source/SIDD_Small/Data" / instance
    folder.mkdir(parents=True)
    images = material(f"data/sidd/small_resized256/{instance}")
    for name in ("NOISY_SRGB_010.PNG", "GT_SRGB_010.PNG"):
        shutil.copy(images / name, folder / name)
    mosaic = np.random.default_rng(0).random((12, 10))
    for name in ("NOISY", "GT"):
        with h5py.File(folder / f"{name}_RAW_010.MAT", "w", userblock_size=512) as file:
            file.create_dataset("x", data=mosaic.T)
    with pytest.raises(UserError, match="METADATA_RAW"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")
    shutil.copy(meta / "0001_METADATA_RAW_010.MAT", folder / "METADATA_RAW_010.MAT")
    found = opened(tmp_path / "source", tmp_path, "train")
    (row,) = found.rows
    assert (row.name, row.scene, row.camera, row.iso) == (f"{instance}_010", instance, "S6", 100)
    assert np.array_equal(found.read(0, "raw"), mosaic.astype(np.float32)) and set(row.files) == {
        "degraded", "clean", "raw", "raw_clean"
    }  # fmt: skip
    assert row.meta["cfa"] == [1, 0, 2, 1] and row.meta["as_shot_neutral"] == [0.552734375, 1.0, 0.484375]
    assert row.meta["color_matrix2"][:2] == [1.23828125, -0.4443359375] and len(row.meta["color_matrix2"]) == 9
    tag = row.meta["beta"]
    assert tag[1::2] == [0, 0, 0]
    shutil.copy(meta / "noise_level_functions.csv", tmp_path / "source")
    law = next(r for r in csv.reader((meta / "noise_level_functions.csv").open()) if r[0] == instance)
    (row,) = opened(tmp_path / "source", tmp_path, "train").rows
    assert row.meta["beta"] == [float(v) for v in law[1:]]
    assert np.allclose(row.meta["beta"], tag, rtol=1e-6)
    (folder / "GT_SRGB_010.PNG").unlink()
    with pytest.raises(UserError, match="partner GT_SRGB"):
        datasets.prepare("sidd", tmp_path / "source", tmp_path / "data")


@needs_material
def test_scene_names_and_hashes_are_those_of_the_material():
    table = csv.DictReader(material("data/sidd/meta/held_out_scenes.csv").open())
    assert [scene.name for scene in held_out()] == [row["scene_instance"] for row in table]
    assert len(held_out()) == 40 and held_out()[9].iso == 3200 and len(known_blocks()) == 69


def test_a_mat_file_stands_for_its_folder(tmp_path):
    (tmp_path / "source").mkdir()
    for name, seed in zip(NAMES, (1, 2), strict=True):
        save_mat(tmp_path / f"source/{name}.mat", name, blocks(2, seed).reshape(2, 1, 256, 256, 3))
    found = opened(tmp_path / f"source/{NAMES[0]}.mat", tmp_path)
    assert np.array_equal(found[1].clean, blocks(2, 2)[1])
