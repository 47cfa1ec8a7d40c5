"""The command line: verbs, exit codes, what goes where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.cli import explained, main, options, parser
from datasets.ops.images import read_image
from tests.helpers.command_line import COUNT, Studio

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "pandas", "cv2", "lightning", "scipy", "skimage", "h5py", "numpy", "rich")
VERBS = [
    "export",
    "fetch",
    "list",
    "explain",
    "cite",
    "conformance",
    "prepare",
    "run",
    "train",
    "reproduce",
    "status",
    "restore",
    "score",
    "submit",
    "degrade",
    "leaderboard",
    "paper",
    "report",
    "paper",
    "check",
    "merge",
    "weights",
]
RUN = [
    "--methods",
    "--dataset",
    "--split",
    "--recipe",
    "--weights",
    "--seeds",
    "--train",
    "--steps",
    "--minutes",
    "--conventions",
    "--device",
    "--precision",
    "--tf32",
    "--tile",
    "--self-ensemble",
    "--limit",
    "--set",
    "--data",
    "--results",
    "--save-images",
    "--save-outputs",
    "--report",
    "--force",
    "--dry-run",
    "--deterministic",
    "--grey-as-rgb",
    "--quiet",
    "--json",
    "--debug",
]


def test_help_imports_nothing_heavy() -> None:
    words = [["--help"], *([verb, "--help"] for verb in VERBS)]
    code = (
        "import sys\nfrom benchmark.cli import main\n"
        f"code = max(main(words) for words in {words!r})\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: python -m benchmark") == len(words)


def test_every_verb_and_every_option_of_run() -> None:
    actions = {a.dest: a for a in parser()._actions}
    assert set(actions["command"].choices) == set(VERBS)  # type: ignore[arg-type]
    run = actions["command"].choices["run"]  # type: ignore[index,call-overload]
    assert set(RUN) <= set(run._option_string_actions)


def test_a_foreign_library_called_datasets_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "benchmark", "--help"]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert "another library of that name" in sentence
    inside = subprocess.run(
        [sys.executable, "-c", "import benchmark"],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ImportError: benchmark needs its own package" in inside.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("polyu", ("polyu",)),
        ("a,b", ("a", "b")),
        ("bsd68[sigma=25,clip=true],set12", ("bsd68[sigma=25,clip=true]", "set12")),
    ],
)
def test_names(text: str, expected: tuple[str, ...]) -> None:
    assert options.names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("restore.draws=5", ("restore.draws", 5)),
        ("a=0.5", ("a", 0.5)),
        ("a=true", ("a", True)),
        ("a=b=c", ("a", "b=c")),
        ("a=", ("a", "")),
    ],
)
def test_settings(text: str, expected: tuple[str, object]) -> None:
    assert options.setting(text) == expected


def test_data_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_DATA", "/somewhere")
    assert parser().parse_args(["list", "datasets"]).data == Path("/somewhere")
    monkeypatch.delenv("BENCHMARK_DATA")
    assert parser().parse_args(["list", "datasets"]).data == Path("data")


def test_bugs_are_not_hidden() -> None:
    with pytest.raises(OSError, match="odd"):
        explained(OSError(5, "odd"))


def test_interruption(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.cli.listing.show", stop)
    assert main(["list", "conventions"]) == 130
    assert capsys.readouterr().err.startswith("Interrupted: the same command goes on")


def test_debug_shows_the_traceback(studio: Studio) -> None:
    assert studio("prepare", "polyuu", "--debug") == 2
    assert "Traceback" in studio.err
    assert studio.err.splitlines()[-1].startswith("Unknown dataset 'polyuu'")


@pytest.mark.parametrize("what", ["methods", "recipes", "datasets", "conventions", "weights"])
def test_lists(what: str, studio: Studio) -> None:
    assert studio("list", what, "--json") == 0
    found = json.loads(studio.out)
    assert isinstance(found, list)
    names = {row.get("name") or row.get("method") for row in found}
    expected = {"methods": "r2r", "recipes": "r2r", "datasets": "polyu", "conventions": "float-gauss"}.get(what)
    assert expected is None or expected in names


def test_cite(studio: Studio) -> None:
    assert studio("cite", "r2r,polyu") == 0
    assert studio.out.count("@") >= 2
    assert studio("cite", "r2d2") == 2
    assert "'r2d2'" in studio.sentence


def test_run_scores_ranks_and_writes(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0, studio.err
    assert [line.split("\t")[0] for line in studio.out.splitlines()[2:]] == ["input", "blur", "nlm", "plain"]
    board = (studio.results / "leaderboard.csv").read_text()
    assert "folder,test,denoise,own,plain,only" in board
    assert len(list((studio.results / "runs").glob("*/record.json"))) == 4


def test_run_as_json_and_again(studio: Studio) -> None:
    studio.prepared()
    words = ("--methods", "plain", "--conventions", "float-gauss,skimage7-uint8", "--json")
    assert studio.run(*words) == 0
    rows = json.loads(studio.out)
    assert {row["convention"] for row in rows} == {"float-gauss", "skimage7-uint8"}
    stamps = {path: path.stat().st_mtime_ns for path in studio.results.glob("runs/*/record.json")}
    assert studio.run(*words) == 0
    assert json.loads(studio.out) == rows
    assert stamps == {path: path.stat().st_mtime_ns for path in studio.results.glob("runs/*/record.json")}


def test_quiet_run_leaves_stderr_empty(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--quiet") == 0
    assert studio.err == ""


def test_dry_run_runs_nothing(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain,r2r", "--dry-run") == 0, studio.err
    lines = [line.split("\t") for line in studio.out.splitlines()[1:]]
    assert {line[1] for line in lines[1:]} == {"input", "blur", "nlm", "plain", "r2r"}
    assert not (studio.results / "runs").exists()


def test_settings_reach_the_method(studio: Studio) -> None:
    studio.prepared()
    for gain in (0.9, 0.5):
        assert studio.run("--methods", "plain", "--set", f"restore.gain={gain}", "--json") == 0
    assert studio("leaderboard", "--results", studio.results, "--json") == 0
    rows = [r for r in json.loads(studio.out) if r["method"] == "plain" and r["convention"] == "float-gauss"]
    assert len({row["psnr"] for row in rows}) == 2


def test_compare_two_rows(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain") == 0
    assert studio("leaderboard", "--compare", "plain", "input", "--results", studio.results, "--json") == 0
    lines = json.loads(studio.out)
    assert {line["n"] for line in lines} == {COUNT}
    assert all(line["psnr"]["low"] is not None for line in lines)


def test_merge_of_two_machines(studio: Studio) -> None:
    studio.prepared()
    assert studio.run("--methods", "plain", "--results", studio.root / "other") == 0
    assert studio("merge", studio.root / "other", "--results", studio.results) == 0
    assert "4 records copied" in studio.err
    assert (studio.results / "leaderboard.csv").is_file()


def test_training_takes_no_weights(studio: Studio) -> None:
    assert studio("train", "--methods", "plain", "--weights", "x.pth") == 2
    assert "unrecognized arguments: --weights" in studio.sentence


def test_restore_finds_shipped_weights_or_says_how_to_have_some(studio: Studio) -> None:
    studio.prepared()
    output = studio.root / "restored"
    assert studio("restore", studio.source / "degraded", "--methods", "r2r", "--output", output) == 0
    assert "phone-cpu-phone.safetensors" in studio.err  # photographs have real noise
    assert len(list(output.glob("*.png"))) == len(list((studio.source / "degraded").iterdir()))
    assert studio("restore", studio.source / "degraded", "--methods", "r2r", "--recipe", "polyu") == 2
    assert "--weights" in studio.sentence and "benchmark train --methods r2r" in studio.sentence


def test_restore_never_replaces_its_own_source(studio: Studio) -> None:
    studio.prepared()
    target = studio.source / "degraded"
    assert studio("restore", target, "--methods", "r2r", "--output", target) == 2
    assert "would replace its own source" in studio.sentence


def test_restore_pictures_one_by_one(studio: Studio) -> None:
    from benchmark.inference.photos import pictures, restore_pictures
    from benchmark.inference.restorer import Restorer
    from methods import load

    studio.prepared()
    (studio.source / "degraded" / "p1.png").write_bytes(b"no picture")
    sources = pictures(studio.source / "degraded")
    outcome = restore_pictures(Restorer(load("plain")), sources, studio.root / "restored")
    assert [path.name for path in outcome.written] == [f"p{i}.png" for i in range(COUNT) if i != 1]
    assert len(outcome.failed) == 1
    before, after = (read_image(studio.root / where / "p0.png") for where in ("source/degraded", "restored"))
    np.testing.assert_array_equal(after, np.rint(before / np.float32(255) * 0.9 * 255).astype(np.uint8))


def test_large_pictures_are_tiled(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.inference import photos
    from benchmark.inference.restorer import Restorer
    from methods import load

    monkeypatch.setattr(photos, "WHOLE", 1000)
    monkeypatch.setattr(photos, "TILE", 16)
    path = studio.root / "large.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (50, 40, 3), np.uint8))
    method, sizes = load("plain"), []
    inner = method.restore
    monkeypatch.setattr(method, "restore", lambda x, info=None: (sizes.append(x.shape[-2:]), inner(x, info))[1])
    outcome = photos.restore_pictures(Restorer(method), [path], studio.root / "out.png")
    assert outcome.written == [studio.root / "out.png"]
    assert max(max(size) for size in sizes) <= 16


def test_guessing_the_environment_does_not_matter() -> None:
    """The program is also started as a module, from any folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmark", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("restoration-benchmark ")
