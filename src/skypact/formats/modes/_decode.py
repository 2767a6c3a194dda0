"""The numba kernel that turns frames into rows, with what must be remembered of each aircraft between messages.

Memory is fixed: `AIRCRAFT` slots in sets of `WAYS` found by the address; in a full set the aircraft silent for longest
is forgotten. The kernel goes through the frames once, in order, so that the result does not depend on how a stream was
cut into batches.
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel
from skypact.formats.modes import _cpr, _fields
from skypact.formats.modes._fields import field
from skypact.formats.modes._kernels import remainder
from skypact.tables import KINDS
from skypact.units import SECOND_NS

REASONS = (
    "mode_ac",
    "length",
    "format",
    "parity",
    "unconfirmed",
    "rebroadcast",
    "no_content",
    "callsign",
    "position_jump",
)
"""Why a frame gave no row, or (`position_jump`) a row without its position."""
MODE_AC, LENGTH, FORMAT, PARITY, UNCONFIRMED, REBROADCAST, NO_CONTENT, CALLSIGN, JUMP = range(len(REASONS))

ADSB, MODE_S = KINDS.index("adsb"), KINDS.index("mode_s")
OTHER_ADDRESS = 1 << 24
"""Added to the key of aircraft whose address is not an ICAO one (DF18, CF 1)."""

SETS, WAYS = 8192, 8
NEVER = -(1 << 62)
"""Time of what has not been: far before 1970, and far enough from overflow to subtract."""

CONFIRMED_NS = 60 * SECOND_NS
"""How long an address heard under full parity vouches for replies whose parity is overlaid with it."""
PAIR_NS = 10 * SECOND_NS
"""Longest time between an even and an odd airborne message (DO-260B A.1.7.7)."""
SURFACE_PAIR_NS = 25 * SECOND_NS
"""The same on the surface, for aircraft faster than 25 kt (DO-260B A.1.7.8); slower ones would be allowed 50 s."""
NEAR_NS = 180 * SECOND_NS
"""How long a position serves to decode single messages; half a zone is 333 km in the air and 83 km on the ground."""
SPEED_M_S, SURFACE_SPEED_M_S = 1000.0, 300.0
"""What nothing that sends ADS-B exceeds, in the air and with one end on the ground."""
JUMPS = 3
"""So many positions in a row that contradict the last one refute it."""
RANGE_M = 850e3
"""A receiver hears no further: line of sight to 20 km height is 600 km, and the rest for refraction."""
VELOCITY_NS = 2 * SECOND_NS
"""A velocity message completes positions this long: aircraft send both twice a second."""
ACCURACY_NS = 60 * SECOND_NS
"""An operational status message speaks for positions this long: aircraft send it every 2.5 s."""

AIRCRAFT = np.dtype(
    [
        ("seen_ns", np.int64),
        ("confirmed_ns", np.int64),
        ("cpr_ns", np.int64, 2),
        ("position_ns", np.int64),
        ("velocity_ns", np.int64),
        ("status_ns", np.int64),
        ("latitude", np.float64),
        ("longitude", np.float64),
        ("east", np.float64),
        ("north", np.float64),
        ("up", np.float64),
        ("height_difference", np.float64),
        ("sigma_velocity", np.float64),
        ("key", np.int32),
        ("cpr_latitude", np.int32, 2),
        ("cpr_longitude", np.int32, 2),
        ("cpr_surface", np.uint8, 2),
        ("surface", np.uint8),
        ("jumps", np.uint8),
        ("version", np.uint8),
        ("nac_p", np.uint8),
    ],
    align=True,
)

ROW = np.dtype(
    [
        ("callsign", np.uint64),
        ("latitude", np.float64),
        ("longitude", np.float64),
        ("pressure_altitude", np.float64),
        ("height", np.float64),
        ("east", np.float64),
        ("north", np.float64),
        ("up", np.float64),
        ("sigma_position", np.float64),
        ("sigma_velocity", np.float64),
        ("frame", np.int32),
        ("icao24", np.int32),
        ("mode_3a", np.int16),
        ("kind", np.int8),
        ("on_ground", np.int8),
        ("emergency", np.int8),
    ],
    align=True,
)
"""What a frame gives; -1, NaN and a callsign of 0 are null. `height` is above the ellipsoid."""


def new_aircraft() -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return an empty table of aircraft."""
    aircraft = np.zeros(SETS * WAYS, AIRCRAFT)
    aircraft["key"] = -1
    aircraft["seen_ns"] = NEVER
    return aircraft


@kernel
def _find(aircraft, key):
    """Return (slot or -1, slot to use for a newcomer)."""
    first = (key * 0x9E3779B1 & 0xFFFFFFFF) // (0x100000000 // SETS) * WAYS
    oldest = first
    for slot in range(first, first + WAYS):
        if aircraft[slot].key == key:
            return slot, slot
        if aircraft[slot].seen_ns < aircraft[oldest].seen_ns:
            oldest = slot
    return -1, oldest


