"""ADS-B messages (DF17) from columns: position, velocity, identification, emergency state.

Sources: RTCA DO-260B 2.2.3.2.3 to 2.2.3.2.7 (formats), A.1.7 (CPR encoding). What a field cannot hold is sent as not
available.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.modes import _kernels as k
from skypact.formats.modes._cpr import STEPS, TRANSITIONS_DEG
from skypact.formats.modes._fields import CHARACTERS, MOVEMENT_FROM, MOVEMENT_KT, MOVEMENT_STEP_KT
from skypact.formats.modes.frames import LONGEST, Frames
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

AIRBORNE, ON_GROUND = 5, 4
"""Capability field of a transponder in the air and on the ground."""
IDENTIFICATION, SURFACE_POSITION, AIRBORNE_POSITION, VELOCITY, STATUS = 4, 7, 11, 19, 28
"""Type codes written: positions with a containment radius under 0.1 NM, category set A."""


def _squitters(icao24: NDArray[np.uint32], on_ground: NDArray[np.bool_], me: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return frames of shape (n, 14) from addresses and 56-bit message fields, parity included."""
    frames = np.zeros((len(me), LONGEST), np.uint8)
    frames[:, 0] = 17 << 3 | np.where(on_ground, ON_GROUND, AIRBORNE)
    for i in range(3):
        frames[:, 1 + i] = icao24.astype(np.int64) >> (16 - 8 * i) & 0xFF
    for i in range(7):
        frames[:, 4 + i] = me >> (48 - 8 * i) & 0xFF
    k.append_parity(frames)
    return frames


def _cpr(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], odd: NDArray[np.bool_], span: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return parity, latitude and longitude as the last 35 bits of a position message; `span` is 360 or 90."""
    uneven = odd.astype(np.int64)
    size = 360.0 / (60 - uneven)
    # The zones of the surface format are a quarter as large in 17 of its 19 bits: the same steps of 2^-19.
    fine = STEPS * 360.0 / span
    y = np.floor(fine * ((latitude % size) / size) + 0.5)
    coded = size * (y / fine + np.floor(latitude / size))
    zones = np.where(np.abs(coded) > 87.0, 1, 59 - np.searchsorted(TRANSITIONS_DEG, np.abs(coded), side="right"))
    size = 360.0 / np.maximum(zones - uneven, 1)
    x = np.floor(fine * ((longitude % size) / size) + 0.5)
    return uneven << 34 | (y.astype(np.int64) & 0x1FFFF) << 17 | x.astype(np.int64) & 0x1FFFF


def _altitude(altitude_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 12-bit altitude codes in steps of 25 ft; 0 where unknown, below -1,000 ft or above 50,175 ft."""
    steps = np.round((altitude_m / FOOT_M + 1000.0) / 25.0)
    held = (steps >= 0) & (steps < 2048)
    n = np.where(held, steps, 0).astype(np.int64)
    return np.where(held, (n & 0x7F0) << 1 | 0x10 | n & 0xF, 0)


