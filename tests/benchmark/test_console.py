"""What people see, and what a pipe gets."""

from __future__ import annotations

import io
import json
import threading
from itertools import pairwise

import pytest

from benchmark.console import EVERY, PATIENCE, Console
from benchmark.progress import Task, numbered
from benchmark.terminal.work import Work, duration


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
        clock.now = done * 0.09
        shown.report("restore", done, 10)
    assert shown.err.getvalue() == ""  # type: ignore[attr-defined]


def test_long_work_in_a_pipe_is_a_line_now_and_then_with_the_time_left() -> None:
    shown, clock = console()
    for done in range(101):
        clock.now = done * 0.5
        shown.report("restore", done, 100)
    lines = shown.err.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "restore: 2 of 100, 49 s left"
    assert lines[-1] == "restore: 100 of 100, 50 s"
    assert len(lines) == 11  # at 1, 6, 11 ... 46 and 50 seconds


def test_cells_in_a_pipe_are_told_early_and_seldom() -> None:
    """Within two seconds for the first time, then every few seconds, whatever the work is made of."""
    shown, clock = console()
    report = numbered(shown.report, 3)
    assert report is not None
    told = []
    for cell in range(3):
        for image in range(21):
            report(Task(f"m{cell} on demo", "image", cell=True), image, 20)
            report(Task(unit="tile", current=True), 1, 4)
            if len(lines := shown.err.getvalue().splitlines()) > len(told):  # type: ignore[attr-defined]
                told.append((clock.now, lines[-1]))
            clock.now += 0.3
    assert PATIENCE <= told[0][0] <= 2
    assert all(later - earlier >= EVERY for (earlier, _), (later, _) in pairwise(told))
    assert [line.split(", ")[0] for _, line in told] == [
        "cell 1 of 3: m0 on demo",
        "cell 2 of 3: m1 on demo",
        "cell 2 of 3: m1 on demo",
        "cell 3 of 3: m2 on demo",
    ]


def test_json_in_a_pipe_has_no_progress() -> None:
    shown, clock = console(as_json=True)
    for done in range(60):
        clock.now = done
        shown.report("restore", done, 100)
    assert shown.err.getvalue() == shown.out.getvalue() == ""  # type: ignore[attr-defined]


def test_the_same_sentence_is_told_once() -> None:
    shown, _ = console()
    for _ in range(2):
        shown.error("it broke")
        shown.say("it broke")
    assert shown.err.getvalue() == "it broke\n"  # type: ignore[attr-defined]


def test_work_within_work_is_one_line() -> None:
    clock = Clock()
    work = Work(clock)
    work.report(Task(unit="cell", current=True), 2, 8)
    work.report(Task("dgunet on demo", "image", cell=True), 0, 20)
    clock.now = 6.0
    work.report(Task("dgunet on demo", "image", cell=True), 6, 20)
    work.report(Task(unit="tile", current=True), 1, 4)
    assert work.words() == "cell 3 of 8: dgunet on demo, image 6 of 20, 13 s left"  # the tile would only flicker
    clock.now = 7.0
    assert "image 6 of 20, tile 2 of 4" in work.words()
    assert work.fraction() == pytest.approx((2 + (6 + 1 / 4) / 20) / 8)
    assert len(work.words(40)) <= 40
    work.report(Task("dgunet on demo", "image", cell=True), 7, 20)
    assert "tile" not in work.words()
    work.report(Task(unit="cell", current=True), 3, 8)
    assert work.words() == "cell 4 of 8"


def test_the_time_of_all_cells_is_told_where_their_shares_are_known() -> None:
    clock = Clock()
    work = Work(clock)
    seconds = {"a on demo": 10.0, "b on demo": 0.0, "c on demo": 30.0}
    report = numbered(lambda *told: work.report(*told) and None, 3, seconds)
    assert report is not None
    report(Task("a on demo", "image", cell=True), 0, 10)
    clock.now = 10.0  # twice as slow as before
    report(Task("a on demo", "image", cell=True), 5, 10)
    assert work.fraction() == pytest.approx(5 / 40)
    assert work.words() == "cell 1 of 3: a on demo, image 5 of 10, 10 s left, 70 s in all"
    clock.now = 20.0
    report(Task("b on demo", "image", cell=True), 0, 0)  # was done already
    report(Task("c on demo", "image", cell=True), 0, 10)
    assert work.fraction() == pytest.approx(10 / 40)
    clock.now = 26.0
    report(Task("c on demo", "image", cell=True), 1, 10)
    assert work.words() == "cell 3 of 3: c on demo, image 1 of 10, 54 s left"  # the last one's is that of all


def test_no_time_of_all_cells_where_one_is_not_known() -> None:
    clock = Clock()
    work = Work(clock)
    report = numbered(lambda *told: work.report(*told) and None, 2, {"a on demo": 10.0})
    assert report is not None
    for name in ("b on demo", "a on demo"):
        clock.now += 5
        report(Task(name, "image", cell=True), 0, 10)
        clock.now += 5
        report(Task(name, "image", cell=True), 5, 10)
        assert work.words().endswith("5 s left")


def test_a_training_tells_its_losses_and_its_rate() -> None:
    work = Work(Clock())
    work.report(Task("training r2r main", "step", note="loss 0.0123, rate 0.0001"), 120, 4000)
    assert work.words() == "training r2r main, step 120 of 4000, loss 0.0123, rate 0.0001"
    assert work.words(45) == "training r2r main, step 120 of 4000"


def test_work_that_begins_again_is_timed_anew() -> None:
    clock = Clock()
    work = Work(clock)
    work.report("scan", 9, 10)
    clock.now = 100.0
    work.report("scan", 1, 10)
    clock.now = 101.0
    assert work.left() == pytest.approx(9.0)


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
    assert duration(seconds) == words
