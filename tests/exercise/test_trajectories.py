"""Recorded flights: tables of all makers, hostile ones, and that what is flown is what was recorded."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from flights import ecef, radar, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from skypact.earth import frames
from skypact.errors import FormatError, InputError
from skypact.exercise import Place, Recorded, Trajectory, read_trajectories
from skypact.exercise.movers import movers
from skypact.exercise.replay import Replay, moved, sound
from skypact.units import FOOT_M

GEOD = Geod(ellps="WGS84")
SAMPLES = {  # flights, positions, altitudes in metres: lowest and highest
    "border_control.json.gz": (1, 1465, 0, 2248),
    "glider_alpi_italiane.json.gz": (1, 1875, 512, 4013),
    "helicopter_rega_sg.json.gz": (1, 1080, 404, 1486),
    "zero_gravity.json.gz": (1, 10367, 69, 9235),
    "noisy_ground.json.gz": (1, 695, 465, 11582),
    "stonesoup_OpenSky_Plane_States.csv.gz": (83, 6021, 0, 13000),
    "stonesoup_UAV_Rot.csv": (1, 965, 708, 768),
}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_real_tables_are_read_whatever_their_columns(shared: Path, name: str) -> None:
    flights, positions, low, high = SAMPLES[name]
    found = read_trajectories(shared / "tracks" / name)
    assert (len(found), sum(len(t.time_ns) for t in found)) == (flights, positions)
    altitude = np.concatenate([t.altitude_m for t in found])
    assert altitude.min() >= low - 80
    assert altitude.max() <= high + 1
    assert all((np.diff(t.time_ns) > 0).all() for t in found)


def test_what_real_flights_say_of_themselves(shared: Path) -> None:
    (rega,) = read_trajectories(shared / "tracks" / "helicopter_rega_sg.json.gz")
    assert (rega.name, rega.icao24, rega.callsign, rega.mode_3a) == ("4b43ac", 0x4B43AC, "REGA1", 0o7100)
    (zero,) = read_trajectories(shared / "tracks" / "zero_gravity.json.gz")
    assert (zero.icao24, zero.callsign) == (0x38CF9B, "ZEROG")
    assert zero.mode_3a is not None


ROWS = [
    {"t": 1_600_000_000 + 5 * i, "lat": 43 + i / 1000, "lon": 75 + i / 500, "alt": 10_000 + 10 * i, "hex": "4e1234"}
    for i in range(40)
]


def table(**names: str) -> pa.Table:
    return pa.table({names.get(k, k): [row[k] for row in ROWS] for k in ROWS[0]})


def write(path: Path, content: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(content, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(content, path)
    elif path.name.endswith(".jsonl"):
        path.write_text("\n".join(json.dumps(row) for row in content.to_pylist()))
    elif path.name.endswith("columns.json"):
        path.write_text(json.dumps({k: dict(enumerate(v)) for k, v in content.to_pydict().items()}))
    else:
        path.write_text(json.dumps(content.to_pylist()))
    return path


@pytest.mark.parametrize("file", ["a.csv", "a.parquet", "a.json", "a.columns.json", "a.jsonl"])
@pytest.mark.parametrize(
    "names",
    [
        {"t": "timestamp", "lat": "latitude", "lon": "longitude", "alt": "altitude", "hex": "icao24"},
        {"t": "time", "alt": "baroaltitude", "hex": "icao24"},
        {"t": "Time", "lat": "Latitude", "lon": "Longitude", "alt": "altitude_m", "hex": "ICAO24"},
    ],
    ids=["traffic", "opensky", "plain"],
)
def test_every_container_and_every_naming_gives_the_same_flight(
    tmp_path: Path, file: str, names: dict[str, str]
) -> None:
    (found,) = read_trajectories(write(tmp_path / file, table(**names)))
    unit = FOOT_M if names["alt"] == "altitude" else 1.0
    assert found.icao24 == 0x4E1234  # not 4e1234, the number
    assert found.time_ns.tolist() == [row["t"] * 10**9 for row in ROWS]
    np.testing.assert_allclose(found.altitude_m, [row["alt"] * unit for row in ROWS])
    np.testing.assert_allclose(found.latitude_deg, [row["lat"] for row in ROWS])


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9, "text", "timestamp", "zone"])
def test_times_of_all_kinds(tmp_path: Path, scale: int | str) -> None:
    content = table(t="time", alt="altitude_ft")
    seconds = content["time"]
    stamp = pa.array(np.asarray(seconds) * 10**9).view(pa.timestamp("ns"))
    column: Any
    if scale == "text":
        column = pa.array([f"{v.as_py():%Y-%m-%dT%H:%M:%SZ}" for v in stamp.cast(pa.timestamp("s"))])
    elif scale == "timestamp":
        column = stamp
    elif scale == "zone":
        column = stamp.cast(pa.timestamp("ms", tz="UTC"))
    else:
        column = pa.array(np.asarray(seconds) * int(scale))
    (found,) = read_trajectories(write(tmp_path / "a.parquet", content.set_column(0, "time", column)))
    assert found.time_ns.tolist() == [row["t"] * 10**9 for row in ROWS]


def test_a_member_of_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "samples-1-py3-none-any.whl"
    content = write(tmp_path / "x.json", table(t="timestamp", alt="altitude")).read_bytes()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("samples/a/one.json.gz", gzip.compress(content))
        archive.writestr("samples/b/two.json", content)
        archive.writestr("samples/__init__.py", "")
    for member in ("a/one.json.gz", "two.json"):
        assert len(read_trajectories(wheel, member=member)[0].time_ns) == 40
    with pytest.raises(InputError, match=r"says no member; name one such as samples/a/one\.json\.gz"):
        read_trajectories(wheel)
    with pytest.raises(InputError, match="0 of its files end in 'three'"):
        read_trajectories(wheel, member="three")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", b"a,b\n1,2\n", "has no UTC time"),
        ("a.csv", b"time,lat,lon\n1600000000,1,2\n", "has no altitude"),
        ("a.csv", b"time,lon,altitude\n1600000000,1,2\n", "has no latitude"),
        ("a.csv", b"time,lat,lon,altitude\n12,1,2,3\n", "has no UTC time"),
        ("a.csv", b"", "no table"),
        ("a.csv", b"\xff\xfe\x00", "no table|no UTC"),
        ("a.json", b"[1, 2]", "no table"),
        ("a.json", b'{"time": 3}', "no table"),
        ("a.json", b'[{"time": "x"', "no table"),
        ("a.json", b"[" * 100_000, "no table"),
        ("a.parquet", b"PAR1 and then nothing", "no table"),
        ("a.json.gz", b"\x1f\x8b and then nothing", "no table"),
        ("a.whl", b"no zip", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_clear_line(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises((FormatError, InputError), match=what) as refused:
        read_trajectories(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_trajectories(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a directory"):
        read_trajectories(tmp_path)


def read_bytes(content: bytes, name: str) -> list[Trajectory]:
    """Return the flights in bytes, none if they are refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read_trajectories(path)
        except InputError:
            return []


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.parquet", "a.json.gz", "a.zip"]))
def test_no_bytes_raise_anything_else(content: bytes, name: str) -> None:
    read_bytes(content, name)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@settings(max_examples=150)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(("time", "lat", "lon", "altitude", "icao24", "squawk"), values))))
