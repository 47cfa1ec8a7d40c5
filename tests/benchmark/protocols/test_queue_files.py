"""Files of the queue: timings and portable states, damaged ones and strangers'."""

from __future__ import annotations

import tarfile

import pytest

from benchmark.protocols.queue.portable import INDEX, unpack
from benchmark.protocols.queue.timings import Timing, read_timings, write_timings
from datasets.core.errors import UserError
from datasets.core.files import sha256_file
from datasets.core.sealed import DamagedError, DamagedWarning, write_sealed


def test_timings_of_a_damaged_file_are_none_and_it_is_kept(tmp_path) -> None:
    made = [Timing("line", name, "tiny", "fp32", "cpu", 5, 10, 0.25, "2026-01-01") for name in ("r2r", "lir", "mssr")]
    path = write_timings(tmp_path, made)
    sound = path.read_text(encoding="utf-8")
    assert read_timings(tmp_path) == made
    path.write_text(sound.replace("0.25", "9.25", 1), encoding="utf-8")
    assert read_timings(tmp_path) == made[1:]
    with pytest.warns(DamagedWarning, match=r"timings\.csv is damaged \(line 2: its checksum is another\)"):
        write_timings(tmp_path, made[:1])
    assert sorted(read_timings(tmp_path), key=made.index) == made
    assert "9.25" in path.with_name("timings.csv.damaged").read_text(encoding="utf-8")
    path.write_text("\n".join(line.rpartition(",")[0] for line in sound.splitlines()) + "\n", encoding="utf-8")
    assert read_timings(tmp_path) == made  # of an earlier version, without checksums
    path.write_text(sound + "x" * 200_000, encoding="utf-8")
    assert read_timings(tmp_path) == made


def test_a_state_names_plain_files_only(tmp_path) -> None:
    """A sparse file may claim any size, and takes no room in the archive."""
    state = tmp_path / "state"
    state.mkdir()

    def sealed(*members: tarfile.TarInfo) -> None:
        with tarfile.open(state / "state-0-000", "w") as archive:
            for member in members:
                archive.addfile(member)
        write_sealed(state / INDEX, {"parts": [{"name": "state-0-000", "sha256": sha256_file(state / "state-0-000")}]})

    for name, kind in (
        ("runs/a/record.json", tarfile.GNUTYPE_SPARSE), ("runs/a/record.json", tarfile.FIFOTYPE),
        ("runs/a/record.json", tarfile.SYMTYPE), ("runs/a/other", tarfile.REGTYPE), ("runs", tarfile.REGTYPE),
        ("weights/../../x.json", tarfile.REGTYPE), ("runs/../record.json", tarfile.REGTYPE),
    ):  # fmt: skip
        member = tarfile.TarInfo(name)
        member.type = kind
        sealed(member)
        with pytest.raises(UserError, match="no file of a results folder|cannot be that of a file"):
            unpack(state, tmp_path / "results")
    for parts in (None, [], [5], [{}], [{"name": "../state-0-000", "sha256": ""}], [{"name": "state-0-000"}]):
        write_sealed(state / INDEX, {"parts": parts})
        with pytest.raises(DamagedError, match="copy it again"):
            unpack(state, tmp_path / "results")
    (state / "state-0-000").write_bytes(b"no archive")
    write_sealed(state / INDEX, {"parts": [{"name": "state-0-000", "sha256": sha256_file(state / "state-0-000")}]})
    with pytest.raises(DamagedError, match="no archive"):
        unpack(state, tmp_path / "results")
    assert not list(tmp_path.rglob("*.json.*")) and not (tmp_path / "x.json").exists()
