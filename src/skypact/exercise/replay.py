"""Recorded flights as motion: cleaned, joined by a smooth curve, shifted in time and, if asked, in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from skypact.earth import geodesic
from skypact.exercise.motion import State, curvatures
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.trajectories import Trajectory

NODE_S = 4.0
"""Positions within such a time are averaged: recorded ones are rounded, to 5 m and 25 ft, and now and then repeated."""
GAP_S = 120.0
"""Over a longer gap nobody knows where the aircraft was: it does not exist there."""
REPEATED_S = 30.0
"""A position that is the last one again within such a time is old and no measurement."""
OFF_M = 50.0
"""How far from the line between its neighbours a position may be that was measured badly."""
ACCELERATION_M_S2 = 30.0
VELOCITY_M_S = np.array([[250.0], [250.0], [100.0]])
"""Most acceleration, about 3 g, and most change of velocity northwards, eastwards and upwards of one that turns."""


def sound(trajectory: Trajectory) -> Trajectory:
    """Return a trajectory without old positions, and without those that no aircraft could fly by.

    A position at times a and b from its neighbours strays from the line between them by a b / 2 of the acceleration at
    the most, and by a b / (a + b) of the change of velocity. The worst of a neighbourhood is left out, again and again,
    until all fit.
    """
    one = trajectory
    stays = (np.diff(one.latitude_deg) == 0) & (np.diff(one.longitude_deg) == 0)
    run = np.maximum.accumulate(np.where(np.append(True, ~stays), one.time_ns, 0))
    kept = np.flatnonzero(np.append(True, ~stays) | (one.time_ns - run >= REPEATED_S * SECOND_NS))
    time = one.time_ns / SECOND_NS
    scale = np.radians(1.0) * 6.4e6
    east = scale * np.cos(np.radians(one.latitude_deg))
    value = np.stack([one.latitude_deg * scale, np.unwrap(one.longitude_deg, period=360), one.altitude_m])
    while len(kept) > 2:
        step = np.diff(time[kept])
        before, after = step[:-1], step[1:]
        v = value[:, kept]
        off = np.abs(v[:, 1:-1] - (v[:, :-2] * after + v[:, 2:] * before) / (before + after))
        off[1] *= east[kept[1:-1]]
        product = before * after
        fits = np.minimum(ACCELERATION_M_S2 / 2 * product, VELOCITY_M_S * (product / (before + after)))
        excess = (off - OFF_M - fits).max(axis=0)
        excess[(before > GAP_S) | (after > GAP_S)] = 0.0
        wider = np.pad(excess, 2)
        worst = (excess > 0) & (excess >= np.max([wider[i : len(excess) + i] for i in range(5)], axis=0))
        if not worst.any():
            break
        kept = kept[~np.concatenate([[False], worst, [False]])]
    columns = ("time_ns", "latitude_deg", "longitude_deg", "altitude_m", "on_ground")
    return replace(one, **{name: getattr(one, name)[kept] for name in columns})


def moved(
    trajectories: Sequence[Trajectory], latitude_deg: float, longitude_deg: float, turn_deg: float, raise_m: float
) -> list[Trajectory]:
    """Return trajectories moved together to another place.

    The earliest position of all comes to lie at the new place; each other keeps its distance from it along the geodesic
    and its azimuth there, plus a turn. On a sphere this is a rotation and changes no shape; on the ellipsoid distances
    change by 0.3 % at the most. Heights above sea level are kept, plus what they are raised by.

    Parameters
    ----------
    trajectories : sequence of Trajectory
    latitude_deg, longitude_deg : float
        The new place.
    turn_deg : float
        To the right.
    raise_m : float
    """
    first = min(trajectories, key=lambda t: int(t.time_ns[0]))
    anchor = float(first.latitude_deg[0]), float(first.longitude_deg[0])
    out = []
    for one in trajectories:
        distance, azimuth, _ = geodesic.inverse(*anchor, one.latitude_deg, one.longitude_deg)
        latitude, longitude, _ = geodesic.direct(latitude_deg, longitude_deg, azimuth + turn_deg, distance)
        altitude = one.altitude_m + raise_m
        out.append(replace(one, latitude_deg=latitude, longitude_deg=longitude, altitude_m=altitude))
    return out


class Replay:
    """The motion of a recorded flight: a cubic curve (Hermite's) through its positions, averaged over `NODE_S`.

    The velocity at each node is that of the parabola through it and its neighbours; between, position and velocity fit
    each other exactly. Longer gaps are cut out.

    Parameters
    ----------
    trajectory : Trajectory
    start_s : float
        When its first position is flown, in seconds after the scenario's start.

    Raises
    ------
    ValueError
        It is shorter than two nodes.
    """

    def __init__(self, trajectory: Trajectory, start_s: float) -> None:
        one = sound(trajectory)
        time = (one.time_ns - one.time_ns[0]) / SECOND_NS
        node = np.floor(time / NODE_S).astype(np.int64)
        begin = np.flatnonzero(np.diff(node, prepend=-1))
        count = np.diff(np.append(begin, len(node)))
        values = np.stack([time, one.latitude_deg, np.unwrap(one.longitude_deg, period=360), one.altitude_m])
        values = np.add.reduceat(values, begin, axis=1) / count
        ground = np.add.reduceat(one.on_ground.astype(np.int64), begin) * 2 > count
        gap = np.diff(values[0]) > GAP_S
        alone = np.append(True, gap) & np.append(gap, True)  # a node between two gaps leads nowhere
        self._time = values[0][~alone] + start_s
        if len(self._time) < 2:
            raise ValueError("it has too few positions")
        self._value = values[1:, ~alone]
        self._ground = ground[~alone]
        self._step = np.diff(self._time)
        self._gap = self._step > GAP_S
        self._rate = _tangents(self._value, self._step, self._gap)

    @property
    def begin_s(self) -> float:
        """When it begins to exist, in seconds after the scenario's start."""
        return float(self._time[0])

    @property
    def end_s(self) -> float:
        """When it ceases to exist."""
        return float(self._time[-1])

    def at(self, time_s: NDArray[np.float64]) -> State:
        """Return where it is at times in seconds after the scenario's start."""
        i = np.clip(np.searchsorted(self._time, time_s, side="right") - 1, 0, len(self._step) - 1)
        exists = (time_s >= self._time[0]) & (time_s <= self._time[-1]) & ~self._gap[i]
        step = self._step[i]
        u = np.where(exists, (time_s - self._time[i]) / step, 0.0)
        a, b = self._value[:, i], self._value[:, i + 1]
        da, db = self._rate[:, i] * step, self._rate[:, i + 1] * step
        value = a + u * (da + u * (3 * (b - a) - 2 * da - db + u * (2 * (a - b) + da + db)))
        rate = (da + u * (2 * (3 * (b - a) - 2 * da - db) + 3 * u * (2 * (a - b) + da + db))) / step
        latitude, longitude, altitude = value
        meridian, across = curvatures(latitude)
        north = np.radians(rate[0]) * (meridian + altitude)
        east = np.radians(rate[1]) * (across + altitude) * np.cos(np.radians(latitude))
        nearest = np.where(u < 0.5, self._ground[i], self._ground[i + 1])
        longitude = (longitude + 180) % 360 - 180
        return State(latitude, longitude, altitude, east, north, rate[2], nearest).where(exists)


def _tangents(value: NDArray[np.float64], step: NDArray[np.float64], gap: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the derivative at each node: of the parabola through three, of the chord beside a gap and at the ends."""
    chord = np.diff(value, axis=1) / step
    before = np.concatenate([chord[:, :1], chord], axis=1)
    after = np.concatenate([chord, chord[:, -1:]], axis=1)
    weight = np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]])
    both = (before * weight[1] + after * weight[0]) / (weight[0] + weight[1])
    cut_before, cut_after = np.append(True, gap), np.append(gap, True)
    return np.where(cut_before, after, np.where(cut_after, before, both))
