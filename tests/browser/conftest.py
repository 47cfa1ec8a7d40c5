"""A real browser for the report page. Without one the tests are skipped with the reason; under CI they fail."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmark.report.make import PageRequest, make_report
from tests.helpers import report_material as material

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The browser's program: the one that BENCHMARK_CHROMIUM names, else the first that the system has."""
    return os.environ.get("BENCHMARK_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """What is not here, as a sentence; '' where nothing is."""
    absent = [name for name in ("playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]
    if absent:
        return f"{' and '.join(absent)} not installed: use tox -e browser"
    return "" if chromium() else "no Chromium here: apt-get install chromium, or name one by BENCHMARK_CHROMIUM"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    reason = missing()
    if reason:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    # root, which containers run as, may not use Chromium's own sandbox
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        program = driver.chromium.launch(executable_path=chromium(), args=arguments)
        yield program
        program.close()


@dataclass
class Site:
    """Pages on disk, made once for all tests."""

    root: Path
    index: Path
    single: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = tmp_path_factory.mktemp("report")
    results, data = material.run(root), root / "data"
    material.foreign_rows(results)
    material.training_log(results)
    with material.added():
        index = make_report(PageRequest(results, data, root / "page"))
        single = make_report(PageRequest(results, data, root / "mail.html", single=True))
    return Site(root, index, single)


@dataclass
class Opened:
    """A tab, and what it said on its console."""

    page: Any
    said: list[str] = field(default_factory=list)

    def failed(self, asked: Any) -> None:
        """A file that is not there; those given up since the tab goes elsewhere do not count."""
        if "ERR_ABORTED" not in (asked.failure or ""):
            self.said.append(f"failed: {asked.url[:120]}")

    def go(self, index: Path, words: str = "") -> Any:
        self.page.goto(f"{index.as_uri()}#{words}")
        self.page.wait_for_selector("html[data-ready]")
        return self.page


Open = Callable[..., Any]


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Make a tab; at the end none of them may have said anything, asked for what is missing, or met an error."""
    made: list[tuple[Any, Opened]] = []

    def make(width: int = 1440, scheme: str = "light", touch: bool = False) -> Opened:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=touch)
        opened = Opened(context.new_page())
        opened.page.set_default_timeout(60_000)  # a busy machine is slow
        opened.page.on("console", lambda message: opened.said.append(f"{message.type}: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.said.append(f"error: {error}"))
        opened.page.on("requestfailed", opened.failed)
        made.append((context, opened))
        return opened

    yield make
    said = [line for _, opened in made for line in opened.said]
    for context, _ in made:
        context.close()
    assert said == []
