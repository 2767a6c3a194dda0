"""Traces of readsb: a real day against itself and against physics, every field, malformed documents."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from fuzzing import mutants
from skypact.earth.geoid import undulation_m
from skypact.formats.modes import _fields as fields
from skypact.formats.readsb import LARGEST, TraceReader
from skypact.tables import EMERGENCIES, PLOTS
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S

DETAILS = {"type": "adsb_icao", "flight": "kgz101  ", "squawk": "1275", "emergency": "none", "nac_p": 10, "nac_v": 2}
POINT = [1.5, 43.06, 74.48, 32_000, 480.0, 90.0, 0, -640, DETAILS, "adsb_icao", 33_000, None, None, None]


def read(document: Any, size: int | None = None) -> tuple[pa.Table, TraceReader]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    reader = TraceReader("here")
    size = size or len(data) or 1
    for i in range(0, len(data), size):
        reader.feed(data[i : i + size])
    plots = reader.finish().plots
    assert plots.schema.equals(PLOTS, check_metadata=True)
    plots.validate(full=True)
    return plots, reader


def trace(*points: Any, icao: str = "601abc", timestamp: Any = 1_700_000_000.25) -> dict[str, Any]:
    return {"icao": icao, "r": "EX-1", "timestamp": timestamp, "trace": list(points)}


def changed(**changes: Any) -> list[Any]:
    """Return a point with elements replaced, named as in the README of readsb."""
    names = ["offset", "lat", "lon", "altitude", "gs", "track", "flags", "rate", "details", "type", "alt_geom"]
    point = list(POINT)
    for name, value in changes.items():
        point[names.index(name)] = value
    return point


def only(*points: Any, **arguments: Any) -> dict[str, Any]:
    """Return what is said in the last row."""
    plots, _ = read(trace(*points, **arguments))
    return {name: value for name, value in plots.to_pylist()[-1].items() if value is not None}


# A real day


def test_a_day_of_one_aircraft(shared: Path) -> None:
    path = shared / "modes" / "readsb_trace_full_ac671b.json"
    document = json.loads(path.read_bytes())
    plots, reader = read(path.read_bytes(), 10_000)
    assert (reader.rejects, reader.ended) == ({}, None)
    assert len(plots) == len(document["trace"]) == 2500
    assert plots["icao24"].unique().to_pylist() == [0xAC671B]
    assert set(plots["callsign"].unique().to_pylist()) == {None, "DAL1812", "DAL2927", "DAL2418", "DAL1615"}
    codes = plots["mode_3a"].to_pylist()
    assert (codes.count(0o4637), codes.count(0o2676)) == (19, 172)
    for point, row in zip(document["trace"], plots.to_pylist(), strict=True):
        assert (row["latitude_deg"], row["longitude_deg"]) == (point[1], point[2])
        assert row["time"].timestamp() == pytest.approx(document["timestamp"] + point[0], abs=1e-5)
        assert row["on_ground"] == (point[3] == "ground")
        stale = bool(point[6] & 1)
        assert (row["velocity_east_m_s"] is None) == (stale or None in point[4:6])
        if point[3] != "ground":
            assert row["pressure_altitude_m"] == pytest.approx(point[3] * FOOT_M)
    # Positions say the same of the flight as its velocities: metres a second between points, and direction.
    airborne = plots.filter(pc.invert(plots["on_ground"]))
    time = airborne["time"].cast(pa.int64()).to_numpy() / 1e9
    latitude, longitude = airborne["latitude_deg"].to_numpy(), airborne["longitude_deg"].to_numpy()
    azimuth, _, away = Geod(ellps="WGS84").inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])
    east, north = airborne["velocity_east_m_s"].to_numpy()[1:], airborne["velocity_north_m_s"].to_numpy()[1:]
    step = np.diff(time)
    near = (step < 30) & (step > 2) & ~np.isnan(east)
    speed = away[near] / step[near]
    assert np.median(np.abs(speed - np.hypot(east, north)[near])) < 1.5
    turned = np.radians(azimuth[near]) - np.arctan2(east[near], north[near])
    assert np.median(np.abs(np.degrees((turned + np.pi) % (2 * np.pi) - np.pi))) < 0.5
    # On the ground the trace repeats the last height and climb of the air; nothing sends them there.
    ground = plots.filter(plots["on_ground"])
    assert ground["altitude_m"].null_count == ground["velocity_up_m_s"].null_count == len(ground) == 394


# Fields


def test_a_point() -> None:
    row = only(POINT)
    assert row == {
        "time": row["time"],
        "time_source": "measured",
        "sensor": "here",
        "kind": "adsb",
        "latitude_deg": 43.06,
        "longitude_deg": 74.48,
        "altitude_m": pytest.approx(33_000 * FOOT_M - float(undulation_m(43.06, 74.48))),
        "pressure_altitude_m": pytest.approx(32_000 * FOOT_M),
        "velocity_east_m_s": pytest.approx(480 * KNOT_M_S),
        "velocity_north_m_s": pytest.approx(0, abs=1e-9),
        "velocity_up_m_s": pytest.approx(-640 * FOOT_PER_MINUTE_M_S),
        "sigma_position_m": pytest.approx(10 / fields.R95),
        "sigma_velocity_m_s": pytest.approx(3 / fields.R95),
        "icao24": 0x601ABC,
        "mode_3a": 0o1275,
        "callsign": "KGZ101",
        "code_valid": True,
        "on_ground": False,
        "emergency": "none",
        "simulated": False,
    }
    assert row["time"] == dt.datetime(2023, 11, 14, 22, 13, 21, 750_000, dt.UTC)


def test_stale_points_keep_position_and_pressure_altitude() -> None:
    row = only(changed(flags=1))
    left = {"velocity_east_m_s", "velocity_north_m_s", "velocity_up_m_s", "altitude_m", "sigma_velocity_m_s"}
    assert set(only(POINT)) - set(row) == left
    assert row["pressure_altitude_m"] == pytest.approx(32_000 * FOOT_M)


def test_geometric_altitude_is_no_pressure_altitude() -> None:
    row = only(changed(flags=8, alt_geom=None))
    assert "pressure_altitude_m" not in row
    assert row["altitude_m"] == pytest.approx(32_000 * FOOT_M - float(undulation_m(43.06, 74.48)))


def test_on_the_ground() -> None:
    row = only(changed(altitude="ground", gs=20.0, track=180.0))
    assert row["on_ground"] is True
    assert not {"pressure_altitude_m", "altitude_m", "velocity_up_m_s"} & set(row)
    assert row["velocity_north_m_s"] == pytest.approx(-20 * KNOT_M_S)
    assert "on_ground" not in only(changed(altitude=None))


def test_accuracy_speaks_for_a_minute() -> None:
    late = [changed(offset=offset, details=None) for offset in (30.0, 61.5, 61.51)]
    plots, _ = read(trace(POINT, *late))
    assert plots["sigma_position_m"].is_null().to_pylist() == [False, False, False, True]
    assert "sigma_position_m" not in only(changed(type="mlat"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("adsb_icao_nt", "adsb"),
        ("adsb_other", "adsb"),
        ("mlat", "mlat"),
        ("adsc", None),
        ("other", None),
        (None, "adsb"),
    ],
)
def test_kinds(kind: str | None, expected: str | None) -> None:
    assert only(changed(type=kind)).get("kind") == expected


def test_old_traces_are_shorter() -> None:
    details = DETAILS | {"type": "mlat", "alt_geom": 30_000}
    row = only(changed(details=details)[:9])
    assert row["kind"] == "mlat"
    assert row["altitude_m"] == pytest.approx(30_000 * FOOT_M - float(undulation_m(43.06, 74.48)))


def test_rebroadcasts_are_left_out() -> None:
    plots, reader = read(trace(changed(type="tisb_trackfile"), changed(type="adsr_icao"), POINT))
    assert len(plots) == 1
    assert reader.rejects == {"rebroadcast": 2}


def test_addresses_that_are_not_icao_are_null() -> None:
    assert "icao24" not in only(POINT, icao="~2a01ff")


def test_emergencies() -> None:
    words = ["none", "general", "lifeguard", "minfuel", "nordo", "unlawful", "downed", "reserved"]
    found = [only(changed(details={"emergency": w})).get("emergency") for w in words]
    assert found == [*EMERGENCIES, None]
    assert only(changed(details={"squawk": "7600"}))["emergency"] == "no_communications"


# Malformed


@pytest.mark.parametrize(
    "point",
    [
        None,
        [],
        POINT[:8],
        changed(offset=None),
        changed(offset=-1),
        changed(lat=91),
        changed(lon="74"),
        changed(lat=True),
        changed(lon=10**40),
    ],
)
def test_malformed_points_are_counted(point: Any) -> None:
    plots, reader = read(trace(point, POINT))
    assert len(plots) == 1
    assert reader.rejects == {"point": 1}


def test_malformed_elements_are_null() -> None:
    details = {"flight": "\u0416\u0416", "squawk": "9999", "emergency": 7, "nac_p": "x", "nac_v": 99, "alt_geom": []}
    row = only([1.5, 43.06, 74.48, "high", {}, None, "x", [], details, ["mlat"], 1e9])
    assert set(row) == {"time", "time_source", "sensor", "latitude_deg", "longitude_deg", "icao24", "simulated"}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "truncated"),
        (b'{"icao":"601abc","timestamp":1,"trace":[[1', "truncated"),
        (b"[" * 100_000, "no trace of readsb"),
        (b"\xff\xfe\x00", "malformed"),
        (b'{"8d406b902015a678d4d220aa4bda": {"df": 17}}', "missing required field `icao`"),
        (trace(POINT, icao="nobody"), "address 'nobody'"),
        (trace(POINT, timestamp=1e12), "timestamp"),
        (trace(POINT, timestamp="now"), "timestamp"),
    ],
)
def test_other_documents_are_refused_with_a_word(document: Any, why: str) -> None:
    plots, reader = read(document)
    assert len(plots) == 0
    assert reader.ended is not None
    assert why in reader.ended
    assert "\n" not in reader.ended


def test_a_document_too_long_is_dropped() -> None:
    reader = TraceReader("s")
    for _ in range(20):
        reader.feed(b" " * (LARGEST // 8))
    assert len(reader._text) == 0
    assert reader.ended == "is no trace of a day: over 16 MiB"
    assert len(reader.finish().plots) == 0


def test_mutants(shared: Path) -> None:
    head = (shared / "modes" / "readsb_trace_full_ac671b.json").read_bytes()[:1200]
    data = head[: head.rindex(b",\n")] + b"]}"
    total = sum(len(read(mutant)[0]) for mutant in mutants(data, 2500, 8))
    assert total > 200


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from(list(DETAILS)), inner, max_size=4),
    max_leaves=40,
)


@settings(max_examples=150, deadline=None)
@given(points=st.lists(st.lists(values, min_size=9, max_size=11) | values, max_size=6))
def test_any_points(points: list[Any]) -> None:
    text = json.dumps(trace(*points)).replace("Infinity", "1e300").replace("NaN", "null")
    plots, reader = read(text.encode())
    if reader.ended is None:
        assert len(plots) + reader.rejects.total() == len(points)
    assert not any(math.isinf(v) for v in plots["velocity_up_m_s"].drop_null().to_pylist())
