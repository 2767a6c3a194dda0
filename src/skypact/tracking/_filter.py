"""Kernels: the Kalman filter of one track, constant velocity with white acceleration noise in axes that move with it.

A track flies level: its velocity keeps its components along the local axes, which are carried along the great circle,
so that neither the curve of the earth nor a pole bends it. A covariance is the 21 numbers of its upper triangle, row by
row; an update subtracts ``ph ph' / s`` from them, so that it cannot lose its symmetry (the plain form does, and
diverges with thousands of tracks). Measurements enter one row at a time, which equals the joint update because their
errors are independent, and needs no matrix inverse.
"""

from __future__ import annotations

import math

from skypact.compiled import kernel
from skypact.tracking._geometry import (
    EARTH_RADIUS_M,
    TRIANGLE,
    UNKNOWN_HEIGHT_M,
    UNKNOWN_HEIGHT_VAR,
    set_frame,
    to_earth,
)
from skypact.tracking._records import HEIGHT_UNKNOWN, Floats

HEIGHT_MEMORY_S = 6_000.0
"""An unknown height wanders back to the middle of what is possible in this time: 600 m in a minute."""
CLIMB_VAR = 10.0**2
"""Variance of the vertical speed of an object of unknown height."""
SMALLEST_VAR = 1e-4
"""Floor of a variance, against rounding."""


@kernel
def relaxed(dt: float) -> float:
    """Return the share of an unknown height's deviation that is left after a time (Ornstein-Uhlenbeck)."""
    return math.exp(-abs(dt) / HEIGHT_MEMORY_S)


@kernel
def predicted_block(c: Floats, dt: float, noise: float, climb_noise: float, height_source: int, block: Floats) -> None:
    """Write the position covariance ee, en, eu, nn, nu, uu a time later, or earlier for a negative time.

    Parameters
    ----------
    c : float64 array, shape (21,)
    dt : float
    noise, climb_noise : float
        Densities of the white acceleration, m^2/s^3.
    height_source : int
    block : float64 array, shape (6,)
    """
    dt_2 = dt * dt
    spread = noise * abs(dt) * dt_2 / 3.0
    block[0] = c[0] + 2.0 * dt * c[3] + dt_2 * c[15] + spread
    block[1] = c[1] + dt * (c[4] + c[8]) + dt_2 * c[16]
    block[3] = c[6] + 2.0 * dt * c[9] + dt_2 * c[18] + spread
    if height_source == HEIGHT_UNKNOWN:
        left = relaxed(dt)
        block[2] = left * (c[2] + dt * c[12])
        block[4] = left * (c[7] + dt * c[13])
        block[5] = left * left * c[11] + (1.0 - left * left) * UNKNOWN_HEIGHT_VAR
    else:
        block[2] = c[2] + dt * (c[5] + c[12]) + dt_2 * c[17]
        block[4] = c[7] + dt * (c[10] + c[13]) + dt_2 * c[19]
        block[5] = c[11] + 2.0 * dt * c[14] + dt_2 * c[20] + climb_noise * abs(dt) * dt_2 / 3.0


@kernel
def predict_covariance(c: Floats, dt: float, noise: float, climb_noise: float, height_source: int) -> None:
    """Advance a covariance, shape (21,), by a time not below zero, in place."""
    known = height_source != HEIGHT_UNKNOWN
    for i in range(3):
        for j in range(i, 3):
            if j < 2 or known:
                c[TRIANGLE[i, j]] += (
                    dt * (c[TRIANGLE[i, j + 3]] + c[TRIANGLE[j, i + 3]]) + dt * dt * c[TRIANGLE[i + 3, j + 3]]
                )
            elif i < 2:
                c[TRIANGLE[i, j]] += dt * c[TRIANGLE[j, i + 3]]
    for i in range(3):
        for j in range(3):
            if known or (i < 2 and j < 2):
                c[TRIANGLE[i, j + 3]] += dt * c[TRIANGLE[i + 3, j + 3]]
    third, second = dt * dt * dt / 3.0, dt * dt / 2.0
    c[0] += noise * third
    c[6] += noise * third
    c[3] += noise * second
    c[9] += noise * second
    c[15] += noise * dt
    c[18] += noise * dt
    if known:
        c[11] += climb_noise * third
        c[14] += climb_noise * second
        c[20] += climb_noise * dt
    else:
        left = relaxed(dt)
        for k in (2, 7, 12, 13):
            c[k] *= left
        c[11] = left * left * c[11] + (1.0 - left * left) * UNKNOWN_HEIGHT_VAR


@kernel
def travel(velocity: Floats, frame: Floats, dt: float, height_source: int) -> tuple[float, float, float]:
    """Return by how much east, north, up the mean moves in a time, in the axes of its start: level flight."""
    east = velocity[0] * dt
    north = velocity[1] * dt
    if height_source == HEIGHT_UNKNOWN:
        up = (UNKNOWN_HEIGHT_M - frame[4]) * (1.0 - relaxed(dt))
    else:
        up = velocity[2] * dt
    # The local plane leaves the earth behind at the rate of its curvature.
    return east, north, up - (east * east + north * north) / (2.0 * EARTH_RADIUS_M)


