"""The line of a route on the ellipsoid: geodesics between points, joined by circular arcs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skypact.configfile import FieldError
from skypact.earth import geodesic
from skypact.exercise.aircraft import GRAVITY_M_S2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise._profile import Speeds
    from skypact.exercise.aircraft import Performance

SHARPEST_DEG = 150.0
"""Most change of course at one point: sharper turns leave the point far aside."""


def tangent(radius_m: NDArray[np.float64], turn_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far before a point its turn begins, and behind it ends."""
    return radius_m * np.tan(np.radians(np.abs(turn_deg)) / 2)


class Route:
    """A line flown once, by the distance along it.

    Parameters
    ----------
    latitude_deg, longitude_deg : float arrays, shape (n,)
        The points.
    radius_m : float array, shape (n,)
        Of the turn at each point; those of the first and the last do not count.
    orbits : sequence of int
        Full circles flown at each point.
    run_m, brake_m : float
        How much of the first leg must be straight, and how far the last is carried on.

    Attributes
    ----------
    passed_m : float array, shape (n,)
        Where along the line each point is passed: in the middle of its turn, before its circles.
    left_m : float array, shape (n,)
        Where along the line the turn and the circles at each point end.
    turn_deg : float array, shape (n,)
        Change of course at each point, positive to the right.
    length_m : float

    Raises
    ------
    FieldError
        Turns that do not fit their legs.
    """

    def __init__(
        self,
        latitude_deg: NDArray[np.float64],
        longitude_deg: NDArray[np.float64],
        radius_m: NDArray[np.float64],
        orbits: Sequence[int],
        run_m: float,
        brake_m: float,
    ) -> None:
        distance, begin, end = geodesic.inverse(
            latitude_deg[:-1], longitude_deg[:-1], latitude_deg[1:], longitude_deg[1:]
        )
        count = len(latitude_deg)
        if (distance <= 0).any():
            raise FieldError("the same place as the point before", "route", int(np.argmin(distance)) + 1)
        self.turn_deg = np.zeros(count)
        self.turn_deg[1:-1] = (begin[1:] - end[:-1] + 180) % 360 - 180
        aside = np.zeros(count)
        aside[1:-1] = tangent(radius_m, self.turn_deg)[1:-1]
        _check(distance, self.turn_deg, aside, run_m)
        pieces: list[tuple[float, ...]] = []
        passed, left = np.zeros(count), np.zeros(count)
        along = 0.0
        for i in range(count):
            if 0 < i < count - 1:
                circles = orbits[i]
                if aside[i] > 0 or circles:
                    arc = _arc(latitude_deg[i], longitude_deg[i], end[i - 1], begin[i], radius_m[i], aside[i], circles)
                    pieces.append((along, *arc[:-1]))
                    half = radius_m[i] * np.radians(abs(self.turn_deg[i])) / 2
                    passed[i] = along + half
                    along += arc[-1]
                else:
                    passed[i] = along
                left[i] = along
            if i < count - 1:
                pieces.append((along, latitude_deg[i], longitude_deg[i], begin[i], 0.0, aside[i], 1.0, 0.0))
                along += float(distance[i]) - aside[i] - aside[i + 1]
        passed[-1] = left[-1] = along
        self.passed_m, self.left_m = passed, left
        self.length_m = along + brake_m
        table = np.array(pieces).T
        self._from, self._latitude, self._longitude = table[:3]
        self._azimuth, self._azimuth_rate, self._away, self._away_rate, self._course = table[3:]

    def at(
        self, distance_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return latitude and longitude in degrees and the course in radians at distances along the line."""
        i = np.clip(np.searchsorted(self._from, distance_m, side="right") - 1, 0, None)
        along = distance_m - self._from[i]
        latitude, longitude, outward = geodesic.direct(
            self._latitude[i],
            self._longitude[i],
            self._azimuth[i] + self._azimuth_rate[i] * along,
            self._away[i] + self._away_rate[i] * along,
        )
        return latitude, longitude, np.radians(outward + self._course[i])


def radii(straight: Route, speed: Speeds, kind: Performance) -> NDArray[np.float64]:
    """Return the radius of each turn: v^2 / (g tan bank), or more where the rate of turn is limited.

    The speed is the highest from where the turn begins to where it ends.

    Parameters
    ----------
    straight : Route
        The line without turns.
    speed : Speeds
        Along it.
    kind : Performance
    """
    at = straight.passed_m
    _, fastest = speed.at(speed.time_at(at))
    for _ in range(3):  # the turn begins the earlier the wider it is
        radius = np.maximum(
            fastest**2 / (GRAVITY_M_S2 * np.tan(np.radians(kind.bank_deg))), fastest / np.radians(kind.turn_deg_s)
        )
        aside = tangent(radius, straight.turn_deg)
        ends = np.clip([at - aside, at, at + aside], 0.0, at[-1])
        fastest = speed.at(speed.time_at(ends))[1].max(axis=0)
    return radius


def _check(distance: NDArray[np.float64], turn: NDArray[np.float64], aside: NDArray[np.float64], run_m: float) -> None:
    """Refuse turns that do not fit."""
    for i in np.flatnonzero(np.abs(turn) > SHARPEST_DEG):
        raise FieldError(
            f"a turn by {abs(turn[i]):.0f} degrees, where {SHARPEST_DEG:.0f} are the most",
            *("route", int(i)),
            hint="put a point between",
        )
    needed = aside[:-1] + aside[1:]
    needed[0] += run_m
    for i in np.flatnonzero(needed > distance):
        raise FieldError(
            f"the turns at both ends of this leg need {needed[i] / 1000:.1f} km, and it is {distance[i] / 1000:.1f} km",
            *("route", int(i) + 1),
            hint="move the points apart or fly slower there",
        )


def _arc(
    latitude: float, longitude: float, arriving: float, leaving: float, radius: float, aside: float, circles: int
) -> tuple[float, ...]:
    """Return centre, azimuth, its rate, distance, its rate, offset of the course, and length of a turn.

    Radius and angle are taken from the centre to where the turn truly begins and ends, so that the line has no step:
    on the ellipsoid both differ by millionths from the plane's.
    """
    turn = (leaving - arriving + 180) % 360 - 180
    side = 1.0 if turn >= 0 else -1.0
    centre_lat, centre_lon, _ = geodesic.direct(
        latitude,
        longitude,
        arriving + side * 90 + turn / 2,
        radius / np.cos(np.radians(turn / 2)),
    )
    lat, lon, _ = geodesic.direct(latitude, longitude, [arriving + 180, leaving], aside)
    away, azimuth, _ = geodesic.inverse(centre_lat, centre_lon, lat, lon)
    sweep = (azimuth[1] - azimuth[0] - turn + 180) % 360 - 180 + turn + side * 360 * circles
    length = radius * np.radians(abs(sweep))
    return (
        *(float(centre_lat), float(centre_lon), float(azimuth[0]), float(sweep / length)),
        *(float(away[0]), float((away[1] - away[0]) / length), side * 90, float(length)),
    )
