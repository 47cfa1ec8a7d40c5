"""A folder of photographs: which pictures, which split, and the noise that is added on reading."""

import numpy as np
import pytest

import datasets
from datasets.core.errors import UserError
from datasets.ops.images import write_png
from datasets.ops.noise import photon_scale
from datasets.voc import VOC
from tests.helpers.material import material, needs_material


def picture(seed, shape=(70, 90, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """VOC's own layout: three pictures for training, two for the test; a grey and a small one are left out."""
    source = tmp_path_factory.mktemp("voc")
    names = ["2007_000027", "2007_000032", "2007_000033", "2008_000001", "2008_000002"]
    for seed, name in enumerate(names):
        write_png(source / "s" / "JPEGImages" / f"{name}.png", picture(seed))
    write_png(source / "s" / "JPEGImages" / "grey.png", picture(8, (80, 80)))
    write_png(source / "s" / "JPEGImages" / "small.png", picture(9, (63, 80, 3)))
    lists = source / "s" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join([*names[:3], "grey", "small"]) + "\n")
    (lists / "val.txt").write_text("\n".join(names[3:]) + "\n")
    datasets.prepare("voc", source / "s", source / "data")
    return source / "data"


def opened(root, options="", **more):
    return datasets.open_dataset(f"voc[{options}]" if options else "voc", root, **more)


def noise(sample):
    degraded = sample.degraded / np.float32(255) if sample.degraded.dtype == np.uint8 else sample.degraded
    return degraded - sample.clean / np.float32(255)


def test_the_lists_tell_the_splits_and_what_is_grey_or_small_is_left_out(root):
    assert [row.name for row in opened(root, split="train").rows] == ["2007_000027", "2007_000032", "2007_000033"]
    assert [row.scene for row in opened(root).rows] == ["2008_000001", "2008_000002"]
    assert opened(root).partial == "" and opened(root).facts.convention == "skimage7-uint8"


def test_a_test_list_comes_before_val(tmp_path):
    for name in ("a", "b"):
        write_png(tmp_path / "JPEGImages" / f"{name}.png", picture(0))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    for name, text in (("val", "a"), ("test", "b")):
        (tmp_path / "ImageSets" / "Main" / f"{name}.txt").write_text(text)
    assert [(item.name, item.split) for item in VOC.items(tmp_path)] == [("b", "test")]
    (tmp_path / "ImageSets" / "Main" / "test.txt").write_text("b\nnone\n")
    with pytest.raises(UserError, match=r"1 of 2 are missing, the first is 'none'"):
        list(VOC.items(tmp_path))


@pytest.mark.parametrize("layout", ["JPEGImages", "", "parted"])
def test_any_folder_of_photographs(tmp_path, layout):
    for seed, place in enumerate(("train", "test") if layout == "parted" else (layout,)):
        write_png(tmp_path / place / f"p{seed}.png", picture(seed))
    found = [(item.name, item.split) for item in VOC.items(tmp_path, split="test")]
    assert found == ([("p1", "test"), ("p0", "train")] if layout == "parted" else [("p0", "test")])
    with pytest.raises(UserError, match="split of dataset 'voc' 'tests'"):
        list(VOC.items(tmp_path, split="tests"))


@pytest.mark.parametrize(("options", "word"), [
    ("", "sigma50"), ("sigma=25", "sigma25"), ("sigma=25,eight_bit=false", "sigma25-float"),
    ("noise=poisson", "poisson"), ("noise=poisson,K=64", "poisson64"), ("noise=bernoulli", "bernoulli0.95"),
    ("noise=bernoulli,keep=0.5,eight_bit=no", "bernoulli0.5-float"),
])  # fmt: skip
def test_words_types_and_keys(root, options, word):
    data = opened(root, options)
    sample = data[0]
    assert data.degradation == word
    assert sample.degraded.dtype == (np.float32 if "float" in word else np.uint8)
    np.testing.assert_array_equal(sample.degraded, opened(root, options, limit=1)[0].degraded)
    assert not np.array_equal(sample.degraded, opened(root, options, noise_seed=1)[0].degraded)
    assert set(data.options) == {"noise", "eight_bit", {"s": "sigma", "p": "K", "b": "keep"}[word[0]]}


def test_levels(root):
    data = opened(root, "sigma=25,eight_bit=false")
    assert float(noise(data[0]).std()) == pytest.approx(25 / 255, rel=0.02) and data[0].noise_level == 25 / 255
    assert data[0].degraded.min() < 0  # not clipped
    stored = opened(root, "sigma=25")[0].degraded
    np.testing.assert_allclose(stored / 255, np.clip(data[0].degraded, 0, 1), atol=0.5001 / 255)
    photons = opened(root, "noise=poisson,K=64,eight_bit=false")
    dark = photons[0].clean < 128  # what is brighter is clipped at white now and then
    expected = (photons[0].clean[dark] / 255).mean() / 64
    assert float((noise(photons[0])[dark] ** 2).mean()) == pytest.approx(expected, rel=0.1)
    assert photons[0].noise_level is None
    lost = opened(root, "noise=bernoulli,keep=0.5")[1]
    assert (lost.degraded == 0).all(-1).mean() == pytest.approx(0.5, abs=0.03)


@needs_material
@pytest.mark.parametrize("name", ["image", "image_low"])
def test_poisson_follows_the_recorded_rule_for_its_scale(root, name, monkeypatch):
    golden = np.load(material("golden/lir/lir_noise_synthesis.npz"))
    monkeypatch.setattr("datasets.voc.keyed_generator", lambda *key: np.random.default_rng(20261152))
    data = opened(root, "noise=poisson")
    assert photon_scale(golden[name]) == {"image": 256, "image_low": 64}[name]
    made = data.degrade(golden[name], data.rows[0], data.options, 0)
    np.testing.assert_array_equal(made, golden[f"{name}_poisson_u8"])


@pytest.mark.parametrize(("options", "message"), [
    ("noise=posson", "Did you mean 'poisson'"), ("noise=poisson,sigma=25", "sigma of voc is for gaussian noise"),
    ("K=30", "K of voc is for poisson"), ("noise=poisson,K=-1", "a number of 0 or more"),
    ("sigma=-1", "a number of 0 or more"), ("noise=bernoulli,keep=2", "keep of 0 to 1"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(root, options, message):
    with pytest.raises(UserError, match=message):
        opened(root, options)
