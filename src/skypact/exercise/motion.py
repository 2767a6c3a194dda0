"""Where moving objects truly are: along geodesics and circular turns, with the speeds and rates of their kind."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skypact.configfile import FieldError
from skypact.exercise._profile import (
    Change,
    Heights,
    Knot,
    NoRoomError,
    Speeds,
    changes,
    climb_time,
    speed_distance,
)
from skypact.exercise._route import Route, radii
from skypact.exercise.aircraft import AIRCRAFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skypact.exercise.aircraft import AircraftType

SEMI_MAJOR_M = 6_378_137.0
ECCENTRICITY_2 = 0.0066943799901413165
"""Of WGS 84."""


def curvatures(latitude_deg: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ellipsoid's radii of curvature along the meridian and across it, metres."""
    w2 = 1.0 - ECCENTRICITY_2 * np.sin(np.radians(latitude_deg)) ** 2
    across = SEMI_MAJOR_M / np.sqrt(w2)
    return across * (1.0 - ECCENTRICITY_2) / w2, across


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Positions and velocities of one object, arrays of one shape; NaN, and not on the ground, while it does not exist.

    Attributes
    ----------
    latitude_deg, longitude_deg, altitude_m : float arrays
    east_m_s, north_m_s, up_m_s : float arrays
        The derivative of the position, in space.
    on_ground : bool array
    """

    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    east_m_s: NDArray[np.float64]
    north_m_s: NDArray[np.float64]
    up_m_s: NDArray[np.float64]
    on_ground: NDArray[np.bool_]

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.int64]) -> State:
        """Return the states selected by a slice, a mask or an index array."""
        return State(*(getattr(self, f.name)[where] for f in fields(State)))

    def where(self, exists: NDArray[np.bool_]) -> State:
        """Return these states where the object exists, and none elsewhere."""
        numbers = {f.name: np.where(exists, getattr(self, f.name), np.nan) for f in fields(State)[:-1]}
        return replace(self, **numbers, on_ground=self.on_ground & exists)

    @property
    def exists(self) -> NDArray[np.bool_]:
        """Whether the object exists."""
        return ~np.isnan(self.latitude_deg)


class Motion(Protocol):
    """How one object moves."""

    @property
    def begin_s(self) -> float:
        """When it begins to exist, in seconds after the scenario's start."""

    @property
    def end_s(self) -> float:
        """When it ceases to exist."""

    def at(self, time_s: NDArray[np.float64]) -> State:
        """Return where it is at times in seconds after the scenario's start."""


