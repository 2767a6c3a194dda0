"""What commands write: into whatever is named, whole or not at all, and a clear line where it cannot be."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import skypact as sp
from skypact.cli import execute
from skypact.cli._files import Target
from skypact.errors import InputError

FULL = Path("/dev/full")


@pytest.fixture
def recording(shared: Path) -> Path:
    return shared / "asterix" / "cat_034_048.pcap"


@pytest.fixture
def receiver(shared: Path) -> Path:
    return shared / "modes" / "sample_dump1090.bin"


def told(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    """Run a command and return what it says on stderr."""
    found = execute([str(a) for a in arguments])
    err = capsys.readouterr().err
    assert found == code, err
    return err


def test_a_device_is_written_and_stays_one(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["decode", recording, "-o"],
        ["decode", recording, "--raw"],
        ["export", recording, "--to", "csv", "-o"],
    ):
        told(capsys, 0, *command, os.devnull)
        assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.skipif(not FULL.is_char_device(), reason="no /dev/full here")
def test_a_full_disk_is_told_with_the_file(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["decode", recording, "-o"],
        ["decode", recording, "--raw"],
        ["track", recording, "-o"],
        *(["export", recording, "--to", form, "-o"] for form in ("parquet", "csv", "geojson")),
    ):
        line = told(capsys, 1, *command, FULL).splitlines()[-1]
        assert line.startswith("skypact: /dev/full: cannot be written: no space left on device; ")
        assert FULL.is_char_device()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"t\.parquet: cannot be written: read-only file system; "):
        Target(tmp_path / "t.parquet")


def test_a_link_leads_to_the_file_that_is_written(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, file = tmp_path / "link.parquet", tmp_path / "file.parquet"
    link.symlink_to(file)
    told(capsys, 0, "decode", recording, "-o", link)
    assert link.is_symlink()
    assert pq.read_table(file).num_rows == 128


@pytest.mark.parametrize("form", ["parquet", "csv", "geojson"])
def test_an_export_that_fails_leaves_what_was_there(
    form: str, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / f"old.{form}"
    old.write_text("mine")
    told(capsys, 1, "export", shared / "asterix" / "asterix.pcap", "--to", form, "-o", old)
    assert old.read_text() == "mine"
    assert "is a directory" in told(
        capsys, 1, "export", shared / "asterix" / "cat_034_048.pcap", "--to", form, "-o", tmp_path
    )
    assert "is no folder" in told(
        capsys, 1, "export", old, "--format", "avr", "--to", form, "-o", tmp_path / "no" / "x"
    )
    assert [p.name for p in tmp_path.iterdir()] == [old.name]


def test_an_export_of_half_a_recording_says_so(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half, plots = tmp_path / "half.pcap", tmp_path / "half.csv"
    half.write_bytes(recording.read_bytes()[:7000])
    assert "ends in the middle of a packet; what came before was read" in told(capsys, 1, "export", half, "--to", "csv")
    assert len(plots.read_text().splitlines()) == 69


def test_an_export_without_plots_or_places_says_what_to_do(
    shared: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = shared / "asterix" / "cat_062_065.pcap"
    assert "--tracks" in told(capsys, 1, "export", system, "--to", "csv", "-o", tmp_path / "x.csv")
    assert "skypact track" in told(capsys, 0, "export", recording, "--to", "geojson", "-o", tmp_path / "x.geojson")


def test_numbers_that_are_no_places_make_no_points(
    receiver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plots = sp.read(receiver).plots
    at = plots.schema.get_field_index("latitude_deg")
    good = [n for n, v in enumerate(plots["latitude_deg"].to_pylist()) if v is not None]
    for bad in (float("nan"), float("inf"), 1e300):
        latitudes = plots["latitude_deg"].to_pylist()
        latitudes[good[0]] = bad
        pq.write_table(plots.set_column(at, "latitude_deg", pa.array(latitudes)), tmp_path / "t.parquet")
        told(capsys, 0, "export", tmp_path / "t.parquet", "--to", "geojson")
        found = json.loads((tmp_path / "t.geojson").read_text(), parse_constant=pytest.fail)
        assert len(found["features"]) == len(good) - 1
    pq.write_table(plots.set_column(at, "latitude_deg", pa.array(["x"] * len(plots))), tmp_path / "t.parquet")
    assert "latitude_deg" in told(capsys, 2, "export", tmp_path / "t.parquet", "--to", "geojson")


def test_batches_of_an_export_are_one_table(receiver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plots = sp.read(receiver).plots
    pq.write_table(plots, tmp_path / "t.parquet", row_group_size=10)
    for form in ("parquet", "csv", "geojson"):
        told(capsys, 0, "export", tmp_path / "t.parquet", "--to", form, "-o", tmp_path / f"x.{form}")
    assert pq.read_table(tmp_path / "x.parquet").equals(plots)
    assert len((tmp_path / "x.csv").read_text().splitlines()) == len(plots) + 1
    assert len(json.loads((tmp_path / "x.geojson").read_text())["features"]) == 3


def test_a_table_of_something_else_is_not_tracked(
    receiver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decoded = sp.read(receiver)
    for table, missing in ((decoded.tracks, "sensor"), (decoded.plots.drop_columns(["time"]), "time")):
        pq.write_table(table, tmp_path / "t.parquet")
        line = told(capsys, 1, "track", tmp_path / "t.parquet")
        assert f"is no table of plots: it has no column {missing}; " in line


def test_a_terminal_of_few_characters_shows_question_marks(receiver: Path) -> None:
    command = [sys.executable, "-m", "skypact.cli", "run", "--input", str(receiver), "--speed", "max"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b" skypact ? ")
