"""Geodesics against Karney's test set, then properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.earth import geodesic
from skypact.errors import MisuseError


def difference(a, b):
    return np.abs((np.subtract(a, b) + 180) % 360 - 180)


def test_inverse_is_karneys(shared):
    lat1, lon1, azi1, lat2, lon2, azi2, s12, _, m12 = np.loadtxt(shared / "validation/GeodTest-100.dat")[:, :9].T
    distance, azimuth1, azimuth2 = geodesic.inverse(lat1, lon1, lat2, lon2)
    assert len(s12) == 100
    assert np.abs(distance - s12).max() < 1e-6
    # An azimuth is as exact as what it moves sideways, by the reduced length m12: it is ill-conditioned near antipodes.
    assert (np.radians(difference(azimuth1, azi1)) * np.abs(m12)).max() < 1e-6
    assert (np.radians(difference(azimuth2, azi2)) * np.abs(m12)).max() < 1e-6


def test_direct_is_karneys(shared):
    lat1, lon1, azi1, lat2, lon2, azi2, s12 = np.loadtxt(shared / "validation/GeodTest-100.dat")[:, :7].T
    lat, lon, azimuth = geodesic.direct(lat1, lon1, azi1, s12)
    assert (np.radians(np.abs(lat - lat2)) * 6371e3).max() < 1e-6
    assert (np.radians(difference(lon, lon2)) * np.cos(np.radians(lat2)) * 6371e3).max() < 1e-6
    assert (difference(azimuth, azi2) * np.cos(np.radians(lat2))).max() < 1e-11


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 360), st.floats(1, 1.9e7))
def test_direct_then_inverse(lat, lon, azimuth, distance):
    lat2, lon2, azimuth2 = geodesic.direct(lat, lon, azimuth, distance)
    assert 0 <= azimuth2 < 360
    back, azimuth1, _ = geodesic.inverse(lat, lon, lat2, lon2)
    assert back == pytest.approx(distance, abs=1e-6)
    assert 0 <= azimuth1 < 360


def test_azimuth_at_the_second_place_is_the_direction_of_travel():
    distance, azimuth1, azimuth2 = geodesic.inverse(0, 0, 0, 1)
    assert distance == pytest.approx(111319.490793)
    assert (azimuth1, azimuth2) == (90, 90)


def test_scalars_and_broadcasting():
    assert np.ndim(geodesic.inverse(43, 74, 44, 75)[0]) == 0
    assert geodesic.inverse([[43], [44]], 74, [43, 44, 45], 74)[0].shape == (2, 3)
    assert geodesic.direct(43, 74, [0, 90], 1e5)[0].shape == (2,)
    assert geodesic.inverse([], [], [], [])[0].shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((91, 0, 0, 0), "lat1 is 91.0 here, beyond 90 degrees"),
        ((0, 0, [1, -90.5, 99], 0), "lat2 is -90.5 at 2 of 3 places, first at index 1"),
        ((np.nan, 0, 0, 0), "lat1 is not a finite number"),
        ((0, [0, np.inf], 0, 0), "lon1 is not a finite number at 1 of 2 places, first at index 1"),
    ],
)
def test_positions_that_are_none(arguments, words):
    with pytest.raises(MisuseError, match=words):
        geodesic.inverse(*arguments)
    with pytest.raises(MisuseError, match="distance_m is not a finite number"):
        geodesic.direct(0, 0, 0, np.nan)
