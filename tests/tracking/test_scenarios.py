"""Whole flights through the tracker."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tracking_world import (
    confirmed,
    errors,
    follow,
    merge,
    numbers,
    polar,
    radar,
    scan,
    seconds_of,
    status,
    straight,
)

from skypact import tables

R = radar()
S = radar("S", 42.3, 75.8, rotation_s=6.0)
CRUISE = straight(43.5, 73.0, 9_000.0, 80.0, 230.0)


def owner_of(tracks: pa.Table, flight: object, number: int, after_s: float = 30.0) -> float:
    """Return the share of a track's later rows within 1.5 km of a flight."""
    own = tracks.filter(pa.array((tracks["track"].to_numpy() == number) & (seconds_of(tracks) > after_s)))
    return float((errors(own, flight) < 1_500.0).mean())  # type: ignore[arg-type]


def test_one_aircraft_is_one_track_from_start_to_end() -> None:
    plots = scan(R, [CRUISE], 300, np.random.default_rng(1))
    tracks, tracker = follow(plots, [R], until_s=400)
    assert numbers(tracks) == [1]
    assert status(tracks)[0] == "tentative"
    assert status(tracks).count("ended") == 1
    assert status(tracks)[-1] == "ended"
    assert seconds_of(confirmed(tracks))[0] < 15
    assert 300 < seconds_of(tracks)[-1] < 330
    settled = confirmed(tracks).filter(pa.array(seconds_of(confirmed(tracks)) < 300))
    error = errors(settled, CRUISE)[10:]
    slant = polar(R, *CRUISE(seconds_of(settled)))[0][10:]
    raw = np.hypot(50.0, np.radians(0.08) * slant)
    assert np.sqrt(np.mean(error**2)) < 0.85 * np.sqrt(np.mean(raw**2))
    assert tracker.counts["used"] == len(plots)


def test_steps_of_any_length_give_the_same_tracks() -> None:
    plots = scan(R, [CRUISE, straight(42.5, 74.0, 7_000.0, 10.0, 200.0)], 200, np.random.default_rng(2), false=20)
    last = []
    for step in (0.5, 1.0, 20.0):
        tracks, _ = follow(plots, [R], step_s=step, until_s=200)
        rows = {}
        for row in confirmed(tracks).to_pylist():
            rows[row["track"]] = (row["latitude_deg"], row["longitude_deg"], row["last_plot"])
        last.append(sorted(rows.values()))
    assert len(last[0]) == 2
    for other in last[1:]:
        assert np.allclose([row[:2] for row in other], [row[:2] for row in last[0]], atol=1e-9)


@pytest.mark.parametrize("angle", [15.0, 45.0])
def test_crossing_aircraft_keep_their_numbers(angle: float) -> None:
    a = straight(43.6, 73.6, 9_000.0, 90.0 - angle, 230.0)
    b = straight(43.6 + 0.01 * angle, 73.6, 9_000.0, 90.0 + angle, 230.0)
    rng = np.random.default_rng(3)
    plots = merge(*(scan(s, [a, b], 300, rng, pd=0.9) for s in (R, S)))
    tracks, _ = follow(plots, [R, S])
    assert len(numbers(confirmed(tracks))) == 2
    for flight in (a, b):
        assert max(owner_of(confirmed(tracks), flight, number) for number in numbers(tracks)) > 0.97


def test_mode_3a_keeps_two_aircraft_that_fly_together_apart() -> None:
    a = straight(43.6, 73.6, 9_000.0, 90.0, 230.0)
    b = straight(43.6015, 73.6, 9_000.0, 90.0, 230.0)
    plots = scan(R, [a, b], 300, np.random.default_rng(4), mode_3a=[0o2345, 0o5432])
    tracks, _ = follow(plots, [R])
    final = {row["track"]: row["mode_3a"] for row in confirmed(tracks).to_pylist()}
    assert sorted(final.values()) == [0o2345, 0o5432]
    swaps = 0
    for number in final:
        codes = {row["mode_3a"] for row in confirmed(tracks).to_pylist() if row["track"] == number}
        swaps += len(codes) - 1
    assert swaps == 0


def test_detection_of_eighty_percent_keeps_the_track() -> None:
    for seed in range(4):
        plots = scan(R, [CRUISE], 600, np.random.default_rng(seed), pd=0.8)
        tracks, _ = follow(plots, [R])
        assert len(numbers(confirmed(tracks))) == 1


