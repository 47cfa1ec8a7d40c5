"""Renew the pictures of docs/report.md from a page: `python docs/report_screenshots.py PAGE/index.html`.

Needs Playwright and a Chromium, as `tox -e browser` does.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

DEMO = "demo+%C2%B7+test+%C2%B7+raw-isp"
SHOTS = {
    "report-board": (1440, 900, "light", f"dataset={DEMO}"),
    "report-images": (1440, 1120, "light", "view=images&img=astronaut_0256_0256"),
    "report-charts": (1440, 820, "dark", "view=charts"),
}
WIDTH, COLOURS = 840, 128  # of a picture


def main(index: Path) -> None:
    """Write docs/report-*.png, in few colours and so below 150 kB."""
    program = os.environ.get("BENCHMARK_CHROMIUM") or shutil.which("chromium")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        for name, (width, height, scheme, words) in SHOTS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(f"{index.resolve().as_uri()}#{words}")
            page.wait_for_selector("html[data-ready]")
            page.wait_for_timeout(1000)
            path = Path(__file__).with_name(f"{name}.png")
            page.screenshot(path=path)
            _smaller(path)
            page.close()
        browser.close()


def _smaller(path: Path) -> None:
    picture = Image.open(path).convert("RGB")
    small = picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
