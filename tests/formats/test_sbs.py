"""BaseStation lines: published examples, round trips, hostile text."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import batched, mutants
from skypact.formats.sbs import SbsReader, encode_sbs
from skypact.formats.sbs import _kernels as kernels
from skypact.tables import NO_TIME, PLOTS, build, times, words
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS

# The examples of woodair.net's description of the format, and lines as dump1090 writes them.
LINES = b"""MSG,8,111,11111,4CA2D6,111111,2008/11/28,14:53:50.594,2008/11/28,14:58:51.153,,,,,,,,,,,,0
MSG,3,496,211,4CA2D6,10057,2008/11/28,14:53:50.594,2008/11/28,14:58:51.153,,37000,,,51.45735,-1.02826,,,0,0,0,0
MSG,1,145,256,7404F2,11267,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,RJA1118 ,,,,,,,,,,,
MSG,4,496,469,4CA767,27854,2010/02/19,17:58:13.039,2010/02/19,17:58:13.368,,,288.6,103.2,,,-832,,,,,\r
MSG,6,496,237,4CA215,27864,2010/02/19,17:58:12.846,2010/02/19,17:58:13.368,,33325,,,,,,0271,0,0,0,0
MSG,2,496,603,400CB6,13168,2008/10/13,12:24:32.414,2008/10/13,12:28:52.074,,0,76.4,258.3,54.05735,-4.38826,,,,,,-1
MSG,6,1,1,~4CA215,1,2010/02/19,17:58:12.846,2010/02/19,17:58:13.368,,,,,,,,7600,-1,-1,0,0
MSG,5,1,1,4ca215,1,,,,,,-250,,,,,,,,,,
"""
REJECTED = b"""SEL,,496,2286,4CA4E5,27215,2010/02/19,18:06:07.710,2010/02/19,18:06:07.710,RYR1427
STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,2008/11/28,14:58:51.153,RM
MSG,9,1,1,ABCDEF,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,1,,,,,,,,,,
MSG,5,x
MSG,7,1,1,ZZZZZZ,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,1,,,,,,,,,,
MSG,7,1,1,,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,1,,,,,,,,,,
MSG,7,1,1,ABCDEF,1,2008/13/28,23:48:18.611,2008/11/28,23:53:19.161,,1,,,,,,,,,,
MSG,7,1,1,ABCDEF,1,2008/11/28,23:48,2008/11/28,23:53:19.161,,1,,,,,,,,,,
MSG,7,1,1,ABCDEF,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,1e4,,,,,,,,,,
MSG,7,1,1,ABCDEF,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,,,,,,,0978,,,,
MSG,3,1,1,ABCDEF,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,1,,,90.1,0,,,,,,
MSG,8,1,1,ABCDEF,1,2008/11/28,23:48:18.611,2008/11/28,23:53:19.161,,,,,,,,,,,,
"""


def read(data: bytes, size: int | None = None, **arguments: Any) -> tuple[pa.Table, SbsReader]:
    reader = SbsReader("home", **arguments)
    size = size or len(data) or 1
    parts = [reader.feed(data[i : i + size]).plots for i in range(0, len(data), size)] + [reader.finish().plots]
    return pa.concat_tables(parts).combine_chunks(), reader


def said(row: dict[str, Any]) -> dict[str, Any]:
    always = {"sensor", "simulated", "received"}
    return {k: v for k, v in row.items() if v is not None and k not in always}


def test_examples() -> None:
    plots, reader = read(LINES)
    assert plots.schema.equals(PLOTS, check_metadata=True)
    plots.validate(full=True)
    assert reader.rejects == {}
    rows = [said(r) for r in plots.to_pylist()]
    assert [r["kind"] for r in rows] == ["mode_s", "adsb", "adsb", "adsb", "mode_s", "adsb", "mode_s", "mode_s"]
    when = dt.datetime(2008, 11, 28, 14, 53, 50, 594_000, tzinfo=dt.UTC)
    common = {"time": when, "time_source": "measured", "icao24": 0x4CA2D6, "on_ground": False}
    assert rows[0] == common | {"kind": "mode_s"}
    position = {"latitude_deg": 51.45735, "longitude_deg": -1.02826, "pressure_altitude_m": pytest.approx(11_277.6)}
    assert rows[1] == common | {"kind": "adsb", "emergency": "none"} | position
    assert rows[2]["callsign"] == "RJA1118"
    speed, turn = 288.6 * KNOT_M_S, math.radians(103.2)
    assert rows[3]["velocity_east_m_s"] == pytest.approx(speed * math.sin(turn))
    assert rows[3]["velocity_north_m_s"] == pytest.approx(speed * math.cos(turn))
    assert rows[3]["velocity_up_m_s"] == pytest.approx(-832 * FOOT_PER_MINUTE_M_S)
    assert (rows[4]["mode_3a"], rows[4]["code_valid"]) == (0o271, True)
    assert rows[5]["on_ground"] is True
    assert "icao24" not in rows[6]
    assert rows[6]["emergency"] == "no_communications"
    assert "time" not in rows[7]
    assert rows[7]["pressure_altitude_m"] == pytest.approx(-250 * FOOT_M)


def test_rejects() -> None:
    plots, reader = read(REJECTED)
    assert len(plots) == 0
    assert reader.rejects == {
        "other": 3,
        "fields": 1,
        "address": 2,
        "time": 2,
        "number": 2,
        "range": 1,
        "empty": 1,
    }


def test_local_time_arrival_and_simulation() -> None:
    plots, _ = read(LINES, utc_offset_s=6 * 3600, simulated=True)
    assert plots["time"].to_pylist()[0] == dt.datetime(2008, 11, 28, 8, 53, 50, 594_000, tzinfo=dt.UTC)
    assert plots["simulated"].unique().to_pylist() == [True]
    reader = SbsReader("home")
    rows = reader.feed(LINES, 5 * SECOND_NS).plots.to_pylist()
    assert rows[7]["time"].value == 5 * SECOND_NS
    assert [r["time_source"] for r in rows[6:]] == ["measured", "arrival"]
    assert {r["received"].value for r in rows} == {5 * SECOND_NS}


def test_whatever_the_chunks() -> None:
    whole, reader = read(LINES + REJECTED)
    for size in (1, 50, 333):
        plots, again = read(LINES + REJECTED, size)
        assert plots.equals(whole)
        assert again.rejects == reader.rejects


def test_endless_lines_take_no_memory() -> None:
    reader = SbsReader("home")
    for _ in range(50):
        assert len(reader.feed(b"x" * 10_000).plots) == 0
        assert len(reader._carry) <= kernels.LONGEST
    assert len(reader.feed(b"x\n" + LINES).plots) == 8
    assert reader.rejects == {"long": 1}
    assert read(b"y" * 2000 + b"\n")[1].rejects == {"long": 1}


@given(
    value=st.one_of(st.floats(-1e6, 1e6).map(lambda x: f"{x:.6f}"), st.integers(-(10**9), 10**9).map(str)),
    blanks=st.text(" ", max_size=2),
)
@settings(deadline=None)
def test_numbers_as_python_reads_them(value: str, blanks: str) -> None:
    text = (blanks + value + blanks).encode()
    ok, number = kernels._number(np.frombuffer(text, np.uint8), 0, len(text))
    assert ok
    assert number == pytest.approx(float(value), rel=1e-15, abs=1e-15)


@pytest.mark.parametrize("text", ["-", "+", ".", "1.2.3", "1e5", "0x10", "nan", "inf", "1 2", "9" * 30, "٣"])
def test_what_is_no_number(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    assert not kernels._number(data, 0, len(data))[0]


@given(moment=st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2199, 12, 31)))
@settings(deadline=None)
def test_dates_as_python_reads_them(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    text = f"{moment:%Y/%m/%d,%H:%M:%S}.{moment.microsecond // 1000:03}".encode()
    ok, ns = kernels._time_ns(np.frombuffer(text, np.uint8), 0, 10, len(text))
    assert ok
    assert ns == round((moment - dt.datetime(1970, 1, 1)) / dt.timedelta(microseconds=1)) * 1000


maybe = st.none()


@settings(deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "icao24": st.integers(0, 0xFFFFFF),
                "time": st.integers(0, 7_000_000_000_000).map(lambda ms: ms * 1_000_000),
                "position": maybe | st.tuples(st.integers(-9_000_000, 9_000_000), st.integers(-17_999_999, 18_000_000)),
                "feet": maybe | st.integers(-1000, 60_000),
                "velocity": maybe | st.tuples(st.integers(1, 9999), st.integers(0, 3599)),
                "climb": maybe | st.integers(-9000, 9000),
                "mode_3a": maybe | st.integers(0, 0o7777),
                "callsign": maybe | st.text("ABCXYZ0189", min_size=1, max_size=8),
                "on_ground": maybe | st.booleans(),
            }
        ),
        max_size=8,
    )
)
def test_round_trip(rows: list[dict[str, Any]]) -> None:
    def number(get: Any) -> np.ndarray[Any, Any]:
        return np.array([math.nan if (v := get(r)) is None else v for r in rows], np.float64)

    def velocity(function: Any) -> np.ndarray[Any, Any]:
        return number(lambda r: (v := r["velocity"]) and v[0] / 10 * KNOT_M_S * function(math.radians(v[1] / 10)))

    plots = build(
        PLOTS,
        len(rows),
        {
            "icao24": pa.array([r["icao24"] for r in rows], pa.uint32()),
            "time": times(np.array([r["time"] for r in rows], np.int64)),
            "latitude_deg": number(lambda r: r["position"] and r["position"][0] / 1e5),
            "longitude_deg": number(lambda r: r["position"] and r["position"][1] / 1e5),
            "pressure_altitude_m": number(lambda r: None if r["feet"] is None else r["feet"] * FOOT_M),
            "velocity_east_m_s": velocity(math.sin),
            "velocity_north_m_s": velocity(math.cos),
            "velocity_up_m_s": number(lambda r: None if r["climb"] is None else r["climb"] * FOOT_PER_MINUTE_M_S),
            "mode_3a": pa.array([r["mode_3a"] for r in rows], pa.uint16()),
            "callsign": pa.array([r["callsign"] for r in rows], pa.string()),
            "on_ground": pa.array([r["on_ground"] for r in rows], pa.bool_()),
        },
    )
    again, reader = read(encode_sbs(plots))
    empty = [all(r[k] is None for k in r if k not in {"icao24", "time"}) for r in rows]
    assert reader.rejects == ({"empty": sum(empty)} if any(empty) else {})
    kept = plots.filter(pa.array([not e for e in empty], pa.bool_()))
    for name in ("icao24", "time", "mode_3a", "callsign", "on_ground"):
        assert again[name].to_pylist() == kept[name].to_pylist()
    for name in ("latitude_deg", "longitude_deg", "pressure_altitude_m", "velocity_up_m_s"):
        assert again[name].to_pylist() == pytest.approx(kept[name].to_pylist(), abs=1e-9)
    for name in ("velocity_east_m_s", "velocity_north_m_s"):
        assert again[name].to_pylist() == pytest.approx(kept[name].to_pylist(), abs=1e-6)


def test_rows_that_cannot_be_said_are_left_out() -> None:
    plots = build(
        PLOTS,
        3,
        {
            "icao24": pa.array([None, 1, 2], pa.uint32()),
            "time": times(np.array([0, NO_TIME, 0], np.int64)),
            "emergency": words("emergency", np.array([0, 0, 2], np.int8)),
        },
    )
    assert encode_sbs(plots) == b"MSG,8,1,1,000002,1,1970/01/01,00:00:00.000,1970/01/01,00:00:00.000,,,,,,,,,,-1,,\r\n"
    assert encode_sbs(plots[:2]) == b""


def fuzz(seed_bytes: bytes, n: int, seed: int) -> int:
    """Read `n` mutants as streams of a hundred, some in chunks; return rows. Raises if one misbehaves."""
    total = 0
    for i, group in enumerate(batched(mutants(seed_bytes, n, seed), 100)):
        data = b"\n".join(group)
        plots, reader = read(data)
        total += len(plots)
        assert not (np.abs(plots["latitude_deg"].to_numpy()) > 90).any()
        if i % 20 == 0:
            again, second = read(data, 997)
            assert again.equals(plots)
            assert second.rejects == reader.rejects
    return total


def test_mutants() -> None:
    assert fuzz(LINES + REJECTED[:400], 6000, seed=11) > 20_000
