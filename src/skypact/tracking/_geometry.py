"""Kernels: what a sensor on the ellipsoid measures of a point above it, to second order.

Positions are earth-centred, local axes are given by a frame (sine and cosine of latitude, sine and cosine of
longitude), angles are radians. Altitudes above mean sea level stand in for heights above the ellipsoid, for sensor and
object alike: the geoid lifts both by up to 85 m, which changes a slant range of 300 km by less than 5 m.
"""

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel
from skypact.earth.kernels import geodetic_to_ecef
from skypact.tracking._records import Floats

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1.0 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - FLATTENING)
ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)
SECOND_ECCENTRICITY_2 = ECCENTRICITY_2 / (1.0 - ECCENTRICITY_2)
"""The WGS84 ellipsoid (NGA.STND.0036, table 3.1)."""
EARTH_RADIUS_M = 6_371_000.0
"""Mean radius; only small corrections use it."""
REFRACTION_K = 4.0 / 3.0
"""Effective earth radius factor of the standard radio atmosphere (ITU-R P.834), for elevation angles."""
NEAR_ZENITH = 0.05
"""Horizontal distance over slant range below which azimuth says nothing: the cone above a radar."""

UNKNOWN_TOP_M = 15_000.0
UNKNOWN_HEIGHT_M = UNKNOWN_TOP_M / 2.0
UNKNOWN_HEIGHT_VAR = UNKNOWN_TOP_M**2 / 12.0
"""An unknown height: uniform from 0 to 15 km."""


@kernel
def to_local(u: float, v: float, w: float, frame: Floats) -> tuple[float, float, float]:
    """Return east, north, up of a vector given in the axes of the earth."""
    outward = frame[3] * u + frame[2] * v
    return (
        frame[3] * v - frame[2] * u,
        frame[1] * w - frame[0] * outward,
        frame[1] * outward + frame[0] * w,
    )


@kernel
def to_earth(east: float, north: float, up: float, frame: Floats) -> tuple[float, float, float]:
    """Return a vector in the axes of the earth given its east, north, up: the inverse of `to_local`."""
    outward = frame[1] * up - frame[0] * north
    return (
        frame[3] * outward - frame[2] * east,
        frame[2] * outward + frame[3] * east,
        frame[0] * up + frame[1] * north,
    )


@kernel
def axes_at(x: float, y: float, z: float) -> tuple[float, float, float, float, float]:
    """Return sine and cosine of latitude, sine and cosine of longitude, and height of an earth-centred point.

    Bowring's iteration as in `skypact.earth`, but an angle is never formed and its size is two steps: exact to 1e-13
    from the ground to 200 km, and six times as fast, which the tracker asks for at every update.
    """
    across = math.sqrt(x * x + y * y)
    distance = math.sqrt(across * across + z * z)
    up = z * SEMI_MINOR_M * (distance + SECOND_ECCENTRICITY_2 * SEMI_MINOR_M)
    out = across * SEMI_MAJOR_M * distance
    sine = cosine = 0.0
    for _ in range(2):
        size = math.sqrt(up * up + out * out)
        sine = up / size
        cosine = out / size
        up = z + SECOND_ECCENTRICITY_2 * SEMI_MINOR_M * sine * sine * sine
        out = across - ECCENTRICITY_2 * SEMI_MAJOR_M * cosine * cosine * cosine
        size = math.sqrt(up * up + out * out)
        sine = up / size
        cosine = out / size
        up *= 1.0 - FLATTENING
    height = across * cosine + z * sine - SEMI_MAJOR_M * math.sqrt(1.0 - ECCENTRICITY_2 * sine * sine)
    if across > 0.0:
        return sine, cosine, y / across, x / across, height
    return sine, cosine, 0.0, 1.0, height


@kernel
def set_frame(x: float, y: float, z: float, frame: Floats) -> None:
    """Write the local axes and the height of a point into `frame`, shape (5,)."""
    frame[0], frame[1], frame[2], frame[3], frame[4] = axes_at(x, y, z)


@kernel
def set_axes(lat: float, lon: float, height: float, frame: Floats, position: Floats) -> None:
    """Write the local axes at a position, and the position earth-centred."""
    frame[0] = math.sin(lat)
    frame[1] = math.cos(lat)
    frame[2] = math.sin(lon)
    frame[3] = math.cos(lon)
    frame[4] = height
    position[0], position[1], position[2] = geodetic_to_ecef(lat, lon, height)


