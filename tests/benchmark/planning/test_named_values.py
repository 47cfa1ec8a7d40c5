"""Lists of NAME=VALUE: one grammar, with quotes for paths that hold commas or equals signs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.cli.options import names
from benchmark.planning.named_values import entries, named_paths, named_values, one_file
from benchmark.planning.request import RunRequest
from datasets.core.errors import UserError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("/w.pth", [("", "/w.pth")]),
        ("r2r=A,lir=B", [("r2r", "A"), ("lir", "B")]),
        (" r2r = A , lir=B,", [("r2r", "A"), ("lir", "B")]),
        ("r2r=/x/e=1.pth", [("r2r", "/x/e=1.pth")]),
        ("/x/e=1.pth", [("", "/x/e=1.pth")]),
        ('r2r="/a,b/w.pth",lir=B', [("r2r", "/a,b/w.pth"), ("lir", "B")]),
        ("r2r='/a,\"b/w.pth'", [("r2r", '/a,"b/w.pth')]),
        ('"e=1.pth"', [("", "e=1.pth")]),
        ("r2r=it's.pth", [("r2r", "it's.pth")]),
        ("partition=gpu,time=1:00:00", [("partition", "gpu"), ("time", "1:00:00")]),
    ],
)
def test_the_grammar(text, found):
    assert named_values(text) == found


def test_names_in_brackets_stay_whole():
    assert entries("bsd68[sigma=25,clip=yes],set12") == ["bsd68[sigma=25,clip=yes]", "set12"]
    assert names("bsd68[sigma=25,clip=yes], set12") == ("bsd68[sigma=25,clip=yes]", "set12")


@pytest.mark.parametrize("text", ['r2r="a,b', "bsd68[sigma=25"])
def test_what_is_not_closed_is_said(text):
    with pytest.raises(UserError, match="to be closed"):
        entries(text)


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True), st.text("ab,=[]/ .'", min_size=1))))
def test_whatever_is_quoted_comes_back(pairs):
    text = ",".join(f'{name}="{value}"' for name, value in pairs)
    assert named_values(text) == pairs


@pytest.mark.parametrize("name", ["a,b/w.pth", "e=1.pth", "r2r=x,y.pth", "lir=1/w.pth", "a'b.pth"])
def test_a_path_that_is_a_file_is_that_file(tmp_path, monkeypatch, name):
    """Case 30."""
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    assert named_paths(name) == [("", path)] and one_file(name, "dgunet") == path
    for text in (name, str(tmp_path / name)):
        assert RunRequest(("r2r",), (), weights=text).named_weights == {"r2r": Path(text)}
    two = RunRequest(("r2r", "lir"), (), weights=f'r2r="{name}",lir={tmp_path / "b"}')
    (tmp_path / "b").write_bytes(b"")
    assert two.named_weights == {"r2r": path, "lir": tmp_path / "b"}


@pytest.mark.parametrize("text", ["/a,b/w.pth", "r2r=A,r2r=B"])
def test_what_cannot_be_read_says_how_to_quote(text):
    with pytest.raises(UserError, match="quoted within a list"):
        _ = RunRequest(("r2r",), (), weights=text).named_weights
    with pytest.raises(UserError, match="Expected one file for r2r"):
        one_file(text, "r2r")