def test_no_values_raise_anything_else(rows: list[dict[str, Any]]) -> None:
    for one in read_bytes(json.dumps(rows).encode(), "a.json"):
        assert np.isfinite(one.latitude_deg).all()


def drawn(latitude: Any, longitude: Any, altitude: Any, step_s: float = 1.0) -> Trajectory:
    count = len(np.asarray(latitude))
    time = (np.arange(count) * step_s * 1e9).astype(np.int64) + 10**18
    return Trajectory(
        "t", time, np.asarray(latitude), np.asarray(longitude), np.broadcast_to(altitude, count) + 0.0,
        np.zeros(count, bool),
    )  # fmt: skip


def test_the_curve_follows_the_positions_and_its_velocity_is_its_derivative(shared: Path) -> None:
    for name in ("glider_alpi_italiane", "zero_gravity", "border_control"):
        (one,) = read_trajectories(shared / "tracks" / f"{name}.json.gz")
        replay = Replay(one, 100.0)
        kept = sound(one)
        time = (kept.time_ns - kept.time_ns[0]) / 1e9 + 100.0
        state = replay.at(time)
        there = state.exists
        assert there.mean() > 0.95
        away = GEOD.inv(
            kept.longitude_deg[there], kept.latitude_deg[there], state.longitude_deg[there], state.latitude_deg[there]
        )[2]
        assert np.percentile(away, 95) < 60
        assert np.percentile(np.abs(state.altitude_m - kept.altitude_m)[there], 95) < 25
        at = np.random.default_rng(1).uniform(replay.begin_s + 1, replay.end_s - 1, 2_000)
        before, now, after = (replay.at(at + d) for d in (-0.02, 0.0, 0.02))
        velocity = (ecef(after) - ecef(before)) / 0.04
        found = np.array(frames.uvw2enu(*velocity, now.latitude_deg, now.longitude_deg))
        said = np.array([now.east_m_s, now.north_m_s, now.up_m_s])
        error = np.linalg.norm(found - said, axis=0)[before.exists & after.exists]
        assert np.percentile(error, 98) < 0.02


def test_a_turn_recorded_is_flown() -> None:
    angle = np.arange(0, 8 * np.pi, 60 / 1500)  # 60 m/s on a circle of 1.5 km
    longitude, latitude, _ = GEOD.fwd(np.full(len(angle), 75.0), np.full(len(angle), 43.0), np.degrees(angle),
                                      np.full(len(angle), 1_500.0))  # fmt: skip
    replay = Replay(drawn(latitude, longitude, 2_000.0), 0.0)
    state = replay.at(np.arange(10.0, 500.0, 0.5))
    away = GEOD.inv(np.full(980, 75.0), np.full(980, 43.0), state.longitude_deg, state.latitude_deg)[2]
    np.testing.assert_allclose(away, 1_500, atol=8)
    np.testing.assert_allclose(np.hypot(state.east_m_s, state.north_m_s), 60, rtol=0.01)


