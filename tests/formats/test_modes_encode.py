"""ADS-B messages made from columns: read back by us and by rs1090."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import rs1090
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.formats.modes import (
    BeastReader,
    Frames,
    ModesDecoder,
    encode_adsb,
    encode_beast,
    encode_emergencies,
    encode_identifications,
    encode_positions,
    encode_surface_positions,
    encode_velocities,
)
from skypact.formats.modes import _kernels as kernels
from skypact.tables import EMERGENCIES
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS

addresses = st.integers(1, 0xFFFFFF)
speeds = st.floats(-2100, 2100)


def one(value: Any, kind: Any = np.float64) -> np.ndarray[Any, Any]:
    return np.array([value], kind)


def told(frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    assert int(kernels.remainder(frames, 0, 14)) == 0
    message: dict[str, Any] = rs1090.decode(frames.tobytes().hex())
    return message


def read(frames: np.ndarray[Any, Any], **arguments: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ModesDecoder("s", **arguments).decode(Frames.of(frames, 0)).plots.to_pylist()
    return rows


@settings(deadline=None)
@given(icao24=addresses, feet=st.floats(-1000, 50_012), latitude=st.floats(-89, 89), longitude=st.floats(-180, 180))
def test_airborne_positions(icao24: int, feet: float, latitude: float, longitude: float) -> None:
    def encode(latitude: float, longitude: float, altitude_m: float, odd: bool) -> np.ndarray[Any, Any]:
        return encode_positions(one(icao24, np.uint32), one(latitude), one(longitude), one(altitude_m), one(odd, bool))

    even, odd = (encode(latitude, longitude, feet * FOOT_M, p) for p in (False, True))
    message = told(odd)
    assert (message["df"], message["icao24"], message["tc"]) == ("17", f"{icao24:06x}", 11)
    assert abs(message["altitude"] - feet) <= 12.5 + 1e-6
    near = rs1090.decode(odd.tobytes().hex(), reference=(latitude, longitude))
    assert near["latitude"] == pytest.approx(latitude, abs=1e-4)
    row = read(np.concatenate([even, odd]))[1]
    assert row["icao24"] == icao24
    assert row["on_ground"] is False
    assert row["pressure_altitude_m"] == pytest.approx(message["altitude"] * FOOT_M)
    if row["latitude_deg"] is not None:
        assert row["latitude_deg"] == pytest.approx(near["latitude"], abs=1e-9)
        assert (row["longitude_deg"] - near["longitude"] + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
        # What was decoded encodes to the same message.
        again = encode(row["latitude_deg"], row["longitude_deg"], row["pressure_altitude_m"], True)
        assert again.tolist() == odd.tolist()


@settings(deadline=None)
@given(icao24=addresses, east=speeds, north=speeds, up=st.floats(-165, 165))
def test_velocities(icao24: int, east: float, north: float, up: float) -> None:
    frames = encode_velocities(one(icao24, np.uint32), one(east), one(north), one(up))
    position = encode_positions(one(icao24, np.uint32), one(10.0), one(10.0), one(0.0), one(False, bool))
    row = read(np.concatenate([frames, position]))[0]
    fast = max(abs(east), abs(north)) > 1021.5 * KNOT_M_S
    step = KNOT_M_S * (4 if fast else 1)
    assert abs(row["velocity_east_m_s"] - east) <= step * 0.5000001
    assert abs(row["velocity_north_m_s"] - north) <= step * 0.5000001
    assert abs(row["velocity_up_m_s"] - up) <= 32.00001 * FOOT_PER_MINUTE_M_S
    message = told(frames)
    assert message["vertical_rate"] * FOOT_PER_MINUTE_M_S == pytest.approx(row["velocity_up_m_s"], abs=1e-9)
    # rs1090 0.7 leaves out the factor 4 of supersonic velocities (subtype 2).
    speed = math.hypot(row["velocity_east_m_s"], row["velocity_north_m_s"]) / (4 if fast else 1)
    assert message["groundspeed"] * KNOT_M_S == pytest.approx(speed)
    again = encode_velocities(one(icao24, np.uint32), *(one(row[f"velocity_{a}_m_s"]) for a in ("east", "north", "up")))
    assert again.tolist() == frames.tolist() or abs(max(abs(east), abs(north)) / KNOT_M_S - 1021.5) < 2.5


@settings(deadline=None)
@given(icao24=addresses, callsign=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8))
def test_identifications(icao24: int, callsign: str) -> None:
    frames = encode_identifications(one(icao24, np.uint32), [callsign])
    assert told(frames)["callsign"] == callsign
    row = read(frames)[0]
    assert (row["icao24"], row["callsign"], row["kind"]) == (icao24, callsign, "adsb")


@settings(deadline=None)
@given(
    knots=st.floats(0, 174.9), track=st.floats(0, 359.9), latitude=st.floats(-85, 85), longitude=st.floats(-180, 180)
)
def test_surface_positions(knots: float, track: float, latitude: float, longitude: float) -> None:
    speed = knots * KNOT_M_S
    turn = math.radians(track)
    frames = [
        encode_surface_positions(
            one(7, np.uint32),
            one(latitude),
            one(longitude),
            one(speed * math.sin(turn)),
            one(speed * math.cos(turn)),
            one(p, bool),
        )
        for p in (False, True)
    ]
    message = told(frames[1])
    assert message["groundspeed"] <= knots + 1e-6
    assert knots - message["groundspeed"] <= (5.0 if knots >= 100 else 2.0 if knots >= 70 else 1.0)
    row = read(np.concatenate(frames), reference=(latitude, longitude))[1]
    assert row["on_ground"]
    near = rs1090.decode(frames[1].tobytes().hex(), reference=(latitude, longitude))
    if row["latitude_deg"] is not None:
        assert row["latitude_deg"] == pytest.approx(near["latitude"], abs=1e-9)
        assert (row["longitude_deg"] - near["longitude"] + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
    east = row["velocity_east_m_s"]
    if knots >= 0.125:
        turned = math.degrees(math.atan2(east, row["velocity_north_m_s"])) - track
        assert abs((turned + 180) % 360 - 180) <= 180 / 128 + 1e-6
    elif message["groundspeed"] == 0:
        assert east == 0


def test_every_code_and_emergency() -> None:
    code = np.arange(0o10000, dtype=np.uint16)
    state = (code % len(EMERGENCIES)).astype(np.int8)
    frames = encode_emergencies(np.full(len(code), 0xABCDEF, np.uint32), state, code)
    for i in range(0, len(code), 97):
        message = told(frames[i : i + 1])
        assert message["squawk"] == f"{code[i]:04o}"
        assert (message["bds"], message["icao24"]) == ("61", "abcdef")
    rows = read(frames)
    assert [r["mode_3a"] for r in rows] == code.tolist()
    told_by_state = [EMERGENCIES[s] for s in state]
    plain = [c not in {0o7500, 0o7600, 0o7700} for c in code.tolist()]
    assert [r["emergency"] for r, p in zip(rows, plain, strict=True) if p] == [
        s for s, p in zip(told_by_state, plain, strict=True) if p
    ]


def test_altitudes_that_rs1090_refuses() -> None:
    # rs1090 0.7 gives no message at all for airborne positions above 50,000 ft; the code reaches 50,175 ft.
    for feet in (50_025, 50_175):
        frames = encode_positions(one(1, np.uint32), one(1.0), one(1.0), one(feet * FOOT_M), one(False, bool))
        assert rs1090.decode(frames.tobytes().hex()) is None
        assert read(frames)[0]["pressure_altitude_m"] == pytest.approx(feet * FOOT_M)


def test_what_does_not_fit_is_not_available() -> None:
    none = math.nan
    high = encode_positions(one(1, np.uint32), one(1.0), one(1.0), one(50_190 * FOOT_M), one(False, bool))
    assert told(high)["altitude"] is None
    for east, north, up in ((none, 1.0, none), (1.0, none, none), (none, none, none)):
        frames = encode_velocities(one(1, np.uint32), one(east), one(north), one(up))
        row = read(np.concatenate([frames, high]))[0]
        assert row["velocity_east_m_s"] is row["velocity_north_m_s"] is row["velocity_up_m_s"] is None
        assert row["pressure_altitude_m"] is None
    still = encode_surface_positions(one(1, np.uint32), one(1.0), one(1.0), one(none), one(none), one(False, bool))
    assert read(still)[0]["velocity_east_m_s"] is None
    fastest = encode_velocities(one(1, np.uint32), one(9e9), one(0.0), one(-9e9))
    row = read(np.concatenate([fastest, high]))[0]
    assert row["velocity_east_m_s"] == pytest.approx(1022 * 4 * KNOT_M_S)
    assert row["velocity_up_m_s"] == pytest.approx(-510 * 64 * FOOT_PER_MINUTE_M_S)
    for wrong in ("TOOLONGNAME", "lower", "A#B", "Ü"):
        with pytest.raises(ValueError, match="callsign"):
            encode_identifications(one(1, np.uint32), [wrong])


def test_a_sky_through_beast_and_back() -> None:
    rng = np.random.default_rng(6)
    n, steps = 50, 20
    icao24 = np.tile(rng.choice(1 << 24, n, replace=False).astype(np.uint32), steps)
    time = np.repeat(np.arange(steps), n) * SECOND_NS + 1_700_000_000 * SECOND_NS
    latitude, longitude = np.tile(rng.uniform(40, 45, n), steps), np.tile(rng.uniform(70, 80, n), steps)
    latitude = latitude + np.repeat(np.arange(steps), n) * 100 / 111_111
    altitude = np.tile(rng.uniform(0, 12_000, n), steps)
    ground = np.tile(rng.random(n) < 0.2, steps)
    odd = np.repeat(np.arange(steps) % 2 == 1, n)
    zero = np.zeros(n * steps)
    frames = encode_adsb(time, icao24, latitude, longitude, altitude, zero, zero + 100, zero, ground, odd)
    assert len(frames) == n * steps + int((~ground).sum())
    again = BeastReader("day").feed(encode_beast(frames), int(time[0]))
    plots = ModesDecoder("s", reference=(42.5, 75.0), simulated=True).decode(again).plots
    assert len(plots) == n * steps
    assert plots["time"].to_numpy().astype(np.int64).tolist() == time.tolist()
    assert plots["icao24"].to_numpy().tolist() == icao24.tolist()
    found = plots["latitude_deg"].is_valid().to_numpy()
    assert found[n * 2 :].all()
    assert np.abs(plots["latitude_deg"].to_numpy() - latitude)[found].max() < 5e-5
    assert np.nanmax(np.abs(plots["pressure_altitude_m"].to_numpy() - altitude)[~ground]) <= 12.51 * FOOT_M
    assert plots["on_ground"].to_numpy(zero_copy_only=False).tolist() == ground.tolist()
    north = plots["velocity_north_m_s"].to_numpy()
    assert np.abs(north[~ground] - 100).max() < 0.26