@kernel
def _meet(aircraft, key, now):
    """Return the slot of an aircraft, made anew if it is unknown."""
    slot, fresh = _find(aircraft, key)
    if slot < 0:
        slot = fresh
        a = aircraft[slot]
        a.key = key
        a.confirmed_ns = a.position_ns = a.velocity_ns = a.status_ns = NEVER
        a.cpr_ns[0] = a.cpr_ns[1] = NEVER
        a.jumps = a.version = a.nac_p = 0
    aircraft[slot].seen_ns = now
    return slot


@kernel
def _clear(row):
    row.callsign = 0
    row.latitude = row.longitude = row.pressure_altitude = row.height = np.nan
    row.east = row.north = row.up = row.sigma_position = row.sigma_velocity = np.nan
    row.mode_3a = row.on_ground = row.emergency = -1


@kernel
def _follow(a, latitude, longitude, surface, now):
    """Return whether a position can be where the aircraft was, given the time between."""
    speed = SURFACE_SPEED_M_S if surface or a.surface else SPEED_M_S
    reach = speed * (abs(now - a.position_ns) / SECOND_NS + 1.0)
    return _cpr.distance_m(a.latitude, a.longitude, latitude, longitude) <= reach


@kernel
def _locate(a, latitude_cpr, longitude_cpr, odd, surface, now, reference):
    """Return (latitude, longitude, jumped) of a position message and remember it; NaN while it is ambiguous."""
    a.cpr_ns[odd] = now
    a.cpr_latitude[odd] = latitude_cpr
    a.cpr_longitude[odd] = longitude_cpr
    a.cpr_surface[odd] = surface
    if abs(now - a.position_ns) <= NEAR_NS:
        latitude, longitude = _cpr.near(
            latitude_cpr, longitude_cpr, odd, 90.0 if surface else 360.0, a.latitude, a.longitude
        )
        if _follow(a, latitude, longitude, surface, now):
            a.latitude, a.longitude, a.position_ns, a.surface, a.jumps = latitude, longitude, now, surface, 0
            return latitude, longitude, False
        a.jumps += 1
        if a.jumps < JUMPS:
            return np.nan, np.nan, True
    a.position_ns = NEVER
    a.jumps = 0
    oldest = SURFACE_PAIR_NS if surface else PAIR_NS
    if abs(now - a.cpr_ns[1 - odd]) > oldest or a.cpr_surface[1 - odd] != surface:
        return np.nan, np.nan, False
    even, uneven = a.cpr_latitude
    even_longitude, odd_longitude = a.cpr_longitude
    if not surface:
        latitude, longitude = _cpr.airborne_pair(even, even_longitude, uneven, odd_longitude, odd)
    elif np.isnan(reference[0]):
        return np.nan, np.nan, False
    else:
        latitude, longitude = _cpr.surface_pair(
            even, even_longitude, uneven, odd_longitude, odd, reference[0], reference[1]
        )
    if np.isnan(longitude):
        return np.nan, np.nan, False
    if _cpr.distance_m(latitude, longitude, reference[0], reference[1]) > RANGE_M:  # never so without a reference
        return np.nan, np.nan, True
    a.latitude, a.longitude, a.position_ns, a.surface = latitude, longitude, now, surface
    return latitude, longitude, False


@kernel
def _position(a, me, kind, now, reference, row, counts):
    """Fill a row from a surface (type 5-8) or airborne (9-18, 20-22) position message."""
    surface = kind < 9
    latitude, longitude, jumped = _locate(
        a, field(me, 23, 17), field(me, 40, 17), field(me, 22, 1), surface, now, reference
    )
    if jumped:
        counts[JUMP] += 1
    row.latitude = latitude
    row.longitude = longitude
    row.on_ground = surface
    if a.version == 0:
        row.sigma_position = _fields.TYPE_SIGMA_M[kind]
    elif abs(now - a.status_ns) <= ACCURACY_NS:
        row.sigma_position = _fields.NAC_P_SIGMA_M[a.nac_p]
    if np.isnan(latitude):
        row.sigma_position = np.nan
    if surface:
        speed = _fields.movement_m_s(field(me, 6, 7))
        track = math.radians(field(me, 14, 7) * (360.0 / 128.0))
        if speed == 0.0:
            row.east = row.north = 0.0
        elif field(me, 13, 1):
            row.east = speed * math.sin(track)
            row.north = speed * math.cos(track)
        return
    altitude = _fields.altitude12_m(field(me, 9, 12))
    if kind < 19:
        row.pressure_altitude = altitude
    else:
        row.height = altitude
    if abs(now - a.velocity_ns) <= VELOCITY_NS:
        row.east, row.north, row.up = a.east, a.north, a.up
        row.sigma_velocity = a.sigma_velocity
        if kind < 19:
            row.height = altitude + a.height_difference


