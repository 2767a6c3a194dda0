"""Changes of height and speed between what a route asks for: upwards as early as possible, downwards as late.

Height changes in time, with rates that build up and fade at a constant acceleration. Speed changes along the way with a
constant acceleration, so that its square is a straight line over the distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.aircraft import Performance

SLACK = 1e-9
"""What rounding may cost of the room there is, as a share of it."""


class Knot(NamedTuple):
    """What a route asks for: a value at a place along it.

    Attributes
    ----------
    at : float
        Time or distance along the route.
    value : float
    free : bool
        Whether points without a value lie between the knot before and this one: there the cruising value is sought.
    """

    at: float
    value: float
    free: bool


class Change(NamedTuple):
    """A change that is made: where it begins, over how much time or distance, from what to what."""

    start: float
    length: float
    before: float
    after: float


class NoRoomError(ValueError):
    """A change that needs more room than there is; `knot` is the index of the knot not reached."""

    def __init__(self, knot: int, needed: float, room: float) -> None:
        super().__init__(f"{needed:.0f} needed, {room:.0f} there")
        self.knot = knot
        self.needed = needed
        self.room = room


Length = Callable[[float, float], float]
"""Room that a change from one value to another takes."""


def changes(knots: Sequence[Knot], cruise: float | None, length: Length) -> list[Change]:
    """Return the changes that lead through the knots, by way of the cruising value where that is free and fits.

    Raises
    ------
    NoRoomError
        Two knots too close for their values.
    """
    made: list[Change] = []
    for i, (a, b) in enumerate(pairwise(knots), 1):
        room = b.at - a.at
        via = _best(a.value, b.value, cruise, room, length) if b.free and cruise is not None else None
        if via is None:
            needed = length(a.value, b.value)
            if needed > room * (1 + SLACK):
                raise NoRoomError(i, needed, room)
            start = a.at if b.value > a.value else b.at - needed
            made.append(Change(start, needed, a.value, b.value))
        else:
            away = length(via, b.value)
            made += [Change(a.at, length(a.value, via), a.value, via), Change(b.at - away, away, via, b.value)]
    return [change for change in made if change.before != change.after]


def _best(a: float, b: float, cruise: float, room: float, length: Length) -> float | None:
    """Return the cruising value, or the nearest to it that can be reached in between; None if a and b are all."""

    def fits(value: float) -> bool:
        return length(a, value) + length(value, b) <= room

    if fits(cruise):
        return cruise
    low, high = max(a, b), cruise
    if high <= low or not fits(low):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def climb_time(performance: Performance) -> Length:
    """Return how long a change of height takes."""

    def seconds(before: float, after: float) -> float:
        rate = performance.climb_m_s if after > before else performance.descent_m_s
        build_up = performance.vertical_m_s2
        height = abs(after - before)
        return height / rate + rate / build_up if height >= rate * rate / build_up else 2 * sqrt(height / build_up)

    return seconds


def speed_distance(performance: Performance) -> Length:
    """Return how far an aircraft goes while it changes its speed."""

    def metres(before: float, after: float) -> float:
        return abs(after * after - before * before) / (2 * performance.acceleration_m_s2)

    return metres


class Heights:
    """Height over time.

    Parameters
    ----------
    first : float
        Height before the first change, metres.
    made : sequence of Change
        Over time, one after the other.
    performance : Performance
    """

    def __init__(self, first: float, made: Sequence[Change], performance: Performance) -> None:
        self._start = np.array([-np.inf, *(c.start for c in made)])
        self._length = np.array([1.0, *(c.length for c in made)])
        self._before = np.array([first, *(c.before for c in made)])
        self._height = np.array([0.0, *(c.after - c.before for c in made)])
        rate = np.where(self._height > 0, performance.climb_m_s, performance.descent_m_s)
        self._ramp = np.minimum(rate / performance.vertical_m_s2, self._length / 2)

    def at(self, time_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return heights and their rates of change."""
        i = np.searchsorted(self._start, time_s, side="right") - 1
        length, ramp, height = self._length[i], self._ramp[i], self._height[i]
        since = np.clip(np.where(i > 0, time_s - self._start[i], length), 0.0, length)
        left = length - since
        rate = height / (length - ramp)
        first, last = since < ramp, left < ramp
        gone = np.where(
            first,
            rate * since * since / (2 * ramp),
            np.where(last, height - rate * left * left / (2 * ramp), rate * (since - ramp / 2)),
        )
        speed = rate * np.where(first, since / ramp, np.where(last, left / ramp, 1.0))
        return self._before[i] + gone, speed


class Speeds:
    """Distance over time, from a speed whose square is a straight line over each piece of the distance.

    Parameters
    ----------
    at_m : sequence of float
        Where the pieces begin and end; ascending.
    speed_m_s : sequence of float
        The speeds there.
    """

    def __init__(self, at_m: Sequence[float], speed_m_s: Sequence[float]) -> None:
        distance, speed = np.array(at_m), np.array(speed_m_s)
        keep = np.append(np.diff(distance) > 0, True)
        distance, speed = distance[keep], speed[keep]
        long = np.diff(distance)
        self._at, self._speed = distance, speed
        self._acceleration = np.diff(speed**2) / (2 * long)
        self._time = np.concatenate(([0.0], np.cumsum(2 * long / (speed[:-1] + speed[1:]))))

    def time_at(self, distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return when distances are reached, in seconds after the beginning."""
        i = np.clip(np.searchsorted(self._at, distance_m, side="right") - 1, 0, len(self._acceleration) - 1)
        along = distance_m - self._at[i]
        then = np.sqrt(np.maximum(self._speed[i] ** 2 + 2 * self._acceleration[i] * along, 0.0))
        return self._time[i] + 2 * along / np.maximum(self._speed[i] + then, 1e-12)

    def at(self, time_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return distances and speeds at times."""
        i = np.clip(np.searchsorted(self._time, time_s, side="right") - 1, 0, len(self._acceleration) - 1)
        since = time_s - self._time[i]
        acceleration = self._acceleration[i]
        return self._at[i] + (self._speed[i] + acceleration * since / 2) * since, self._speed[i] + acceleration * since
