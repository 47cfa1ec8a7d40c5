"""Who is at work on a folder."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import resource
import signal
import time
from dataclasses import asdict, replace

import pytest

from benchmark.records import claims
from benchmark.records.claims import CLAIM, STALE, at_work, claimed, read_claim, summary
from datasets.core.locks import BusyError


@pytest.fixture
def stranger(tmp_path):
    """Leave the claim of another machine's process, whose heart beat so many seconds ago."""

    def leave(ago: float, **more):
        with claimed(tmp_path, "it"):
            mine = read_claim(tmp_path)
        other = replace(mine, machine="another", host="far", token="theirs", beat=time.time() - ago, **more)
        path = tmp_path / CLAIM
        path.write_text(json.dumps(asdict(other)))
        os.utime(path, (time.time() - ago,) * 2)
        return other

    return leave


def test_a_claim_says_who_and_how_far_and_goes_with_its_owner(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.02)
    told = []
    with claimed(tmp_path, "it", lambda *step: told.append(step)) as report:
        report("restore x", 3, 7)
        first = read_claim(tmp_path)
        deadline = time.monotonic() + 5
        while not (found := read_claim(tmp_path)).total and time.monotonic() < deadline:
            time.sleep(0.02)
        assert found.pid == os.getpid() and found.beat > first.beat and at_work(tmp_path)
        assert summary(found)["step"] == "restore x: 3 of 7" and told == [("restore x", 3, 7)]
        with pytest.raises(BusyError, match=f"process {os.getpid()}"), claimed(tmp_path, "it"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_neighbour_on_another_machine_is_believed_while_its_heart_beats(tmp_path, stranger):
    stranger(STALE / 2)
    assert at_work(tmp_path).host == "far"
    with pytest.raises(BusyError, match="on far"), claimed(tmp_path, "it"):
        pass
    assert read_claim(tmp_path).token == "theirs"


def test_a_claim_whose_heart_has_stopped_is_taken_over(tmp_path, stranger):
    stranger(STALE * 2)
    assert at_work(tmp_path) is None
    with claimed(tmp_path, "it"):
        assert read_claim(tmp_path).pid == os.getpid()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_two_who_take_over_at_once_do_not_both_get_it(tmp_path, stranger, monkeypatch):
    """Between one's look at a stale claim and its removal another has made a claim of its own."""
    stale = stranger(STALE * 2)
    faster = replace(stale, token="faster", beat=time.time())
    (tmp_path / CLAIM).write_text(json.dumps(asdict(faster)))
    old = time.time() - STALE * 2
    os.utime(tmp_path / CLAIM, (old, old))
    real, looks = claims.read_claim, [stale]
    monkeypatch.setattr(claims, "read_claim", lambda folder: looks.pop() if looks else real(folder))
    rename = claims.Path.rename

    def renamed(path, target):
        rename(path, target)
        os.utime(target)

    monkeypatch.setattr(claims.Path, "rename", renamed)
    with pytest.raises(BusyError), claimed(tmp_path, "it"):
        pass
    assert real(tmp_path).token == "faster"


def _claim_and_die(folder) -> None:
    with claimed(folder, "it"):
        os._exit(3)


def test_a_process_that_died_holds_nothing(tmp_path):
    one = multiprocessing.get_context("fork").Process(target=_claim_and_die, args=(tmp_path,))
    one.start()
    one.join()
    assert one.exitcode == 3 and read_claim(tmp_path) and at_work(tmp_path) is None
    with claimed(tmp_path, "it"):
        assert at_work(tmp_path).pid == os.getpid()


def test_an_unreadable_claim_that_is_old_is_taken_over(tmp_path):
    (tmp_path / CLAIM).write_text("{")
    with pytest.raises(BusyError), claimed(tmp_path, "it"):
        pass
    os.utime(tmp_path / CLAIM, (1, 1))
    with claimed(tmp_path, "it"):
        assert at_work(tmp_path)


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "none"])
def test_a_full_disk_leaves_no_claim(tmp_path, monkeypatch, links):
    """An empty one would keep the next command away for two minutes."""

    def none(*_):
        raise PermissionError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", none)
    with monkeypatch.context() as full:
        full.setattr(claims, "_bytes", lambda claim: bytes(1 << 16))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, limits[1]))
            with pytest.raises(OSError, match="File too large"), claimed(tmp_path, "it"):
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with claimed(tmp_path, "it"):
        assert at_work(tmp_path).pid == os.getpid()
        with pytest.raises(BusyError), claimed(tmp_path, "it"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
