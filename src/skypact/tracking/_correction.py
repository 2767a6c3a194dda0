"""Kernels: a plot corrects the state of a track."""

from __future__ import annotations

import math

from skypact.compiled import kernel
from skypact.tracking._association import noise_of
from skypact.tracking._filter import move, predict_covariance, predicted_block, scalar_update, travel
from skypact.tracking._geometry import EARTH_RADIUS_M, UNKNOWN_TOP_M, to_earth
from skypact.tracking._measurement import PRESSURE_VAR, atmosphere, height_row, height_slack, rows_of
from skypact.tracking._records import (
    HEIGHT_GEOMETRIC,
    HEIGHT_LEVELLED,
    HEIGHT_PRESSURE,
    HEIGHT_UNKNOWN,
    POLAR,
    SECOND_S,
    Floats,
    Record,
)

OFFSET_FLOOR_VAR = 30.0**2
"""The offset between geometric and pressure altitude is never known better: it changes with height and place."""
LEVELLED_VAR = 100.0**2
"""Variance of the offset below which measured geometric altitudes, not the atmosphere, determine it."""
DOUBT = 4.0
"""Growth of a height's variance by an altitude that is not believed: if more say the same, they are believed soon."""
CURVED = 1.5
"""Growth of a row's variance by its second-order part above which it is linearised once more."""


@kernel
def correct(track: Record, plot: Record, rules: Record, room: Record) -> None:
    """Advance a track to a plot and correct it: altitude, position, self-reported velocity.

    A plot measured before the track's time corrects the track as it stands, through the position it had then; the
    process noise in between counts as noise of the measurement (Bar-Shalom, Li and Kirubarajan 2001, section 10.9
    treats it exactly; over a few seconds the difference is small).

    Where the measurement is not linear over the spread of the track (second plot, near a radar, unknown height) it is
    linearised again at the corrected point (iterated filter). A plot outside the gate, accepted for its ICAO address,
    first widens the covariance to make it plausible.
    """
    c, frame, velocity, source = track.covariance, track.frame, track.velocity, track.height_source
    noise = noise_of(track, rules)
    dt = (plot.time_ns - track.time_ns) * SECOND_S
    lag = min(dt, 0.0)
    east, north, up = travel(velocity, frame, dt, source)
    height = frame[4] + up + (east * east + north * north) / (2.0 * EARTH_RADIUS_M)
    if dt > 0.0:
        predict_covariance(c, dt, noise, rules.climb_noise, source)
        track.time_ns = plot.time_ns

    room.shift[:] = 0.0
    count, squared, curved = enter(track, plot, east, north, up, height, lag, dt, True, rules, room)
    far = squared > rules.gates[count]
    if far or curved:
        if far:
            for entry in range(21):
                c[entry] *= squared / rules.gates[count]
        for axis in range(3):
            room.shift[axis] = room.delta[axis] + lag * room.delta[axis + 3]
        predicted_block(room.covariance, lag, noise, rules.climb_noise, source, room.block)
        enter(track, plot, east, north, up, height, lag, dt, False, rules, room)
    enter_velocity(plot, velocity, source, room)

    c[:] = room.covariance
    d = room.delta
    for axis in range(3):
        velocity[axis] += d[axis + 3]
    speed = math.hypot(velocity[0], velocity[1])
    if speed > rules.max_speed:
        velocity[0] *= rules.max_speed / speed
        velocity[1] *= rules.max_speed / speed
    if source == HEIGHT_UNKNOWN and math.isnan(plot.pressure) and math.isnan(plot.altitude):
        d[2] = min(UNKNOWN_TOP_M, max(0.0, height + d[2])) - height
    if lag < 0.0:
        east = north = up = 0.0
    move(track.position, frame, velocity, c, east + d[0], north + d[1], up + d[2])


