"""Make the report page of the shipped tables: `python docs/report_page.py FOLDER`; `tox -e docs` does.

The records ship: the demo's in results/demo, the others' in results/rows. Their pictures do not. Those of the demo are
restored here, with the shipped weights.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from benchmark.cli import main
from benchmark.records.files import read_records
from benchmark.report.make import PageRequest, make_report

ROOT = Path(__file__).resolve().parents[1]
RECORDS, OTHERS = (ROOT / "results" / name for name in ("demo", "rows"))


def build(out: Path, work: Path) -> Path:
    """Restore the demo in the folder `work`, write the page to `out`; returns the file to open."""
    fresh, results, data = work / "fresh", work / "results", work / "data"
    where = ["--data", str(data), "--results", str(fresh), "--save-images", "--quiet"]
    with redirect_stdout(io.StringIO()):
        code = main(["run", "--methods", "all", "--dataset", "demo", *where])
    if code:
        raise SystemExit("The demo could not be restored, so its page is not written.")
    assemble(fresh, results)
    return make_report(PageRequest(results, data, out, images=10), warn=print)  # below 5 MB


def assemble(fresh: Path, results: Path) -> None:
    """The shipped records with the pictures of `fresh`; all of `fresh` where the demo's pixels are others here.

    Another processor rounds a few of them differently. The shipped records are not of these pictures then, and the page
    would have to leave the clean ones out.
    """
    made = read_records(fresh)
    shipped = {record.cell.fingerprint for record in read_records(RECORDS)}
    if {record.cell.fingerprint for record in made} <= shipped:
        shutil.copytree(RECORDS, results)
        pictures = {_row(record): Path(record.folder) / "images" for record in made}
        for record in read_records(results):
            if _row(record) in pictures:
                shutil.copytree(pictures[_row(record)], Path(record.folder) / "images")
    else:
        print("The demo's pixels differ on this machine: its figures on the page are of the run just made.")
        shutil.copytree(fresh, results)
    shutil.copytree(OTHERS, results, dirs_exist_ok=True)
    shutil.copy(ROOT / "results" / "leaderboard.csv", results / "leaderboard.csv")


def _row(record) -> tuple[str, str, str]:
    return record.cell.method, record.cell.recipe, record.cell.weights


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(build(Path(sys.argv[1]), Path(folder)))
