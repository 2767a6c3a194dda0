"""``skypact decode`` on every recording of the shared folder: counts, values, options."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from skypact.cli import execute
from skypact.formats.modes import Frames, encode_beast
from skypact.tables import PLOTS, SERVICES, TRACKS
from skypact.units import FOOT_M, KNOT_M_S, NAUTICAL_MILE_M, SECOND_NS


@dataclass(frozen=True)
class Decoded:
    """What one run of the command said and wrote."""

    said: dict[str, Any]
    warnings: list[str]
    plots: pa.Table
    tracks: pa.Table
    services: pa.Table
    raw: pa.Table


Run = Callable[..., Decoded]


@pytest.fixture
def decode(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return ``run(recording, *options)``: decode into all four tables, check their schemas, read them again."""

    def run(recording: str | Path, *options: str) -> Decoded:
        files = {name: tmp_path / f"{name}.parquet" for name in ("plots", "tracks", "services", "raw")}
        written = [f for name, path in files.items() for f in (f"--{name}".replace("plots", "output"), str(path))]
        code = execute(["decode", str(shared / recording), *written, "--json", *options])
        out, err = capsys.readouterr()
        assert code == 0, err
        tables = {name: pq.read_table(path) for name, path in files.items()}
        for name, schema in {"plots": PLOTS, "tracks": TRACKS, "services": SERVICES}.items():
            assert tables[name].schema.equals(schema)
        said = json.loads(out)
        counts = {"plots": "plots", "tracks": "tracks", "services": "services", "items": "raw"}
        assert {k: said[k] for k in counts} == {k: len(tables[name]) for k, name in counts.items()}
        return Decoded(said, err.splitlines(), **tables)

    return run


def row(table: pa.Table, index: int) -> dict[str, Any]:
    """Return what is said in a row, times as nanoseconds."""
    times = [i for i, f in enumerate(table.schema) if pa.types.is_timestamp(f.type)]
    for i in times:
        table = table.set_column(i, table.schema.names[i], table.column(i).cast(pa.int64()))
    return {k: v for k, v in table.slice(index % len(table), 1).to_pylist()[0].items() if v is not None}


def ns(text: str) -> int:
    """Return nanoseconds of an ISO 8601 time with up to nine decimals, in UTC."""
    whole, _, fraction = text.partition(".")
    return int(dt.datetime.fromisoformat(f"{whole}+00:00").timestamp()) * SECOND_NS + int(fraction.ljust(9, "0") or 0)


def counts(table: pa.Table, name: str) -> dict[str | None, int]:
    return Counter(table[name].to_pylist())


# ASTERIX


def test_eight_radars(decode: Run) -> None:
    found = decode("asterix/cat_034_048.pcap")
    assert found.warnings == []
    assert found.said["recordings"][0]["format"] == "pcap"
    assert set(found.said["recordings"][0]["editions"]) == {"034", "048"}
    assert counts(found.plots, "sensor") == {
        "25/11": 8, "25/12": 38, "25/13": 16, "25/14": 4, "25/201": 28, "25/204": 28, "25/205": 6,
    }  # fmt: skip
    assert found.said["positions"] == 126
    assert len(found.services) == 34
    assert len(found.raw) == 162
    # The first record as the Croatia Control decoder reads it.
    assert row(found.plots, 0) == {
        "time": ns("2016-05-05T07:35:54.6015625"),
        "received": ns("2016-05-05T07:35:56.508910"),
        "time_source": "measured",
        "sensor": "25/201",
        "kind": "mode_s",
        "range_m": pytest.approx(50_607 / 256 * NAUTICAL_MILE_M),
        "azimuth_deg": pytest.approx(340.1367188),
        "pressure_altitude_m": pytest.approx(33_000 * FOOT_M),
        "sensor_track": 3563,
        "icao24": 0x3C660C,
        "mode_3a": 0o1000,
        "callsign": "DLH65A",
        "code_valid": True,
        "on_ground": False,
        "simulated": False,
    }
    first = row(found.raw, 0)
    assert (first["category"], first["048/040/RHO"]) == (48, pytest.approx(50_607 / 256))
    assert first["048/200/GSP"] == pytest.approx(1977 * 2**-14)
    assert {"034/000", "048/250"} <= {name[:7] for name in found.raw.column_names}