def test_false_plots_confirm_nothing() -> None:
    for seed in range(3):
        tracks, tracker = follow(scan(R, [], 300, np.random.default_rng(seed), false=60), [R], until_s=400)
        assert not len(confirmed(tracks))
        assert tracker.counts["used"] > 4_000
        born, ended = set(numbers(tracks)), tracks.filter(pa.array([s == "ended" for s in status(tracks)]))
        assert born == set(ended["track"].to_pylist())


def test_a_lost_aircraft_coasts_and_ends() -> None:
    plots = scan(R, [CRUISE], 120, np.random.default_rng(5))
    tracks, _ = follow(plots, [R], until_s=200)
    after = tracks.filter(pa.array(seconds_of(tracks) > 124))
    assert set(status(after)) == {"coasting", "ended"}
    assert status(after)[-1] == "ended"
    assert seconds_of(after)[-1] < 120 + 4 * 4 * 1.4 + 6  # four looks of four seconds, and the slack
    coast = after.filter(pa.array([s == "coasting" for s in status(after)]))
    assert len(coast) >= 2
    assert errors(coast, CRUISE).max() < 1_000  # predicted, not left behind: 230 m/s
    size = [row["covariance"][0] for row in coast.to_pylist()]
    assert size == sorted(size)


def test_a_slow_radar_keeps_its_tracks_longer() -> None:
    slow = radar(rotation_s=12.0)
    plots = scan(slow, [CRUISE], 600, np.random.default_rng(6), pd=0.8)
    tracks, _ = follow(plots, [slow])
    assert len(numbers(confirmed(tracks))) == 1


def test_a_rotation_nobody_stated_is_learned() -> None:
    unstated = radar(rotation_s=None)
    flights = [straight(43.0 + 0.3 * k, 73.5, 9_000.0, 80.0, 230.0) for k in range(5)]
    plots = scan(R, flights, 300, np.random.default_rng(7), pd=0.9)
    tracks, tracker = follow(plots, [unstated])
    assert len(numbers(confirmed(tracks))) == 5
    assert tracker._registry.sensors["period_s"][0] == pytest.approx(4.0, rel=0.06)


def test_a_primary_radar_alone_gives_tracks_without_height() -> None:
    near = straight(43.15, 74.0, 9_000.0, 90.0, 230.0)
    plots = scan(R, [near], 300, np.random.default_rng(8), height=False)
    tracks, _ = follow(plots, [R])
    assert numbers(tracks) == [1]
    assert tracks["altitude_m"].null_count == len(tracks)
    assert tracks["pressure_altitude_m"].null_count == len(tracks)
    rows = confirmed(tracks).to_pylist()
    error = errors(confirmed(tracks), near)
    spread = np.array([np.sqrt(row["covariance"][0] + row["covariance"][6]) for row in rows])
    assert np.percentile(error / spread, 90) < 2.5
    assert (error < 4 * spread + 50).all()
    for row in rows:
        assert [c is None for c in row["covariance"]] == [
            i in {2, 5} or j in {2, 5} for i in range(6) for j in range(i, 6)
        ]


def test_two_primary_radars_agree_on_one_track() -> None:
    plots = merge(*(scan(s, [CRUISE], 300, np.random.default_rng(9), height=False) for s in (R, S)))
    tracks, _ = follow(plots, [R, S])
    assert numbers(confirmed(tracks)) == [1]
    assert np.median(errors(confirmed(tracks), CRUISE)) < 150


def test_an_aircraft_over_the_radar_is_not_lost() -> None:
    over = straight(43.0, 74.2, 9_000.0, 90.0, 230.0)
    plots = scan(R, [over], 220, np.random.default_rng(10))
    tracks, _ = follow(plots, [R])
    assert numbers(tracks) == [1]
    assert errors(confirmed(tracks), over)[5:].max() < 400


