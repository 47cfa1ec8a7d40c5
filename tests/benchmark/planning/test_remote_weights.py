"""Weights at addresses: a URL with its hash, a repository of the Hub (from a local server), and what is refused."""

import json
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler
from urllib.parse import unquote

import pytest
import torch

import methods
from benchmark.cli import main
from benchmark.planning.gathering import fetchable, gather, parts_of
from benchmark.planning.named_values import named_values
from benchmark.planning.remote_weights import fetch, local, origin, remark
from benchmark.protocols.needs import spelled_out
from benchmark.records.files import read_records
from datasets.core.errors import UserError
from datasets.sources import SOURCES, Source, hashes
from tests.datasets.test_sources import Quiet
from tests.helpers.serving import serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def digest(data):
    return sha256(data).hexdigest()


@pytest.fixture
def server(tmp_path):
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "w.pth").write_bytes(b"weights")
    with serving(tmp_path / "www", Quiet) as base:
        yield base


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_a_url_is_fetched_once_and_its_origin_kept(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Quiet, "asked", [])
    address = f"{server}w.pth#sha256={digest(b'weights')}"
    path = fetch(address, tmp_path)
    assert path.read_bytes() == b"weights" and path.name == "w.pth" and fetch(address, tmp_path) == path
    assert Quiet.asked == ["/w.pth"]
    assert origin(path).sha256 == digest(b"weights") and digest(b"weights") in remark(path, digest(b"weights"))
    assert remark(path, "0" * 64) == "" and remark(tmp_path / "none.pth", "0" * 64) == ""
    path.write_bytes(b"damaged")
    assert fetch(address, tmp_path).read_bytes() == b"weights" and len(Quiet.asked) == 2


def test_what_is_wrong_is_refused_and_leaves_nothing(server, tmp_path, monkeypatch):
    other = digest(b"others")
    for address, words in (
        (f"{server}w.pth#sha256={other}", "not kept"),
        (f"{server}w.pth", "need their hash"),
        (f"{server}w.pth#sha256=abcd", "need their hash"),
        (f"{server}none.pth#sha256={other}", "cannot be fetched"),
        (f"{server}#sha256={other}", "name of a weights file"),
        ("http://127.0.0.1:9/w.pth#sha256=" + other, "cannot be fetched"),
        ("hf://only-a-name:w.pth", "Expected hf://"),
        ("hf://org/repo:../w.pth", "Expected hf://"),
    ):
        with pytest.raises(UserError, match=words):
            fetch(address, tmp_path / "results")
    monkeypatch.setattr("datasets.core.downloads.MOST", 3)
    from datasets.core import downloads

    with pytest.raises(UserError, match="more than the 3 bytes"):
        downloads.download_file(f"{server}w.pth", tmp_path / "results" / "w.pth", digest(b"weights"), most=3)
    with pytest.raises(UserError, match="begins with https"):
        downloads.download_file("file:///etc/passwd", tmp_path / "results" / "w.pth", digest(b"weights"))
    assert leftovers(tmp_path / "results") == []


def test_addresses_within_an_option_become_paths(server, tmp_path):
    address = f"{server}w.pth#sha256={digest(b'weights')}"
    text = local(f"r2r={address},lir=other.pth", tmp_path)
    (name, path), other = named_values(text)
    assert name == "r2r" and path.endswith("w.pth") and other == ("lir", "other.pth")
    assert named_values(local(address, tmp_path)) == [("", path)]
    assert local("r2r=a.pth", tmp_path) == "r2r=a.pth" and local("published", tmp_path) == "published"


