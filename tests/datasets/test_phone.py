"""phone: its noise and cameras, the raw path that gives its pictures exactly, and what its splits are made from."""

import numpy as np
import pytest

import datasets
from datasets import bsds500, phone, phone_cameras
from datasets.core.errors import UserError
from datasets.ops import isp
from datasets.ops.noise import keyed_generator
from tests.datasets.test_bsds500 import FEW, pictures


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """phone of three photographs to train on and two of val that are not in CBSD68."""
    folder = tmp_path_factory.mktemp("phone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bsds500, "COUNTS", FEW)
        patch.setattr(phone, "VALIDATION", 1)
        datasets.prepare("phone", pictures(folder / "source"), folder / "data")
    return folder


def opened(prepared, split):
    return datasets.open_dataset("phone", prepared / "data", split=split)


def test_splits_hold_no_photograph_of_another_and_none_of_cbsd68(prepared):
    rows = {split: opened(prepared, split).rows for split in phone.Phone.facts.splits}
    assert {split: {row.scene for row in found} for split, found in rows.items()} == {
        "train": {"9000", "9001", "9005"},  # train and test of BSDS500
        "validation": {"9003"},
        "test": {"9004"},
    }
    assert {split: len(found) for split, found in rows.items()} == {"train": 9, "validation": 2, "test": 2}
    assert opened(prepared, "train")[0].clean.shape == (320, 480, 3)
    assert opened(prepared, "test")[1].degraded.shape == (256, 256, 3)


@pytest.mark.parametrize("split", phone.Phone.facts.splits)
def test_raw_path_gives_the_pictures_exactly(prepared, split):
    data = opened(prepared, split)
    for k, sample in enumerate(data):
        mosaic, meta = data.read(k, "raw"), sample.meta
        assert mosaic.dtype == np.float32 and "raw_clean" not in data.rows[k].files
        fixed = (meta["cfa"], meta["as_shot_neutral"], meta["color_matrix2"])
        np.testing.assert_array_equal(isp.to_uint8(isp.render(mosaic, *fixed, **meta["isp"])), sample.degraded)


def test_every_picture_has_a_camera_of_its_own_and_its_law_is_the_mosaics():
    light = np.full((320, 320, 3), 140.0)
    strengths = []
    for number in range(40):
        meta = phone_cameras.drawn(f"picture {number}")
        made = phone.images(light, meta, f"picture {number}")
        quiet = phone.images(light, {**meta, "beta": [0.0] * 6}, "quiet")
        np.testing.assert_array_equal(made["clean"], quiet["clean"])
        np.testing.assert_array_equal(quiet["degraded"], quiet["clean"])
        noise = made["raw"] - quiet["raw"]
        expected = isp.noise_variance(quiet["raw"], meta["cfa"], meta["beta"])
        assert float((noise**2 / expected).mean()) == pytest.approx(1, rel=0.03)
        strengths.append(meta["beta"][2])
    assert len({tuple(phone_cameras.drawn(f"picture {n}")["cfa"]) for n in range(40)}) == 4
    assert min(strengths) < 1e-3 and max(strengths) > 1e-2


def test_white_stays_white():
    meta = phone_cameras.drawn("white")
    clean = phone.images(np.full((64, 64, 3), 200.0), {**meta, "exposure": 0.5}, "white")["clean"]
    assert int(np.ptp(clean.reshape(-1, 3).mean(0))) <= 1


def test_laws_are_published_ones_at_another_gain():
    laws = phone_cameras.laws()
    assert len(laws) == 36 and {law.camera for law in laws} == {"G4", "GP", "IP", "N6", "S6"}
    law = laws[12]
    assert law.beta[1] > 1e-3  # of reading
    assert law.amplified(2.0)[:2] == pytest.approx([2 * law.beta[0], 4 * law.beta[1]], rel=1e-5)
    for low, high in (phone_cameras.MILD, phone_cameras.STRONG):  # there is a law near every strength that is drawn
        for strength in np.geomspace(low, high, 30):
            assert any(1 / phone_cameras.NEAREST <= strength / law.beta[2] <= phone_cameras.NEAREST for law in laws)


def test_noise_depends_on_the_name_alone(prepared, tmp_path):
    data = opened(prepared, "train")
    shot = phone.Shot(prepared / "source" / "train" / "9001.png", "train", 2)
    row = next(k for k, found in enumerate(data.rows) if found.name == shot.name)
    np.testing.assert_array_equal(phone._images(shot)["raw"], data.read(row, "raw"))
    assert data.rows[row].meta == shot.meta() and 1.3 <= shot.zoom <= 4


def test_noise_is_that_of_a_phone():
    """Within what real blocks have by the same measure: lag 1 0.41 to 0.49, channels 0.13 to 0.6 (docs/noise.md)."""
    draw = keyed_generator("smooth")
    lags, channels = [], []
    for number in range(24):
        light = np.kron(draw.uniform(60, 230, (4, 4, 3)), np.ones((64, 64, 1)))
        made = phone.images(light, phone_cameras.drawn(f"block {number}"), f"block {number}")
        noise = made["degraded"].astype(float) - made["clean"]
        noise -= noise.mean((0, 1))
        lags.append((noise[:, 1:] * noise[:, :-1]).mean() / (noise**2).mean())
        corr = np.corrcoef(noise.reshape(-1, 3).T)
        channels.append([corr[0, 1], corr[1, 2], corr[0, 2]])
    assert 0.41 < np.mean(lags) < 0.49
    low, high = np.array([0.15, 0.13, 0.45]), np.array([0.36, 0.55, 0.6])
    assert (np.mean(channels, 0) > low).all() and (np.mean(channels, 0) < high).all()


def test_the_stronger_set_has_the_same_pictures_and_cameras_under_more_noise():
    for number in range(40):
        plain, strong = (phone_cameras.drawn(f"picture {number}", *more) for more in ((), (phone_cameras.STRONGER,)))
        mild = plain["beta"][2] < phone_cameras.MILD[1]
        if plain["law"].split(" x ")[0] == strong["law"].split(" x ")[0]:  # else the camera of another law
            assert strong["beta"][2] / plain["beta"][2] == pytest.approx(1 if mild else 2, rel=0.01)
        for key in ("cfa", "as_shot_neutral", "color_matrix2", "exposure"):
            assert plain[key] == strong[key]
        assert phone_cameras.MILD[0] <= strong["beta"][2] <= phone_cameras.STRONGER[1]


def made_to_train_on(folder, monkeypatch, *names):
    """The train splits of sets that are made from the same few photographs."""
    monkeypatch.setattr(bsds500, "COUNTS", FEW)
    monkeypatch.setattr(phone, "VALIDATION", 1)
    for name in names:
        datasets.prepare(name, pictures(folder / "source"), folder / "data")
    return [datasets.open_dataset(name, folder / "data", split="train") for name in names]


def test_both_sets_show_the_same_clean_photographs(tmp_path, monkeypatch):
    plain, strong = made_to_train_on(tmp_path, monkeypatch, "phone", "phone-strong")
    assert [row.scene for row in plain.rows] == [row.scene for row in strong.rows]
    assert [row.meta["zoom"] for row in plain.rows] == [row.meta["zoom"] for row in strong.rows]
    assert plain.fingerprint != strong.fingerprint


def test_phone_colours_shows_two_of_three_pictures_in_other_colours(tmp_path, monkeypatch):
    strong, coloured = made_to_train_on(tmp_path, monkeypatch, "phone-strong", "phone-colours")
    hues = []
    for k, (row, other) in enumerate(zip(strong.rows, coloured.rows, strict=True)):
        meta = dict(other.meta)
        colours = meta.pop("colours", None)
        assert row.name == other.name and row.meta == meta  # the same cameras, exposures and parts
        assert (colours is None) == row.name.endswith("_0") == bool((strong[k].clean == coloured[k].clean).all())
        if colours:
            hues.append(colours["hue"])
            assert phone_cameras.SATURATIONS[0] <= colours["saturation"] <= phone_cameras.SATURATIONS[1]
        fixed = (meta["cfa"], meta["as_shot_neutral"], meta["color_matrix2"])
        rendered = isp.to_uint8(isp.render(coloured.read(k, "raw"), *fixed, **meta["isp"]))
        np.testing.assert_array_equal(rendered, coloured[k].degraded)  # what r2r's raw recorruption starts from
    assert len(set(hues)) == len(hues) == 6


def test_hues_turn_about_grey():
    light = keyed_generator("colours").uniform(0.3, 0.6, (5, 4, 3))
    red = np.array([[[0.5, 0.0, 0.0]]])
    np.testing.assert_allclose(phone_cameras.recoloured(red, 120.0), [[[0.0, 0.5, 0.0]]], atol=1e-12)
    np.testing.assert_allclose(phone_cameras.recoloured(red, 240.0), [[[0.0, 0.0, 0.5]]], atol=1e-12)
    turned = phone_cameras.recoloured(light, 77.0, 0.8)
    np.testing.assert_allclose(turned.mean(2), light.mean(2))  # nothing left the gamut
    grey = light.mean(2, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(turned - grey, axis=2), 0.8 * np.linalg.norm(light - grey, axis=2))
    np.testing.assert_allclose(phone_cameras.recoloured(phone_cameras.recoloured(light, 77.0), -77.0), light)
    np.testing.assert_array_equal(
        phone_cameras.recoloured(np.repeat(grey, 3, 2), 200.0, 2.0).round(12), np.repeat(grey, 3, 2).round(12)
    )
    assert phone_cameras.recoloured(light) is light
    assert phone_cameras.recoloured(red, 60.0, 2.0).min() == 0  # beyond the gamut


def test_without_a_source_the_prepared_bsds500_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(bsds500, "COUNTS", FEW)
    monkeypatch.setattr(phone, "VALIDATION", 1)
    datasets.prepare("bsds500", pictures(tmp_path / "source"), tmp_path / "data")
    assert datasets.prepare("phone", None, tmp_path / "data").splits == {"test": 2, "validation": 2, "train": 9}
    train = datasets.open_dataset("phone", tmp_path / "data", split="train")
    source = phone.Shot(tmp_path / "source" / "train" / "9000.png", "train", 0)
    np.testing.assert_array_equal(train[0].degraded, phone._images(source)["degraded"])


def test_without_bsds500_the_fix_is_named(tmp_path):
    with pytest.raises(UserError, match="BSDS500"):
        datasets.prepare("phone", pictures(tmp_path / "source"), tmp_path / "data")