def test_positions_no_aircraft_flies_by_are_left_out_and_old_ones_too() -> None:
    latitude, longitude = 43 + np.arange(200) * 1e-3, np.full(200, 75.0)
    bad = latitude.copy()
    bad[[20, 21, 22, 80, 150]] += [0.5, 0.4, 0.3, -1.0, 2.0]
    bad[100:110] = bad[100]
    kept = sound(drawn(bad, longitude, 5_000.0))
    np.testing.assert_allclose(kept.latitude_deg, 43 + (kept.time_ns - 10**18) / 1e9 * 1e-3, atol=1e-9)
    assert 180 <= len(kept.time_ns) <= 186
    high = np.full(200, 5_000.0)
    high[50] = 30_000.0
    assert len(sound(drawn(latitude, longitude, high)).time_ns) == 199
    assert len(sound(drawn(latitude, longitude, 5_000.0)).time_ns) == 200


def test_a_gap_is_no_flight() -> None:
    one = drawn(43 + np.arange(100) * 1e-3, np.full(100, 75.0), 5_000.0)
    cut = np.append(one.time_ns[:50], one.time_ns[50:] + 600 * 10**9)
    replay = Replay(Trajectory("t", cut, one.latitude_deg, one.longitude_deg, one.altitude_m, one.on_ground), 0.0)
    state = replay.at(np.array([10.0, 45.0, 60.0, 300.0, 660.0]))
    assert state.exists.tolist() == [True, True, False, False, True]
    with pytest.raises(ValueError, match="few"):
        Replay(drawn([43.0, 43.1], [75.0, 75.1], 1e3, step_s=500.0), 0.0)


def test_moving_keeps_distances_from_the_first_position_and_nearly_all_others() -> None:
    rng = np.random.default_rng(2)
    one, two = (drawn(50 + rng.uniform(-1, 1, 30), 8 + rng.uniform(-1, 1, 30), 3_000.0) for _ in range(2))
    there = moved([one, two], 42.0, 75.0, 30.0, 500.0)
    assert there[0].latitude_deg[0] == pytest.approx(42.0)
    assert there[0].longitude_deg[0] == pytest.approx(75.0)
    assert set(there[1].altitude_m) == {3_500.0}
    anchor = np.full(30, one.longitude_deg[0]), np.full(30, one.latitude_deg[0])
    azimuth, _, distance = GEOD.inv(*anchor, two.longitude_deg, two.latitude_deg)
    turned, _, kept = GEOD.inv(np.full(30, 75.0), np.full(30, 42.0), there[1].longitude_deg, there[1].latitude_deg)
    np.testing.assert_allclose(kept, distance, rtol=1e-9)
    np.testing.assert_allclose((turned - azimuth + 180) % 360 - 180, 30.0, atol=1e-6)
    before = GEOD.inv(one.longitude_deg, one.latitude_deg, two.longitude_deg, two.latitude_deg)[2]
    after = GEOD.inv(
        there[0].longitude_deg, there[0].latitude_deg, there[1].longitude_deg, there[1].latitude_deg
    )[2]  # fmt: skip
    np.testing.assert_allclose(after, before, rtol=3e-3)


def test_real_flights_fly_in_a_scenario(shared: Path, tmp_path: Path) -> None:
    file = str(shared / "tracks" / "stonesoup_OpenSky_Plane_States.csv.gz")
    to = Place(latitude_deg=42.9, longitude_deg=74.6, raise_m=1_000.0)
    only = Recorded(id="uk", file=file, start_s=60.0, only=("342591", "ABCDEF"), move_to=to)
    (one,) = movers(scenario([radar()], [], recordings=(only,)))
    assert (one.id, one.icao24, one.callsign, one.adsb) == ("uk-342591", 0x342591, "VLG49TG", True)
    begin = one.motion.at(np.array([one.motion.begin_s]))
    assert (begin.latitude_deg[0], begin.longitude_deg[0]) == pytest.approx((42.9, 74.6))
    assert one.motion.begin_s == pytest.approx(60.0, abs=2)
    everyone = movers(scenario([radar()], [], recordings=(Recorded(id="uk", file=file),)))
    assert len(everyone) > 70
    assert len({m.id for m in everyone}) == len(everyone)
    assert min(m.motion.begin_s for m in everyone) == pytest.approx(0.0, abs=1)
    with pytest.raises(InputError, match="nothing in it flies; check the names in `only`"):
        movers(scenario([radar()], [], recordings=(Recorded(id="uk", file=file, only=("nobody",)),)))


def test_a_file_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skypact.exercise.trajectories.MOST_OCTETS", 1_000)
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as to:
        to.write(b"time,lat\n" + b"0" * 100_000)
    for name, content in (("a.csv", b"0" * 2_000), ("b.csv.gz", packed.getvalue())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match="longer than"):
            read_trajectories(tmp_path / name)
