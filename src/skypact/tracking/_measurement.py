"""Kernels: what one plot says of one track: altitudes, rows of the measurement, where it lies."""

from __future__ import annotations

import math

from skypact.compiled import kernel
from skypact.tracking._geometry import (
    EARTH_RADIUS_M,
    UNKNOWN_HEIGHT_M,
    UNKNOWN_HEIGHT_VAR,
    place_polar,
    polar_rows,
    position_rows,
    refraction,
    set_axes,
    set_frame,
    to_earth,
)
from skypact.tracking._records import (
    HEIGHT_GEOMETRIC,
    HEIGHT_LEVELLED,
    HEIGHT_PRESSURE,
    HEIGHT_UNKNOWN,
    NO_POSITION,
    POLAR,
    Floats,
    Record,
)

PRESSURE_VAR = 10.0**2
"""Variance of a pressure altitude: steps of 25 or 100 ft, and the transponder's delay in a climb."""
GATE_SIGMAS = 4.5
"""Half width, in standard deviations, of the area searched for plots; the chi-square gate is inside."""
MOST_CLIMB_M_S = 150.0
"""Vertical speed that an altitude may imply; one that implies more is garbled, or of another aircraft."""
WIDEST_M = 60_000.0
"""Bound on the half width of that area."""


@kernel
def atmosphere(pressure: float, rules: Record) -> tuple[float, float]:
    """Return geometric minus pressure altitude as the settings have it, and its variance."""
    about = rules.atmosphere
    return about[0] + about[1] * pressure, about[2] + about[3] * pressure * pressure


@kernel
def left_out(track: Record) -> float:
    """Return the variance of a track's height that its covariance leaves out: the atmosphere's."""
    if track.height_source == HEIGHT_PRESSURE or track.height_source == HEIGHT_LEVELLED:
        return track.offset_var
    return 0.0


@kernel
def height_row(track: Record, height: float, plot: Record, rules: Record) -> tuple[float, float]:
    """Return innovation and variance of a plot's altitude against a track's height; a negative variance is none.

    A track that follows pressure altitudes is compared with the plot's pressure altitude, so that the error of the
    atmosphere, common to both, does not blur the comparison.
    """
    source = track.height_source
    if source == HEIGHT_GEOMETRIC and not math.isnan(plot.altitude):
        return plot.altitude - height, plot.var_altitude
    if not math.isnan(plot.pressure):
        if source in (HEIGHT_UNKNOWN, HEIGHT_GEOMETRIC):
            offset, var = atmosphere(plot.pressure, rules)
            return plot.pressure + offset - height, PRESSURE_VAR + (var if source == HEIGHT_GEOMETRIC else 0.0)
        return plot.pressure + track.offset - height, PRESSURE_VAR
    if not math.isnan(plot.altitude):
        return plot.altitude - height, plot.var_altitude + left_out(track)
    return 0.0, -1.0


@kernel
def height_slack(innovation: float, variance: float, dt: float) -> float:
    """Return what must be added to a height's variance to believe an altitude of the same aircraft, -1 for garbled.

    Nothing within five standard deviations; beyond, a climb that can be flown is believed.

    Parameters
    ----------
    innovation, variance : float
        Altitude minus predicted height, and the variance expected of it.
    dt : float
        Time since the height was corrected.
    """
    if innovation * innovation <= 25.0 * variance:
        return 0.0
    return innovation * innovation if abs(innovation) <= MOST_CLIMB_M_S * max(1.0, abs(dt)) else -1.0


@kernel
def rows_of(track: Record, x: float, y: float, z: float, plot: Record, room: Record) -> int:
    """Write the rows of a plot's position against a point at x, y, z into ``room.rows``; return how many.

    The rows stand in the axes of the track; ``room.block`` is the point's covariance in them.
    """
    if plot.form == NO_POSITION:
        return 0
    if plot.form == POLAR:
        return polar_rows(
            x, y, z, track.frame, room.block, left_out(track), plot.site, plot.site_frame,
            plot.slant, plot.azimuth, plot.elevation, plot.var_polar, room.rows,
        )  # fmt: skip
    dx, dy, dz = plot.place[0] - x, plot.place[1] - y, plot.place[2] - z
    return position_rows(dx, dy, dz, track.frame, plot.var_position, room.rows)


@kernel
def nominal_height(plot: Record, rules: Record) -> tuple[float, float]:
    """Return the height at which a plot is put, and its variance; unknown heights reach from 0 to 15 km."""
    if not math.isnan(plot.altitude):
        return plot.altitude, plot.var_altitude
    if not math.isnan(plot.pressure):
        offset, var = atmosphere(plot.pressure, rules)
        return plot.pressure + offset, var + PRESSURE_VAR
    if plot.form != POLAR:
        return UNKNOWN_HEIGHT_M, UNKNOWN_HEIGHT_VAR
    if not math.isnan(plot.elevation):
        elevation = plot.elevation - refraction(plot.slant)
        across = plot.slant * math.cos(elevation)
        height = plot.site_frame[4] + plot.slant * math.sin(elevation) + across * across / (2.0 * EARTH_RADIUS_M)
        return height, across * across * plot.var_polar[2]
    # Nothing is higher above the radar than its slant range.
    height = min(UNKNOWN_HEIGHT_M, plot.site_frame[4] + 0.6 * plot.slant)
    return height, min(UNKNOWN_HEIGHT_VAR, 0.1 * plot.slant * plot.slant)


@kernel
def locate(plot: Record, rules: Record, frame: Floats) -> None:
    """Write where a plot is: ``place``, ``ground``, ``height`` and ``radius``.

    Parameters
    ----------
    frame : float64 array, shape (5,)
        Room to work in.
    """
    height, height_var = nominal_height(plot, rules)
    if plot.form == POLAR:
        slant, base = plot.slant, plot.site_frame[4]
        x, y, z = place_polar(slant, plot.azimuth, height, plot.site, plot.site_frame)
        set_frame(x, y, z, frame)
        sine = min(1.0, max(-1.0, (frame[4] - base) / slant))
        level = max(1.0 - sine * sine, 0.01)
        along = (plot.var_polar[0] + sine * sine * height_var) / level
        radius = GATE_SIGMAS * math.sqrt(along + plot.var_polar[1] * slant * slant)
        radius = min(radius, slant + GATE_SIGMAS * math.sqrt(plot.var_polar[0]))
        plot.height = frame[4]
    else:
        set_axes(plot.latitude, plot.longitude, height, frame, plot.place)
        x, y, z = plot.place[0], plot.place[1], plot.place[2]
        radius = GATE_SIGMAS * math.sqrt(2.0 * plot.var_position)
        plot.height = height
    u, v, w = to_earth(0.0, 0.0, plot.height, frame)
    plot.place[0], plot.place[1], plot.place[2] = x, y, z
    plot.ground[0], plot.ground[1], plot.ground[2] = x - u, y - v, z - w
    plot.radius = min(radius, WIDEST_M)
