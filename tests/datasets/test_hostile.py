"""Manifests, HDF5 and MATLAB files that were damaged, or that lead elsewhere or claim too much."""

import json
import struct
import time
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

import datasets
from datasets.core.errors import UserError
from datasets.core.files import parse_json
from datasets.mat import read_array, read_cell, variables
from datasets.submission import write_sidd_csv, write_sidd_mat
from datasets.submission_reading import open_blocks
from tests.helpers.picture_files import pixels, png


def source(folder, names="abcdef"):
    for role in ("degraded", "clean"):
        (folder / role).mkdir(parents=True, exist_ok=True)
        for k, name in enumerate(names):
            (folder / role / f"{name}.png").write_bytes(png(pixels(k, (12, 13, 3))))


@pytest.fixture
def root(tmp_path):
    source(tmp_path / "s")
    datasets.prepare("folder", tmp_path / "s", tmp_path / "data")
    return tmp_path / "data" / "folder"


def opened(root):
    return datasets.open_dataset("folder", root.parent)


def again(root, spec="folder", where="s"):
    return datasets.prepare(spec, root.parent.parent / where, root.parent)


def test_a_manifest_cut_by_whole_rows_is_noticed_set_aside_and_made_again(root):
    whole = (root / "manifest.csv").read_text()
    (root / "manifest.csv").write_text("".join(whole.splitlines(keepends=True)[:5]))
    with pytest.raises(UserError, match="lists 4 images of test, but 6 images of test were prepared"):
        opened(root)
    report = again(root)
    assert (root / "manifest.csv").read_text() == whole
    assert (root / "manifest.csv.damaged").exists() and report.written == 0
    assert any("set aside as manifest.csv.damaged" in note for note in report.notes)
    assert len(opened(root)) == 6


def test_another_split_does_not_keep_the_loss(root, tmp_path):
    whole = (root / "manifest.csv").read_text()
    (root / "manifest.csv").write_text("".join(whole.splitlines(keepends=True)[:5]))
    source(tmp_path / "t", "xy")
    report = again(root, "folder[split=train]", "t")
    assert report.splits == {"train": 2}
    assert any("(test) must be prepared again" in note for note in report.notes)
    assert (root / "test" / "clean" / "a.png").exists()  # nothing of the other split is thrown away
    report = again(root)
    assert report.splits == {"test": 6, "train": 2} and report.written == 0
    assert len(opened(root)) == 6


def test_row_counts_alone_serve_folders_that_were_prepared_before(root):
    description = json.loads((root / "dataset.json").read_text())
    del description["manifest"]
    (root / "dataset.json").write_text(json.dumps(description))
    assert len(opened(root)) == 6
    whole = (root / "manifest.csv").read_text()
    (root / "manifest.csv").write_text("".join(whole.splitlines(keepends=True)[:5]))
    with pytest.raises(UserError, match="6 images of test were prepared"):
        opened(root)


def test_folders_of_an_older_version_get_the_hash_when_they_are_verified(root):
    description = json.loads((root / "dataset.json").read_text())
    wanted = description.pop("manifest")
    (root / "dataset.json").write_text(json.dumps(description))
    report = again(root)
    assert report.written == 0 and "older version" in report.notes[-1]
    assert json.loads((root / "dataset.json").read_text())["manifest"] == wanted
    assert not any("older version" in note for note in again(root).notes)


def test_a_changed_digit_is_noticed(root):
    text = (root / "manifest.csv").read_text()
    (root / "manifest.csv").write_text(text.replace(",a,", ",b,", 1))
    with pytest.raises(UserError, match="changed since prepare"):
        opened(root)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"[" * 100_000, b"\xff\xfe"])
def test_without_dataset_json_the_folder_is_known_as_ones_own(root, content):
    (root / "dataset.json").unlink()
    if content is not None:
        (root / "dataset.json").write_bytes(content)
    assert len(opened(root)) == 6
    report = again(root)
    assert (report.written, report.images) == (0, 6)
    assert json.loads((root / "dataset.json").read_text())["counts"] == {"test": 6}


