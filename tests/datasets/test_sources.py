"""Downloading from a local server: hashes, what is there already, wrong and missing files, sets without a URL."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import datasets
from datasets.core.errors import UserError
from datasets.sources import SOURCES, Source, download, hashes
from tests.helpers.material import material, needs_material

FILES = {"CroppedImages/a.JPG": b"first", "CroppedImages/b.JPG": b"second", "c.txt": b"third"}


class Quiet(SimpleHTTPRequestHandler):
    asked: list[str] = []

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path, monkeypatch):
    for path, data in FILES.items():
        (tmp_path / "www" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / path).write_bytes(data)
    monkeypatch.setattr(Quiet, "asked", [])
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{http.server_address[1]}/"
    listed = {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}
    monkeypatch.setitem(SOURCES, "test", Source(base, "ours", listed))
    hashes.cache_clear()
    yield base
    http.shutdown()
    http.server_close()
    hashes.cache_clear()


def test_download_and_again(server, tmp_path):
    seen = []
    paths = download("test", tmp_path / "out", report=lambda *a: seen.append(a))
    assert [path.read_bytes() for path in paths] == list(FILES.values())
    assert [path.relative_to(tmp_path / "out").as_posix() for path in paths] == list(FILES)
    assert seen[-1] == ("download test", 3, 3)
    download("test", tmp_path / "out")
    assert len(Quiet.asked) == 3


def test_resumed_after_an_interruption(server, tmp_path):
    download("test", tmp_path / "out")
    (tmp_path / "out/c.txt").unlink()
    (tmp_path / "out/CroppedImages/b.JPG").write_bytes(b"sec")
    Quiet.asked.clear()
    download("test", tmp_path / "out")
    assert sorted(Quiet.asked) == ["/CroppedImages/b.JPG", "/c.txt"]
    assert (tmp_path / "out/CroppedImages/b.JPG").read_bytes() == b"second"


def test_wrong_hash_is_refused(server, tmp_path):
    (tmp_path / "www/c.txt").write_bytes(b"tampered")
    with pytest.raises(UserError, match=r"c\.txt .*SHA-256 is another"):
        download("test", tmp_path / "out")
    assert not (tmp_path / "out/c.txt").exists()


def test_missing_file_and_dead_server(server, tmp_path):
    (tmp_path / "www/c.txt").unlink()
    with pytest.raises(UserError, match=r"c\.txt.*cannot be fetched.*--source"):
        download("test", tmp_path / "out")
    with pytest.raises(UserError, match="cannot be fetched"):
        download("test", tmp_path / "other", base_url="http://127.0.0.1:9/")
    with pytest.raises(UserError, match="'test'"):
        download("tset", tmp_path / "other")


def test_a_place_that_is_no_folder(server, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be made"):
        download("test", tmp_path / "file")


def test_another_base(server, tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "test", Source("http://127.0.0.1:9/", "ours", SOURCES["test"].hashes))
    assert len(download("test", tmp_path / "out", base_url=server)) == 3


def test_prepare_without_source_names_page_and_files(tmp_path):
    with pytest.raises(UserError, match=r"https://abdokamel.*ValidationNoisyBlocksSrgb\.mat.*--source PATH"):
        datasets.prepare("sidd", None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_tables_are_whole():
    counts = {name: len(hashes(name)) for name in SOURCES}
    assert counts == {
        "polyu": 200, "cc15": 30, "bsd68": 68, "bsd400": 400, "set12": 12, "cbsd68": 68, "kodak24-500": 24,
        "r2r-sidd-weights": 1, "set5": 5, "bsds500": 500,
    }  # fmt: skip
    for name, source in SOURCES.items():
        assert source.base.startswith("https://") and source.base.endswith("/") and source.terms
        assert all(
            len(text) == 64 and path.count("/") == (name in ("polyu", "bsds500")) for path, text in hashes(name).items()
        )


@needs_material
def test_hashes_are_those_of_the_files():
    places = {"kodak24-500": "data/kodak24_500", "set5": "data/set5/hr", "r2r-sidd-weights": None}
    for name in SOURCES:
        folder = places.get(name, f"data/{name}")
        if folder:
            path, expected = next(reversed(hashes(name).items()))
            assert hashlib.sha256(material(f"{folder}/{path}").read_bytes()).hexdigest() == expected
    official = hashlib.sha256(material("weights/r2r_sidd_official.pth").read_bytes()).hexdigest()
    assert hashes("r2r-sidd-weights") == {"pre_trained.pth": official}
