"""Altitudes: pressure and geometric, unknown, by elevation; what the slant range makes of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chi2
from tracking_world import confirmed, errors, follow, merge, numbers, plots, radar, scan, straight

from skypact import tables
from skypact.tracking import _rules

R = radar()
FLIGHT = straight(43.4, 73.9, 9_000.0, 80.0, 230.0)


def last(tracks: pa.Table) -> dict[str, object]:
    return confirmed(tracks).to_pylist()[-1]


def test_pressure_altitude_alone_gives_no_altitude() -> None:
    tracks, _ = follow(scan(R, [FLIGHT], 100, np.random.default_rng(1)), [R])
    row = last(tracks)
    assert row["altitude_m"] is None
    assert row["pressure_altitude_m"] == pytest.approx(9_000, abs=10)
    assert row["covariance"][11] is None  # type: ignore[index]
    assert abs(row["velocity_up_m_s"]) < 3  # type: ignore[arg-type]


def test_qnh_and_temperature_make_it_geometric_with_their_sigma() -> None:
    seen = scan(R, [FLIGHT], 100, np.random.default_rng(1))
    row = last(follow(seen, [R], qnh_hpa=1035.0, sigma_qnh_hpa=2.0, isa_deviation_k=10.0)[0])
    assert row["pressure_altitude_m"] == pytest.approx(9_000, abs=10)
    assert row["altitude_m"] == pytest.approx(9_000 + 180 + 0.038 * 9_000, abs=12)
    sigma = np.sqrt(row["covariance"][11])  # type: ignore[index]
    assert sigma == pytest.approx(np.hypot(2 * 8.3, 2 * 3.8e-3 * 9_000), rel=0.1)


def test_qnh_1035_is_180_metres() -> None:
    assert _rules.sea_level_offset(1035.0) == pytest.approx(180, abs=2)
    assert _rules.sea_level_offset(1013.25) == 0.0


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
@pytest.mark.parametrize("probability", [0.9, 0.9997, 0.99999])
def test_gates_are_chi_square(rows: int, probability: float) -> None:
    assert _rules.gate(rows, probability) == pytest.approx(chi2.ppf(probability, rows), rel=1e-9)


def adsb(seconds: np.ndarray, pressure: float, geometric: float) -> pa.Table:
    lat, lon, _ = FLIGHT(seconds)
    one = np.ones_like(seconds)
    return plots(
        "A", "adsb", seconds, latitude_deg=lat, longitude_deg=lon, pressure_altitude_m=pressure * one,
        altitude_m=geometric * one,
    )  # fmt: skip


def test_both_altitudes_measure_the_offset() -> None:
    tracks, _ = follow(adsb(np.arange(0, 60, 1.0), 9_000.0, 9_260.0))
    row = last(tracks)
    assert row["altitude_m"] == pytest.approx(9_260, abs=15)
    assert row["pressure_altitude_m"] == pytest.approx(9_000, abs=10)


def test_a_radar_gains_from_the_measured_offset() -> None:
    """Pressure altitude 260 m low; a radar near by errs on the ground until ADS-B says the geometric altitude."""
    high = straight(43.05, 74.0, 9_260.0, 90.0, 200.0)
    seen = scan(R, [high], 200, np.random.default_rng(2))
    pressure = np.asarray(seen["pressure_altitude_m"].to_numpy()) - 260.0
    seen = seen.set_column(
        seen.schema.get_field_index("pressure_altitude_m"), "pressure_altitude_m", pa.array(pressure)
    ).cast(tables.PLOTS)
    t = np.arange(0.3, 20, 1.0)
    lat, lon, h = high(t)
    said = plots("A", "adsb", t, latitude_deg=lat, longitude_deg=lon, pressure_altitude_m=h - 260.0, altitude_m=h)
    alone, _ = follow(seen, [R])
    helped, _ = follow(merge(seen, said), [R])
    assert numbers(helped) == [1]
    assert last(helped)["altitude_m"] == pytest.approx(9_260, abs=40)
    close = np.abs(polar_range(alone) - 25e3) < 20e3
    close_helped = np.abs(polar_range(helped) - 25e3) < 20e3
    assert np.mean(errors(confirmed(helped), high)[close_helped]) < np.mean(errors(confirmed(alone), high)[close])


def polar_range(tracks: pa.Table) -> np.ndarray:
    rows = confirmed(tracks)
    return 111e3 * np.hypot(
        rows["latitude_deg"].to_numpy() - 43.0,
        (rows["longitude_deg"].to_numpy() - 74.5) * np.cos(np.radians(43.0)),
    )


def test_a_three_dimensional_radar_gives_the_altitude() -> None:
    three_d = radar(sigma_elevation_deg=0.15, kind="psr")
    far = straight(43.8, 73.5, 9_000.0, 80.0, 230.0)
    rms = []
    for seed in range(5):
        seen = scan(three_d, [far], 200, np.random.default_rng(seed), height=False, elevation=True)
        tracks, _ = follow(seen, [three_d])
        assert numbers(tracks) == [1]
        row = last(tracks)
        sigma = np.sqrt(row["covariance"][11])  # type: ignore[index]
        assert 40 < sigma < 300  # one look is 280 m at 110 km
        rms.append((row["altitude_m"] - 9_000) / sigma)  # type: ignore[operator]
        assert row["pressure_altitude_m"] is None
    assert np.sqrt(np.mean(np.square(rms))) < 2.2


def test_elevation_then_pressure_altitude_is_one_track() -> None:
    three_d = radar("T", 42.8, 74.0, sigma_elevation_deg=0.15, kind="psr")
    seen = merge(
        scan(three_d, [FLIGHT], 200, np.random.default_rng(3), height=False, elevation=True),
        scan(R, [FLIGHT], 200, np.random.default_rng(4), start=60.0),
    )
    tracks, _ = follow(seen, [R, three_d])
    assert numbers(confirmed(tracks)) == [1]
    assert last(tracks)["pressure_altitude_m"] == pytest.approx(9_000, abs=12)


def test_a_climb_is_followed() -> None:
    climbing = straight(43.4, 73.6, 2_000.0, 80.0, 150.0, climb=12.0)
    tracks, _ = follow(scan(R, [climbing], 300, np.random.default_rng(5)), [R])
    assert numbers(tracks) == [1]
    assert last(tracks)["velocity_up_m_s"] == pytest.approx(12, abs=2.5)


def test_heights_keep_aircraft_above_each_other_apart() -> None:
    above = straight(43.4, 73.9, 9_300.0, 80.0, 230.0)
    tracks, _ = follow(scan(R, [FLIGHT, above], 200, np.random.default_rng(6)), [R])
    heights = {}
    for row in confirmed(tracks).to_pylist():
        heights.setdefault(row["track"], []).append(row["pressure_altitude_m"])
    assert len(heights) == 2
    for values in heights.values():
        assert np.ptp(values) < 60


def test_an_aircraft_on_the_ground_takes_the_radars_height() -> None:
    parked = straight(43.06, 74.48, 620.0, 0.0, 0.0)
    seen = scan(R, [parked], 60, np.random.default_rng(7), height=False)
    seen = seen.set_column(
        seen.schema.get_field_index("on_ground"), "on_ground", pa.array(np.ones(len(seen), bool))
    ).cast(tables.PLOTS)
    tracks, _ = follow(seen, [R])
    assert numbers(tracks) == [1]
    assert last(tracks)["altitude_m"] == pytest.approx(600, abs=300)
    assert errors(confirmed(tracks), parked).max() < 120


@pytest.mark.parametrize("seed", range(6))
def test_an_aircraft_that_takes_off_has_the_height_it_says(seed: int) -> None:
    # On the ground it says no altitude, and ranges of a radar nearby alone put it anywhere.
    seconds = np.arange(0.0, 200.0, 1.0)
    rolling = seconds < 60
    roll = straight(43.02, 74.5, 650.0, 80.0, 40.0)
    lat, lon, _ = roll(seconds)
    up = np.where(rolling, np.nan, 900.0 + 10.0 * (seconds - 60))
    address = pa.array([0xABCDEF] * len(seconds), pa.uint32())
    said = plots(
        "A", "adsb", seconds, latitude_deg=lat, longitude_deg=lon, pressure_altitude_m=up, icao24=address,
        on_ground=pa.array(rolling),
    )  # fmt: skip
    seen = scan(R, [roll], 60, np.random.default_rng(seed), height=False, icao24=[0xABCDEF])
    row = last(follow(merge(said, seen), [R])[0])
    assert row["pressure_altitude_m"] == pytest.approx(up[-1], abs=30)


def test_a_height_that_all_contradict_is_given_up() -> None:
    seconds = np.arange(0.0, 120.0, 1.0)
    said = np.where(seconds < 60, 11_000.0, 1_000.0)
    lat, lon, _ = FLIGHT(seconds)
    address = pa.array([0xABCDEF] * len(seconds), pa.uint32())
    seen = plots(
        "A", "adsb", seconds, latitude_deg=lat, longitude_deg=lon, pressure_altitude_m=said, icao24=address
    )  # fmt: skip
    assert last(follow(seen, [])[0])["pressure_altitude_m"] == pytest.approx(1_000, abs=30)