def test_an_old_capture_with_recorder_headers(decode: Run) -> None:
    found = decode("asterix/cat_001_002.pcap")
    assert counts(found.plots, "kind") == {"ssr": 2, "psr_ssr": 5}
    assert counts(found.plots, "time_source") == {"truncated": 7}
    assert {
        "time": ns("2014-02-25T12:43:44.1015625"),
        "sensor": "25/201",
        "range_m": pytest.approx(237 * NAUTICAL_MILE_M, rel=1e-3),
        "azimuth_deg": pytest.approx(34.56298828125),
        "pressure_altitude_m": pytest.approx(37_000 * FOOT_M),
        "mode_3a": 0o1464,
    }.items() <= row(found.plots, 0).items()
    sector = {"message": "sector", "azimuth_deg": 112.5, "time": ns("2014-02-25T12:43:46.1796875")}
    assert sector.items() <= row(found.services, 0).items()


def test_system_tracks(decode: Run) -> None:
    found = decode("asterix/cat_062_065.pcap")
    assert len(found.plots) == 0
    assert {
        "time": ns("2014-02-25T12:43:47.3984375"),
        "node": "25/100",
        "track": 4713,
        "status": "confirmed",
        "latitude_deg": pytest.approx(41.1671233),
        "longitude_deg": pytest.approx(15.7088667),
        "velocity_east_m_s": 228.75,
        "velocity_north_m_s": -47.25,
        "icao24": 0x4CA7A8,
        "mode_3a": 0o1275,
        "callsign": "RYR174C",
    }.items() <= row(found.tracks, 0).items()
    assert row(found.tracks, 1)["callsign"] == "ISS2007"
    assert row(found.services, 0)["message"] == "end_of_batch"
    assert [row(found.raw, i)["category"] for i in range(3)] == [62, 62, 65]


# Mode S


