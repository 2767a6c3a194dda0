"""The kernels of geometry against PROJ, numeric derivatives and sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tracking_world import axes, ecef, polar, radar

from skypact.earth import kernels as earth
from skypact.tracking import _geometry as geometry

LATITUDES = st.floats(-89.9, 89.9)
LONGITUDES = st.floats(-180, 180)


def frame_of(lat: float, lon: float, h: float) -> np.ndarray:
    la, lo = math.radians(lat), math.radians(lon)
    return np.array([math.sin(la), math.cos(la), math.sin(lo), math.cos(lo), h])


def point(lat: float, lon: float, h: float) -> np.ndarray:
    return ecef(np.array([lat]), np.array([lon]), np.array([h]))[0]


@settings(deadline=None)
@given(LATITUDES, LONGITUDES, st.floats(-1e3, 2e5))
def test_axes_equal_the_earth_room(lat: float, lon: float, h: float) -> None:
    x, y, z = point(lat, lon, h)
    sine, cosine, sin_lon, cos_lon, height = geometry.axes_at(x, y, z)
    la, lo, up = earth.ecef_to_geodetic(x, y, z)
    assert sine == pytest.approx(math.sin(la), abs=1e-14)
    assert cosine == pytest.approx(math.cos(la), abs=1e-14)
    assert sin_lon == pytest.approx(math.sin(lo), abs=1e-13)
    assert cos_lon == pytest.approx(math.cos(lo), abs=1e-13)
    assert height == pytest.approx(up, abs=1e-8)


@pytest.mark.parametrize("z", [6_356_752.0, -6_400_000.0])
def test_axes_on_the_earths_axis(z: float) -> None:
    sine, cosine, sin_lon, cos_lon, height = geometry.axes_at(0.0, 0.0, z)
    assert (sine, cosine, sin_lon, cos_lon) == (math.copysign(1, z), 0.0, 0.0, 1.0)
    assert height == pytest.approx(abs(z) - 6_356_752.314245, abs=1e-6)


@settings(deadline=None)
@given(LATITUDES, LONGITUDES)
def test_local_and_earth_axes_are_inverse_and_right(lat: float, lon: float) -> None:
    frame = frame_of(lat, lon, 0.0)
    matrix = axes(lat, lon)
    vector = np.array([3.0, -5.0, 7.0])
    assert np.allclose(geometry.to_local(*vector, frame), matrix @ vector)
    assert np.allclose(geometry.to_earth(*vector, frame), matrix.T @ vector)


@settings(deadline=None, max_examples=200)
@given(
    LATITUDES, LONGITUDES, st.floats(0, 4e3), st.floats(0, 2 * math.pi), st.floats(2e3, 470e3), st.floats(200.0, 2e4)
)
def test_place_polar_is_where_proj_sees_it(
    lat: float, lon: float, base: float, azimuth: float, ground: float, above: float
) -> None:
    sensor = radar(lat=lat, lon=lon, altitude_m=base)
    site = point(lat, lon, base)
    local = axes(lat, lon)
    # A target somewhere: its height follows from where it is.
    target = site + ground * (math.sin(azimuth) * local[0] + math.cos(azimuth) * local[1]) + above * local[2]
    slat, slon, height = (float(v) for v in earth.ecef_to_geodetic(*target))
    slant, az, _ = polar(sensor, *(np.array([v]) for v in (math.degrees(slat), math.degrees(slon), height)))
    placed = geometry.place_polar(slant[0], math.radians(az[0]), height, site, frame_of(lat, lon, base))
    assert np.linalg.norm(np.array(placed) - target) < 0.05 + 1e-5 * slant[0] ** 2 / max(ground, 2e3)


def test_place_polar_out_of_reach_is_straight_above() -> None:
    site, frame = point(43.0, 74.0, 500.0), frame_of(43.0, 74.0, 500.0)
    x, y, z = geometry.place_polar(3_000.0, 1.0, 9_000.0, site, frame)
    assert np.allclose((x, y, z), site + 3_000.0 * axes(43.0, 74.0)[2], atol=1e-6)


def expected(sensor: object, target: np.ndarray) -> np.ndarray:
    lat, lon, h = (float(v) for v in earth.ecef_to_geodetic(*target))
    slant, azimuth, up = polar(sensor, *(np.array([v]) for v in (math.degrees(lat), math.degrees(lon), h)))  # type: ignore[arg-type]
    return np.array([slant[0], math.radians(azimuth[0]), math.radians(up[0])])


@pytest.mark.parametrize(("lat", "lon"), [(43.0, 74.5), (0.0, 180.0), (-33.0, -70.0), (89.5, 10.0)])
@pytest.mark.parametrize("offset", [(120e3, 80e3, 9e3), (-300e3, 250e3, -1e3), (4e3, -3e3, 11e3)])
def test_polar_rows_are_the_derivatives(lat: float, lon: float, offset: tuple[float, float, float]) -> None:
    sensor = radar(lat=lat, lon=lon)
    site, local = point(lat, lon, 600.0), axes(lat, lon)
    target = site + np.array(offset) @ local
    frame = np.zeros(5)
    geometry.set_frame(*target, frame)
    own = np.array([geometry.to_earth(*unit, frame) for unit in np.eye(3)])
    measured = expected(sensor, target)
    rows = np.zeros((3, 5))
    variance = np.array([50.0**2, 1e-6, 1e-6])
    ground = math.hypot(*offset[:2])
    bent = ground * 0.25 / (2 * 6_371_000.0)
    count = geometry.polar_rows(
        *target, frame, np.zeros(6), 0.0, site, frame_of(lat, lon, 600.0),
        measured[0], measured[1], measured[2] + bent, variance, rows,
    )  # fmt: skip
    assert count == 3
    assert np.allclose(rows[:, 3], 0, atol=1e-9 * measured[0])
    assert np.allclose(rows[:, 4], variance)
    step = 1.0
    for axis in range(3):
        change = (expected(sensor, target + step * own[axis]) - expected(sensor, target - step * own[axis])) / 2
        assert np.allclose(rows[:, axis] * (1, 1e5, 1e5), change * (1, 1e5, 1e5), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("offset", [(30e3, 10e3, 9e3), (3e3, 2e3, 7e3)])
def test_second_order_terms_against_sampling(offset: tuple[float, float, float]) -> None:
    lat, lon = 43.0, 74.5
    sensor, site, local = radar(lat=lat, lon=lon), point(lat, lon, 600.0), axes(lat, lon)
    target = site + np.array(offset) @ local
    frame = np.zeros(5)
    geometry.set_frame(*target, frame)
    rng = np.random.default_rng(1)
    spread = 0.12 * math.hypot(*offset[:2])
    root = spread * np.array([[1.0, 0, 0], [0.3, 0.8, 0], [-0.2, 0.4, 0.9]])
    covariance = root @ root.T
    block = covariance[np.triu_indices(3)]
    draws = rng.normal(size=(4000, 3)) @ root.T
    own = np.array([geometry.to_earth(*unit, frame) for unit in np.eye(3)])
    seen = np.array([expected(sensor, target + draw @ own) for draw in draws])
    rows = np.zeros((3, 5))
    at = expected(sensor, target)
    geometry.polar_rows(
        *target, frame, block, 0.0, site, frame_of(lat, lon, 600.0), at[0], at[1], math.nan, np.zeros(3), rows
    )
    for row, column in ((0, seen[:, 0]), (1, np.unwrap(seen[:, 1] - at[1]) + at[1])):
        linear = draws @ rows[row, :3]
        rest = column - at[row] - linear
        scale = np.std(rest)
        assert rows[row, 3] == pytest.approx(-rest.mean(), abs=0.12 * scale)
        assert rows[row, 4] == pytest.approx(rest.var(), rel=0.35)


def test_the_cone_above_a_radar_has_no_azimuth() -> None:
    site, frame = point(43.0, 74.5, 600.0), frame_of(43.0, 74.5, 600.0)
    target = site + np.array([100.0, 50.0, 9_000.0]) @ axes(43.0, 74.5)
    rows = np.zeros((3, 5))
    count = geometry.polar_rows(
        *target, frame, np.ones(6), 0.0, site, frame, 9_000.0, 0.3, math.nan, np.array([2500.0, 1e-6, 1e-6]), rows
    )
    assert count == 1


@pytest.mark.parametrize(
    ("ground", "height", "sigma_h"), [(250e3, 9e3, 200.0), (20e3, 10e3, 300.0), (470e3, 12e3, 50.0)]
)
@pytest.mark.parametrize("bearing", [0.0, 40.0, 250.0])
def test_polar_covariance_against_sampling(ground: float, height: float, sigma_h: float, bearing: float) -> None:
    lat, lon = 60.0, 30.0
    site, frame = point(lat, lon, 100.0), frame_of(lat, lon, 100.0)
    slant, azimuth = math.hypot(ground, height), math.radians(bearing)
    variance = np.array([60.0**2, math.radians(0.08) ** 2])
    middle = np.array(geometry.place_polar(slant, azimuth, height, site, frame))
    own = np.zeros(5)
    geometry.set_frame(*middle, own)
    block = np.zeros(6)
    geometry.polar_covariance(*middle, own, site, frame, variance, sigma_h**2, block)
    rng = np.random.default_rng(2)
    draws = np.array(
        [
            geometry.to_local(*(np.array(geometry.place_polar(r, a, h, site, frame)) - middle), own)
            for r, a, h in zip(
                rng.normal(slant, 60.0, 4000),
                rng.normal(azimuth, math.radians(0.08), 4000),
                rng.normal(height, sigma_h, 4000),
                strict=True,
            )
        ]
    )
    sampled = np.cov(draws.T)
    matrix = np.array([[block[0], block[1], block[2]], [block[1], block[3], block[4]], [block[2], block[4], block[5]]])
    size = np.sqrt(np.outer(np.diag(sampled), np.diag(sampled)))
    assert np.allclose(matrix / size, sampled / size, atol=0.08)
