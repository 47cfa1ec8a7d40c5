"""The leaderboard in a browser: order, selectors, reasons, provenance, names that would break a careless page."""

from __future__ import annotations

import csv

import pytest

from benchmark.leaderboard.published import find_published
from benchmark.report.make import PageRequest, make_report
from tests.helpers.report_material import ARABIC, LONG, TAG
from tests.helpers.scored_records import with_distances

pytestmark = pytest.mark.browser
FOLDER = "dataset=folder+%C2%B7+test+%C2%B7+own"


def labels(page) -> list[str]:
    return [text.strip() for text in page.locator(".board tbody th .link").all_inner_texts()]


def column(page, name: str) -> list[float]:
    texts = page.locator(f".board .c-{name}").all_inner_texts()
    return [float(text.split("\n")[0].replace("\u2212", "-")) for text in texts if text.strip()]


def test_a_press_on_a_heading_sorts_and_the_third_one_ends_it(tab, site):
    page = tab().go(site.index, FOLDER)
    before = labels(page)
    heading = page.locator('th[data-column="psnr"]')
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    values = column(page, "psnr")
    assert len(values) == 6 and values == sorted(values, reverse=True)
    assert set(labels(page)[-2:]) == {"deblurrer", "nan only"}, "cells without figures come last"
    page.keyboard.press("Enter")  # the focus has stayed on it
    assert heading.get_attribute("aria-sort") == "ascending" and column(page, "psnr") == sorted(values)
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "none" and labels(page) == before


def test_columns_can_be_chosen_and_the_address_keeps_them(tab, site):
    opened = tab()
    page = opened.go(site.index, FOLDER)
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="SSIM", exact=True).click()
    assert page.locator('th[data-column="ssim"]').count() == 0 and column(page, "psnr")
    assert page.get_by_role("checkbox", name="SSIM", exact=True).evaluate("node => node === document.activeElement")
    page.get_by_role("checkbox", name="PSNR", exact=True).press("Space")
    assert page.locator('th[data-column="psnr"]').count() == page.locator("td.forest").count() == 0
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator('th[data-column="ssim"]').count() == page.locator('th[data-column="psnr"]').count() == 0
    page.get_by_role("button", name="Reset").click()
    assert page.locator('th[data-column="ssim"]').count() > 0 and page.locator('th[data-column="psnr"]').count() > 0


def test_distances_are_columns_and_the_lowest_comes_first(tab, tmp_path):
    results = with_distances(tmp_path / "results")
    page = tab().go(make_report(PageRequest(results, tmp_path / "data", tmp_path / "page")))
    assert len(column(page, "dists")) == 2 and "0.1000\n[0.0900, 0.1100] (best)" in page.inner_text(".board")
    page.locator('th[data-column="dists"] button').click()
    assert column(page, "dists") == [0.1, 0.3] and labels(page)[-1].startswith("mssr")


def test_text_is_sorted_as_text(tab, site):
    page = tab().go(site.index, FOLDER)
    page.locator('th[data-column="label"] button').click()
    assert labels(page) == sorted(labels(page))


def test_the_filter_keeps_what_it_names(tab, site):
    page = tab().go(site.index)
    page.get_by_label("Filter").fill("PLAIN")
    assert labels(page) == ["plain only"]
    page.get_by_label("Filter").fill("no such row")
    assert "No row fits" in page.inner_text("main")
    page.get_by_role("button", name="Reset").click()
    assert len(labels(page)) == 14


@pytest.mark.parametrize(
    ("selector", "value", "expected"),
    [
        ("Dataset", "polyu · validation · real", {"r2r sidd-paper"}),
        ("Task", "denoise", 14),
        ("Supervision", "unpaired", {"wave only"}),
        ("Supervision", "no training", {"input", "blur", "nlm"}),
        ("Convention", "unclamped-float", 13),
        ("Rows", "missing", {"deblurrer", "nan only", "r2r sidd-paper"}),
        ("Rows", "published", {"r2r sidd-paper"}),
    ],
)
def test_selectors(tab, site, selector, value, expected):
    page = tab().go(site.index)
    page.get_by_label(selector, exact=True).select_option(value)
    found = labels(page)
    assert len(found) == expected if isinstance(expected, int) else set(found) == expected


def test_every_convention_is_a_row_where_all_are_asked_for(tab, site):
    page = tab().go(site.index, f"{FOLDER}&conv=*")
    with (site.root / "results" / "leaderboard.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataset"] == "folder"]
    assert len(labels(page)) == len(rows) > 60


def test_the_figures_are_those_of_the_table(tab, site):
    """Read back at the decimals shown, with their intervals."""
    page = tab().go(site.index, FOLDER)
    with (site.root / "results" / "leaderboard.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["dataset"] == "folder" and row["psnr"]]
    expected = [
        f"{float(r['psnr']):.2f} [{float(r['psnr_low']):.2f}, {float(r['psnr_high']):.2f}]"
        for r in rows
        if r["convention"] == "float-gauss"
    ]
    shown = [text.replace("\n", " ").strip() for text in page.locator(".board .c-psnr").all_inner_texts()]
    assert shown == expected and len(shown) == 6


def test_why_a_row_is_not_comparable_stands_in_the_row(tab, site):
    page = tab().go(site.index)
    row = page.locator("tr", has_text="plain only")
    assert "not the paper's recipe" in row.inner_text()
    assert "holds NaN or infinite values" in page.locator("tr.failed", has_text="nan only").inner_text()
    assert "this method is for deblur" in page.locator("tr.skipped").inner_text()
    paper = page.locator("tr", has_text="r2r sidd-paper").filter(has_text="33.").first
    printed = find_published("R2R", "sidd", "validation", "real", "matlab-volume-float")
    assert printed is not None
    assert paper.locator(".c-published_psnr").inner_text() == f"{printed.psnr:g} / {printed.ssim:g}"


def test_a_figure_tells_its_record_and_command(tab, site):
    page = tab().go(site.index, FOLDER)
    page.locator("tr", has_text="plain only").locator(".c-ssim").click()
    told = page.locator("dialog[open]").inner_text()
    assert "record.json" in told and "benchmark run --methods plain --dataset folder --split test" in told
    assert "fingerprint of the images" in told
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    button = page.locator("tr", has_text="dim only").locator(".link")
    button.focus()
    page.keyboard.press("Enter")
    assert "dim only" in page.locator("dialog[open] h2").inner_text()
    page.keyboard.press("Escape")
    assert button.evaluate("node => node === document.activeElement")


def test_strange_names_do_nothing_but_show(tab, site):
    opened = tab()
    for words in ("", "view=images&set=1", "view=charts&pset=1", "view=cards"):
        page = opened.go(site.index, words)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hit") is None
        assert page.locator('img[src="x"]').count() == 0
        assert TAG in page.inner_text("main")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page = opened.go(site.index, "view=images&set=1")
    page.reload()
    text = page.locator(".imagelist").inner_text()
    assert LONG in text and ARABIC.replace("\u202e", "\\u202e") in text and "\u202e" not in text
