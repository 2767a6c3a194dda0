"""Where the objects of a scenario truly are: along geodesics between waypoints, at constant speed on each leg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.earth import geodesic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.scenario import Flight


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Positions and velocities of one object, arrays of one shape; NaN while it does not exist.

    Attributes
    ----------
    latitude_deg, longitude_deg, altitude_m : float arrays
    east_m_s, north_m_s, up_m_s : float arrays
    """

    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    east_m_s: NDArray[np.float64]
    north_m_s: NDArray[np.float64]
    up_m_s: NDArray[np.float64]


class Path:
    """The way of one flight.

    Parameters
    ----------
    flight : Flight
    """

    def __init__(self, flight: Flight) -> None:
        latitude = np.array([w.latitude_deg for w in flight.route])
        longitude = np.array([w.longitude_deg for w in flight.route])
        self._latitude, self._longitude = latitude, longitude
        self._altitude = np.array([w.altitude_m for w in flight.route])
        self._speed = np.array([w.speed_m_s for w in flight.route])[:-1]
        distance, azimuth, _ = geodesic.inverse(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
        self._azimuth = np.asarray(azimuth)
        time = np.asarray(distance) / self._speed
        self._begin = flight.start_s + np.concatenate(([0.0], np.cumsum(time)))
        self._climb = np.diff(self._altitude) / np.where(time > 0, time, np.inf)

    @property
    def end_s(self) -> float:
        """When the object is at its last waypoint and ceases to exist, in seconds after the scenario's start."""
        return float(self._begin[-1])

    def at(self, time_s: NDArray[np.float64]) -> State:
        """Return where the object is at times in seconds after the scenario's start."""
        alive = (time_s >= self._begin[0]) & (time_s <= self._begin[-1])
        leg = np.clip(np.searchsorted(self._begin, time_s, side="right") - 1, 0, len(self._speed) - 1)
        flown = np.where(alive, time_s - self._begin[leg], 0.0)
        latitude, longitude, back = geodesic.direct(
            self._latitude[leg], self._longitude[leg], self._azimuth[leg], flown * self._speed[leg]
        )
        course = np.radians(np.asarray(back))
        values = (
            latitude,
            longitude,
            self._altitude[leg] + self._climb[leg] * flown,
            self._speed[leg] * np.sin(course),
            self._speed[leg] * np.cos(course),
            self._climb[leg],
        )
        return State(*(np.where(alive, v, np.nan) for v in values))
