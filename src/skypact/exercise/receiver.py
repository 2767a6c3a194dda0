"""ADS-B: what transponders send of themselves, and what a receiver hears of it.

Periods are those of RTCA DO-260B, 2.2.3.3: positions and velocities every 0.4 to 0.6 s, identification and status every
4.8 to 5.2 s, status in an emergency every 0.7 to 0.9 s; at rest on the ground positions about every 5 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.exercise import detection
from skypact.exercise.chance import stream
from skypact.formats.modes import (
    Frames,
    encode_emergencies,
    encode_identifications,
    encode_positions,
    encode_surface_positions,
    encode_velocities,
)
from skypact.sensors import ASSUMED
from skypact.tables import EMERGENCIES
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.instruments import SimulatedSensor
    from skypact.exercise.movers import Mover
    from skypact.exercise.sight import Sight

OFTEN_S = (0.4, 0.6)
SELDOM_S = (4.8, 5.2)
URGENT_S = (0.7, 0.9)
AT_REST = 10
"""One of so many positions is sent at rest on the ground."""
REST_M_S = 0.1
FIX_M = 5.0
"""Standard deviation of the aircraft's own position, north and east; one error for the whole flight."""
DEGREE_M = 111_000.0
LIGHT_M_S = 299_792_458.0
EMERGENCY = {
    0o7500: EMERGENCIES.index("unlawful_interference"),
    0o7600: EMERGENCIES.index("no_communications"),
    0o7700: EMERGENCIES.index("general"),
}
"""What the codes of emergencies mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Squitters:
    """What one transponder sends, in the order of time; the same for all who listen.

    Attributes
    ----------
    time_s : float array, shape (n,)
        When, in seconds after the scenario's start.
    frames : uint8 array, shape (n, 14)
    """

    time_s: NDArray[np.float64]
    frames: NDArray[np.uint8]


def squitters(mover: Mover, duration_s: float, seed: int) -> Squitters:
    """Return what an object sends within a scenario."""
    chance = stream(seed, "squitters", mover.id)
    fix = chance.standard_normal(2) * FIX_M / DEGREE_M
    emergency = EMERGENCY.get(mover.mode_3a or 0, 0)
    when = [_moments(chance, period, duration_s) for period in (OFTEN_S, OFTEN_S, SELDOM_S, SELDOM_S)]
    if emergency:
        when[3] = _moments(chance, URGENT_S, duration_s)
    sent = [_positions(mover, when[0], fix), _velocities(mover, when[1])]
    here = [time[mover.motion.at(time).exists] for time in when[2:]]
    if mover.callsign:
        named = encode_identifications(_address(mover, here[0]), [mover.callsign] * len(here[0]))
        sent.append(Squitters(here[0], named))
    if mover.mode_3a is not None:
        code = np.full(len(here[1]), mover.mode_3a, np.uint16)
        state = np.full(len(here[1]), emergency, np.int8)
        sent.append(Squitters(here[1], encode_emergencies(_address(mover, here[1]), state, code)))
    time = np.concatenate([s.time_s for s in sent])
    order = np.argsort(time, kind="stable")
    return Squitters(time[order], np.concatenate([s.frames for s in sent])[order])


def _moments(chance: np.random.Generator, period_s: tuple[float, float], duration_s: float) -> NDArray[np.float64]:
    """Return times of sending: the first at chance, the next after a period at chance, and so on."""
    count = int(duration_s / period_s[0]) + 2
    step = chance.uniform(*period_s, count)
    step[0] *= chance.random()
    time = np.cumsum(step)
    return time[time < duration_s]


def _address(mover: Mover, time_s: NDArray[np.float64]) -> NDArray[np.uint32]:
    return np.full(len(time_s), mover.icao24 or 0, np.uint32)


def _positions(mover: Mover, time_s: NDArray[np.float64], fix_deg: NDArray[np.float64]) -> Squitters:
    """Return positions, by turns in both formats; on the ground in those for the ground."""
    state = mover.motion.at(time_s)
    number = np.arange(len(time_s))
    resting = state.on_ground & (np.hypot(state.east_m_s, state.north_m_s) < REST_M_S)
    kept = state.exists & (~resting | (number % AT_REST == 0))
    number = np.where(resting, number // AT_REST, number)
    state, time, odd = state[kept], time_s[kept], (number % 2 == 1)[kept]
    latitude = state.latitude_deg + fix_deg[0]
    longitude = state.longitude_deg + fix_deg[1] / np.cos(np.radians(latitude))
    address = _address(mover, time)
    ground, air = state.on_ground, ~state.on_ground
    frames = np.empty((len(time), 14), np.uint8)
    frames[air] = encode_positions(address[air], latitude[air], longitude[air], state.altitude_m[air], odd[air])
    frames[ground] = encode_surface_positions(
        address[ground],
        latitude[ground],
        longitude[ground],
        state.east_m_s[ground],
        state.north_m_s[ground],
        odd[ground],
    )
    return Squitters(time, frames)


def _velocities(mover: Mover, time_s: NDArray[np.float64]) -> Squitters:
    state = mover.motion.at(time_s)
    kept = state.exists & ~state.on_ground
    state, time = state[kept], time_s[kept]
    return Squitters(time, encode_velocities(_address(mover, time), state.east_m_s, state.north_m_s, state.up_m_s))


def hear(
    sensor: SimulatedSensor, mover: Mover, sent: Squitters, seen: Sight, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return which squitters a receiver hears: their times of arrival in seconds, and the frames.

    Parameters
    ----------
    sensor : SimulatedSensor
    mover : Mover
    sent : Squitters
    seen : Sight
        The object, at times close enough for its range to be straight between.
    seed : int
    """
    if not len(sent.time_s) or not seen.visible.any():
        return np.empty(0), np.empty((0, 14), np.uint8)
    known = ~np.isnan(seen.range_m)
    distance = np.interp(sent.time_s, seen.time_s[known], seen.range_m[known])
    pd = sensor.pd if sensor.pd is not None else ASSUMED["adsb"].pd
    likely = detection.reception(distance, pd=pd, reach_m=float(sensor.range_m or 0.0))
    luck = stream(seed, "heard", sensor.id, mover.id).random(len(sent.time_s))
    heard = seen.at(sent.time_s) & (luck < likely)
    return (sent.time_s + distance / LIGHT_M_S)[heard], sent.frames[heard]


def stamped(
    sensor: SimulatedSensor, heard: list[tuple[NDArray[np.float64], NDArray[np.uint8]]], start_ns: int
) -> tuple[Frames, NDArray[np.int64]]:
    """Return all that a receiver hears in the order of arrival, stamped by its clock, and the true times of arrival."""
    time_s = np.concatenate([np.empty(0), *(t for t, _ in heard)])
    data = np.concatenate([np.empty((0, 14), np.uint8), *(f for _, f in heard)])
    time = start_ns + np.rint(time_s * SECOND_NS).astype(np.int64)
    order = np.argsort(time, kind="stable")
    clock = round(sensor.errors.clock_s * SECOND_NS)
    return Frames.of(data[order], time[order] + clock), time[order]
