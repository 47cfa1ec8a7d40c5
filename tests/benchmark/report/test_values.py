"""What the page is given: safe JSON, errors by block, stored rows, commands, cards."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import numpy as np
import pytest

import methods
from benchmark.cli import parser
from benchmark.cli.running import request
from benchmark.leaderboard.columns import COLUMNS
from benchmark.leaderboard.files import write_leaderboard
from benchmark.leaderboard.rows import board_rows
from benchmark.paths import shipped
from benchmark.planning.planner import plan
from benchmark.records.files import read_records
from benchmark.report.blocks import block_errors, block_side, crops, disagreement
from benchmark.report.board import SHOWN, board_values
from benchmark.report.cards import cards, papers, supervision
from benchmark.report.command import command
from benchmark.report.curves import POINTS, curves
from benchmark.report.embedding import packed, page_json
from benchmark.report.image_sets import image_sets
from benchmark.report.pictures import APART, BEST, WORST, chosen
from benchmark.report.stored_rows import stored_rows
from benchmark.tables.page_table import json_value
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.names import printable
from tests.helpers import report_material as material
from tests.helpers.made_records import keep, record
from tests.helpers.scored_records import with_distances


@pytest.mark.parametrize("text", ["</script><script>", "<!--", "]]>", "a\u2028b\u2029c", "&lt;", '"\\', "\ud800"])
def test_json_begins_no_markup_and_reads_back(text):
    written = page_json({"x": [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["x"][0] == printable(text)


def test_text_that_turns_a_line_round_is_spelled_out():
    assert json.loads(page_json(["a\u202eb\x1b"])) == ["a\\u202eb\\x1b"]


def test_json_has_no_infinities():
    with pytest.raises(ValueError):
        page_json([float("nan")])
    assert [json_value(v) for v in (float("nan"), float("inf"), float("-inf"), 2.5)] == [None, "inf", "-inf", 2.5]


def test_packed_numbers():
    import base64

    assert np.frombuffer(base64.b64decode(packed([1.5, np.nan], "f4")), "<f4")[0] == 1.5
    assert list(np.frombuffer(base64.b64decode(packed([7, 2**32 - 1], "u4")), "<u4")) == [7, 2**32 - 1]


def test_block_errors_are_the_squares_of_the_differences():
    draw = np.random.default_rng(0)
    a, b = (draw.integers(0, 256, (21, 19, 3), np.uint8) for _ in range(2))
    found = block_errors(a, b, 8)
    assert found.shape == (3, 3) and found.dtype == np.uint32
    squares = (a.astype(int) - b) ** 2
    assert found[2, 1] == squares[16:21, 8:16].sum() and found.sum() == squares.sum()


def test_blocks_stay_few():
    for size in ((48, 64), (3000, 4000), (1, 5000)):
        side = block_side(*size)
        assert side % 8 == 0 and -(-size[0] // side) * -(-size[1] // side) <= 2048
    assert block_side(256, 256) == 8


def test_crops_lie_where_methods_differ_and_do_not_overlap():
    errors = [np.ones((16, 16)), np.ones((16, 16))]
    errors[1][3, 12] = errors[1][10, 2] = 400.0
    found = crops(disagreement(errors), (128, 128), 8, "why")
    assert [crop.side for crop in found] == [32, 32]
    inside = [(crop.x <= 12 * 8 < crop.x + 32 and crop.y <= 3 * 8 < crop.y + 32) for crop in found]
    assert inside.count(True) == 1
    assert crops(np.zeros((16, 16)), (128, 128), 8, "why") == []
    (whole,) = crops(np.ones((1, 1)), (5, 9), 8, "why")
    assert (whole.x, whole.y) == (0, 0)


def test_images_are_chosen_for_reasons(finished):
    (images,) = image_sets(read_records(finished / "results"))
    every = chosen(images, 100)
    assert list(every) == [f"p{index}" for index in range(material.PICTURES)]
    three = chosen(images, 3)
    assert len(three) == 3
    assert {tag for tags in three.values() for tag in tags} == {WORST, BEST, APART}
    (worst,) = (name for name, tags in three.items() if WORST in tags)
    rows = [i for i, r in enumerate(images.records) if not r.cell.is_baseline]
    means = np.stack([images.column(i, "psnr", images.conventions[0]) for i in rows]).mean(0)
    assert worst == images.names[int(means.argmin())]


def test_rows_of_a_table_without_records_show_the_same(finished, tmp_path):
    records = read_records(finished / "results")
    material.foreign_rows(tmp_path)
    board = board_rows([*records, *read_records(tmp_path)])
    write_leaderboard(tmp_path, [*records, *read_records(tmp_path)])
    found = stored_rows(tmp_path / "leaderboard.csv", [])
    assert len(found) == len(board)
    same = [column for column in SHOWN if column.name not in ("comparable", "device", "label")]
    for stored, row in zip(found, board, strict=True):
        if row.record.id.startswith(("rtl", "long", material.TAG)):
            continue  # their names are spelled out in the CSV
        for column in same:
            texts = [re.sub(r"\d+", "#", column.cell_text(each)) for each in (stored, row)]
            values = [column.format.parts(column.read(each)) for each in (stored, row)]
            assert texts[0] == texts[1], column.name
            if isinstance(values[0][0], float):  # the CSV has fewer digits than a record
                digit = 0.051 if column.name in ("ms_per_megapixel", "peak_mb") else 0.00051
                assert values[0] == pytest.approx(values[1], rel=0, abs=digit), column.name
            else:
                assert values[0] == values[1], column.name
        assert stored.record.folder == "" and stored.record.status == row.record.status
        assert stored.comparable == row.comparable


def test_distances_are_columns_where_a_row_has_them(tmp_path, finished):
    found = board_values(board_rows(read_records(with_distances(tmp_path))), tmp_path)
    names = [column["name"] for column in found["columns"]]
    assert names[2:7] == ["psnr", "ssim", "minus_best_psnr", "dists", "minus_best_dists"]
    (section,) = found["sections"]
    texts = {row["record"].split("-")[0]: row["texts"][5:7] for row in section["rows"]}
    assert texts["lir"] == ["0.1000 [0.0900, 0.1100] (best)", "best"]
    assert texts["r2r"][0].startswith("0.3000 ") and texts["r2r"][1].startswith("+0.2") and texts["mssr"] == ["", ""]
    without = board_values(board_rows(read_records(finished / "results")), tmp_path)
    assert [column["name"] for column in without["columns"]] == [column.name for column in SHOWN]


def test_rows_whose_records_are_here_are_not_doubled(finished):
    records = read_records(finished / "results")
    with material.added():
        board = board_rows(records)
    assert len(board) > 60
    assert stored_rows(finished / "results" / "leaderboard.csv", board) == []
    # a record that is here but outdated, such as a failure of a method that is gone, does not come back
    assert stored_rows(finished / "results" / "leaderboard.csv", board[:0], records) == []


def test_rows_of_strange_names_are_not_doubled(tmp_path):
    material.foreign_rows(tmp_path)
    board = write_leaderboard(tmp_path)
    assert len(board) > 5
    assert stored_rows(tmp_path / "leaderboard.csv", board) == []


def test_the_shipped_table_can_be_shown():
    found = stored_rows(shipped("leaderboard.csv"), [])
    assert len(found) > 400
    assert {row.record.cell.method for row in found} >= {"r2r", "input"}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01"])
def test_a_foreign_table_is_one_sentence(tmp_path, text):
    (tmp_path / "leaderboard.csv").write_text(text)
    with pytest.raises(UserError, match="no leaderboard.csv of this project"):
        stored_rows(tmp_path / "leaderboard.csv", [])


def test_a_table_with_a_broken_number_is_one_sentence(finished, tmp_path):
    text = (finished / "results" / "leaderboard.csv").read_text().replace("34.8", "thirty", 1)
    (tmp_path / "leaderboard.csv").write_text(text)
    with pytest.raises(UserError, match="cannot be read"):
        stored_rows(tmp_path / "leaderboard.csv", [])


def test_the_command_leads_to_the_same_cell(studio):
    studio.prepared()
    studio.run("--methods", "plain", "--set", "restore.gain=0.7", "--limit", "3", "--self-ensemble", "--tile", "16")
    records = read_records(studio.results)
    assert {r.cell.method for r in records} > {"plain"}
    for kept in records:
        words = shlex.split(command(kept, studio.results))
        assert words[:4] == ["python", "-m", "benchmark", "run"]
        args = parser().parse_args([*words[3:], "--data", str(studio.data), "--results", str(studio.results)])
        assert kept.id in {planned.cell.id for planned in plan(request(args))}


def test_the_command_of_another_programs_outputs():
    assert "score --folder OUTPUTS --dataset sidd" in command(
        record("their-method", recipe=""), material.Path("results")
    )


def test_the_command_names_shipped_weights_by_path():
    path = next(shipped("weights/r2r").glob("*.safetensors"))
    made = record(weights=path.name, weights_sha256=sha256_file(path), recipe="cpu")
    assert command(made, material.Path("none")).endswith(f"weights/r2r/{path.name}")


def test_cards_of_all_methods():
    made = [record(name, recipe="") for name in ("input", *methods.names())]
    by_name = {card["name"]: card for card in cards(made, material.Path("none"))}
    assert "degraded image itself" in by_name["input"]["about"]
    for name in methods.names():
        card = by_name[name]
        assert card["papers"] and all(paper["title"] and paper["year"] for paper in card["papers"]), name
        assert card["differences"] and all(section["blocks"] for section in card["differences"]), name
    assert len(by_name["scpgan"]["papers"]) == 2
    assert by_name["mssr"]["papers"][0]["link"] == "https://arxiv.org/abs/2201.10747"


def test_the_card_knows_shipped_weights():
    path = next(shipped("weights/r2r").glob("*.safetensors"))
    (card,) = cards([record("r2r", weights=path.name, weights_sha256=sha256_file(path))], material.Path("none"))
    (weights,) = card["weights"]
    assert weights["sha256"] == sha256_file(path) and weights["licence"] and "steps on" in weights["facts"][0]


def test_a_link_that_is_no_address_is_no_link():
    (paper,) = papers("@misc{a,\n  title = {T},\n  url = {javascript:alert(1)},\n}")
    assert paper["title"] == "T" and paper["link"] == ""
    assert papers("") == [] and papers("no entry") == []


def test_supervision():
    assert supervision(record("r2r", recipe="sidd-paper")) == "degraded"
    assert supervision(record("nlm")) == "no training"
    assert supervision(record("unheard-of")) == supervision(record("r2r", recipe="unheard-of")) == ""


def test_curves_are_thinned_and_scores_are_not(tmp_path):
    material.training_log(tmp_path)
    ((training),) = curves(tmp_path)
    lines = {(line["stage"], line["loss"]): line for line in training["lines"]}
    assert len(lines["warm", "loss"]["steps"]) <= POINTS and lines["warm", "loss"]["steps"][-1] == 600
    assert lines["warm", "loss"]["values"][0] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3, rel=1e-5)
    assert lines["main", "psnr"]["steps"] == [200, 400, 600] and lines["main", "psnr"]["values"][-1] == 26.0
    assert curves(tmp_path / "nothing") == []


def test_records_on_other_images_are_other_sets(tmp_path):
    for name, fingerprint in (("a", "1"), ("b", "1"), ("c", "2")):
        kept = record(f"method-{name}", cell=name, fingerprint=fingerprint)
        keep(tmp_path, kept, material.scores("matlab-volume-float"))
    sets = image_sets(read_records(tmp_path))
    assert [[r.id for r in each.records] for each in sets] == [["a", "b"], ["c"]]
    shutil.copy(tmp_path / "runs" / "c" / "scores.csv", tmp_path / "runs" / "a" / "scores.csv")
    assert COLUMNS and len(image_sets(read_records(tmp_path))) == 2
    (tmp_path / "runs" / "a" / "scores.csv").write_text("broken")
    said: list[str] = []
    assert len(image_sets(read_records(tmp_path), said.append)[0].records) == 1 and len(said) == 1
