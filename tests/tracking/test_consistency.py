"""Whether the tracker knows how well it knows: Monte Carlo over flights of white acceleration."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyproj import Proj
from tracking_world import GEOD, Floats, confirmed, follow, merge, numbers, plots, polar, radar, seconds_of

from skypact.sensors import Sensor

TURN, LOOKS, FLIGHTS, NOISE = 4.0, 20, 40, 200.0


def wander(rng: np.random.Generator) -> Floats:
    """Return position and speed, shape (LOOKS, 2), on one axis: exact samples of white acceleration."""
    q = NOISE * np.array([[TURN**3 / 3, TURN**2 / 2], [TURN**2 / 2, TURN]])
    root = np.linalg.cholesky(q)
    states = [np.array([0.0, rng.normal(0, 150)])]
    for _ in range(LOOKS - 1):
        states.append(np.array([[1, TURN], [0, 1]]) @ states[-1] + root @ rng.normal(size=2))
    return np.array(states)


def normalised_errors(sensor: Sensor, lat0: float, lon0: float, *, height: bool) -> tuple[Floats, int]:
    """Return the squared normalised errors of position and velocity, and the number of tracks."""
    rng = np.random.default_rng(1)
    truth, parts = [], []
    for k in range(FLIGHTS):
        lat, lon = lat0 + (k % 8) * 0.25, lon0 + (k // 8) * 0.4
        east, north = wander(rng), wander(rng)
        there = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")(east[:, 0], north[:, 0], inverse=True)
        h = np.full(LOOKS, 9_000.0 if height else rng.uniform(1_000.0, 14_000.0))
        slant, azimuth, _ = polar(sensor, there[1], there[0], h)
        columns = {
            "range_m": slant + rng.normal(0, sensor.sigma_range_m or 0, LOOKS),
            "azimuth_deg": (azimuth + rng.normal(0, sensor.sigma_azimuth_deg or 0, LOOKS)) % 360,
            "icao24": pa.array(np.full(LOOKS, k), pa.uint32()),
        }
        if height:
            columns["pressure_altitude_m"] = h + rng.normal(0, 10, LOOKS)
        parts.append(plots(sensor.id, "mode_s", np.arange(LOOKS) * TURN, **columns))
        # Speeds along the axes at the place, not those of the plane.
        turn = np.radians((np.asarray(there[0]) - lon) * np.sin(np.radians(np.asarray(there[1]))))
        speed = (
            east[:, 1] * np.cos(turn) + north[:, 1] * np.sin(turn),
            north[:, 1] * np.cos(turn) - east[:, 1] * np.sin(turn),
        )
        truth.append((there, speed))
    exact = {"qnh_hpa": 1013.25, "isa_deviation_k": 0.0, "sigma_qnh_hpa": 0.01, "sigma_isa_deviation_k": 0.01}
    tracks, _ = follow(
        merge(*parts), [sensor], step_s=TURN, process_noise_m2_s3=NOISE, start_speed_m_s=300.0,
        gate_probability=0.99999, confirm_hits=2, confirm_looks=2, **exact,
    )  # fmt: skip
    found = []
    upper = np.triu_indices(6)
    for row, second in zip(confirmed(tracks).to_pylist(), seconds_of(confirmed(tracks)), strict=True):
        look = round(second / TURN)
        if look >= 6:
            (lon, lat), (east_speed, north_speed) = truth[row["icao24"]]
            course, _, gone = GEOD.inv(row["longitude_deg"], row["latitude_deg"], lon[look], lat[look])
            error = np.array(
                [
                    gone * np.sin(np.radians(course)),
                    gone * np.cos(np.radians(course)),
                    east_speed[look] - row["velocity_east_m_s"],
                    north_speed[look] - row["velocity_north_m_s"],
                ]
            )
            matrix = np.zeros((6, 6))
            matrix[upper] = [0.0 if value is None else value for value in row["covariance"]]
            covariance = (matrix + np.triu(matrix, 1).T)[np.ix_([0, 1, 3, 4], [0, 1, 3, 4])]
            found.append(error @ np.linalg.solve(covariance, error))
    return np.array(found), len(numbers(tracks))


@pytest.mark.parametrize(
    ("sensor", "lat", "lon"),
    [
        (radar(), 44.2, 74.9),
        (radar(sigma_azimuth_deg=0.1, range_m=600e3), 46.8, 72.0),
        (radar(), 43.05, 74.2),
        (radar(lat=88.0, lon=0.0), 87.0, 10.0),
    ],
    ids=["150 km", "470 km", "near", "by the pole"],
)
def test_errors_are_as_large_as_the_covariance_says(sensor: Sensor, lat: float, lon: float) -> None:
    squared, tracks = normalised_errors(sensor, lat, lon, height=True)
    assert tracks == FLIGHTS
    assert squared.mean() == pytest.approx(4.0, abs=0.55)  # 560 samples, five looks of memory
    assert 0.9 < (squared < 9.488).mean() < 0.98  # 95 % of chi-square with four degrees of freedom


def test_errors_of_unknown_heights_are_inside_the_covariance() -> None:
    squared, tracks = normalised_errors(radar(), 43.9, 74.9, height=False)
    assert tracks == FLIGHTS
    assert 1.5 < squared.mean() < 4.8
    assert (squared < 9.488).mean() > 0.9
