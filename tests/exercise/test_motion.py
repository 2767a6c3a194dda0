"""Motion against geodesics worked out leg by leg."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from skypact.exercise import Flight, Path, Waypoint

GEOD = Geod(ellps="WGS84")


def flight(*points: tuple[float, float, float, float], start_s: float = 0.0) -> Flight:
    route = tuple(Waypoint(latitude_deg=a, longitude_deg=b, altitude_m=c, speed_m_s=d) for a, b, c, d in points)
    return Flight(id="f", route=route, start_s=start_s)


def test_position_lies_on_the_geodesic_at_the_distance_flown() -> None:
    path = Path(flight((43.0, 74.0, 1000, 200), (44.0, 79.0, 5000, 100)))
    azimuth, _, length = GEOD.inv(74.0, 43.0, 79.0, 44.0)
    time = np.array([0.0, 100.0, 1000.0, length / 200])
    state = path.at(time)
    longitude, latitude, _ = GEOD.fwd([74.0] * 4, [43.0] * 4, [azimuth] * 4, time * 200)
    np.testing.assert_allclose(state.latitude_deg, latitude, atol=1e-9)
    np.testing.assert_allclose(state.longitude_deg, longitude, atol=1e-9)
    np.testing.assert_allclose(state.altitude_m, 1000 + 4000 * time * 200 / length, rtol=1e-9)
    assert path.end_s == pytest.approx(length / 200)


def test_velocity_is_the_derivative_of_position() -> None:
    path = Path(flight((43.0, 74.0, 1000, 200), (44.0, 79.0, 5000, 180), (40.0, 80.0, 3000, 100)))
    time = np.linspace(1, path.end_s - 1, 50)
    before, now, after = (path.at(time + d) for d in (-0.05, 0.0, 0.05))
    azimuth, _, distance = GEOD.inv(before.longitude_deg, before.latitude_deg, after.longitude_deg, after.latitude_deg)
    steady = np.abs(distance / 0.1 - np.hypot(now.east_m_s, now.north_m_s)) < 1.0
    assert steady.sum() >= 48
    course = np.degrees(np.arctan2(now.east_m_s, now.north_m_s))
    np.testing.assert_allclose((course - azimuth + 180)[steady] % 360 - 180, 0, atol=0.01)
    np.testing.assert_allclose((after.altitude_m - before.altitude_m)[steady] / 0.1, now.up_m_s[steady], atol=1e-6)


def test_an_object_exists_from_its_start_to_its_end() -> None:
    path = Path(flight((43.0, 74.0, 0, 100), (43.0, 74.1, 0, 100), start_s=50.0))
    state = path.at(np.array([49.9, 50.0, path.end_s, path.end_s + 0.1]))
    assert np.isnan(state.latitude_deg).tolist() == [True, False, False, True]
