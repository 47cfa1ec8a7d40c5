"""The whole page in a browser: accessible at every width, by light and dark, as a folder and as one file."""

from __future__ import annotations

import shutil

import pytest

from benchmark.cli import main
from benchmark.report.make import PageRequest, make_report
from tests.helpers import report_material as material
from tests.helpers.made_records import keep, record

pytestmark = pytest.mark.browser
VIEWS = {  # words of the address -> what is there when it is shown
    "": ".board",
    "conv=*": ".board",
    "view=images": ".tiles .port",
    "view=images&mode=slider": ".slider",
    "view=images&mode=map": ".heat",
    "view=charts": ".finding",
    "view=cards": ".card",
}


def findings(page) -> list[str]:
    """Serious and critical findings of axe-core."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


def widths(page) -> set[int]:
    """Of the pictures as they were decoded; a missing one has none."""
    return set(page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1440])
def test_no_serious_finding_and_nothing_sticks_out(tab, site, width, scheme):
    opened = tab(width=width, scheme=scheme)
    for words, sign in VIEWS.items():
        page = opened.go(site.index, words)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.locator(sign).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, words
        assert findings(page) == [], words
    page = opened.go(site.index)
    page.reload()
    page.locator(".board .link").first.click()
    assert findings(page) == []


def test_light_and_dark_can_be_chosen(tab, site):
    page = tab().go(site.index)

    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    page.get_by_role("button", name="Light or dark").click()
    assert ground() != light
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert ground() != light


def test_views_are_links_and_going_back_goes_back(tab, site):
    page = tab().go(site.index)
    for name, sign in (("Images", ".comparator"), ("Charts", ".chart"), ("Methods", ".card")):
        page.get_by_role("link", name=name).click()
        page.wait_for_selector(sign)
        assert page.locator("nav a[aria-current=page]").inner_text() == name
    page.go_back()
    assert page.locator("nav a[aria-current=page]").inner_text() == "Charts"
    assert page.locator(".card").first.is_hidden()


def test_charts_show_their_figures(tab, site):
    page = tab().go(site.index, "view=charts&ccost=ms_per_megapixel")
    page.wait_for_selector(".finding")
    assert "A is better on" in page.inner_text(".finding")
    assert page.locator(".gap").count() == material.PICTURES
    swapped = page.inner_text(".finding").split()[2]
    a, b = (page.get_by_label(name, exact=True).input_value() for name in "AB")
    page = tab().go(site.index, f"view=charts&pa={b}&pb={a}")
    page.wait_for_selector(".finding")
    other = page.inner_text(".finding").split()[2]
    assert {swapped[0], other[0]} == {"+", "\u2212"} and swapped[1:] == other[1:]
    text = page.inner_text("main")
    assert "standard deviation" in text and "made-up-training" in text and "unclamped-float" in text
    page.locator(".gap").first.click()
    page.wait_for_selector(".comparator")


def test_one_file_is_all_that_is_needed(tab, site, tmp_path):
    alone = tmp_path / "alone.html"
    shutil.copy(site.single, alone)
    opened = tab()
    asked: list[str] = []
    opened.page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
    page = opened.go(alone, "view=images&img=p3")
    page.wait_for_selector(".port")
    assert widths(page) == {material.WIDTH}
    assert page.locator(".port").count() == 5
    assert asked.count("file") == 1 and set(asked) <= {"file", "data"}


def test_a_folder_without_its_parts_says_so(browser, site, tmp_path):
    """By itself the index has nothing to show: one sentence. (The browser tells its console of the missing file.)"""
    alone = tmp_path / "index.html"
    shutil.copy(site.index, alone)
    page = browser.new_page()
    page.goto(alone.as_uri())
    page.wait_for_selector(".notice")
    assert "copy the whole folder" in page.inner_text(".notice")
    page.close()


def test_only_failures(tab, tmp_path):
    keep(
        tmp_path / "results", record("r2r", "polyu", status="failed", reason="No weights of r2r fit polyu.", figures={})
    )
    index = make_report(PageRequest(tmp_path / "results", tmp_path, tmp_path / "page"))
    page = tab().go(index)
    assert "1 record: 0 finished, 1 failed." in page.inner_text("header")
    assert "No weights of r2r fit polyu." in page.inner_text("main")
    for view, sentence in (("Images", "no cell has finished"), ("Charts", "No cell has figures")):
        page.get_by_role("link", name=view).click()
        assert sentence in page.inner_text("main")


def test_own_photographs(tab, tmp_path):
    source = material.pictures(tmp_path / "source") / "degraded"
    assert main(["restore", str(source), "--methods", "dgunet", "--output", str(tmp_path / "out"), "--report"]) == 0
    page = tab(width=800).go(tmp_path / "out" / "report" / "index.html", "mode=slider")
    page.wait_for_selector(".slider")
    assert "6 photographs, restored with dgunet " in page.inner_text("header")
    assert page.locator(".imagelist tbody tr:not(.space)").count() == 6
    assert widths(page) == {material.WIDTH}
    assert findings(page) == []
