"""Code of a person's own, and archives: how they are called, what is refused."""

from __future__ import annotations

import sys

import pytest
import torch

from datasets.core.errors import UserError
from methods.base import SampleInfo
from methods.loading import load_from
from methods.outside import library
from methods.outside.source import ARCHIVE, CHECKPOINT, OWN, Source, as_settings
from tests.helpers.own_code import write_code, write_export, write_script


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("own")
    write_code(path)
    return path


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    path = tmp_path_factory.mktemp("archives")
    write_script(path)
    write_script(path, "plain.pt")
    write_export(path)
    write_export(path, dynamic=False)
    return path


def loaded(source, weights=None, **settings):
    given = as_settings({f"restore.{key}": value for key, value in settings.items()})
    return load_from(source.method(), None, source.file or weights, given).method


def own(folder, function, **settings):
    return loaded(Source.read("mine", f"{folder / 'net.py'}:{function}"), **settings)


@pytest.fixture
def x():
    return torch.rand(2, 3, 11, 13, generator=torch.Generator().manual_seed(3))


INFO = [SampleInfo("a", 0.1), SampleInfo("b", 0.2)]


@torch.no_grad()
def test_a_function_builds_the_network(folder, x):
    method = own(folder, "build")
    net = method.roles()["restorer"]
    assert torch.equal(method.restore(x), net(x)) and net.part == 0.9
    assert (method.facts.architecture, method.facts.scale, method.facts.channels) == ("Darker", 1, (3,))
    assert not [name for name in sys.path if name == str(folder)]


@torch.no_grad()
def test_arguments_with_defaults_are_settings(folder, x):
    source = Source.read("mine", f"{folder / 'net.py'}:build")
    method = load_from(source.method(), None, None, {"network.width": 6, "network.part": 0.5}).method
    assert method.roles()["restorer"].layer.out_channels == 6 and method.roles()["restorer"].part == 0.5
    with pytest.raises(UserError, match="network.width"):
        load_from(source.method(), None, None, {"network.widht": 6})


@torch.no_grad()
@pytest.mark.parametrize(
    ("function", "settings", "want"),
    [
        ("several", {"output": 1}, lambda x: x * 0.5),
        ("scale255", {"white": 255.0}, lambda x: 1 - x),
        ("told", {"noise_level": "argument"}, lambda x: x - torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)),
        ("told", {"noise_level": "argument", "sigma": 51}, lambda x: x - 0.2),
        ("channel", {"noise_level": "channel"}, lambda x: x + torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)),
        (
            "eights",
            {"multiple": 8, "scale": 2},
            lambda x: x.repeat_interleave(2, -1).repeat_interleave(2, -2),
        ),
    ],
)
def test_how_it_is_called_is_a_setting(folder, x, function, settings, want):
    method = own(folder, function, **settings)
    torch.testing.assert_close(method.restore(x, INFO), want(x), atol=1e-6, rtol=0)
    assert method.facts.needs_noise_level is ("noise_level" in settings and "sigma" not in settings)


def test_an_unknown_noise_level_is_said(folder, x):
    with pytest.raises(UserError, match="that of 'b' is unknown.*restore.sigma=15"):
        own(folder, "told", noise_level="argument").restore(x, [INFO[0], SampleInfo("b", None)])


@torch.no_grad()
def test_weights_go_into_it_strictly(folder, x, tmp_path):
    source = Source.read("mine", f"{folder / 'net.py'}:build")
    net = source.method().builder.function()
    torch.save({"state_dict": net.state_dict()}, tmp_path / "w.pth")
    assert torch.equal(loaded(source, tmp_path / "w.pth").restore(x), net(x))
    torch.save({"layer.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "part.pth")
    with pytest.raises(UserError, match="part.pth does not fit mine's .*1 missing .back.weight."):
        loaded(source, tmp_path / "part.pth")


def test_the_digest_follows_the_code_and_what_it_imports(tmp_path):
    path = write_code(tmp_path)
    source = Source.read("mine", f"{path}:build")
    first = source.code()
    path.write_text(path.read_text() + "\n# a remark\n")
    assert source.code() == first
    (tmp_path / "parts.py").write_text("gain = 2.0\n")
    second = source.code()
    path.write_text(path.read_text().replace("0.01", "0.02"))
    assert len({first, second, source.code(), Source.read("mine", f"{path}:several").code()}) == 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{folder}/net.py", "net.py is code: name the function"),
        ("{folder}/net.py:bild", "has no function 'bild'.*build"),
        ("{folder}/net.py:needs", "give width a default"),
        ("{folder}/net.py:wrong", "net.py:wrong returned int"),
        ("{folder}/none.pth", "names no file that is there; expected a checkpoint"),
        ("{folder}/broken.py:build", "Running .*broken.py failed: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_built_is_a_sentence(folder, text, sentence):
    (folder / "broken.py").write_text("1 / 0\n")
    with pytest.raises(UserError, match=sentence):
        loaded(Source.read("mine", text.format(folder=folder)))


@torch.no_grad()
@pytest.mark.parametrize("name", ["model.ts", "plain.pt", "model.pt2"])
def test_archives_are_told_by_what_is_in_them(archives, x, name):
    source = Source.read("mine", str(archives / name))
    assert source.kind == ARCHIVE
    method = loaded(source)
    torch.testing.assert_close(method.restore(x), x * 0.5, atol=1e-6, rtol=0)
    assert method.facts.architecture == ("torch.export archive" if name == "model.pt2" else "TorchScript archive")
    method.train()
    assert method.eval().training is False


def test_kinds(folder, archives, tmp_path):
    torch.save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    assert Source.read("w", str(tmp_path / "w.pt")).kind == CHECKPOINT
    assert Source.read("w", f"{folder / 'net.py'}:build").kind == OWN


def test_a_fixed_archive_says_that_it_takes_its_own_size_alone(archives, x):
    with pytest.raises(UserError, match="refuses images of .2, 3, 11, 13.*dynamic_shapes"):
        loaded(Source.read("mine", str(archives / "fixed.pt2"))).restore(x)


def test_a_damaged_archive_is_a_sentence(tmp_path):
    (tmp_path / "model.ts").write_bytes(b"nothing")
    with pytest.raises(UserError, match="expected to be a TorchScript archive"):
        loaded(Source.read("mine", str(tmp_path / "model.ts")))


def test_without_the_extra_the_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "_version", lambda package: "")
    library.architectures.cache_clear()
    torch.save({"a.weight": torch.zeros(2)}, tmp_path / "net.pth")
    try:
        with pytest.raises(UserError, match="needs spandrel, which is not installed: pip install '.*zoo.'"):
            loaded(Source.read("mine", str(tmp_path / "net.pth")))
    finally:
        library.architectures.cache_clear()