@pytest.mark.parametrize(
    ("sensor", "flight"),
    [
        (radar(lat=66.0, lon=179.5), straight(66.5, 178.5, 9_000.0, 90.0, 230.0)),
        (radar(lat=89.2, lon=10.0), straight(89.5, -60.0, 9_000.0, 20.0, 250.0)),
        (radar(lat=-89.9, lon=0.0), straight(-89.2, 0.0, 9_000.0, 180.0, 250.0)),
    ],
    ids=["antimeridian", "north pole", "south pole"],
)
def test_no_place_on_earth_is_special(sensor: object, flight: object) -> None:
    plots = scan(sensor, [flight], 600, np.random.default_rng(11))  # type: ignore[arg-type,list-item]
    tracks, _ = follow(plots, [sensor])  # type: ignore[list-item]
    assert numbers(tracks) == [1]
    assert np.percentile(errors(confirmed(tracks), flight), 95) < 300  # type: ignore[arg-type]


def test_long_range_is_unbiased() -> None:
    far = radar(range_m=500e3, sigma_azimuth_deg=0.1)
    east, cross = [], []
    for seed in range(25):
        flight = straight(46.9, 71.5, 10_000.0, 45.0 + 10 * seed, 220.0)  # 490 km away
        plots = scan(far, [flight], 120, np.random.default_rng(seed))
        tracks, _ = follow(plots, [far])
        row = tracks.slice(len(tracks) - 1)
        lat, lon, _ = flight(seconds_of(row))
        east.append((row["longitude_deg"][0].as_py() - lon[0]) * 111.2e3 * np.cos(np.radians(lat[0])))
        cross.append((row["latitude_deg"][0].as_py() - lat[0]) * 111.2e3)
    for component in (np.array(east), np.array(cross)):
        assert abs(component.mean()) < 3 * component.std() / np.sqrt(len(component))
        assert component.std() < 700


def test_a_turn_of_two_g_is_followed() -> None:
    speed, rate = 200.0, 2 * 9.81 * np.sqrt(3) / 2 / 200.0

    def turning(t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        late = np.clip(t - 60, 0, 12)
        angle = rate * late
        east = speed * np.minimum(t, 60) + speed / rate * np.sin(angle) + speed * np.cos(angle) * np.maximum(t - 72, 0)
        north = speed / rate * (1 - np.cos(angle)) + speed * np.sin(angle) * np.maximum(t - 72, 0)
        return 43.5 + north / 111.1e3, 74.0 + east / (111.3e3 * np.cos(np.radians(43.5))), np.full_like(t, 5_000.0)

    for seed in range(3):
        tracks, _ = follow(scan(R, [turning], 150, np.random.default_rng(seed)), [R])
        assert numbers(confirmed(tracks)) == [1]


def test_rows_are_of_the_schema_and_name_their_node() -> None:
    plots = scan(R, [CRUISE], 60, np.random.default_rng(12))
    tracks, _ = follow(plots, [R], node="north", party="kg", first_track=500)
    assert tracks.schema.equals(tables.TRACKS)
    row = confirmed(tracks).to_pylist()[-1]
    assert (row["node"], row["party"], row["track"]) == ("north", "kg", 500)
    assert (row["class"], row["identity"], row["category"]) == ("unknown", "pending", None)
    assert row["sensors"] == ["R"]
    assert row["last_plot"] == row["time"]
    assert 0.95 <= row["existence"] <= 1
    assert row["simulated"] is False


def test_simulated_plots_mark_the_track() -> None:
    plots = scan(R, [CRUISE], 60, np.random.default_rng(13))
    flags = np.arange(len(plots)) == 7
    plots = plots.set_column(plots.schema.get_field_index("simulated"), "simulated", pa.array(flags)).cast(tables.PLOTS)
    tracks, _ = follow(plots, [R])
    assert tracks["simulated"].to_pylist()[0] is False
    assert tracks["simulated"].to_pylist()[-1] is True


def test_numbers_run_out_and_nothing_breaks() -> None:
    flights = [straight(43.0 + 0.3 * k, 73.5, 9_000.0, 80.0, 230.0) for k in range(4)]
    tracks, tracker = follow(scan(R, flights, 60, np.random.default_rng(14)), [R], first_track=7, block_size=2)
    assert numbers(tracks) == [7, 8]
    assert tracker.counts["numbers_used_up"] > 0


def test_places_run_out_and_nothing_breaks() -> None:
    flights = [straight(43.0 + 0.2 * k, 73.5, 9_000.0, 80.0, 230.0) for k in range(6)]
    tracks, tracker = follow(scan(R, flights, 60, np.random.default_rng(15)), [R], max_tracks=3)
    assert len(numbers(tracks)) == 3
    assert tracker.counts["full"] > 0