def rewritten(root, change):
    """The manifest with a change, and a dataset.json that knows nothing of it, as a stranger's folder would come."""
    (root / "dataset.json").unlink()
    (root / "manifest.csv").write_bytes(change((root / "manifest.csv").read_bytes()))


META = b'"{""channels"":3}"'
CHANGES = {
    "latin": lambda b: b.replace(b"a,test", b"caf\xe9,test", 1),
    "outside": lambda b: b.replace(b"test/clean/a.png", b"../../outside.png", 1),
    "absolute": lambda b: b.replace(b"test/clean/a.png", b"/etc/hostname", 1),
    "backslash": lambda b: b.replace(b"test/clean/a.png", b"..\\..\\x.png", 1),
    "name": lambda b: b.replace(b"a,test", b"../../../pwn,test", 1),
    "dots": lambda b: b.replace(b"a,test", b"..,test", 1),
    "null": lambda b: b.replace(b"test/clean/a.png", b"test/cl\x00ean/a.png", 1),
    "control": lambda b: b.replace(b"a,test", b"a\x1b[2J,test", 1),
    "no channels": lambda b: b.replace(META, b"{}"),
    "NaN": lambda b: b.replace(META, b'"{""channels"":NaN}"', 1),
    "deep": lambda b: b.replace(META, b'"' + b"[" * 100_000 + b'"', 1),
    "list": lambda b: b.replace(META, b"[]", 1),
    "no columns": lambda b: b.replace(b"scene", b"scenery", 1),
    "half": lambda b: b[: len(b) * 2 // 3],
    "empty": lambda b: b"",
    "short hash": lambda b: b[:-2],
    "long field": lambda b: b.replace(b"a,test", b"a" * 200_000 + b",test", 1),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_damaged_and_foreign_manifests_end_in_a_sentence(root, kind, tmp_path):
    whole = (root / "manifest.csv").read_bytes()
    rewritten(root, CHANGES[kind])
    with pytest.raises(UserError, match="prepare folder"):
        opened(root)[0]
    again(root)
    assert (root / "manifest.csv").read_bytes() == whole and len(opened(root)) == 6
    assert not (tmp_path / "pwn").exists()


def test_data_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    source(tmp_path / "s")
    with pytest.raises(UserError, match="is no folder"):
        datasets.open_dataset("folder", tmp_path / "file")
    with pytest.raises(UserError, match="Not a directory|File exists"):
        datasets.prepare("folder", tmp_path / "s", tmp_path / "file")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", '{"a": Infinity}', "{", ""])
def test_json_that_is_not_read(text):
    with pytest.raises(ValueError):
        parse_json(text)


# HDF5


def hdf5(path, make):
    with h5py.File(path, "w") as file:
        make(file)
    return path


def external_link(file):
    file["x"] = h5py.ExternalLink("secret.h5", "/x")


def external_storage(file):
    file.create_dataset("x", (4, 4), "u1", external=[("secret.bin", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4, 4), "u1")
    layout[:] = h5py.VirtualSource("secret.h5", "x", (4, 4))
    file.create_virtual_dataset("x", layout)


def huge(file):
    file.create_dataset("x", (40, 32, 25600, 25600, 3), "u1", chunks=(1, 1, 256, 256, 3))


def within_a_group(file):
    file["group/below"] = h5py.ExternalLink("secret.h5", "/x")
    file["x"] = np.zeros((4, 4), np.uint8)


@pytest.mark.parametrize("make", [external_link, external_storage, virtual, huge, within_a_group])
def test_hdf5_that_leads_elsewhere_or_claims_too_much_is_refused_by_name(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    hdf5(tmp_path / "secret.h5", lambda file: file.create_dataset("x", data=np.full((4, 4), 7, np.uint8)))
    (tmp_path / "secret.bin").write_bytes(b"root:x:0:0:root:")
    path = hdf5(tmp_path / "a.mat", make)
    for call in (lambda: variables(path), lambda: read_array(path, "x")):
        with pytest.raises(UserError, match=r"a\.mat was refused: /(x|group/below)"):
            call()
    hdf5(tmp_path / "blocks.h5", make)
    with pytest.raises(UserError, match=r"blocks\.h5 was refused"):
        datasets.prepare("sidd", tmp_path / "blocks.h5", tmp_path / "data")


def test_an_ordinary_file_that_changes_is_looked_at_again(tmp_path):
    path = hdf5(tmp_path / "a.mat", lambda file: file.create_dataset("x", data=np.zeros((4, 4), np.uint8)))
    assert variables(path) == {"x": (4, 4)}
    hdf5(path, external_link)
    with pytest.raises(UserError, match="refused"):
        variables(path)


# MATLAB v5


def v5(dims, kind=9, stored=2, data=b"\0" * 64, compressed=False):
    """A file with one array `x` that claims `dims`."""
    flags = struct.pack("<IIII", 6, 8, kind, 0)
    sizes = struct.pack(f"<II{len(dims)}i", 5, 4 * len(dims), *dims) + b"\0" * (4 * len(dims) % 8)
    name = struct.pack("<II", 1, 1) + b"x" + b"\0" * 7
    body = flags + sizes + name + struct.pack("<II", stored, len(data)) + data
    element = struct.pack("<II", 14, len(body)) + body
    if compressed:
        packed = zlib.compress(element)
        element = struct.pack("<II", 15, len(packed)) + packed
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("dims", "kind"),
    [((40, 32, 256, 256, 25), 9), ((1 << 30, 1 << 30), 6), ((-4, -4), 9), ((4, -2), 6), ((1 << 30, 4), 1),
     ((1 << 30, 2), 2)],
)  # fmt: skip
def test_arrays_that_cannot_be_so_large_are_refused_at_once(tmp_path, dims, kind, compressed):
    path = tmp_path / "ValidationNoisyBlocksSrgb.mat"
    path.write_bytes(v5(dims, kind, compressed=compressed))
    start = time.perf_counter()
    tracemalloc.start()
    for call in (lambda: variables(path), lambda: read_array(path, "x")):
        with pytest.raises(UserError, match="ValidationNoisyBlocksSrgb"):
            call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6 and time.perf_counter() - start < 5


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("kind", "stored"), [(9, 200), (6, 99), (9, 14), (77, 2), (0, 2)])
def test_types_and_classes_that_there_are_not_never_reach_the_reader(tmp_path, kind, stored, compressed):
    """scipy's reader crashes on such types."""
    (tmp_path / "a.mat").write_bytes(v5((4, 4), kind, stored, compressed=compressed))
    with pytest.raises(UserError, match=r"a\.mat"):
        read_array(tmp_path / "a.mat", "x")


def test_a_compressed_element_that_grows_without_end_is_refused(tmp_path):
    packed = zlib.compress(struct.pack("<II", 14, 0xFFFFFFF0) + b"\0" * 5000)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "a.mat").write_bytes(head + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(UserError, match="a.mat"):
        variables(tmp_path / "a.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_sound_files_of_every_class_pass(tmp_path, compressed):
    content = {
        "d": np.zeros((30, 40)),
        "b": np.arange(12, dtype=np.uint8).reshape(3, 4),
        "f": np.float32([[1.5]]),
        "empty": np.zeros((0, 0)),
        "text": "a name",
        "c": np.array([[np.zeros((2, 2)), "x"], [np.uint8([[1]]), np.zeros((0, 0))]], object),
        "s": {"field": np.zeros((5, 5)), "other": {"deep": 3.0}},
        "z": np.array([[1 + 2j]]),
        "l": np.array([[True, False]]),
    }
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compressed)
    assert set(variables(tmp_path / "a.mat")) == set(content)
    np.testing.assert_array_equal(read_array(tmp_path / "a.mat", "b"), content["b"])
    assert read_cell(tmp_path / "a.mat", "c").shape == (2, 2)


# Submission files read back


def blocks(count=1280):
    rng = np.random.default_rng(0)
    few = [rng.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(5)]
    return [few[k % 5] for k in range(count)]


@pytest.mark.parametrize("layout", ["array", "cell", "csv"])
def test_our_own_submission_files_are_read(tmp_path, layout):
    wanted = blocks()
    if layout == "csv":
        path = tmp_path / "SubmitSrgb.csv"
        write_sidd_csv(path, wanted)
    else:
        path = tmp_path / "SubmitSrgb.mat"
        write_sidd_mat(path, wanted, 1.0, layout=layout)
    found = open_blocks(path)
    assert (found.count, found.is_float) == (1280, layout == "cell")
    for k in (0, 33, 1279):
        image = found.read(k)
        np.testing.assert_array_equal(np.rint(image * 255) if layout == "cell" else image, wanted[k])


def test_a_variable_can_be_named_and_must_be_where_several_could_be_meant(tmp_path):
    two = {name: np.full((2, 4, 8, 8, 3), k, np.uint8) for k, name in enumerate(("ours", "theirs"))}
    scipy.io.savemat(tmp_path / "o.mat", {**two, "time": 3.0})
    with pytest.raises(UserError, match=r"ours \(2, 4, 8, 8, 3\), theirs .*--variable"):
        open_blocks(tmp_path / "o.mat")
    assert open_blocks(tmp_path / "o.mat", "theirs").read(3).max() == 1
    with pytest.raises(UserError, match="'nothing'"):
        open_blocks(tmp_path / "o.mat", "nothing")


def test_cells_of_version_73(tmp_path):
    with h5py.File(tmp_path / "c.mat", "w") as file:
        cell = file.create_dataset("out", (3, 2), h5py.ref_dtype)  # MATLAB: 2 x 3
        cell.attrs["MATLAB_class"] = np.bytes_("cell")
        for place in np.ndindex(3, 2):
            value = np.full((3, 5, 4), 10 * place[1] + place[0], np.float32)  # MATLAB: 4 x 5 x 3
            cell[place] = file.create_dataset(f"#refs#/{place[0]}{place[1]}", data=value / 100).ref
    found = open_blocks(tmp_path / "c.mat")
    assert (found.count, found.is_float, found.read(0).shape) == (6, True, (4, 5, 3))
    np.testing.assert_allclose([found.read(k)[0, 0, 0] * 100 for k in range(6)], [0, 1, 2, 10, 11, 12], rtol=1e-6)


@pytest.mark.parametrize("kind", ["huge", "negative", "objects", "cut", "text"])
def test_npy_files_that_are_not_what_they_claim(tmp_path, kind):
    from datasets.ops.arrays import read_npy

    path = tmp_path / "a.npy"
    np.save(path, np.zeros((4, 5), np.float32))
    np.testing.assert_array_equal(read_npy(path), np.zeros((4, 5), np.float32))
    data = path.read_bytes()
    if kind == "objects":
        np.save(path, np.array([{}], object), allow_pickle=True)
    else:
        text = {"huge": b"(4, 500000000000)", "negative": b"(-4, 5)"}.get(kind, b"(4, 5)")
        grown = data.replace(b"(4, 5)", text).replace(b" " * (len(text) - 6) + b"\n", b"\n")
        path.write_bytes({"cut": data[:-9], "text": b"no array"}.get(kind, grown))
    with pytest.raises(UserError, match=r"a\.npy"):
        read_npy(path)


def test_a_list_that_leads_out_of_its_folder(tmp_path):
    (tmp_path / "outside.png").write_bytes(png(pixels(1, (8, 8, 3))))
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "RealBlur_J_test_list.txt").write_text("../outside.png ../outside.png\n")
    with pytest.raises(UserError, match="leads out of it"):
        datasets.prepare("realblur-j", tmp_path / "s", tmp_path / "data")
