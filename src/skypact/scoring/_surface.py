"""Places and ground velocities as vectors of the earth: no latitude is special, and distances are plain.

A place is the point of the ellipsoid below (or above) the object, so that a distance is one over ground whatever the
heights. The chord stands for the geodesic: at the cut-off of 2 km it is 8 micrometres shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.earth import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of WGS84; only curvatures rest on it."""


def places(lat: Floats, lon: Floats) -> Floats:
    """Return the points of the ellipsoid at positions in degrees, shape (n, 3)."""
    return np.stack(frames.geodetic2ecef(lat, lon, 0.0), axis=-1)


@dataclass(frozen=True, slots=True)
class States:
    """Objects or tracks, each at a time of its own; all arrays of length n.

    Attributes
    ----------
    place : float64 array, shape (n, 3)
        Point of the ellipsoid, earth-centred, metres.
    ground : float64 array, shape (n, 3)
        Horizontal velocity scaled to the ellipsoid, along the axes of the earth; NaN where unknown.
    altitude_m, climb_m_s : float64 arrays, shape (n,)
        NaN where unknown.
    """

    place: Floats
    ground: Floats
    altitude_m: Floats
    climb_m_s: Floats

    @classmethod
    def of(cls, lat: Floats, lon: Floats, altitude: Floats, east: Floats, north: Floats, up: Floats) -> States:
        """Return states from degrees, metres and metres per second, NaN where unknown; an unknown altitude is 0."""
        place = places(lat, lon)
        scale = EARTH_RADIUS_M / (EARTH_RADIUS_M + np.nan_to_num(altitude))
        ground = np.stack(frames.enu2uvw(east * scale, north * scale, 0.0, lat, lon), axis=-1)
        return cls(place, ground, altitude, up)

    def carried(self, dt: Floats) -> States:
        """Return the states after `dt` seconds (shape (n,)) at constant velocity along the earth; unknown is none."""
        dt = dt[:, None]
        ground = np.nan_to_num(self.ground)
        away = ground * dt
        # A straight step leaves the surface by its square over twice the radius.
        sag = np.square(away).sum(axis=1, keepdims=True) / (2.0 * EARTH_RADIUS_M)
        outward = self.place / np.linalg.norm(self.place, axis=1, keepdims=True)
        altitude = self.altitude_m + np.nan_to_num(self.climb_m_s) * dt[:, 0]
        return States(self.place + away - outward * sag, self.ground, altitude, self.climb_m_s)

    def take(self, rows: NDArray[np.int64]) -> States:
        """Return some of the states."""
        return States(self.place[rows], self.ground[rows], self.altitude_m[rows], self.climb_m_s[rows])

    def speed_difference(self, other: States) -> Floats:
        """Return the size of the difference of horizontal velocities, at the altitudes of `self`."""
        scale = 1.0 + np.nan_to_num(self.altitude_m) / EARTH_RADIUS_M
        return np.linalg.norm(self.ground - other.ground, axis=1) * scale


def between(a: States, b: States, dt: Floats, share: Floats) -> States:
    """Return states between two, `share` of the `dt` seconds after the first; all of length n.

    Cubic where both velocities are known (Hermite), else linear; velocities are linear.
    """
    t, h = share[:, None], dt[:, None]
    straight = a.place + t * (b.place - a.place)
    bent = (
        (1.0 + 2.0 * t) * (1.0 - t) ** 2 * a.place
        + t * (1.0 - t) ** 2 * h * a.ground
        + t * t * (3.0 - 2.0 * t) * b.place
        - t * t * (1.0 - t) * h * b.ground
    )

    def mixed(first: Floats, second: Floats, part: Floats) -> Floats:
        # A share of nothing needs no second value.
        return np.where(part == 0.0, first, np.where(part == 1.0, second, first + part * (second - first)))

    return States(
        np.where(np.isfinite(bent), bent, straight),
        mixed(a.ground, b.ground, t),
        mixed(a.altitude_m, b.altitude_m, share),
        mixed(a.climb_m_s, b.climb_m_s, share),
    )
