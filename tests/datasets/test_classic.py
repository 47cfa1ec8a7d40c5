"""The classic sets: known names and sizes, noise with a key."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datasets
from datasets.classic import BSD68, BSD400, CBSD68, Kodak24, Kodak24Small, Set12
from datasets.core.errors import UserError
from datasets.ops.images import write_png
from tests.helpers.material import material, needs_material

FOLDERS = {BSD68: "bsd68", CBSD68: "cbsd68", Set12: "set12", Kodak24Small: "kodak24_500", BSD400: "bsd400"}


@pytest.fixture(scope="module")
def kodak(tmp_path_factory):
    """A prepared kodak24 of made-up pictures."""
    folder = tmp_path_factory.mktemp("kodak")
    for n in range(1, 25):
        write_png(folder / "s" / f"kodim{n:02d}.png", np.full((512, 768, 3), 200 if n > 1 else 255, np.uint8))
    write_png(folder / "s" / "contact_sheet.png", np.zeros((9, 9, 3), np.uint8))
    datasets.prepare("kodak24", folder / "s", folder / "data")
    return folder


def test_known_names_only_and_noise_on_reading(kodak):
    opened = datasets.open_dataset("kodak24[sigma=50]", kodak / "data")
    assert [row.name for row in opened.rows] == [f"kodim{n:02d}" for n in range(1, 25)]
    assert (opened.partial, opened.degradation) == ("", "sigma50")
    sample = opened[0]
    assert sample.degraded.dtype == np.float32
    assert sample.degraded.max() > 1.3
    noise = sample.degraded - sample.clean / np.float32(255)
    assert float(noise.std()) == pytest.approx(50 / 255, rel=0.005)
    assert float(noise.mean()) == pytest.approx(0, abs=1e-3)
    assert sample.noise_level == 50 / 255
    assert sample.scene == "kodim01"


def test_noise_depends_on_seed_and_name_alone(kodak):
    first = datasets.open_dataset("kodak24", kodak / "data")
    again = datasets.open_dataset("kodak24", kodak / "data", limit=3)
    np.testing.assert_array_equal(first[2].degraded, again[2].degraded)
    assert not np.array_equal(first[2].degraded, first[1].degraded)
    other = datasets.open_dataset("kodak24", kodak / "data", noise_seed=1)
    assert not np.array_equal(first[2].degraded, other[2].degraded)
    double = datasets.open_dataset("kodak24[sigma=50]", kodak / "data")
    clean = first[2].clean / np.float32(255)
    np.testing.assert_allclose(double[2].degraded - clean, 2 * (first[2].degraded - clean), atol=1e-6)


def test_clipping_is_an_option(kodak):
    opened = datasets.open_dataset("kodak24[clip=true]", kodak / "data")
    free = datasets.open_dataset("kodak24", kodak / "data")
    np.testing.assert_array_equal(opened[0].degraded, np.clip(free[0].degraded, 0, 1))
    assert "clip" in opened.degradation


@settings(deadline=None)
@given(st.sampled_from([(500, 500), (768, 512), (100, 100)]))
def test_kodak_variants_are_told_apart(tmp_path_factory, size):
    folder = tmp_path_factory.mktemp("sizes")
    for n in range(1, 25):
        write_png(folder / f"kodim{n:02d}.png", np.zeros((*size, 3), np.uint8))
    messages = {}
    for cls in (Kodak24, Kodak24Small):
        try:
            assert len(list(cls.items(folder))) == 24
        except UserError as error:
            messages[cls] = str(error)
    if size == (500, 500):
        assert "prepare kodak24-500" in messages[Kodak24]
        assert Kodak24Small not in messages
    elif size == (768, 512):
        assert "prepare kodak24." in messages[Kodak24Small]
        assert Kodak24 not in messages
    else:
        assert len(messages) == 2


def test_missing_pictures_are_named(tmp_path):
    for n in range(1, 12):
        write_png(tmp_path / f"{n:02d}.png", np.zeros((256, 256), np.uint8))
    with pytest.raises(UserError, match="1 of 12 are missing, the first is '12'"):
        list(Set12.items(tmp_path))
    (tmp_path / "12.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="12.png"):
        list(Set12.items(tmp_path))


def test_grey_stored_as_colour_is_taken_but_colour_is_not(tmp_path):
    for n in range(1, 13):
        write_png(tmp_path / f"{n:02d}.png", np.full((256, 256, 3), n, np.uint8))
    items = list(Set12.items(tmp_path))
    assert items[4].load["clean"]().shape == (256, 256, 1)
    write_png(tmp_path / "03.png", np.random.default_rng(0).integers(0, 9, (256, 256, 3), np.uint8))
    with pytest.raises(UserError, match="03.png is a colour picture"):
        items[2].load["clean"]()


def test_grey_for_a_colour_set_is_refused(tmp_path):
    for n in range(1, 25):
        write_png(tmp_path / f"kodim{n:02d}.png", np.zeros((500, 500), np.uint8))
    with pytest.raises(UserError, match="colour"):
        list(Kodak24Small.items(tmp_path))


@needs_material
@pytest.mark.parametrize("cls", FOLDERS, ids=lambda cls: cls.facts.name)
def test_the_real_files(cls):
    items = list(cls.items(material(f"data/{FOLDERS[cls]}")))
    assert len(items) == cls.facts.complete[cls.facts.default_split]
    assert {item.split for item in items} == {cls.facts.default_split}
    first = items[0].load["clean"]()
    assert first.shape[2] == cls.facts.channels
    path = next(material(f"data/{FOLDERS[cls]}").glob(f"{items[0].name}.*"))
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(first, stored[..., None] if stored.ndim == 2 else stored[..., ::-1])
