"""How fast the command line answers, with what imported, and what the wheel holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from benchmark.version import __version__ as VERSION

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmark", "methods", "datasets")
HEAVY = (
    "torch",
    "numpy",
    "pandas",
    "cv2",
    "h5py",
    "scipy",
    "skimage",
    "rich",
    "safetensors",
    "lightning_fabric",
    "pooch",
)


MODULES = 500  # that a quick answer may import, Python's own with them: about 400


def loaded_by(command: str, folder: Path) -> list[str]:
    """The modules that a command has imported once it has answered."""
    code = f"import sys, benchmark.cli; benchmark.cli.main({command.split()!r}); print('LOADED', *sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.rpartition("LOADED")[2].split()


def test_help_imports_nothing_heavy(tmp_path):
    loaded = loaded_by("run --help", tmp_path)
    assert [name for name in loaded if name in HEAVY] == []
    assert len(loaded) < MODULES


@pytest.mark.parametrize("command", ["list methods", "list recipes", "list datasets", "list conventions", "cite"])
def test_lists_import_little(command, tmp_path):
    """Importing is what takes long; seconds would depend on who else is at work on the machine."""
    loaded = loaded_by(command, tmp_path)
    assert [name for name in loaded if name in HEAVY and name != "numpy"] == []
    assert len(loaded) < MODULES


NEIGHBOURS = {"works": "", "broken": "raise ImportError('pyarrow is missing')", "merged": "from .config import *"}


def neighbour(folder: Path, content: str) -> Path:
    """A stand-in for the other library of the name, which would take seconds to import, or fail."""
    (folder / "datasets").mkdir(parents=True)
    (folder / "datasets" / "__init__.py").write_text(content)
    return folder


@pytest.mark.parametrize("content", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_another_library_called_datasets_is_named(tmp_path, content):
    """One sentence with the fix, in a program and on the command line, before any traceback of the other library."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(neighbour(tmp_path, content)), str(ROOT)])}
    (tmp_path / "elsewhere").mkdir()

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *argv]
        where = tmp_path / "elsewhere"
        return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)

    program, line = run("-c", "import benchmark"), run("-m", "benchmark", "--help")
    assert program.returncode == 1 and line.returncode == 2
    last = program.stderr.strip().splitlines()[-1]
    assert "pyarrow" not in program.stderr + line.stderr and "Traceback" not in line.stderr
    for said in (last, line.stderr):
        assert str(tmp_path) in said and "another library" in said and "python -m venv" in said


def test_the_other_library_imported_first_is_named(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(neighbour(tmp_path, "")), str(ROOT)])}
    command = [sys.executable, "-c", "import datasets, benchmark"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "another library" in done.stderr.strip().splitlines()[-1]


OFFLINE = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]


def pip(*argv: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *argv], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution, made of a copy, so that nothing is left in the checkout."""
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel_file(sdist, tmp_path_factory):
    """The wheel, built from the source distribution as an index would."""
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", *OFFLINE, "--wheel-dir", str(out), str(sdist))
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(wheel_file):
    return zipfile.ZipFile(wheel_file).namelist()


def test_the_source_distribution_holds_the_tests_and_what_is_shipped(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/test_packaging.py", "results/published.csv", "constraints.txt", "tox.ini", "hatch_build.py"} <= names
    assert not [name for name in names if name.startswith(("data/", "results/runs", ".tox"))]


def test_the_demo_runs_from_the_wheel_outside_of_the_checkout(wheel_file, tmp_path):
    """Installed into an environment of its own, which has only the dependencies of this one (by a plain path)."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    pip("install", *OFFLINE, "--target", str(site), str(wheel_file))
    dependencies = [entry for entry in sys.path if entry.endswith("-packages")]
    (site / "dependencies.pth").write_text("\n".join(dependencies))  # a path in a .pth does not read that path's own
    home = tmp_path / "home"
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    chosen = ["--methods", "r2r", "--dataset", "demo", "--limit", "2", "--device", "cpu", "--json", "--quiet"]
    command = [str(python), "-m", "benchmark", "run", *chosen]
    done = subprocess.run(command, cwd=home, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["method"]: row for row in json.loads(done.stdout)}
    assert rows["r2r"]["status"] == "done" and float(rows["r2r"]["psnr"]) > float(rows["input"]["psnr"]) + 3
    asked = [str(python), "-c", "import benchmark; print(benchmark.__file__)"]
    assert str(site) in subprocess.run(asked, cwd=home, env=kept, capture_output=True, text=True, check=True).stdout


def test_an_editable_install_holds_no_second_copy(tmp_path):
    pytest.importorskip("editables")
    build = f"from hatchling.build import build_editable; print(build_editable({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (built,) = tmp_path.glob("*.whl")
    assert built.stat().st_size < 100_000
    assert not [name for name in zipfile.ZipFile(built).namelist() if name.startswith("benchmark/")]


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    sources = [p for package in PACKAGES for p in (ROOT / package).rglob("*") if p.is_file()]
    wanted = {str(p.relative_to(ROOT)) for p in sources if "__pycache__" not in p.parts and "shipped" not in p.parts}
    assert wanted - set(wheel) == set()


def test_the_wheel_holds_what_is_shipped_and_nothing_else_of_results(wheel):
    shipped = {name.removeprefix("benchmark/shipped/") for name in wheel if name.startswith("benchmark/shipped/")}
    weights = {str(p.relative_to(ROOT / "results")) for p in (ROOT / "results" / "weights").rglob("*") if p.is_file()}
    assert shipped - weights == {"published.csv", "baseline.csv"}
    assert weights <= shipped
    top = {name.split("/")[0] for name in wheel}
    assert {t for t in top if not t.endswith(".dist-info")} == set(PACKAGES)


CONDA = {"torch": "pytorch", "opencv-python": "py-opencv"}  # names there that differ


def test_the_conda_recipe_asks_for_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    recipe = (ROOT / "conda" / "meta.yaml").read_text().split("\n  run:\n")[1].split("\n\n")[0]
    named = {line.strip().removeprefix("- ") for line in recipe.splitlines()}
    wanted = {"python": project["requires-python"]}
    wanted |= dict(re.fullmatch(r"([\w-]+)(.*)", entry).groups() for entry in project["dependencies"])
    assert named == {f"{CONDA.get(name, name)} {version}" for name, version in wanted.items()}


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = {"conda/meta.yaml": f'set version = "{VERSION}"', "CITATION.cff": f"\nversion: {VERSION}\n"}
    assert project["version"] == VERSION
    assert [name for name, words in said.items() if words not in (ROOT / name).read_text()] == []
