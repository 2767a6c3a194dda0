"""ADS-B, multilateration and Mode S replies: many positions a second, many receivers, other people's radars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from tracking_world import (
    Flight,
    Floats,
    confirmed,
    errors,
    follow,
    merge,
    numbers,
    plots,
    radar,
    scan,
    seconds_of,
    status,
    straight,
)

FLIGHT = straight(43.5, 73.6, 9_000.0, 80.0, 230.0)


def squitter(name: str, seconds: Floats, flight: Flight, icao24: int | None = 0xABCDEF, **more: Any) -> pa.Table:
    """Return ADS-B positions as one receiver hears them; one position message, one noise."""
    lat, lon, h = flight(seconds)
    noise = np.random.default_rng(7).normal(0, 2e-4, (2, len(seconds)))
    columns: dict[str, Any] = {
        "latitude_deg": lat + noise[0],
        "longitude_deg": lon + noise[1],
        "pressure_altitude_m": np.round(h / 7.62) * 7.62,
        **more,
    }
    if icao24 is not None:
        columns["icao24"] = pa.array(np.full(len(seconds), icao24), pa.uint32())
    return plots(name, "adsb", seconds, **columns)


def test_several_receivers_make_one_track() -> None:
    t = np.sort(np.random.default_rng(1).uniform(0, 120, 240))
    heard = [squitter(name, t + delay, FLIGHT) for name, delay in (("A", 0.0), ("B", 0.002), ("C", 0.31))]
    tracks, _ = follow(merge(*heard))
    assert numbers(tracks) == [1]
    assert errors(confirmed(tracks), FLIGHT).max() < 150
    assert set(confirmed(tracks)["sensors"].to_pylist()[-1]) == {"A", "B", "C"}
    assert tracks["icao24"].to_pylist()[-1] == 0xABCDEF
    row = confirmed(tracks).to_pylist()[-1]
    # Correlated errors do not average away: the position is not claimed better than about one position's error.
    assert np.sqrt(row["covariance"][0]) > 12


def test_a_burst_confirms_nothing() -> None:
    t = 10 + np.arange(20) * 0.02
    heard = [squitter(name, t + delay, FLIGHT) for name, delay in (("A", 0.0), ("B", 0.005))]
    tracks, _ = follow(merge(*heard), until_s=60)
    assert not len(confirmed(tracks))
    assert set(status(tracks)) <= {"tentative", "ended"}


def test_a_dropped_receiver_ends_the_track_in_time() -> None:
    tracks, _ = follow(squitter("A", np.arange(0, 60, 0.5), FLIGHT), until_s=140)
    assert status(tracks)[-1] == "ended"
    assert 60 + 20 < seconds_of(tracks)[-1] < 60 + 40


def test_gaps_of_reception_are_bridged() -> None:
    t = np.concatenate([np.arange(0, 60, 0.5), np.arange(75, 120, 0.5), np.arange(133, 160, 0.5)])
    tracks, _ = follow(squitter("A", t, FLIGHT))
    assert numbers(tracks) == [1]
    assert "coasting" in status(tracks)


def test_adsb_and_radar_of_one_aircraft_make_one_track() -> None:
    r = radar()
    rng = np.random.default_rng(2)
    for columns in ({}, {"icao24": [0xABCDEF]}, {"mode_3a": [0o4321]}):
        seen = merge(scan(r, [FLIGHT], 200, rng, **columns), squitter("A", np.arange(0.2, 200, 0.6), FLIGHT))
        tracks, _ = follow(seen, [r])
        assert numbers(confirmed(tracks)) == [1]
        assert set(confirmed(tracks)["sensors"].to_pylist()[-1]) == {"R", "A"}


def test_a_radar_first_then_adsb() -> None:
    r = radar()
    seen = merge(scan(r, [FLIGHT], 200, np.random.default_rng(3)), squitter("A", np.arange(60.2, 200, 0.6), FLIGHT))
    tracks, _ = follow(seen, [r])
    assert numbers(confirmed(tracks)) == [1]
    assert tracks["icao24"].to_pylist()[0] is None
    assert tracks["icao24"].to_pylist()[-1] == 0xABCDEF


def test_two_addresses_stay_two_tracks_however_near() -> None:
    other = straight(43.5005, 73.6, 9_000.0, 80.0, 230.0)
    t = np.arange(0, 120, 0.5)
    tracks, _ = follow(merge(squitter("A", t, FLIGHT, 1), squitter("A", t + 0.1, other, 2)))
    final = {row["track"]: row["icao24"] for row in confirmed(tracks).to_pylist()}
    assert sorted(final.values()) == [1, 2]
    for number, icao24 in final.items():
        said = {row["icao24"] for row in confirmed(tracks).to_pylist() if row["track"] == number}
        assert said == {icao24}


def test_a_second_address_beside_a_track_starts_its_own() -> None:
    here = straight(43.06, 74.48, 600.0, 0.0, 0.0)
    beside = straight(43.0602, 74.48, 600.0, 0.0, 0.0)
    none = pa.nulls(240, pa.float64())
    first = squitter("A", np.arange(0, 120, 0.5), here, 1, pressure_altitude_m=none)
    second = squitter("A", np.arange(30.2, 120, 0.5), beside, 2, pressure_altitude_m=none.slice(0, 180))
    tracks, _ = follow(merge(first, second))
    said = {}
    for row in confirmed(tracks).to_pylist():
        said.setdefault(row["track"], set()).add(row["icao24"])
    assert sorted(said.values(), key=min) == [{1}, {2}]


def test_one_address_at_two_places_is_two_tracks() -> None:
    other = straight(45.5, 73.6, 9_000.0, 80.0, 230.0)
    t = np.arange(0, 60, 0.5)
    tracks, _ = follow(merge(squitter("A", t, FLIGHT), squitter("A", t + 0.1, other)))
    assert len(numbers(confirmed(tracks))) == 2
    for flight in (FLIGHT, other):
        near = [
            number
            for number in numbers(confirmed(tracks))
            if np.median(
                errors(confirmed(tracks).filter(pa.array(confirmed(tracks)["track"].to_numpy() == number)), flight)
            )
            < 200
        ]
        assert len(near) == 1


def test_an_address_holds_a_track_through_a_jump_of_speed() -> None:
    def braking(t: Floats) -> tuple[Floats, Floats, Floats]:
        gone = np.where(t < 60, 250 * t, 250 * 60 + 250 * (t - 60) - 0.5 * 12 * np.minimum(t - 60, 15) ** 2)
        gone = np.where(t > 75, 250 * 60 + 250 * 15 - 0.5 * 12 * 225 + 70 * (t - 75), gone)
        return (
            straight(43.5, 73.6, 9_000.0, 90.0, 1.0)(gone)[0],
            straight(43.5, 73.6, 9_000.0, 90.0, 1.0)(gone)[1],
            np.full_like(t, 9_000.0),
        )

    t = np.concatenate([np.arange(0, 62, 0.5), np.arange(73, 140, 0.5)])
    tracks, _ = follow(squitter("A", t, braking))
    assert numbers(tracks) == [1]
    assert errors(confirmed(tracks).slice(len(confirmed(tracks)) - 5), braking).max() < 300


def test_velocity_said_is_used() -> None:
    t = np.arange(0, 10, 1.0)
    east, north = 230 * np.sin(np.radians(80)), 230 * np.cos(np.radians(80))
    with_velocity, _ = follow(
        squitter("A", t, FLIGHT, velocity_east_m_s=np.full(10, east), velocity_north_m_s=np.full(10, north))
    )
    row = with_velocity.to_pylist()[0]
    assert row["velocity_east_m_s"] == np.float64(row["velocity_east_m_s"])
    assert abs(row["velocity_east_m_s"] - east) < 5
    assert abs(row["velocity_north_m_s"] - north) < 5


def replies(seconds: Floats, **columns: Any) -> pa.Table:
    """Return Mode S replies of the aircraft, without a position."""
    address = pa.array(np.full(len(seconds), 0xABCDEF), pa.uint32())
    return plots("A", "mode_s", seconds, icao24=address, **columns)


def test_replies_without_a_position_tell_code_callsign_and_altitude() -> None:
    positions = squitter("A", np.arange(0, 30, 1.0), FLIGHT)
    code = pa.array(np.full(3, 0o1234), pa.uint16())
    said = replies(np.array([20.1, 20.2, 20.3]), mode_3a=code, callsign=pa.array(["KGZ123"] * 3))
    high = replies(np.array([25.5]), pressure_altitude_m=np.array([9_053.0]))
    tracks, tracker = follow(merge(positions, said, high))
    last = tracks.to_pylist()[-1]
    assert (last["mode_3a"], last["callsign"]) == (0o1234, "KGZ123")
    assert tracks.to_pylist()[0]["callsign"] is None
    assert tracker.counts["nobodys"] == 0
    at = tracks.filter(pa.array(seconds_of(tracks) == 25.5)).to_pylist()[0]
    assert 9_010 < at["pressure_altitude_m"] < 9_053
    assert at["last_plot"] < at["time"]


def test_replies_keep_no_track_alive_and_belong_to_somebody() -> None:
    positions = squitter("A", np.arange(0, 30, 1.0), FLIGHT)
    later = replies(np.arange(30.5, 120, 1.0), pressure_altitude_m=np.full(90, 9_000.0))
    tracks, tracker = follow(merge(positions, later))
    assert "ended" in status(tracks)
    assert tracker.counts["nobodys"] > 30


def test_an_impossible_altitude_is_not_believed() -> None:
    positions = squitter("A", np.arange(0, 30, 1.0), FLIGHT)
    wrong = replies(np.array([20.5]), pressure_altitude_m=np.array([1_000.0]))
    tracks, tracker = follow(merge(positions, wrong))
    assert tracker.counts["inconsistent"] == 1
    assert min(row["pressure_altitude_m"] for row in tracks.to_pylist()) > 8_900


def test_a_garbled_altitude_beside_a_position_harms_neither() -> None:
    t = np.arange(0, 60, 1.0)
    h = np.where(t == 30, 3_000.0, 9_000.0)
    geometric = np.where(t == 40, -500.0, 9_200.0)
    tracks, _ = follow(squitter("A", t, FLIGHT, pressure_altitude_m=h, altitude_m=geometric))
    assert numbers(tracks) == [1]
    assert errors(confirmed(tracks), FLIGHT).max() < 150
    settled = confirmed(tracks).to_pylist()[5:]
    assert all(abs(row["pressure_altitude_m"] - 9_000) < 40 for row in settled)
    assert all(abs(row["altitude_m"] - 9_200) < 60 for row in settled)
    assert max(row["covariance"][0] for row in settled) < 60**2


def test_a_dive_during_a_gap_is_believed() -> None:
    t = np.concatenate([np.arange(0, 30, 1.0), np.arange(45, 70, 1.0)])
    h = np.where(t < 31, 9_000.0, 7_600.0)
    tracks, _ = follow(squitter("A", t, FLIGHT, pressure_altitude_m=h))
    assert numbers(tracks) == [1]
    assert abs(tracks.to_pylist()[-1]["pressure_altitude_m"] - 7_600) < 40


def test_an_invalid_code_is_not_taken() -> None:
    t = np.arange(0, 20, 1.0)
    code = pa.array(np.full(20, 0o1234), pa.uint16())
    tracks, _ = follow(squitter("A", t, FLIGHT, mode_3a=code, code_valid=np.zeros(20, bool)))
    assert tracks["mode_3a"].null_count == len(tracks)


def test_a_taxiing_aircraft_stands_still() -> None:
    t = np.arange(0, 120, 0.5)
    parked = straight(43.06, 74.48, 600.0, 0.0, 0.0)
    said = squitter("A", t, parked, on_ground=np.ones(len(t), bool))
    tracks, _ = follow(
        said.set_column(
            said.schema.get_field_index("pressure_altitude_m"), "pressure_altitude_m", pa.nulls(len(t), pa.float64())
        ).cast(said.schema)
    )
    assert numbers(tracks) == [1]
    last = tracks.to_pylist()[-1]
    assert np.hypot(last["velocity_east_m_s"], last["velocity_north_m_s"]) < 8
    assert last["altitude_m"] is None
