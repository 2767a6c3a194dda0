"""Frames against pyproj, then round trips, then the numba twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from skypact.earth import frames, kernels

LAT = st.floats(-90, 90)
LON = st.floats(-180, 180)
HEIGHT = st.floats(-10_000, 50_000_000)


def points(n: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    lat = np.concatenate([rng.uniform(-90, 90, n), [90, -90, 0, 0, 90 - 1e-9, 1e-9]])
    lon = np.concatenate([rng.uniform(-180, 180, n), [0, 0, 180, -90, 12, 179.9999999]])
    h = np.concatenate([rng.uniform(-10_000, 100_000, n // 2), rng.uniform(1e5, 5e7, n - n // 2), [0, 5e7, 0, 1, 2, 3]])
    return lat, lon, h


def test_geodetic2ecef_is_pyproj():
    lat, lon, h = points()
    x, y, z = Transformer.from_crs("EPSG:4979", "EPSG:4978").transform(lat, lon, h)
    for ours, theirs in zip(frames.geodetic2ecef(lat, lon, h), (x, y, z), strict=True):
        assert np.abs(ours - theirs).max() < 3e-8  # a few units in the last place of 5e7 m


def test_ecef2geodetic_gives_back_the_position_of_pyproj():
    lat, lon, h = points()
    ecef = Transformer.from_crs("EPSG:4979", "EPSG:4978").transform(lat, lon, h)
    lat2, lon2, h2 = frames.ecef2geodetic(*ecef)
    assert np.radians(np.abs(lat2 - lat)).max() < 3e-14
    away = np.abs(lat) < 89.9
    assert np.radians(np.abs(lon2 - lon)[away]).max() < 1e-12
    assert np.abs(h2 - h).max() < 3e-8
    near = h < 100_000
    assert np.abs(h2 - h)[near].max() < 5e-9


def test_enu_is_the_topocentric_conversion_of_proj():
    lat, lon, h = points(2000)
    for lat0, lon0, h0 in [(43.06, 74.48, 627.0), (-90, 0, 2800), (0, 180, 0), (71, -156, 10)]:
        topocentric = Transformer.from_pipeline(
            "+proj=pipeline +step +proj=cart +ellps=WGS84 "
            f"+step +proj=topocentric +ellps=WGS84 +lat_0={lat0} +lon_0={lon0} +h_0={h0}"
        )
        theirs = topocentric.transform(lon, lat, h)
        for ours, other in zip(frames.geodetic2enu(lat, lon, h, lat0, lon0, h0), theirs, strict=True):
            assert np.abs(ours - other).max() < 1e-7


@given(LAT, LON, HEIGHT)
def test_geodetic_round_trip(lat, lon, h):
    x, y, z = frames.geodetic2ecef(lat, lon, h)
    back = frames.geodetic2ecef(*frames.ecef2geodetic(x, y, z))
    assert np.abs(np.subtract(back, (x, y, z))).max() < 5e-8


@given(LAT, LON, st.floats(-500, 9000), st.floats(0, 360, exclude_max=True), st.floats(-89, 89), st.floats(1, 1e6))
def test_aer_round_trip(lat0, lon0, h0, azimuth, elevation, slant):
    position = frames.aer2geodetic(azimuth, elevation, slant, lat0, lon0, h0)
    enu = frames.aer2enu(azimuth, elevation, slant)
    assert np.abs(np.subtract(frames.geodetic2enu(*position, lat0, lon0, h0), enu)).max() < 2e-8
    assert np.abs(np.subtract(frames.aer2enu(*frames.geodetic2aer(*position, lat0, lon0, h0)), enu)).max() < 4e-8
    assert (
        np.abs(
            np.subtract(
                frames.aer2enu(
                    *frames.ecef2aer(*frames.aer2ecef(azimuth, elevation, slant, lat0, lon0, h0), lat0, lon0, h0)
                ),
                enu,
            )
        ).max()
        < 4e-8
    )


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), LAT, LON)
def test_turning_a_vector_keeps_its_length_and_turns_back(east, north, up, lat0, lon0):
    uvw = frames.enu2uvw(east, north, up, lat0, lon0)
    assert np.linalg.norm(uvw) == pytest.approx(np.linalg.norm((east, north, up)), abs=1e-8)
    assert np.abs(np.subtract(frames.uvw2enu(*uvw, lat0, lon0), (east, north, up))).max() < 1e-8


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_azimuth_stays_below_a_full_turn(east, north, up):
    azimuth, elevation, slant = frames.enu2aer(east, north, up)
    assert 0 <= azimuth < 360
    assert -90 <= elevation <= 90
    assert slant >= 0


def test_azimuth_just_west_of_north_does_not_become_360():
    assert frames.enu2aer(-1e-30, 1.0, 0.0)[0] == 0.0
    assert frames.enu2aer([0.0, 1.0, 0.0, -1.0], [1.0, 0.0, -1.0, 0.0], 0.0)[0].tolist() == [0, 90, 180, 270]


def test_scalars_broadcasting_and_unknown():
    assert np.ndim(frames.geodetic2ecef(1, 2, 3)[0]) == 0
    assert frames.geodetic2enu([[1.0], [2.0]], [3.0, 4.0, 5.0], 0, 1, 1, 0)[2].shape == (2, 3)
    assert np.isnan(frames.ecef2geodetic(np.nan, 0, 6.4e6)[0])
    assert np.isnan(frames.ecef2geodetic(0, 0, 0)[2])


def test_poles():
    lat, _, h = frames.ecef2geodetic([0, 0], [0, 0], [6356752.314245179 + 10, -6356752.314245179])
    assert lat.tolist() == [90, -90]
    assert h == pytest.approx([10, 0], abs=2e-9)


def test_kernels_agree_with_the_frames():
    lat, lon, h = points(500)
    x, y, z = frames.geodetic2ecef(lat, lon, h)
    e, n, u = frames.ecef2enu(x, y, z, 43, 74, 700)
    site = (np.radians(43.0), np.radians(74.0), 700.0)
    for i in range(0, len(lat), 7):
        ecef = kernels.geodetic_to_ecef(np.radians(lat[i]), np.radians(lon[i]), h[i])
        assert ecef == pytest.approx((x[i], y[i], z[i]), abs=3e-8)
        geodetic = kernels.ecef_to_geodetic(x[i], y[i], z[i])
        assert np.degrees(geodetic[0]) == pytest.approx(lat[i], abs=1e-12)
        assert geodetic[2] == pytest.approx(h[i], abs=3e-8)
        enu = kernels.enu_from_ecef(x[i], y[i], z[i], *site)
        assert enu == pytest.approx((e[i], n[i], u[i]), abs=3e-8)
        assert kernels.ecef_from_enu(*enu, *site) == pytest.approx((x[i], y[i], z[i]), abs=3e-8)
        aer = kernels.enu_to_aer(*enu)
        assert np.degrees(aer[0]) == pytest.approx(frames.enu2aer(e[i], n[i], u[i])[0], abs=1e-12)
        assert kernels.aer_to_enu(*aer) == pytest.approx(enu, abs=1e-7)
        assert kernels.enu_to_uvw(*kernels.uvw_to_enu(1.0, 2.0, 3.0, *site[:2]), *site[:2]) == pytest.approx((1, 2, 3))
    assert np.isnan(kernels.ecef_to_geodetic(0.0, 0.0, 0.0)[0])