def test_one_flight_in_json_lines(decode: Run, shared: Path) -> None:
    found = decode("modes/rs1090_full_flight_short.jsonl.gz")
    assert found.warnings == []
    assert counts(found.plots, "kind") == {"adsb": 9_189, "mode_s": 42_220}
    assert found.said["positions"] == 6_969
    assert counts(found.plots, "callsign").keys() == {None, "AFR34ZG"}
    assert pc.unique(found.plots["icao24"]).to_pylist() == [0x393322]
    # The file tells where an older rs1090, knowing the airport, saw each frame.
    lines = gzip.decompress((shared / "modes/rs1090_full_flight_short.jsonl.gz").read_bytes()).splitlines()
    known = {}
    for line in map(json.loads, lines):
        if "latitude" in line:
            known[round(line["timestamp"] * 1e6)] = (line["latitude"], line["longitude"])
    placed = found.plots.filter(pc.is_valid(found.plots["latitude_deg"]))
    where = [known[t // 1000] for t in placed["time"].cast(pa.int64()).to_pylist() if t // 1000 in known]
    assert len(where) == len(placed)
    away = np.abs(np.array(where).T - [placed["latitude_deg"], placed["longitude_deg"]])
    assert np.median(away) < 1e-9
    assert (away < 1e-4).mean() > 0.999


def test_a_beast_recording_counts_from_its_first_frame(decode: Run) -> None:
    found = decode("modes/sample_dump1090.bin")
    assert counts(found.plots, "kind") == {"adsb": 7, "mode_s": 206}
    assert found.said["recordings"][0]["not_taken"] == {
        "replies from addresses heard nowhere else": 10,
        "squitters with nothing for a plot": 4,
    }
    assert len(found.warnings) == 2
    assert "--clock day" in found.warnings[1]
    assert found.said["first"] == "1970-01-01T00:00:00.592740+00:00"
    assert counts(found.plots, "time_source") == {"truncated": 213}
    dated = decode("modes/sample_dump1090.bin", "--date", "2019-02-03")
    assert dated.said["first"] == "2019-02-03T00:00:00.592740+00:00"
    assert row(dated.plots, 0)["icao24"] == 0x3981E4
    assert row(dated.plots, -1)["mode_3a"] == 0o5516


def test_data_sets_of_separated_values(decode: Run) -> None:
    found = decode("modes/sample_data_adsb.csv")
    assert counts(found.plots, "kind") == {"adsb": 1_035}
    assert found.said["positions"] == 933
    assert {
        "time": ns("2016-03-14T23:00:00"),
        "sensor": "sample_data_adsb",
        "pressure_altitude_m": pytest.approx(35_975 * FOOT_M),
        "icao24": 0x406B90,
    }.items() <= row(found.plots, 0).items()
    replies = decode("modes/sample_data_commb_df20.csv")
    assert counts(replies.plots, "kind") == {"mode_s": 4_997}
    assert {
        "time": ns("2017-05-21T08:00:00"),
        "pressure_altitude_m": pytest.approx(33_975 * FOOT_M),
        "icao24": 0x4D010D,
    }.items() <= row(replies.plots, 0).items()
    identities = decode("modes/sample_data_commb_df21.csv")
    assert counts(identities.plots, "kind") == {"mode_s": 5_000}
    assert {"icao24": 0x406674, "mode_3a": 0o5667}.items() <= row(identities.plots, 0).items()


def test_a_day_of_readsb(decode: Run) -> None:
    found = decode("modes/readsb_trace_full_ac671b.json")
    assert found.warnings == []
    assert counts(found.plots, "kind") == {"adsb": 2_500}
    speed, turn = 483.3 * KNOT_M_S, np.radians(340.7)
    assert {
        "time": ns("2025-02-04T21:14:09.509"),
        "latitude_deg": 16.833336,
        "longitude_deg": -88.059981,
        "pressure_altitude_m": pytest.approx(32_000 * FOOT_M),
        "velocity_east_m_s": pytest.approx(speed * np.sin(turn)),
        "velocity_north_m_s": pytest.approx(speed * np.cos(turn)),
        "icao24": 0xAC671B,
        "mode_3a": 0o4637,
        "callsign": "DAL1812",
        "on_ground": False,
    }.items() <= row(found.plots, 3).items()


# Options


def test_stamps_are_times_of_day_when_the_user_says_so(decode: Run, tmp_path: Path) -> None:
    times = ns("2024-10-04T23:59:58.5") + SECOND_NS * np.arange(4)
    (tmp_path / "receiver.beast").write_bytes(encode_beast(Frames.of_hex(["8d406b902015a678d4d220aa4bda"] * 4, times)))
    found = decode(tmp_path / "receiver.beast", "--clock", "day", "--date", "2024-10-04")
    assert found.warnings == []
    assert found.plots["time"].cast(pa.int64()).to_pylist() == times.tolist()
    assert counts(found.plots, "sensor") == {"receiver": 4}


def test_lines_in_local_time(decode: Run, tmp_path: Path) -> None:
    line = "MSG,1,1,1,4CA2D6,1,2026/11/22,23:30:00.000,2026/11/22,23:30:00.000,RJA1118 ,,,,,,,,,,,\n"
    (tmp_path / "local.txt").write_text(line * 3)
    found = decode(tmp_path / "local.txt", "--utc-offset", "5.5")
    assert found.said["first"] == "2026-11-22T18:00:00+00:00"


def test_editions_are_guessed_or_named(decode: Run) -> None:
    guessed = decode("asterix/cat_062_065.pcap").said["recordings"][0]["editions"]
    named = decode("asterix/cat_062_065.pcap", "--edition", "62=1.18", "--edition", "65=1.4")
    assert named.said["recordings"][0]["editions"] == {"062": "1.18", "065": "1.4"} != guessed
    assert row(named.tracks, 0)["callsign"] == "RYR174C"


def test_a_format_may_be_named(decode: Run, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("*8D406B902015A678D4D220AA4BDA;\n")
    assert decode(tmp_path / "one", "--format", "avr").plots["callsign"].to_pylist() == ["EZY85MH"]


def test_frames_without_any_time_are_said(decode: Run, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("*8D406B902015A678D4D220AA4BDA;\n" * 3)
    found = decode(tmp_path / "one")
    assert found.said["untimed"] == 3
    assert found.said["first"] is None
    assert "missing" in found.warnings[0]


def test_several_recordings_become_one_table(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(shared / "asterix" / "cat_034_048.pcap"), str(shared / "modes" / "sample_data_adsb.csv")]
    plots = tmp_path / "plots.parquet"
    assert execute(["decode", *files, "-o", str(plots)]) == 0
    assert pq.read_table(plots).num_rows == 128 + 1_035
    out = capsys.readouterr().out
    assert "plots         1,163 (1,059 with a position)" in out
    assert f"written       {plots} (1,163 plots)" in out
    # The table is a recording itself.
    assert execute(["decode", str(plots), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plots"] == 1_163
    assert not list(tmp_path.glob("*.part"))


def test_the_summary_is_for_people(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["decode", str(shared / "asterix" / "cat_001_002.pcap")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "read as       pcap with ASTERIX 001 (edition 1.4), 002 (edition 1.2)",
        "plots         7 (7 with a position)",
        "messages      1 of sensors about themselves",
        "time          2014-02-25 12:43:44 to 12:43:46 UTC",
        "written       nothing; name a file with -o",
        "",
        "sensor  kind              plots",
        "25/201  psr_ssr               5",
        "25/201  ssr                   2",
    ]