class Hub(SimpleHTTPRequestHandler):
    """What huggingface_hub asks of a server for one file: its facts in headers, then its bytes."""

    content = b""

    def log_message(self, *args):
        pass

    def _answer(self, body):
        known = unquote(self.path) in (
            f"/org/repo/resolve/{revision}/nets/w.pth" for revision in ("main", "v1", COMMIT)
        )
        self.send_response(200 if known else 404)
        if not known:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{digest(self.content)[:40]}"')
        self.send_header("Content-Length", str(len(self.content) if known else 0))
        self.end_headers()
        if body and known:
            self.wfile.write(self.content)

    def do_HEAD(self):
        self._answer(False)

    def do_GET(self):
        self._answer(True)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A local Hub; its address and its cache are read when the package is imported, hence the constants."""
    package = pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
    from huggingface_hub import constants

    monkeypatch.setattr(Hub, "content", b"weights of the hub")
    with serving(tmp_path, Hub) as base:
        monkeypatch.setenv("HF_ENDPOINT", base.rstrip("/"))
        monkeypatch.setattr(constants, "ENDPOINT", base.rstrip("/"))
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", base + "{repo_id}/resolve/{revision}/{filename}", raising=False
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield package


@pytest.mark.parametrize("revision", ["", "@v1"])
def test_a_file_of_the_hub_with_its_revision_and_hash(hub, tmp_path, revision, monkeypatch):
    address = f"hf://org/repo{revision}:nets/w.pth"
    path = fetch(address, tmp_path / "results")
    assert path.read_bytes() == b"weights of the hub" and path.name == "w.pth"
    found = origin(path)
    assert (found.address, found.revision, found.sha256) == (address, COMMIT, digest(b"weights of the hub"))
    assert COMMIT in found.remark and digest(b"weights of the hub") in found.remark
    with pytest.raises(UserError, match="cannot be fetched"):
        fetch("hf://org/repo:nets/none.pth", tmp_path / "results")
    nowhere = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", nowhere)
    assert fetch(address, tmp_path / "elsewhere").read_bytes() == b"weights of the hub"  # on a node without network


def test_the_absent_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"restoration-benchmark\[hub\]"):
        fetch("hf://org/repo:w.pth", tmp_path)
    assert leftovers(tmp_path) == []


def checkpoint(folder):
    state = methods.load("r2r", "tiny").roles()["restorer"].state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, folder / "theirs.pth")
    return (folder / "theirs.pth").read_bytes()


def run(tmp_path, *words):
    where = ("--data", tmp_path / "data", "--results", tmp_path / "results", "--limit", 1)
    how = ("--quiet", "--conventions", "float-gauss", "--dataset", "demo", "--methods", "r2r", "--no-baselines")
    return main(["run", *map(str, (*words, *where, *how))])


def test_a_run_with_weights_at_a_url_records_where_they_come_from(server, tmp_path, capsys):
    data = checkpoint(tmp_path / "www")
    address = f"{server}theirs.pth#sha256={digest(data)}"
    assert run(tmp_path, "--recipe", "tiny", "--weights", address) == 0
    (record,) = read_records(tmp_path / "results")
    assert record.cell.weights_sha256 == digest(data) and record.cell.weights == "theirs.pth"
    assert f"weights from {server}theirs.pth, SHA-256 {digest(data)}" in record.note
    assert run(tmp_path, "--weights", f"{server}theirs.pth#sha256={'0' * 64}") == 2
    assert "not kept" in capsys.readouterr().err


def test_published_weights_of_a_local_server_with_the_right_and_a_wrong_hash(server, tmp_path, monkeypatch, capsys):
    """`--weights published` takes the recipe and the source of the method's description."""
    data = checkpoint(tmp_path / "www")
    monkeypatch.setattr("benchmark.planning.published_weights.published_of", lambda method: {"tiny": "theirs"})
    for right in (False, True):
        listed = {"theirs.pth": digest(data) if right else "0" * 64}
        monkeypatch.setitem(SOURCES, "theirs", Source(server, "their terms", listed))
        hashes.cache_clear()
        assert run(tmp_path, "--weights", "published") == (0 if right else 2)
        if not right:
            assert "SHA-256 is another; it was not kept" in capsys.readouterr().err
            assert leftovers(tmp_path / "results" / "downloads") == [] and not read_records(tmp_path / "results")
    hashes.cache_clear()
    (record,) = read_records(tmp_path / "results")
    assert record.cell.weights_sha256 == digest(data) and "authors' weights, their terms" in record.note


def test_names_stand_for_what_they_need(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_FEATURES", str(tmp_path / "features"))
    assert list(parts_of("r2r")) == [("weights", "r2r-sidd-weights")]
    assert list(parts_of("mssr")) == [("features", "alexnet"), ("features", "lpips-alex")]
    assert list(parts_of("lpips-vgg")) == [("features", "lpips-vgg")]
    assert list(parts_of("polyu")) == [("dataset", "polyu")]
    with pytest.raises(UserError, match="Did you mean 'polyu'"):
        list(parts_of("polyv"))
    assert {"polyu", "r2r", "dgunet"} <= set(spelled_out(["polyu-scenes"])) and spelled_out(["r2r", "r2r"]) == ["r2r"]
    listed = {each.command: each for each in fetchable(tmp_path)}
    assert listed["r2r"].path is None and "licence" in listed["r2r"].licence and listed["niqe"].size > 0


def test_the_verb_fetches_what_it_can_and_says_what_it_cannot(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHMARK_FEATURES", str(tmp_path / "features"))
    address = f"{server}w.pth#sha256={digest(b'weights')}"
    where = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"), "--json"]
    assert main(["fetch", address, "demo", "--quiet", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["what"] for each in found] == ["address", "dataset"] and found[0]["where"].endswith("w.pth")
    assert main(["fetch", "niqe", "demo", "--source", str(tmp_path / "www"), "--quiet", *where]) == 1
    told = capsys.readouterr()
    assert "basicsr==1.4.2" in told.err and json.loads(told.out)[1]["origin"] == "was there"
    assert [each.why for each in gather(["demo"], tmp_path / "data", tmp_path)] == [""]


def test_the_list_of_weights_says_what_can_be_fetched(tmp_path, capsys):
    assert main(["list", "weights", "--results", str(tmp_path), "--json"]) == 0
    lines = {line["recipe"]: line for line in json.loads(capsys.readouterr().out) if "fetch" in line["file"]}
    assert lines["sidd-paper"]["file"] == "not here: python -m benchmark fetch r2r"
    assert lines["niqe"]["licence"].startswith("Apache-2.0") and lines["niqe"]["size"] == "0.01 MB"