@kernel
def scalar_update(c: Floats, delta: Floats, h: Floats, innovation: float, variance: float, ph: Floats) -> float:
    """Update covariance and correction with one measured number; return the squared normalised innovation.

    Parameters
    ----------
    c : float64 array, shape (21,)
        Changed in place.
    delta : float64 array, shape (6,)
        Correction of the state so far; changed in place.
    h : float64 array, shape (6,)
        Jacobian.
    innovation : float
        Measured minus expected before any correction.
    variance : float
        Of the measurement, above zero.
    ph : float64 array, shape (6,)
        Room to work in.
    """
    s = variance
    for i in range(6):
        ph[i] = 0.0
        for j in range(6):
            ph[i] += c[TRIANGLE[i, j]] * h[j]
        s += h[i] * ph[i]
        innovation -= h[i] * delta[i]
    for i in range(6):
        delta[i] += ph[i] * innovation / s
        for j in range(i, 6):
            c[TRIANGLE[i, j]] -= ph[i] * ph[j] / s
    for i in range(6):
        c[TRIANGLE[i, i]] = max(c[TRIANGLE[i, i]], SMALLEST_VAR)
    return innovation * innovation / s


@kernel
def block_update(block: Floats, delta: Floats, row: Floats) -> tuple[float, float]:
    """Update a position covariance (6,) and correction (3,) with one row; return d squared and the variance S."""
    he, hn, hu = row[0], row[1], row[2]
    pe = block[0] * he + block[1] * hn + block[2] * hu
    pn = block[1] * he + block[3] * hn + block[4] * hu
    pu = block[2] * he + block[4] * hn + block[5] * hu
    s = row[4] + he * pe + hn * pn + hu * pu
    innovation = row[3] - he * delta[0] - hn * delta[1] - hu * delta[2]
    gain = innovation / s
    delta[0] += pe * gain
    delta[1] += pn * gain
    delta[2] += pu * gain
    block[0] -= pe * pe / s
    block[1] -= pe * pn / s
    block[2] -= pe * pu / s
    block[3] -= pn * pn / s
    block[4] -= pn * pu / s
    block[5] -= pu * pu / s
    return innovation * gain, s


@kernel
def turn_pair(c: Floats, a: int, cosine: float, sine: float) -> None:
    """Turn the axes a and a + 1 of a covariance, shape (21,), clockwise by an angle, in place."""
    b = a + 1
    aa, ab, bb = c[TRIANGLE[a, a]], c[TRIANGLE[a, b]], c[TRIANGLE[b, b]]
    c[TRIANGLE[a, a]] = cosine * cosine * aa + 2.0 * cosine * sine * ab + sine * sine * bb
    c[TRIANGLE[b, b]] = sine * sine * aa - 2.0 * cosine * sine * ab + cosine * cosine * bb
    c[TRIANGLE[a, b]] = (cosine * cosine - sine * sine) * ab + cosine * sine * (bb - aa)
    for j in range(6):
        if j not in (a, b):
            first, second = c[TRIANGLE[a, j]], c[TRIANGLE[b, j]]
            c[TRIANGLE[a, j]] = cosine * first + sine * second
            c[TRIANGLE[b, j]] = cosine * second - sine * first


@kernel
def move(position: Floats, frame: Floats, velocity: Floats, c: Floats, east: float, north: float, up: float) -> None:
    """Move a track by a vector in its own axes and carry the axes along; all arrays change in place.

    The axes at the new place differ from the carried ones by a turn about the vertical (the convergence of meridians,
    any angle near a pole); velocity and covariance are turned by it. The tilt, a thousandth of a radian, is what keeps
    flight level and is not applied.
    """
    sin_lat, cos_lat, sin_lon, cos_lon = frame[0], frame[1], frame[2], frame[3]
    u, v, w = to_earth(east, north, up, frame)
    position[0] += u
    position[1] += v
    position[2] += w
    set_frame(position[0], position[1], position[2], frame)
    # From scalar products of old and new axes: east.east + north.north, and north.east - east.north.
    cos_lon_step = cos_lon * frame[3] + sin_lon * frame[2]
    sin_lon_step = cos_lon * frame[2] - sin_lon * frame[3]
    cosine = cos_lon_step + sin_lat * frame[0] * cos_lon_step + cos_lat * frame[1]
    sine = (sin_lat + frame[0]) * sin_lon_step
    size = math.hypot(cosine, sine)
    cosine /= size
    sine /= size
    first, second = velocity[0], velocity[1]
    velocity[0] = cosine * first + sine * second
    velocity[1] = cosine * second - sine * first
    turn_pair(c, 0, cosine, sine)
    turn_pair(c, 3, cosine, sine)
