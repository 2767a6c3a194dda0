"""Conversions between geodetic, earth-centred and local frames on WGS84, for scalars and arrays.

Degrees and metres; heights are above the ellipsoid (`skypact.earth.geoid` leads to heights above sea level). Arguments
broadcast against each other as in NumPy, the results have the broadcast shape, and a scalar call returns scalars. The
names follow pymap3d: ``a2b`` turns a into b, a ``0`` marks the reference position, `enu` is east, north, up at the
reference, `aer` azimuth, elevation, slant range from it, `uvw` a vector along the axes of the earth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skypact.earth import _formulas

__all__ = [
    "aer2ecef",
    "aer2enu",
    "aer2geodetic",
    "ecef2aer",
    "ecef2enu",
    "ecef2geodetic",
    "enu2aer",
    "enu2ecef",
    "enu2geodetic",
    "enu2uvw",
    "geodetic2aer",
    "geodetic2ecef",
    "geodetic2enu",
    "uvw2enu",
]

Triple = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _floats(*values: ArrayLike) -> list[NDArray[np.float64]]:
    return [np.asarray(v, np.float64) for v in values]


def _radians(*values: ArrayLike) -> list[NDArray[np.float64]]:
    return [np.radians(np.asarray(v, np.float64)) for v in values]


def geodetic2ecef(lat: ArrayLike, lon: ArrayLike, h: ArrayLike) -> Triple:
    """Return x, y, z of latitude, longitude and height."""
    return _formulas.geodetic_to_ecef(*_radians(lat, lon), *_floats(h))


def ecef2geodetic(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> Triple:
    """Return latitude, longitude and height of x, y, z (method: `_formulas.ecef_to_geodetic`)."""
    with np.errstate(invalid="ignore"):  # the earth's centre gives NaN
        lat, lon, h = _formulas.ecef_to_geodetic(*_floats(x, y, z))
    return np.degrees(lat), np.degrees(lon), h


def uvw2enu(u: ArrayLike, v: ArrayLike, w: ArrayLike, lat0: ArrayLike, lon0: ArrayLike) -> Triple:
    """Turn a vector, such as a velocity, from the earth's axes to east, north, up."""
    return _formulas.uvw_to_enu(*_floats(u, v, w), *_radians(lat0, lon0))


def enu2uvw(east: ArrayLike, north: ArrayLike, up: ArrayLike, lat0: ArrayLike, lon0: ArrayLike) -> Triple:
    """Turn a vector, such as a velocity, from east, north, up to the earth's axes."""
    return _formulas.enu_to_uvw(*_floats(east, north, up), *_radians(lat0, lon0))


def ecef2enu(x: ArrayLike, y: ArrayLike, z: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike) -> Triple:
    """Return east, north, up of x, y, z seen from a reference position."""
    x0, y0, z0 = geodetic2ecef(lat0, lon0, h0)
    x, y, z = _floats(x, y, z)
    return uvw2enu(x - x0, y - y0, z - z0, lat0, lon0)


def enu2ecef(
    east: ArrayLike, north: ArrayLike, up: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return x, y, z of east, north, up at a reference position."""
    x0, y0, z0 = geodetic2ecef(lat0, lon0, h0)
    u, v, w = enu2uvw(east, north, up, lat0, lon0)
    return x0 + u, y0 + v, z0 + w


def geodetic2enu(
    lat: ArrayLike, lon: ArrayLike, h: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return east, north, up of a geodetic position seen from a reference position."""
    return ecef2enu(*geodetic2ecef(lat, lon, h), lat0, lon0, h0)


def enu2geodetic(
    east: ArrayLike, north: ArrayLike, up: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return latitude, longitude and height of east, north, up at a reference position."""
    return ecef2geodetic(*enu2ecef(east, north, up, lat0, lon0, h0))


def enu2aer(east: ArrayLike, north: ArrayLike, up: ArrayLike) -> Triple:
    """Return azimuth in [0, 360), elevation and slant range of east, north, up."""
    azimuth, elevation, slant = _formulas.enu_to_aer(*_floats(east, north, up))
    return np.degrees(azimuth), np.degrees(elevation), slant


def aer2enu(azimuth: ArrayLike, elevation: ArrayLike, slant: ArrayLike) -> Triple:
    """Return east, north, up of azimuth, elevation and slant range."""
    return _formulas.aer_to_enu(*_radians(azimuth, elevation), *_floats(slant))


def ecef2aer(x: ArrayLike, y: ArrayLike, z: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike) -> Triple:
    """Return azimuth, elevation and slant range of x, y, z seen from a reference position."""
    return enu2aer(*ecef2enu(x, y, z, lat0, lon0, h0))


def aer2ecef(
    azimuth: ArrayLike, elevation: ArrayLike, slant: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return x, y, z of azimuth, elevation and slant range from a reference position."""
    return enu2ecef(*aer2enu(azimuth, elevation, slant), lat0, lon0, h0)


def geodetic2aer(
    lat: ArrayLike, lon: ArrayLike, h: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return azimuth, elevation and slant range of a geodetic position seen from a reference position."""
    return enu2aer(*geodetic2enu(lat, lon, h, lat0, lon0, h0))


def aer2geodetic(
    azimuth: ArrayLike, elevation: ArrayLike, slant: ArrayLike, lat0: ArrayLike, lon0: ArrayLike, h0: ArrayLike
) -> Triple:
    """Return latitude, longitude and height of azimuth, elevation and slant range from a reference position."""
    return enu2geodetic(*aer2enu(azimuth, elevation, slant), lat0, lon0, h0)
