"""Numba kernels of the compact position report (CPR).

Source: RTCA DO-260B Appendix A 1.7 and ICAO Doc 9871 Appendix C 2.6: 17-bit latitude and longitude within zones that
differ in number between even and odd messages; an even and an odd one give a position anywhere, a single one gives it
within half a zone of a known position. Surface messages have zones a quarter of the size.
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel

STEPS = 131072.0  # 2^17

_ZONES = np.arange(59, 2, -1)
TRANSITIONS_DEG = np.degrees(np.arccos(np.sqrt((1 - np.cos(np.pi / 30)) / (1 - np.cos(2 * np.pi / _ZONES)))))
"""Latitudes from which on there are 58, 57, ... 2 longitude zones instead of 59."""

EARTH_RADIUS_M = 6_371_000.0


@kernel
def zones(latitude):
    """Return NL, the number of longitude zones at a latitude in degrees: 59 at the equator, 1 beyond 87 degrees."""
    latitude = abs(latitude)
    if latitude <= 87.0:
        return 59 - np.searchsorted(TRANSITIONS_DEG, latitude, side="right")
    return 1


@kernel
def wrapped(longitude):
    """Return a longitude within -180 to 180 degrees."""
    return (longitude + 180.0) % 360.0 - 180.0


@kernel
def _pair_longitude(even, uneven, even_longitude, odd_longitude, odd, span):
    """Return the longitude that goes with the latitudes of a pair, NaN when their NL differ."""
    count = zones(even)
    if count != zones(uneven):
        return np.nan
    m = math.floor((even_longitude * (count - 1.0) - odd_longitude * count) / STEPS + 0.5)
    n = max(count - (1 if odd else 0), 1)
    x = odd_longitude if odd else even_longitude
    return span / n * (m % n + x / STEPS)


@kernel
def airborne_pair(even_latitude, even_longitude, odd_latitude, odd_longitude, odd):
    """Return (latitude, longitude) of a pair of airborne messages, at the time of the odd one if `odd`.

    NaN when the two do not belong together, or straddle a change of NL.
    """
    j = math.floor((59.0 * even_latitude - 60.0 * odd_latitude) / STEPS + 0.5)
    even = 6.0 * (j % 60 + even_latitude / STEPS)
    uneven = 360.0 / 59.0 * (j % 59 + odd_latitude / STEPS)
    if even >= 270.0:
        even -= 360.0
    if uneven >= 270.0:
        uneven -= 360.0
    if abs(even) > 90.0 or abs(uneven) > 90.0:
        return np.nan, np.nan
    longitude = _pair_longitude(even, uneven, even_longitude, odd_longitude, odd, 360.0)
    return uneven if odd else even, wrapped(longitude)


@kernel
def surface_pair(even_latitude, even_longitude, odd_latitude, odd_longitude, odd, near_latitude, near_longitude):
    """Return, of the eight positions that a pair of surface messages may mean, the one nearest to a known place.

    Longitude is NaN when the two straddle a change of NL.
    """
    j = math.floor((59.0 * even_latitude - 60.0 * odd_latitude) / STEPS + 0.5)
    even = 1.5 * (j % 60 + even_latitude / STEPS)
    uneven = 90.0 / 59.0 * (j % 59 + odd_latitude / STEPS)
    latitude = uneven if odd else even
    if abs(latitude - 90.0 - near_latitude) < abs(latitude - near_latitude):
        even, uneven, latitude = even - 90.0, uneven - 90.0, latitude - 90.0
    longitude = _pair_longitude(even, uneven, even_longitude, odd_longitude, odd, 90.0)
    if np.isnan(longitude):  # the floor of NaN is undefined
        return latitude, longitude
    longitude += 90.0 * math.floor((near_longitude - longitude) / 90.0 + 0.5)
    return latitude, wrapped(longitude)


@kernel
def near(latitude_cpr, longitude_cpr, odd, span, near_latitude, near_longitude):
    """Return (latitude, longitude) of one message, nearest to a known position.

    `span` is 360 for airborne, 90 for surface messages.
    """
    size = span / (60.0 - odd)
    fraction = latitude_cpr / STEPS
    latitude = size * (math.floor(0.5 + near_latitude / size - fraction) + fraction)
    if abs(latitude) > 90.0:
        return np.nan, np.nan
    size = span / max(zones(latitude) - odd, 1)
    fraction = longitude_cpr / STEPS
    longitude = size * (math.floor(0.5 + near_longitude / size - fraction) + fraction)
    return latitude, wrapped(longitude)


@kernel
def distance_m(latitude, longitude, other_latitude, other_longitude):
    """Return the great-circle distance of two positions on a sphere, for sanity checks; NaN if one is NaN."""
    a, b = math.radians(latitude), math.radians(other_latitude)
    half = math.sin(math.radians(other_longitude - longitude) / 2)
    chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * half * half
    return 2 * EARTH_RADIUS_M * math.atan2(math.sqrt(chord), math.sqrt(abs(1.0 - chord)))
