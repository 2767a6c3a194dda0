"""Shortest paths on WGS84: distance and azimuths between positions, and the position a distance away.

Karney's algorithms (2013, Journal of Geodesy 87, 43-55, doi 10.1007/s00190-012-0578-z) as PROJ carries them: exact to
15 nanometres for every pair of positions, nearly antipodal ones too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skypact.errors import MisuseError

if TYPE_CHECKING:
    from pyproj import Geod

__all__ = ["direct", "inverse"]

Triple = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@cache
def _geod() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")


def inverse(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> Triple:
    """Return distance and azimuths of the shortest path from the first position to the second.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : float or array
        Degrees; they broadcast against each other.

    Returns
    -------
    distance_m : float64, broadcast shape
    azimuth1_deg, azimuth2_deg : float64, broadcast shape
        The direction of travel at the first and at the second position, clockwise from north in [0, 360).

    Raises
    ------
    MisuseError
        A latitude beyond 90 degrees, or anything that is not a finite number.
    """
    lat1, lon1, lat2, lon2 = np.broadcast_arrays(
        _latitude(lat1, "lat1"), _finite(lon1, "lon1"), _latitude(lat2, "lat2"), _finite(lon2, "lon2")
    )
    azimuth1, back_azimuth, distance = _geod().inv(lon1.ravel(), lat1.ravel(), lon2.ravel(), lat2.ravel())
    return _shaped(lat1.shape, distance, _turn(azimuth1), _turn(back_azimuth + 180.0))


def direct(lat: ArrayLike, lon: ArrayLike, azimuth: ArrayLike, distance_m: ArrayLike) -> Triple:
    """Return the position reached by travelling along the shortest path.

    Parameters
    ----------
    lat, lon : float or array
        Where the path starts, degrees.
    azimuth : float or array
        Direction of travel at the start, degrees clockwise from north.
    distance_m : float or array
        Metres; negative goes backwards. All four broadcast against each other.

    Returns
    -------
    lat2_deg, lon2_deg : float64, broadcast shape
        Longitude in [-180, 180].
    azimuth2_deg : float64, broadcast shape
        Direction of travel on arrival, in [0, 360).

    Raises
    ------
    MisuseError
        A latitude beyond 90 degrees, or anything that is not a finite number.
    """
    lat, lon, azimuth, distance_m = np.broadcast_arrays(
        _latitude(lat, "lat"), _finite(lon, "lon"), _finite(azimuth, "azimuth"), _finite(distance_m, "distance_m")
    )
    lon2, lat2, back_azimuth = _geod().fwd(lon.ravel(), lat.ravel(), azimuth.ravel(), distance_m.ravel())
    return _shaped(lat.shape, lat2, lon2, _turn(back_azimuth + 180.0))


def _finite(value: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(value, np.float64)
    if not np.isfinite(array).all():
        raise MisuseError(f"{name} is not a finite number {_where(~np.isfinite(array))}; leave out unknown positions")
    return array


def _latitude(value: ArrayLike, name: str) -> NDArray[np.float64]:
    array = _finite(value, name)
    beyond = np.abs(array) > 90.0
    if beyond.any():
        first = array[beyond].flat[0]
        raise MisuseError(f"{name} is {first} {_where(beyond)}, beyond 90 degrees; latitude goes before longitude")
    return array


def _where(wrong: NDArray[np.bool_]) -> str:
    if wrong.ndim == 0:
        return "here"
    return f"at {np.count_nonzero(wrong)} of {wrong.size} places, first at index {int(np.argmax(wrong))}"


def _turn(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    turned = np.mod(angle, 360.0)
    return np.where(turned >= 360.0, 0.0, turned)  # a tiny negative angle rounds up to a full turn


def _shaped(shape: tuple[int, ...], *columns: NDArray[np.float64]) -> Triple:
    a, b, c = (column.reshape(shape)[()] for column in columns)
    return a, b, c
