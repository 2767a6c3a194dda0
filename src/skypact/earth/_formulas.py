"""The frame formulas, each written once: `frames` calls them on NumPy arrays, `kernels` compiles them for scalars.

Angles are radians, lengths metres, the ellipsoid is WGS84. Nothing here branches on a value, so that the same text is
right for a scalar and for an array; not a number in gives not a number out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Real = Any
"""A float or a float64 array of any shape, and the result is the same: no type says that."""

SEMI_MAJOR_M = 6378137.0
"""Equatorial radius a of WGS84 (NGA.STND.0036, table 3.1)."""
FLATTENING = 1.0 / 298.257223563
"""Flattening f of WGS84 (NGA.STND.0036, table 3.1)."""
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - FLATTENING)
ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)
SECOND_ECCENTRICITY_2 = ECCENTRICITY_2 / (1.0 - ECCENTRICITY_2)


def geodetic_to_ecef(lat: Real, lon: Real, h: Real) -> tuple[Real, Real, Real]:
    """Return earth-centred earth-fixed x, y, z of a geodetic position with height `h` above the ellipsoid."""
    sin_lat = np.sin(lat)
    cos_lat = np.cos(lat)
    normal = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_2 * sin_lat * sin_lat)
    across = (normal + h) * cos_lat
    return across * np.cos(lon), across * np.sin(lon), (normal * (1.0 - ECCENTRICITY_2) + h) * sin_lat


def ecef_to_geodetic(x: Real, y: Real, z: Real) -> tuple[Real, Real, Real]:
    """Return geodetic latitude, longitude and height above the ellipsoid.

    Bowring's iteration on the parametric latitude (Bowring 1976, Survey Review 23, 323-327) from his start for high
    points (Bowring 1985, Survey Review 28, 202-206), three times; the height by the latter's formula, which holds at
    the poles. From 10 km below the ellipsoid to 50,000 km above it the result is exact to the rounding of the
    coordinates. Within 50 km of the earth's centre, where latitude is not unique, the result has no meaning.
    """
    p = np.hypot(x, y)
    r = np.hypot(p, z)
    north = z * SEMI_MINOR_M * (r + SECOND_ECCENTRICITY_2 * SEMI_MINOR_M)
    across = p * SEMI_MAJOR_M * r
    for _ in range(3):
        size = np.hypot(north, across)
        sin_beta = north / size
        cos_beta = across / size
        sin_lat = z + SECOND_ECCENTRICITY_2 * SEMI_MINOR_M * sin_beta * sin_beta * sin_beta
        cos_lat = p - ECCENTRICITY_2 * SEMI_MAJOR_M * cos_beta * cos_beta * cos_beta
        north = (1.0 - FLATTENING) * sin_lat
        across = cos_lat
    size = np.hypot(sin_lat, cos_lat)
    lat = np.arctan2(sin_lat, cos_lat)
    sin_lat = sin_lat / size
    cos_lat = cos_lat / size
    h = p * cos_lat + z * sin_lat - SEMI_MAJOR_M * np.sqrt(1.0 - ECCENTRICITY_2 * sin_lat * sin_lat)
    return lat, np.arctan2(y, x), h


def uvw_to_enu(u: Real, v: Real, w: Real, lat0: Real, lon0: Real) -> tuple[Real, Real, Real]:
    """Turn a vector from the axes of the earth to east, north, up at a reference position."""
    sin_lat = np.sin(lat0)
    cos_lat = np.cos(lat0)
    sin_lon = np.sin(lon0)
    cos_lon = np.cos(lon0)
    outward = cos_lon * u + sin_lon * v
    return cos_lon * v - sin_lon * u, cos_lat * w - sin_lat * outward, cos_lat * outward + sin_lat * w


def enu_to_uvw(east: Real, north: Real, up: Real, lat0: Real, lon0: Real) -> tuple[Real, Real, Real]:
    """Turn a vector from east, north, up at a reference position to the axes of the earth."""
    sin_lat = np.sin(lat0)
    cos_lat = np.cos(lat0)
    sin_lon = np.sin(lon0)
    cos_lon = np.cos(lon0)
    outward = cos_lat * up - sin_lat * north
    return cos_lon * outward - sin_lon * east, sin_lon * outward + cos_lon * east, sin_lat * up + cos_lat * north


def enu_to_aer(east: Real, north: Real, up: Real) -> tuple[Real, Real, Real]:
    """Return azimuth clockwise from north in [0, 2 pi), elevation and slant range."""
    ground = np.hypot(east, north)
    azimuth = np.arctan2(east, north) % (2.0 * np.pi)
    # A tiny negative angle rounds up to a full turn.
    azimuth = azimuth - 2.0 * np.pi * (azimuth >= 2.0 * np.pi)
    return azimuth, np.arctan2(up, ground), np.hypot(ground, up)


def aer_to_enu(azimuth: Real, elevation: Real, slant: Real) -> tuple[Real, Real, Real]:
    """Return east, north, up of an azimuth clockwise from north, an elevation and a slant range."""
    ground = slant * np.cos(elevation)
    return ground * np.sin(azimuth), ground * np.cos(azimuth), slant * np.sin(elevation)
