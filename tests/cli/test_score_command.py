"""``skypact score`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skypact import tables
from skypact.cli import execute

T0 = 1_780_000_000_000_000_000


def columns(lat: float, seconds: int = 121) -> dict[str, Any]:
    zero = np.zeros(seconds)
    return {
        "time": tables.times(T0 + np.arange(seconds) * 1_000_000_000),
        "latitude_deg": zero + lat,
        "longitude_deg": zero + 74.5,
        "velocity_east_m_s": zero,
        "velocity_north_m_s": zero,
    }


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    names = pa.array(["a"] * 121).dictionary_encode()
    pq.write_table(tables.build(tables.TRUTH, 121, columns(43.0) | {"object": names}), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    confirmed = {"track": pa.array([7] * 121, pa.uint32()), "status": tables.words("status", np.ones(121, np.int8))}
    pq.write_table(tables.build(tables.TRACKS, 121, columns(43.001) | confirmed), tmp_path / "tracks.parquet")
    return tmp_path / "tracks.parquet"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = execute([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_tracks_against_truth(tracks: Path, truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "score", tracks, "--truth", truth, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["gospa"]["per_object_m"] == pytest.approx(111.1, abs=0.1)
    assert found["completeness"] == 1.0
    assert found["position_m"]["count"] == 15
    assert "state_nees" not in found
    code, out, _ = run(capsys, "score", tracks, "--truth", truth, "--warm-up", "0", "--every", "1", "--cutoff", "100")
    assert code == 0
    assert "1 objects" in out
    assert "never tracked 1" in out


def test_tracks_against_other_tracks(tracks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "score", tracks, "--truth", tracks, "--json")
    assert code == 0
    assert json.loads(out)["gospa"]["mean_m"] == pytest.approx(0.0, abs=1e-6)


def test_tables_of_other_tools_are_taken(tracks: Path, truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Truth as pandas writes it: plain strings, times of microseconds, columns of its own."""
    frame = pq.read_table(truth).to_pandas().dropna(axis=1)
    frame["object"] = frame["object"].astype(str)
    frame["time"] = frame["time"].astype("datetime64[us, UTC]")
    frame["remark"] = "mine"
    frame.to_parquet(truth)
    code, out, err = run(capsys, "score", tracks, "--truth", truth, "--json")
    assert code == 0, err
    assert json.loads(out)["objects"] == 1


def test_what_cannot_be_scored_is_one_line(
    tracks: Path, truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(code: int, *arguments: str | Path) -> str:
        found, out, err = run(capsys, "score", *arguments)
        assert (found, out) == (code, ""), err
        assert err.startswith("skypact: ")
        assert err.count("\n") == 1
        return err

    nothing = tmp_path / "nothing.parquet"
    assert "does not exist" in refused(1, nothing, "--truth", truth)
    assert "directory" in refused(1, tracks, "--truth", tmp_path)
    assert "no track" in refused(1, truth, "--truth", truth)
    nothing.write_bytes(b"PAR1 and no more")
    assert "not a table" in refused(1, tracks, "--truth", nothing)
    pq.write_table(pa.table({"a": [1]}), nothing)
    assert "latitude_deg, longitude_deg, time" in refused(1, tracks, "--truth", nothing)
    pq.write_table(pq.read_table(tracks).set_column(0, "time", pa.array(["noon"] * 121)), nothing)
    assert "not a table" in refused(1, nothing, "--truth", truth)
    nothing.write_text("hello\n")
    assert "nothing.parquet" in refused(1, nothing, "--truth", truth)
    assert "warm-up" in refused(2, tracks, "--truth", truth, "--warm-up", "1000")
    assert "cutoff_m" in refused(2, tracks, "--truth", truth, "--cutoff", "0")