class Point(Protocol):
    """What a path takes of a point; see `scenario.Waypoint`."""

    @property
    def place(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def height_m(self) -> float | None: ...  # noqa: D102
    @property
    def speed_m_s(self) -> float | None: ...  # noqa: D102
    @property
    def airport(self) -> str | None: ...  # noqa: D102
    @property
    def orbits(self) -> int: ...  # noqa: D102


class Planned(Protocol):
    """What a path takes of a flight; see `scenario.Flight`."""

    @property
    def type(self) -> AircraftType: ...  # noqa: D102
    @property
    def route(self) -> Sequence[Point]: ...  # noqa: D102
    @property
    def start_s(self) -> float: ...  # noqa: D102
    @property
    def altitude_m(self) -> float | None: ...  # noqa: D102
    @property
    def speed_m_s(self) -> float | None: ...  # noqa: D102


class Path:
    """The way of one flight by its route.

    Points are flown by in turns of constant radius, tangent to both legs, as banked at the highest speed the turn is
    flown with. A point with a speed or a height is passed with it: what increases does so as early as the aircraft can,
    what decreases as late; points without are passed at the cruising values as far as these can be reached. An airport
    at either end is left by a run along the first leg and entered by braking along the last. Speed is over the ground.

    Parameters
    ----------
    flight : Flight

    Raises
    ------
    FieldError
        A turn, a speed or a height that such an aircraft cannot fly there.
    """

    def __init__(self, flight: Planned) -> None:
        self._flight = flight
        kind = AIRCRAFT[flight.type]
        self._performance = kind
        points = flight.route
        run = 0.0 if points[0].airport is None else kind.lift_off_m_s**2 / (2 * kind.roll_m_s2)
        brake = 0.0 if points[-1].airport is None else kind.approach_m_s**2 / (2 * kind.roll_m_s2)
        place = np.array([w.place for w in points])
        straight = Route(place[:, 0], place[:, 1], np.zeros(len(points)), [0] * len(points), run, brake)
        guess = self._speeds(straight, run, brake)
        radius = radii(straight, guess, kind)
        route = Route(place[:, 0], place[:, 1], radius, [w.orbits for w in points], run, brake)
        self._route = route
        self._speed = self._speeds(route, run, brake)
        time = self._speed.time_at(np.append(route.passed_m, [run, route.length_m]))
        self._lift_off_s = -np.inf if points[0].airport is None else float(time[-2])
        self._touchdown_s = np.inf if points[-1].airport is None else float(time[len(points) - 1])
        self._begin = flight.start_s
        self._end = flight.start_s + float(time[-1])
        self._height = self._heights(time[: len(points)])

    @property
    def begin_s(self) -> float:
        """When the object is at its first point, in seconds after the scenario's start."""
        return self._begin

    @property
    def end_s(self) -> float:
        """When the object is at its last point, or has come to rest, and ceases to exist."""
        return self._end

    def at(self, time_s: NDArray[np.float64]) -> State:
        """Return where the object is at times in seconds after the scenario's start."""
        alive = (time_s >= self._begin) & (time_s <= self._end)
        since = np.where(alive, time_s - self._begin, 0.0)
        distance, speed = self._speed.at(since)
        latitude, longitude, course = self._route.at(distance)
        altitude, up = self._height.at(since)
        # A point at height h above the ellipsoid goes faster than its foot, by the radii of curvature (M + h) / M
        # northwards and (N + h) / N eastwards.
        meridian, across = curvatures(latitude)
        return State(
            latitude,
            longitude,
            altitude,
            speed * np.sin(course) * (1.0 + altitude / across),
            speed * np.cos(course) * (1.0 + altitude / meridian),
            up,
            (since < self._lift_off_s) | (since > self._touchdown_s),
        ).where(alive)

    def _speeds(self, route: Route, run: float, brake: float) -> Speeds:
        """Return the speed along a route."""
        points, kind = self._flight.route, self._performance
        cruise = self._flight.speed_m_s or kind.cruise_m_s
        asked = [w.speed_m_s for w in points]
        asked[0] = kind.lift_off_m_s if points[0].airport else asked[0] or cruise
        if points[-1].airport:
            asked[-1] = kind.approach_m_s
        at = [run, *route.passed_m[1:].tolist()]
        asked = [cruise if v is None and w.orbits else v for v, w in zip(asked, points, strict=True)]
        knots, index = _knots(at, asked)
        for i, point in reversed(list(enumerate(points))):
            if point.orbits:  # flown with one speed
                k = index.index(i) + 1
                knots.insert(k, Knot(float(route.left_m[i]), knots[k - 1].value, False))
                index.insert(k, i)
        length = speed_distance(kind)
        try:
            made = changes(knots, cruise, length)
        except NoRoomError as err:
            raise FieldError(
                f"{knots[err.knot - 1].value:.0f} to {knots[err.knot].value:.0f} m/s takes {err.needed / 1000:.1f} km, "
                f"and there are {err.room / 1000:.1f} km",
                *("route", index[err.knot]),
                hint="move the points apart or change the speed less",
            ) from None
        end = at[-1]
        if knots[-1].at < end and knots[-1].value != cruise:
            made.append(_towards(knots[-1], cruise, end, kind.acceleration_m_s2))
        steps = [(run, knots[0].value)]
        if run:
            steps.insert(0, (0.0, 0.0))
        for change in made:
            steps += [(change.start, change.before), (change.start + change.length, change.after)]
        steps.append((max(end, steps[-1][0]), steps[-1][1]))
        if brake:
            steps.append((end + brake, 0.0))
        return Speeds([s for s, _ in steps], [v for _, v in steps])

    def _heights(self, passed_s: NDArray[np.float64]) -> Heights:
        """Return the height over the time since the beginning."""
        points, kind = self._flight.route, self._performance
        cruise = self._flight.altitude_m
        asked = [w.height_m for w in points]
        if asked[0] is None:
            asked[0] = cruise
        if asked[0] is None:
            raise FieldError("it is not said how high the flight begins", "route", 0, hint="add altitude_m = ...")
        at = passed_s.tolist()
        if points[0].airport is not None:
            at[0] = self._lift_off_s
        knots, index = _knots(at, asked)
        length = climb_time(kind)
        try:
            made = changes(knots, cruise, length)
        except NoRoomError as err:
            raise FieldError(
                f"{knots[err.knot - 1].value:.0f} to {knots[err.knot].value:.0f} m takes {err.needed:.0f} s, "
                f"and there are {err.room:.0f} s",
                *("route", index[err.knot]),
                hint="move the points apart or ask for less height",
            ) from None
        last = knots[-1]
        if last.at < at[-1] and cruise is not None and cruise != last.value:
            made.append(Change(last.at, length(last.value, cruise), last.value, cruise))
        return Heights(knots[0].value, made, kind)


def _knots(at: list[float], asked: list[float | None]) -> tuple[list[Knot], list[int]]:
    """Return the points that ask for a value, and their indices."""
    index = [i for i, value in enumerate(asked) if value is not None]
    free = [False, *(b - a > 1 for a, b in pairwise(index))]
    return [Knot(at[i], asked[i] or 0.0, f) for i, f in zip(index, free, strict=True)], index


def _towards(knot: Knot, cruise: float, end_m: float, acceleration_m_s2: float) -> Change:
    """Return the change of speed towards cruise, up to where the route ends."""
    room = end_m - knot.at
    most = 2 * acceleration_m_s2 * room
    square = min(max(cruise**2, knot.value**2 - most), knot.value**2 + most)
    length = abs(square - knot.value**2) / (2 * acceleration_m_s2)
    return Change(knot.at, min(length, room), knot.value, float(np.sqrt(square)))
