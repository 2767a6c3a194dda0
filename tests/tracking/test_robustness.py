"""Tables that no honest sensor sends, late plots, resumption."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_world import SECOND, T0, confirmed, errors, follow, merge, numbers, plots, radar, rms_at, scan, straight

from skypact import tables
from skypact.errors import FormatError, MisuseError
from skypact.sensors import Catalogue
from skypact.tracking import Tracker, TrackerSettings

R = radar()
S = radar("S", 42.3, 75.8, rotation_s=6.0)
FLIGHTS = [straight(43.0 + 0.3 * k, 73.5, 8_000.0 + 300 * k, 80.0, 230.0) for k in range(5)]
WILD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-300, 1e300, 90.0, 180.0, 360.0, 5e3, 2e5, 43.0, 74.0])


def legal(tracks: pa.Table) -> None:
    """Check what must hold of every row ever given out."""
    for row in tracks.to_pylist():
        assert -90 <= row["latitude_deg"] <= 90
        assert -180 <= row["longitude_deg"] <= 180
        assert np.isfinite([row["velocity_east_m_s"], row["velocity_north_m_s"]]).all()
        known = np.array([value for value in row["covariance"] if value is not None])
        assert np.isfinite(known).all()
        upper = np.zeros((6, 6))
        upper[np.triu_indices(6)] = [0.0 if value is None else value for value in row["covariance"]]
        keep = [0, 1, 3, 4] if row["altitude_m"] is None else range(6)
        matrix = (upper + np.triu(upper, 1).T)[np.ix_(keep, keep)]
        size = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        assert np.linalg.eigvalsh(matrix / size).min() > -1e-5
        assert 0 < row["existence"] <= 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_numbers_at_all(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 30))
    columns: dict[str, Any] = {}
    for field in tables.PLOTS:
        if pa.types.is_floating(field.type):
            values = np.array(data.draw(st.lists(WILD, min_size=n, max_size=n)))
            # from_pandas=False: the table really holds NaN, as a hostile file may.
            columns[field.name] = pa.array(values, from_pandas=False).cast(field.type, safe=False)
    columns["icao24"] = pa.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), pa.uint32())
    columns["on_ground"] = pa.array(
        data.draw(st.lists(st.sampled_from([True, False, None]), min_size=n, max_size=n)), pa.bool_()
    )
    kind = data.draw(st.sampled_from(tables.KINDS))
    table = plots("R", kind, np.sort(np.random.default_rng(n).uniform(0, 10, n)), **columns)
    tracker = Tracker(None, Catalogue([R]))
    for step in range(4):
        legal(tracker.step(T0 + (10 + step) * SECOND, table if step == 0 else table.slice(0, 0)))
    assert tracker.counts["plots"] == n


def test_times_far_away_are_counted_and_left_out() -> None:
    seen = scan(R, [FLIGHTS[0]], 60, np.random.default_rng(1))
    times = seen["time"].to_numpy().view(np.int64).copy()
    times[[3, 4, 5]] = [2**63 - 1, -(2**63) + 1, 0]
    bad = seen.set_column(0, "time", tables.times(times)).cast(tables.PLOTS)
    bad = merge(bad.take(pa.array(np.argsort(times, kind="stable"))))
    tracker = Tracker(None, Catalogue([R]))
    out = [tracker.step(T0 + 60 * SECOND, bad)]
    out += [tracker.step(T0 + (61 + k) * SECOND, bad.slice(0, 0)) for k in range(40)]
    assert tracker.counts["future"] == 1
    assert tracker.counts["late"] == 1  # before the beginning of time
    assert tracker.counts["used"] == len(seen) - 2
    legal(pa.concat_tables(out))
    without = tables.build(tables.PLOTS, 3, {"range_m": np.ones(3)})
    tracker.step(T0 + 200 * SECOND, without)
    assert tracker.counts["no_time"] == 3


@pytest.mark.parametrize("now", [-(2**63), 0, 2**63 - 1, 2**80])
def test_any_present_is_survived(now: int) -> None:
    tracker = Tracker(None, Catalogue([R]))
    seen = scan(R, [FLIGHTS[0]], 30, np.random.default_rng(1))
    for _ in range(3):
        legal(tracker.step(now, seen))


def test_late_plots_within_reason_are_used() -> None:
    """One radar's plots arrive two seconds after the other's: they still count."""
    near = radar("N", 44.0, 73.0)
    late, alone, in_order = [], [], []
    when = np.arange(60.0, 200.0)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        first, second = scan(R, FLIGHTS[1:2], 200, rng), scan(near, FLIGHTS[1:2], 200, rng, start=1.3)
        both = merge(first, second)
        delay = np.where(np.array(both["sensor"].to_pylist()) == "N", 2 * SECOND, 0)
        arrival = both["time"].to_numpy().view(np.int64) + delay
        order = np.argsort(arrival, kind="stable")
        both, cuts = both.take(pa.array(order)), np.searchsorted(arrival[order], T0 + np.arange(0, 205) * SECOND)
        tracker = Tracker(None, Catalogue([R, near]))
        steps = itertools.pairwise(cuts)
        tracks = pa.concat_tables(
            tracker.step(T0 + (k + 1) * SECOND, both.slice(a, b - a)) for k, (a, b) in enumerate(steps)
        )
        assert numbers(confirmed(tracks)) == [1]
        assert tracker.counts["late"] == 0
        late.append(rms_at(tracks, FLIGHTS[1], when))
        alone.append(rms_at(follow(first, [R])[0], FLIGHTS[1], when))
        in_order.append(rms_at(follow(merge(first, second), [R, near])[0], FLIGHTS[1], when))
    assert np.mean(late) < 0.93 * np.mean(alone)
    assert np.mean(late) < 1.1 * np.mean(in_order)


def test_a_clock_that_is_ahead_makes_nobody_late() -> None:
    seen = scan(R, [FLIGHTS[0]], 60, np.random.default_rng(3))
    t = np.arange(0.5, 60, 1.0)
    lat, lon, h = FLIGHTS[3](t)
    ahead = plots("A", "adsb", t + 4.5, latitude_deg=lat, longitude_deg=lon, pressure_altitude_m=h)
    tracker = Tracker(TrackerSettings(late_s=1.0), Catalogue([R]))
    seconds = (seen["time"].to_numpy().view(np.int64) - T0) / SECOND
    for now in range(1, 61):
        mine = seen.filter(pa.array((seconds >= now - 1) & (seconds < now)))
        theirs = ahead.filter(pa.array((t >= now - 1) & (t < now)))
        tracker.step(T0 + now * SECOND, pa.concat_tables([mine, theirs]))
    assert tracker.counts["late"] == 0
    assert tracker.counts["future"] == 0


def test_plots_too_late_are_counted() -> None:
    seen = scan(R, [FLIGHTS[0]], 60, np.random.default_rng(3))
    tracker = Tracker(None, Catalogue([R]))
    tracker.step(T0 + 60 * SECOND, seen)
    tracker.step(T0 + 61 * SECOND, seen.slice(0, 5))
    assert tracker.counts["late"] == 5


def test_repeated_rows_change_nothing() -> None:
    seen = scan(R, FLIGHTS, 60, np.random.default_rng(4))
    twice = merge(seen, seen)
    once_tracks, _ = follow(seen, [R], until_s=60)
    twice_tracks, tracker = follow(twice, [R], until_s=60)
    assert twice_tracks.equals(once_tracks)
    assert tracker.counts["repeated"] == len(seen)


def test_a_hundred_thousand_plots_in_one_step() -> None:
    rng = np.random.default_rng(5)
    n = 100_000
    flood = plots(
        "R", "psr", np.sort(rng.uniform(0, 4, n)), range_m=rng.uniform(1e3, 3e5, n), azimuth_deg=rng.uniform(0, 360, n)
    )
    tracker = Tracker(TrackerSettings(max_tracks=3_000), Catalogue([R]))
    tracks = tracker.step(T0 + 4 * SECOND, flood)
    assert tracker.counts["full"] > 0
    assert len(tracker._tracks) == 3_000
    assert len(tracks) <= 3_000


def test_thousands_of_plots_on_one_spot() -> None:
    n = 6_000
    spot = plots(
        "A", "adsb", np.full(n, 1.0), latitude_deg=np.full(n, 43.0), longitude_deg=np.full(n, 74.0),
        icao24=pa.array(np.arange(n), pa.uint32()),
    )  # fmt: skip
    tracker = Tracker(None)
    for second in range(3):
        shifted = spot.set_column(0, "time", tables.times(np.full(n, T0 + second * 2 * SECOND))).cast(tables.PLOTS)
        tracker.step(T0 + second * 2 * SECOND, shifted)
    assert tracker.counts["crowded"] > 0


def test_too_many_sensor_names_are_counted() -> None:
    n = 5_000
    names = pa.DictionaryArray.from_arrays(np.arange(n, dtype=np.int32), pa.array([f"s{k}" for k in range(n)]))
    table = tables.build(
        tables.PLOTS,
        n,
        {"time": tables.times(np.full(n, T0)), "sensor": names, "icao24": pa.array(np.arange(n), pa.uint32())},
    )
    tracker = Tracker()
    tracker.step(T0, table)
    assert tracker.counts["too_many_sensors"] == n - 4_096


def test_a_radar_without_a_position_starts_nothing() -> None:
    seen = scan(R, FLIGHTS, 60, np.random.default_rng(6))
    tracks, tracker = follow(seen, [])
    assert len(tracks) == 0
    assert tracker.counts["no_position"] == len(seen)


def test_a_position_in_the_plots_serves_a_moving_radar() -> None:
    seen = scan(R, [FLIGHTS[0]], 60, np.random.default_rng(6))
    n = len(seen)
    for name, value in (("sensor_latitude_deg", 43.0), ("sensor_longitude_deg", 74.5), ("sensor_altitude_m", 600.0)):
        seen = seen.set_column(seen.schema.get_field_index(name), name, pa.array(np.full(n, value)))
    tracks, _ = follow(seen.cast(tables.PLOTS), [])
    assert numbers(tracks) == [1]
    assert errors(confirmed(tracks), FLIGHTS[0]).max() < 1_000


def test_another_schema_is_misuse() -> None:
    with pytest.raises(MisuseError, match="plots/1"):
        Tracker().step(T0, tables.empty(tables.TRACKS))


def test_resumed_after_any_step_it_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(7)
    seen = merge(*(scan(s, FLIGHTS, 120, rng, pd=0.9, false=20, mode_3a=[1, 2, 3, 4, 5]) for s in (R, S)))
    seconds = (seen["time"].to_numpy().view(np.int64) - T0) / SECOND
    cuts = np.searchsorted(seconds, np.arange(0, 125))
    whole = Tracker(None, Catalogue([R, S]))
    parts = Tracker(None, Catalogue([R, S]))
    for second in range(1, len(cuts)):
        table = seen.slice(cuts[second - 1], cuts[second] - cuts[second - 1])
        a, b = whole.step(T0 + second * SECOND, table), parts.step(T0 + second * SECOND, table)
        assert a.equals(b)
        if second % 10 == 0:
            saved = parts.snapshot()
            assert saved == whole.snapshot()
            parts = Tracker.resume(saved, None, Catalogue([R, S]))
            assert parts.counts == whole.counts


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04garbage", b"x" * 1000])
def test_garbage_is_no_snapshot(data: bytes) -> None:
    with pytest.raises(FormatError, match="no snapshot"):
        Tracker.resume(data)


def test_a_cut_snapshot_is_no_snapshot() -> None:
    data = Tracker().snapshot()
    with pytest.raises(FormatError, match="no snapshot"):
        Tracker.resume(data[: len(data) // 2])


@pytest.mark.parametrize(
    "wrong",
    [
        {"end_max_s": 0.0},
        {"max_tracks": -1},
        {"process_noise_m2_s3": float("nan")},
        {"gate_probability": 1.0},
        {"confirm_hits": 6},
        {"first_track": 2**32 - 5},
        {"qnh_hpa": 29.92},
        {"isa_deviation_k": 300.0},
        {"end_min_s": 100.0},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(MisuseError):
        TrackerSettings(**wrong)