@kernel
def enter(
    track: Record,
    plot: Record,
    east: float,
    north: float,
    up: float,
    height: float,
    lag: float,
    since: float,
    first: bool,
    rules: Record,
    room: Record,
) -> tuple[int, float, bool]:
    """Let the rows of altitude and position correct ``room.delta`` and ``room.covariance``.

    Parameters
    ----------
    east, north, up, height : float
        The predicted point in the axes of the track, and its height.
    lag, since : float
        Time from the track to the plot where the plot is earlier, else 0; time between the two.
    first : bool
        Whether to linearise where the altitude puts the point; else at ``room.shift`` from the predicted point, with
        second-order terms for the covariance ``room.block``.

    Returns
    -------
    count : int
        Rows.
    squared : float
        Squared normalised innovation.
    curved : bool
        Whether second-order terms matter.
    """  # fmt: skip
    c, d, h, rows, shift = room.covariance, room.delta, room.h, room.rows, room.shift
    c[:] = track.covariance
    d[:] = 0.0
    squared = 0.0
    count = 0
    noise = noise_of(track, rules)
    innovation, variance = height_row(track, height, plot, rules)
    slack = -1.0
    if variance >= 0.0:
        slack = height_slack(innovation, c[11] + variance, since)
        if slack < 0.0 and track.height_source == HEIGHT_UNKNOWN:
            slack = innovation * innovation  # whatever ranges made of the height, no altitude has said it yet
        elif slack < 0.0 and first:
            track.covariance[11] *= DOUBT
            c[11] = track.covariance[11]
    if slack >= 0.0:
        c[11] += slack
        h[:] = 0.0
        h[2], h[5] = 1.0, lag
        squared = scalar_update(c, d, h, innovation, variance, room.ph)
        count = 1
    if first:
        for axis in range(3):
            shift[axis] = d[axis] + lag * d[axis + 3]
        predicted_block(c, lag, noise, rules.climb_noise, track.height_source, room.block)
    u, v, w = to_earth(east + shift[0], north + shift[1], up + shift[2], track.frame)
    position = track.position
    number = rows_of(track, position[0] + u, position[1] + v, position[2] + w, plot, room)
    curved = False
    missing = noise * abs(lag) ** 3 / 3.0
    for row in range(number):
        moved = 0.0
        for axis in range(3):
            h[axis] = rows[row, axis]
            h[axis + 3] = lag * rows[row, axis]
            moved += rows[row, axis] * shift[axis]
        variance = rows[row, 4] + missing * (h[0] * h[0] + h[1] * h[1])
        if plot.form == POLAR and row < 2:
            curved |= rows[row, 4] > CURVED * plot.var_polar[row]
        squared += scalar_update(c, d, h, rows[row, 3] + moved, variance, room.ph)
    return count + number, squared, curved


@kernel
def enter_velocity(plot: Record, velocity: Floats, height_source: int, room: Record) -> None:
    """Let the self-reported velocity correct ``room.delta`` and ``room.covariance``."""
    for axis in range(3):
        if not math.isnan(plot.velocity[axis]) and (axis < 2 or height_source != HEIGHT_UNKNOWN):
            room.h[:] = 0.0
            room.h[axis + 3] = 1.0
            innovation = plot.velocity[axis] - velocity[axis]
            scalar_update(room.covariance, room.delta, room.h, innovation, plot.var_velocity, room.ph)


@kernel
def learn_height(track: Record, plot: Record, rules: Record) -> None:
    """Take in what a plot's altitudes say of the kind of the track's height and of the offset of pressure altitude."""
    pressure, altitude = plot.pressure, plot.altitude
    source = track.height_source
    if math.isnan(pressure):
        if source in (HEIGHT_UNKNOWN, HEIGHT_GEOMETRIC):
            if not (math.isnan(altitude) and math.isnan(plot.elevation)):
                track.height_source = HEIGHT_GEOMETRIC
            return
        if math.isnan(altitude):
            return
        measured = altitude - (track.frame[4] - track.offset)
        var = plot.var_altitude + track.covariance[11]
    else:
        if source in (HEIGHT_UNKNOWN, HEIGHT_GEOMETRIC):
            track.offset, track.offset_var = atmosphere(pressure, rules)
            track.height_source = HEIGHT_PRESSURE
        if not math.isnan(altitude):
            measured = altitude - pressure
            var = plot.var_altitude + PRESSURE_VAR
        elif source == HEIGHT_GEOMETRIC:
            measured = track.frame[4] - pressure
            var = track.covariance[11] + PRESSURE_VAR
        else:
            return
    if (measured - track.offset) ** 2 > 25.0 * (track.offset_var + var):
        track.offset_var *= 2.0  # garbled, else believed soon
        return
    share = track.offset_var / (track.offset_var + var)
    change = share * (measured - track.offset)
    track.offset += change
    track.offset_var = max(OFFSET_FLOOR_VAR, (1.0 - share) * track.offset_var)
    if track.offset_var <= LEVELLED_VAR:
        track.height_source = HEIGHT_LEVELLED
    if source != HEIGHT_GEOMETRIC:  # the height itself stands on the offset
        u, v, w = to_earth(0.0, 0.0, change, track.frame)
        track.position[0] += u
        track.position[1] += v
        track.position[2] += w
        track.frame[4] += change