def _movement(speed_m_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return movement codes: the step that holds the speed, 0 where it is unknown."""
    knots = np.round(speed_m_s / KNOT_M_S, 9)  # a decoded speed must find its own step again
    i = np.maximum(np.searchsorted(MOVEMENT_KT, knots, side="right") - 1, 0)
    step = np.floor((knots - MOVEMENT_KT[i]) / np.where(MOVEMENT_STEP_KT[i] > 0, MOVEMENT_STEP_KT[i], np.inf))
    code = np.where(knots < MOVEMENT_KT[0], 1, MOVEMENT_FROM[i] + step)
    return np.where(np.isnan(knots), 0, code).astype(np.int64)


def encode_positions(
    icao24: NDArray[np.uint32],
    latitude_deg: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
    pressure_altitude_m: NDArray[np.float64],
    odd: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return airborne position messages (type 11), shape (n, 14).

    Parameters
    ----------
    icao24, latitude_deg, longitude_deg, pressure_altitude_m : arrays, shape (n,)
        Altitudes of -1,000 to 50,175 ft are sent in steps of 25 ft; NaN and others as not available.
    odd : bool array, shape (n,)
        Which of the two CPR formats; transponders alternate.
    """
    span = np.full(len(odd), 360.0)
    me = AIRBORNE_POSITION << 51 | _altitude(pressure_altitude_m) << 36 | _cpr(latitude_deg, longitude_deg, odd, span)
    return _squitters(icao24, np.zeros(len(odd), bool), me)


def encode_surface_positions(
    icao24: NDArray[np.uint32],
    latitude_deg: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
    velocity_east_m_s: NDArray[np.float64],
    velocity_north_m_s: NDArray[np.float64],
    odd: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return surface position messages (type 7) with speed and track over ground, shape (n, 14).

    The track of something that stands still is sent as not available, as are velocities of NaN.
    """
    speed = np.hypot(velocity_east_m_s, velocity_north_m_s)
    track = np.degrees(np.arctan2(velocity_east_m_s, velocity_north_m_s))
    moving = speed > 0  # false for NaN
    turn = np.where(moving, np.round(np.where(moving, track, 0.0) * (128 / 360)), 0).astype(np.int64) & 0x7F
    me = (
        SURFACE_POSITION << 51
        | _movement(speed) << 44
        | moving.astype(np.int64) << 43
        | turn << 36
        | _cpr(latitude_deg, longitude_deg, odd, np.full(len(odd), 90.0))
    )
    return _squitters(icao24, np.ones(len(odd), bool), me)


def _component(speed: NDArray[np.float64], unit: NDArray[np.float64] | float, limit: int) -> NDArray[np.int64]:
    """Return sign and magnitude plus one in the bits of `limit`, all zero where unknown; too fast is the limit."""
    known = ~np.isnan(speed)
    steps = np.round(np.where(known, speed, 0.0) / unit).astype(np.int64)
    magnitude = np.minimum(np.abs(steps) + 1, limit)
    return np.where(known, np.where(steps < 0, limit + 1, 0) | magnitude, 0)


def encode_velocities(
    icao24: NDArray[np.uint32],
    velocity_east_m_s: NDArray[np.float64],
    velocity_north_m_s: NDArray[np.float64],
    velocity_up_m_s: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Return velocity messages (type 19) over ground with NACv 1 (under 10 m/s), shape (n, 14).

    Components up to 1,021 kt are sent in steps of 1 kt (subtype 1), faster aircraft in 4 kt up to 4,084 kt (subtype 2);
    the vertical rate, said to be barometric, in 64 ft/min up to 32,576 ft/min. NaN is sent as not available.
    """
    fastest = np.fmax(np.abs(velocity_east_m_s), np.abs(velocity_north_m_s)) / KNOT_M_S
    fast = fastest > 1021.5
    unit = np.where(fast, 4 * KNOT_M_S, KNOT_M_S)
    unknown = np.isnan(velocity_east_m_s) | np.isnan(velocity_north_m_s)
    east = np.where(unknown, np.nan, velocity_east_m_s)
    north = np.where(unknown, np.nan, velocity_north_m_s)
    me = (
        VELOCITY << 51
        | np.where(fast, 2, 1) << 48
        | 1 << 43
        | _component(east, unit, 0x3FF) << 32
        | _component(north, unit, 0x3FF) << 21
        | 1 << 20
        | _component(velocity_up_m_s, 64 * FOOT_PER_MINUTE_M_S, 0x1FF) << 10
    )
    return _squitters(icao24, np.zeros(len(me), bool), me)


def encode_identifications(icao24: NDArray[np.uint32], callsigns: Sequence[str]) -> NDArray[np.uint8]:
    """Return identification messages (type 4, category not said), shape (n, 14).

    Raises
    ------
    ValueError
        A callsign of more than eight characters, or with other than capital letters, digits and blanks.
    """
    alphabet = CHARACTERS.tobytes().decode()
    me = np.empty(len(callsigns), np.int64)
    for i, callsign in enumerate(callsigns):
        if len(callsign) > 8 or "#" in callsign or not set(callsign) <= set(alphabet):
            raise ValueError(f"not a callsign of up to eight letters, digits and blanks: {callsign!r}")
        value = IDENTIFICATION << 3
        for character in callsign.ljust(8):
            value = value << 6 | alphabet.index(character)
        me[i] = value
    return _squitters(icao24, np.zeros(len(me), bool), me)


def encode_emergencies(
    icao24: NDArray[np.uint32], emergency: NDArray[np.int8], mode_3a: NDArray[np.uint16]
) -> NDArray[np.uint8]:
    """Return aircraft status messages (type 28, subtype 1): emergency state and Mode A code, shape (n, 14).

    Parameters
    ----------
    icao24 : array, shape (n,)
    emergency : int8 array, shape (n,)
        Indices into `tables.EMERGENCIES`.
    mode_3a : uint16 array, shape (n,)
        Of the octal value.
    """
    code = mode_3a.astype(np.int64)
    # The identity code is C1 A1 C2 A2 C4 A4 0 B1 D1 B2 D2 B4 D4, from bit 12 down; A4 is bit 11 of the octal value.
    order = ((3, 12), (9, 11), (4, 10), (10, 9), (5, 8), (11, 7), (6, 5), (0, 4), (7, 3), (1, 2), (8, 1), (2, 0))
    identity = sum((code >> here & 1) << there for here, there in order)
    me = STATUS << 51 | 1 << 48 | emergency.astype(np.int64) << 45 | identity << 32
    return _squitters(icao24, np.zeros(len(code), bool), me)


def encode_adsb(
    time_ns: NDArray[np.int64],
    icao24: NDArray[np.uint32],
    latitude_deg: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
    pressure_altitude_m: NDArray[np.float64],
    velocity_east_m_s: NDArray[np.float64],
    velocity_north_m_s: NDArray[np.float64],
    velocity_up_m_s: NDArray[np.float64],
    on_ground: NDArray[np.bool_],
    odd: NDArray[np.bool_],
) -> Frames:
    """Return what aircraft squit at their times: in the air velocity and then position, on the ground the position.

    All arguments have shape (n,); the frames are in the order of the rows. See `encode_positions`,
    `encode_surface_positions` and `encode_velocities` for ranges and steps.
    """
    air = ~on_ground
    frames = np.empty((len(air), 2, LONGEST), np.uint8)
    frames[air, 0] = encode_velocities(
        icao24[air], velocity_east_m_s[air], velocity_north_m_s[air], velocity_up_m_s[air]
    )
    frames[air, 1] = encode_positions(
        icao24[air], latitude_deg[air], longitude_deg[air], pressure_altitude_m[air], odd[air]
    )
    frames[on_ground, 1] = encode_surface_positions(
        icao24[on_ground],
        latitude_deg[on_ground],
        longitude_deg[on_ground],
        velocity_east_m_s[on_ground],
        velocity_north_m_s[on_ground],
        odd[on_ground],
    )
    sent = np.column_stack([air, np.ones(len(air), bool)])
    return Frames.of(frames[sent], np.repeat(time_ns, 2).reshape(-1, 2)[sent])
