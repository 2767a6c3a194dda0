"""Numba kernels that read single fields of Mode S messages.

Sources: ICAO Annex 10 Volume IV 3.1.2 (replies, altitude and identity codes), ICAO Doc 9871 Appendices A to C and RTCA
DO-260B 2.2.3.2 (extended squitter). A value the message does not hold is NaN or -1.
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, NAUTICAL_MILE_M

R95 = 2.4477468306808166
"""Radius that holds 95 % of a circular normal distribution, in standard deviations of one axis: sqrt(-2 ln 0.05)."""

_NM = NAUTICAL_MILE_M
_NAN = float("nan")

TYPE_SIGMA_M = (
    np.array(
        [_NAN] * 5
        + [3, 10, 0.05 * _NM, _NAN]  # 5-8, surface
        + [3, 10, 0.05 * _NM, 0.1 * _NM, 0.25 * _NM, 0.5 * _NM, _NM, 5 * _NM, 10 * _NM, _NAN, _NAN]  # 9-19, airborne
        + [4, 15, _NAN]  # 20-22, airborne with GNSS height
    )
    / R95
)
"""Standard deviation of a version 0 position by type code: its 95 % radius (Doc 9871 Table C-43) over `R95`."""
NAC_P_SIGMA_M = (
    np.array(
        [_NAN, 10 * _NM, 4 * _NM, 2 * _NM, _NM, 0.5 * _NM, 0.3 * _NM, 0.1 * _NM, 0.05 * _NM, 30, 10, 3] + [_NAN] * 4
    )
    / R95
)
"""Standard deviation by NACp: its 95 % radius EPU (Doc 9871 Table B-2-101, DO-260B Table N-11) over `R95`."""
NAC_V_SIGMA_M_S = np.array([_NAN, 10, 3, 1, 0.3, _NAN, _NAN, _NAN]) / R95
"""Standard deviation of velocity by NACv, or NUCr of version 0: its 95 % bound over `R95`."""

CHARACTERS = np.frombuffer(b"#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######", np.uint8)
"""The six-bit alphabet of aircraft identification (Annex 10 IV Table 3-9); ``#`` has no meaning."""

MOVEMENT_FROM = np.array([2, 9, 13, 39, 94, 109, 124])
MOVEMENT_KT = np.array([0.125, 1.0, 2.0, 15.0, 70.0, 100.0, 175.0])
MOVEMENT_STEP_KT = np.array([0.125, 0.25, 0.5, 1.0, 2.0, 5.0, 0.0])
"""The movement field of a surface position: lowest code, speed and step of each stretch (DO-260B 2.2.3.2.4.2)."""


@kernel
def message_bits(frames, row, first, size):
    """Return bytes of a frame as one integer."""
    value = np.int64(0)
    for b in range(first, first + size):
        value = (value << 8) | frames[row, b]
    return value


@kernel
def field(me, first, width):
    """Return bits of a 56-bit field, counted from 1 as the standards do."""
    return (me >> (57 - first - width)) & ((1 << width) - 1)


@kernel
def _gray(code):
    value = code
    while code:
        code >>= 1
        value ^= code
    return value


@kernel
def altitude_m(code):
    """Return the altitude in metres of a 13-bit altitude code (C1 A1 C2 A2 C4 A4 M B1 Q B2 D2 B4 D4), NaN if none."""
    if code == 0 or code & 0x40:  # metric codes are not defined
        return np.nan
    if code & 0x10:
        return (((code & 0x1F80) >> 2 | (code & 0x20) >> 1 | code & 0xF) * 25.0 - 1000.0) * FOOT_M
    # Gillham: 500 ft in the Gray code D2 D4 A1 A2 A4 B1 B2 B4, within them 100 ft in C1 C2 C4, reflected.
    five = (
        (code >> 2 & 1) << 7
        | (code & 1) << 6
        | (code >> 11 & 1) << 5
        | (code >> 9 & 1) << 4
        | (code >> 7 & 1) << 3
        | (code >> 5 & 1) << 2
        | (code >> 3 & 1) << 1
        | code >> 1 & 1
    )
    one = _gray((code >> 12 & 1) << 2 | (code >> 10 & 1) << 1 | code >> 8 & 1)
    if one == 7:
        one = 5
    elif one in (0, 5, 6):
        return np.nan
    five = _gray(five)
    if five & 1:
        one = 6 - one
    feet = five * 500.0 + one * 100.0 - 1300.0
    return feet * FOOT_M if feet >= -1000.0 else np.nan


@kernel
def altitude12_m(code):
    """Return the altitude in metres of the 12-bit code of a position message: the same without the metric bit."""
    return altitude_m((code & 0xFC0) << 1 | code & 0x3F)


@kernel
def mode_a(code):
    """Return the Mode A code of a 13-bit identity code (C1 A1 C2 A2 C4 A4 x B1 D1 B2 D2 B4 D4), its octal value."""
    a = (code >> 7 & 1) << 2 | (code >> 9 & 1) << 1 | code >> 11 & 1
    b = (code >> 1 & 1) << 2 | (code >> 3 & 1) << 1 | code >> 5 & 1
    c = (code >> 8 & 1) << 2 | (code >> 10 & 1) << 1 | code >> 12 & 1
    d = (code & 1) << 2 | (code >> 2 & 1) << 1 | code >> 4 & 1
    return a << 9 | b << 6 | c << 3 | d


@kernel
def callsign(me):
    """Return the eight characters of bits 9-56, first in the highest byte; 0 if one is none or all are blank."""
    text = np.uint64(0)
    blank = True
    for i in range(8):
        character = CHARACTERS[field(me, 9 + 6 * i, 6)]
        if character == 35:
            return np.uint64(0)
        blank = blank and character == 32
        text = text << np.uint64(8) | np.uint64(character)
    return np.uint64(0) if blank else text


@kernel
def movement_m_s(code):
    """Return the ground speed of a surface position's movement code, the lower end of its step; NaN if none."""
    if code == 1:
        return 0.0
    if code < 2 or code > 124:
        return np.nan
    i = np.searchsorted(MOVEMENT_FROM, code, side="right") - 1
    return (MOVEMENT_KT[i] + (code - MOVEMENT_FROM[i]) * MOVEMENT_STEP_KT[i]) * KNOT_M_S


@kernel
def ground_velocity(me):
    """Return (east, north) in m/s of an airborne velocity over ground (subtypes 1, 2), NaN where not available."""
    east, north = field(me, 15, 10), field(me, 26, 10)
    if east == 0 or north == 0:
        return np.nan, np.nan
    unit = KNOT_M_S * (4.0 if field(me, 6, 3) == 2 else 1.0)
    east, north = (east - 1) * unit, (north - 1) * unit
    return 0.0 - east if field(me, 14, 1) else east, 0.0 - north if field(me, 25, 1) else north


@kernel
def vertical_rate_m_s(me):
    """Return the climb rate of an airborne velocity message, NaN if not available."""
    rate = field(me, 38, 9)
    if rate == 0:
        return np.nan
    rate = (rate - 1) * 64.0 * FOOT_PER_MINUTE_M_S
    return 0.0 - rate if field(me, 37, 1) else rate  # not minus zero


@kernel
def height_difference_m(me):
    """Return GNSS height minus pressure altitude of a velocity message; NaN if not available or off its scale."""
    difference = field(me, 50, 7)
    if difference in (0, 127):
        return np.nan
    difference = (difference - 1) * 25.0 * FOOT_M
    return 0.0 - difference if field(me, 49, 1) else difference