@kernel
def refraction(ground: float) -> float:
    """Return by how much the beam to a point at a horizontal distance looks above it, radians."""
    return ground * (1.0 - 1.0 / REFRACTION_K) / (2.0 * EARTH_RADIUS_M)


@kernel
def place_polar(slant: float, azimuth: float, height: float, site: Floats, frame: Floats) -> tuple[float, float, float]:
    """Return earth-centred x, y, z of what a radar sees at a slant range and azimuth, at a height.

    The elevation follows from the triangle with the earth's centre, then two Newton steps on the exact height. A
    height out of reach of the slant range gives the point straight above or below.

    Parameters
    ----------
    slant, azimuth, height : float
    site : float64 array, shape (3,)
        Earth-centred position of the radar.
    frame : float64 array, shape (5,)
        Its axes and height.
    """
    radius = EARTH_RADIUS_M + frame[4]
    top = EARTH_RADIUS_M + height
    sine = (top * top - radius * radius - slant * slant) / (2.0 * slant * radius)
    sine = min(1.0, max(-1.0, sine))
    sin_az = math.sin(azimuth)
    cos_az = math.cos(azimuth)
    x = y = z = 0.0
    for step in range(3):
        across = slant * math.sqrt(1.0 - sine * sine)
        u, v, w = to_earth(across * sin_az, across * cos_az, slant * sine, frame)
        x = site[0] + u
        y = site[1] + v
        z = site[2] + w
        if step == 2 or across < 1.0:
            break
        _, _, _, _, reached = axes_at(x, y, z)
        sine = min(1.0, max(-1.0, sine + (height - reached) / slant))
    return x, y, z


@kernel
def polar_rows(
    x: float,
    y: float,
    z: float,
    frame: Floats,
    block: Floats,
    consider: float,
    site: Floats,
    site_frame: Floats,
    slant: float,
    azimuth: float,
    elevation: float,
    variance: Floats,
    rows: Floats,
) -> int:
    """Write the rows of a radar's measurement of a predicted point; return how many.

    A row is the Jacobian over east, north, up of the point, the innovation, and the innovation's variance without the
    part of the point's own covariance. Bias and variance of the second-order terms are in it (second-order filter,
    Bar-Shalom, Li and Kirubarajan 2001, section 10.3.2): they matter near the radar and for unknown heights.

    Parameters
    ----------
    x, y, z : float
        The point.
    frame : float64 array, shape (5,)
        Axes in which its covariance stands.
    block : float64 array, shape (6,)
        Its covariance: ee, en, eu, nn, nu, uu.
    consider : float
        Variance of its height that the covariance leaves out.
    site, site_frame : float64 arrays
        The radar.
    slant, azimuth, elevation : float
        The measurement; a NaN elevation is none.
    variance : float64 array, shape (3,)
        Of slant range, azimuth, elevation.
    rows : float64 array, shape (>= 3, 5)
        Filled: range, then azimuth unless near the zenith, then elevation where measured.
    """
    dx = x - site[0]
    dy = y - site[1]
    dz = z - site[2]
    east, north, up = to_local(dx, dy, dz, site_frame)
    ground_2 = max(east * east + north * north, 1e-6)
    ground = math.sqrt(ground_2)
    distance = math.sqrt(ground_2 + up * up)

    le, ln, lu = to_local(dx, dy, dz, frame)
    le /= distance
    ln /= distance
    lu /= distance
    u, v, w = to_earth(north / ground, -east / ground, 0.0, site_frame)
    ce, cn, cu = to_local(u, v, w, frame)  # across: towards larger azimuth
    # Third axis of the triad, towards larger elevation.
    te = cn * lu - cu * ln
    tn = cu * le - ce * lu
    tu = ce * ln - cn * le

    pe = block[0] * ce + block[1] * cn + block[2] * cu
    pn = block[1] * ce + block[3] * cn + block[4] * cu
    pu = block[2] * ce + block[4] * cn + block[5] * cu
    across = ce * pe + cn * pn + cu * pu
    along_across = le * pe + ln * pn + lu * pu
    tilt_across = te * pe + tn * pn + tu * pu
    pe = block[0] * te + block[1] * tn + block[2] * tu
    pn = block[1] * te + block[3] * tn + block[4] * tu
    pu = block[2] * te + block[4] * tn + block[5] * tu
    tilt = te * pe + tn * pn + tu * pu
    along_tilt = le * pe + ln * pn + lu * pu
    pe = block[0] * le + block[1] * ln + block[2] * lu
    pn = block[1] * le + block[3] * ln + block[4] * lu
    pu = block[2] * le + block[4] * ln + block[5] * lu
    along = le * pe + ln * pn + lu * pu

    rows[0, 0] = le
    rows[0, 1] = ln
    rows[0, 2] = lu
    rows[0, 3] = slant - distance - 0.5 * (across + tilt) / distance
    curved = 0.5 * (across * across + tilt * tilt + 2.0 * tilt_across * tilt_across) / (distance * distance)
    rows[0, 4] = variance[0] + curved + consider * lu * lu
    count = 1
    if ground > NEAR_ZENITH * distance:
        # Spread and cross-covariance along the horizontal through the point, from the slant triad.
        cosine = ground / distance
        sine = up / distance
        radial = cosine * cosine * along - 2.0 * cosine * sine * along_tilt + sine * sine * tilt
        mixed = cosine * along_across - sine * tilt_across
        turn = azimuth - math.atan2(east, north)
        turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)
        rows[1, 0] = ce / ground
        rows[1, 1] = cn / ground
        rows[1, 2] = cu / ground
        rows[1, 3] = turn + mixed / ground_2
        rows[1, 4] = variance[1] + (radial * across + mixed * mixed) / (ground_2 * ground_2)
        count = 2
    if not math.isnan(elevation):
        rows[count, 0] = te / distance
        rows[count, 1] = tn / distance
        rows[count, 2] = tu / distance
        rows[count, 3] = elevation - math.atan2(up, ground) - refraction(ground)
        rows[count, 4] = variance[2] + consider * tu * tu / (distance * distance)
        count += 1
    return count


