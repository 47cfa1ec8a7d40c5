"""What people see, and what a pipe gets."""

from __future__ import annotations

import io
import json
import threading

import pytest

from benchmark.console import Console, clock_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def console(out: io.StringIO | None = None, err: io.StringIO | None = None, **options: bool) -> tuple[Console, Clock]:
    clock = Clock()
    return Console(out=out or io.StringIO(), err=err or io.StringIO(), clock=clock, **options), clock


def test_short_work_shows_nothing() -> None:
    shown, clock = console()
    for done in range(11):
        clock.now = done * 0.15
        shown.report("restore", done, 10)
    assert shown.err.getvalue() == ""  # type: ignore[attr-defined]


def test_long_work_in_a_pipe_is_a_line_now_and_then_with_the_time_left() -> None:
    shown, clock = console()
    for done in range(101):
        clock.now = done * 0.5
        shown.report("restore", done, 100)
    lines = shown.err.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "restore: 4 of 100, about 48 s left"
    assert lines[-1] == "restore: 100 of 100, 50 s"
    assert len(lines) == 6  # at 2, 12, 22, 32, 42 and 50 seconds


def test_long_work_on_a_terminal_is_a_bar() -> None:
    shown, clock = console(err=Terminal())
    for done in range(11):
        clock.now = done
        shown.report("restore", done, 10)
    shown.close()
    assert "restore" in shown.err.getvalue()  # type: ignore[attr-defined]
    assert "━" in shown.err.getvalue()  # type: ignore[attr-defined]


def test_quiet_keeps_results_and_errors() -> None:
    shown, clock = console(quiet=True)
    shown.report("restore", 0, 10)
    clock.now = 60
    shown.report("restore", 5, 10)
    shown.say("a remark")
    shown.table("t", ("a",), [(1,)])
    shown.error("it broke")
    assert shown.err.getvalue() == "it broke\n"  # type: ignore[attr-defined]
    assert shown.out.getvalue() == "# t\na\n1\n"  # type: ignore[attr-defined]


def test_json_alone_on_stdout() -> None:
    shown, _ = console(as_json=True)
    shown.table("t", ("a",), [(1,)])
    shown.say("a remark")
    shown.emit([{"psnr": float("inf"), "ssim": float("nan"), "n": 3}])
    assert json.loads(shown.out.getvalue()) == [{"psnr": "inf", "ssim": None, "n": 3}]  # type: ignore[attr-defined]


def test_table_on_a_terminal_and_in_a_pipe() -> None:
    terminal, _ = console(out=Terminal())
    terminal.table("title", ("a", "b"), [("x [1, 2]", None)])
    assert "x [1, 2]" in terminal.out.getvalue()  # type: ignore[attr-defined]  # brackets are no markup
    pipe, _ = console()
    pipe.table("title", ("a", "b"), [("x\ny", None)])
    assert pipe.out.getvalue() == "# title\na\tb\nx y\t\n"  # type: ignore[attr-defined]


def test_reports_from_threads_are_counted_once() -> None:
    shown, clock = console()
    shown.report("prepare", 0, 100)
    clock.now = 3.0
    threads = [threading.Thread(target=shown.report, args=("prepare", done, 100)) for done in range(1, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown.err.getvalue().splitlines()) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99, "99 s"), (180, "3 min"), (9000, "2.5 h")])
def test_durations(seconds: float, words: str) -> None:
    assert clock_text(seconds) == words