@kernel
def _squitter(a, me, now, reference, row, counts):
    """Fill a row from the message field of an extended squitter; return whether there is anything in it."""
    kind = field(me, 1, 5)
    if 5 <= kind <= 18 or 20 <= kind <= 22:
        _position(a, me, kind, now, reference, row, counts)
        return True
    if kind == 0:
        row.pressure_altitude = _fields.altitude12_m(field(me, 9, 12))
        if np.isnan(row.pressure_altitude):
            counts[NO_CONTENT] += 1
            return False
        return True
    if kind <= 4:
        row.callsign = _fields.callsign(me)
        if row.callsign == 0:
            counts[CALLSIGN] += 1
            return False
        return True
    subtype = field(me, 6, 3)
    if kind == 28 and subtype == 1:
        emergency = field(me, 9, 3)
        row.emergency = emergency if emergency < 7 else -1
        row.mode_3a = _fields.mode_a(field(me, 12, 13))
        return True
    if kind == 19 and 1 <= subtype <= 4:
        a.velocity_ns = now
        a.east = a.north = a.sigma_velocity = np.nan
        if subtype <= 2:
            a.east, a.north = _fields.ground_velocity(me)
        if not np.isnan(a.east):
            a.sigma_velocity = _fields.NAC_V_SIGMA_M_S[field(me, 11, 3)]
        a.up = _fields.vertical_rate_m_s(me)
        a.height_difference = _fields.height_difference_m(me)
    elif kind == 31 and subtype <= 1:
        a.version = field(me, 41, 3)
        a.nac_p = field(me, 45, 4)
        a.status_ns = now
    else:
        counts[NO_CONTENT] += 1
    return False


@kernel
def _reply(frames, i, kind, row):
    """Fill a row from a surveillance, air-to-air or Comm-B reply or an all-call reply."""
    state = frames[i, 0] & 7
    if kind == 11:
        row.on_ground = 1 if state == 4 else 0 if state == 5 else -1
        return
    code = _fields.message_bits(frames, i, 2, 2) & 0x1FFF
    if kind in (0, 16):
        row.on_ground = state >> 2
    else:
        row.on_ground = state & 1 if state < 4 else -1
    if kind in (5, 21):
        row.mode_3a = _fields.mode_a(code)
    else:
        row.pressure_altitude = _fields.altitude_m(code)
    if kind >= 20 and frames[i, 4] == 0x20:  # register 2,0 begins with its own number
        row.callsign = _fields.callsign(_fields.message_bits(frames, i, 4, 7))


@kernel
def decode(frames, length, time_ns, vouched, reference, aircraft, rows, counts):
    """Decode frames into rows.

    Parameters
    ----------
    frames, length : uint8 arrays, shapes (n, 14) and (n,)
    time_ns : int64 array, shape (n,)
        When each was heard; differences matter.
    vouched : bool array, shape (n,)
        Whether something beside the frame names the address in its parity.
    reference : float64 array, shape (2,)
        Latitude and longitude of the receiver, NaN when unknown.
    aircraft : array of `AIRCRAFT`, from `new_aircraft`
        Read and updated.
    rows : array of `ROW`, shape (n,)
        Written.
    counts : int64 array, shape (len(REASONS),)
        Counted up.

    Returns
    -------
    int
        Rows written.
    """
    n = 0
    for i in range(len(length)):
        now = time_ns[i]
        if length[i] == 2:
            counts[MODE_AC] += 1
            continue
        kind = frames[i, 0] >> 3
        if kind not in (0, 4, 5, 11, 16, 17, 18, 20, 21):
            counts[FORMAT] += 1
            continue
        size = 14 if kind >= 16 else 7  # a short reply in a long frame is what some recorders write
        if length[i] < size:
            counts[LENGTH] += 1
            continue
        rest = remainder(frames, i, size)
        key = _fields.message_bits(frames, i, 1, 3)
        if kind in (17, 18):
            if rest:
                counts[PARITY] += 1
                continue
            if kind == 18:
                control = frames[i, 0] & 7
                if control > 1:
                    counts[REBROADCAST] += 1
                    continue
                key |= control << 24
        elif kind == 11:
            if rest >= 80:  # CL and IC overlay the last seven bits: at most 4 and 15 (Annex 10 IV 3.1.2.3.3.2)
                counts[PARITY] += 1
                continue
        else:
            key = rest
        slot = -1
        if kind in (17, 18) or (kind == 11 and rest == 0):
            slot = _meet(aircraft, key, now)
            aircraft[slot].confirmed_ns = now
        elif not vouched[i]:
            slot, _ = _find(aircraft, key)
            if slot < 0 or abs(now - aircraft[slot].confirmed_ns) > CONFIRMED_NS:
                counts[UNCONFIRMED] += 1
                continue
        row = rows[n]
        _clear(row)
        row.frame = i
        row.icao24 = key if key < OTHER_ADDRESS else -1
        if kind in (17, 18):
            row.kind = ADSB
            me = _fields.message_bits(frames, i, 4, 7)
            if not _squitter(aircraft[slot], me, now, reference, row, counts):
                continue
        else:
            row.kind = MODE_S
            _reply(frames, i, kind, row)
        n += 1
    return n