@kernel
def position_rows(dx: float, dy: float, dz: float, frame: Floats, variance: float, rows: Floats) -> int:
    """Write the two rows of a horizontal position measured `d` away from the predicted point; return 2."""
    east, north, _ = to_local(dx, dy, dz, frame)
    rows[0, :] = 0.0
    rows[1, :] = 0.0
    rows[0, 0] = 1.0
    rows[0, 3] = east
    rows[0, 4] = variance
    rows[1, 1] = 1.0
    rows[1, 3] = north
    rows[1, 4] = variance
    return 2


@kernel
def polar_covariance(
    x: float,
    y: float,
    z: float,
    frame: Floats,
    site: Floats,
    site_frame: Floats,
    variance: Floats,
    height_var: float,
    block: Floats,
) -> None:
    """Write the covariance of a point placed by slant range, azimuth and height: ee, en, eu, nn, nu, uu.

    The inverse of the information that the three give; straight above the radar, where azimuth and height leave the
    range's direction open, the horizontal error is bounded by the slant range itself.
    """
    dx = x - site[0]
    dy = y - site[1]
    dz = z - site[2]
    east, north, up = to_local(dx, dy, dz, site_frame)
    distance = math.sqrt(east * east + north * north + up * up)
    floor = max(NEAR_ZENITH * distance, 1.0)
    ground = max(math.hypot(east, north), floor)
    bearing = math.atan2(east, north)
    u, v, w = to_earth(math.sin(bearing), math.cos(bearing), 0.0, site_frame)
    re, rn, _ = to_local(u, v, w, frame)
    size = math.hypot(re, rn)
    re /= size
    rn /= size
    # At a given slant range a height error d moves the point by -slope * d, the slope being that of the line of sight
    # against the horizontal at the point itself.
    _, _, rise = to_local(dx, dy, dz, frame)
    level = max(math.sqrt(max(distance * distance - rise * rise, 0.0)), floor)
    slope = rise / level
    radial = min((distance / level) ** 2 * variance[0] + slope * slope * height_var, distance * distance)
    mixed = -slope * height_var
    limit = math.sqrt(radial * height_var)
    mixed = min(0.999 * limit, max(-0.999 * limit, mixed))
    across = ground * ground * variance[1]
    block[0] = re * re * radial + rn * rn * across
    block[1] = re * rn * (radial - across)
    block[2] = re * mixed
    block[3] = rn * rn * radial + re * re * across
    block[4] = rn * mixed
    block[5] = height_var


TRIANGLE = np.array([[min(i, j) * (11 - min(i, j)) // 2 + max(i, j) for j in range(6)] for i in range(6)])
"""Where entry (i, j) of a symmetric 6 x 6 matrix stands among the 21 of its upper triangle."""
