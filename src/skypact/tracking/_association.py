"""Kernels: how well a plot fits a track, as a logarithm of a likelihood ratio."""

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel
from skypact.tracking._filter import block_update, predicted_block, travel
from skypact.tracking._geometry import EARTH_RADIUS_M, to_earth
from skypact.tracking._measurement import GATE_SIGMAS, height_row, height_slack, rows_of
from skypact.tracking._records import POLAR, SECOND_S, Record

GROUND_NOISE = 0.02
"""Share of the process noise left on the ground."""

ICAO_EQUAL = 7.0
ICAO_DIFFERENT = -30.0
"""Logarithms of likelihood ratios. None of a thousand others has this address. An address under parity is practically
never read wrong, and where it differs another aircraft beside this one, on an apron or in formation, explains the plot
far better than the density of false plots, against which the rest of the likelihood is weighed, allows for."""
CODE_EQUAL = 3.0
CODE_DIFFERENT = -4.0
"""Mode 3/A: one in twenty others squawks the same; one in fifty is garbled or was just changed."""
SHARED_CODES = np.array([0o0000, 0o1000, 0o1200, 0o2000, 0o7000, 0o7500, 0o7600, 0o7700])
"""Codes that do not say which aircraft it is."""
LOG_2_PI = math.log(2.0 * math.pi)


@kernel
def noise_of(track: Record, rules: Record) -> float:
    """Return the density of a track's horizontal acceleration noise."""
    return rules.noise * GROUND_NOISE if track.on_ground else rules.noise


@kernel
def same_address(track: Record, plot: Record) -> bool:
    """Whether both say the same ICAO address."""
    return plot.icao24 >= 0 and plot.icao24 == track.icao24


@kernel
def evidence(track: Record, plot: Record) -> float:
    """Return what the identification data say for a plot being of a track: a log likelihood ratio."""
    if plot.icao24 >= 0 and track.icao24 >= 0:
        return ICAO_EQUAL if plot.icao24 == track.icao24 else ICAO_DIFFERENT
    if plot.mode_3a < 0 or track.mode_3a < 0:
        return 0.0
    if plot.mode_3a != track.mode_3a:
        return CODE_DIFFERENT
    for shared in SHARED_CODES:
        if plot.mode_3a == shared:
            return 0.0
    return CODE_EQUAL


@kernel
def fit(track: Record, plot: Record, rules: Record, room: Record) -> tuple[bool, float]:
    """Return whether a plot is within reach of a track, and the log likelihood ratio of track against false plot.

    The plot is in reach within the chi-square gate and the speed limit; one with the track's ICAO address also where
    the limit of acceleration lets the aircraft be, as if it lay on the edge of the gate, and whatever its altitude.

    The density of the innovation under the track is set against that of false plots, so that plots of coarse and fine
    sensors, tracks of broad and narrow covariance, compete on one scale (Blackman and Popoli 1999, section 6.2).
    """
    dt = (plot.time_ns - track.time_ns) * SECOND_S
    frame, position, c = track.frame, track.position, track.covariance
    u, v, w = to_earth(0.0, 0.0, frame[4], frame)
    dx = plot.ground[0] - position[0] + u
    dy = plot.ground[1] - position[1] + v
    dz = plot.ground[2] - position[2] + w
    reach = rules.max_speed * abs(dt) + GATE_SIGMAS * math.sqrt(c[0] + c[6]) + plot.radius
    if dx * dx + dy * dy + dz * dz > reach * reach:
        return False, 0.0

    block, shift, rows = room.block, room.shift, room.rows
    predicted_block(c, dt, noise_of(track, rules), rules.climb_noise, track.height_source, block)
    spread = block[0] + block[3]
    east, north, up = travel(track.velocity, frame, dt, track.height_source)
    height = frame[4] + up + (east * east + north * north) / (2.0 * EARTH_RADIUS_M)
    innovation, variance = height_row(track, height, plot, rules)
    shift[:] = 0.0
    squared = 0.0
    product = 1.0
    count = 0
    if variance >= 0.0 and same_address(track, plot):
        slack = height_slack(innovation, block[5] + variance, dt)
        if slack < 0.0:
            variance = -1.0
        else:
            block[5] += slack
    if variance >= 0.0:
        rows[0, 0], rows[0, 1], rows[0, 2], rows[0, 3], rows[0, 4] = 0.0, 0.0, 1.0, innovation, variance
        squared, product = block_update(block, shift, rows[0])
        count = 1
    # The rest is linearised where the height puts the point.
    u, v, w = to_earth(east + shift[0], north + shift[1], up + shift[2], frame)
    x, y, z = position[0] + u, position[1] + v, position[2] + w
    number = rows_of(track, x, y, z, plot, room)
    shift[:] = 0.0
    for row in range(number):
        part, size = block_update(block, shift, rows[row])
        squared += part
        product *= size
    count += number
    if squared > rules.gates[count]:
        if not same_address(track, plot):
            return False, 0.0
        since = max(1.0, (plot.time_ns - track.plot_ns) * SECOND_S)
        reach = 0.5 * rules.max_acceleration * since * since + GATE_SIGMAS * math.sqrt(spread) + plot.radius
        dx, dy, dz = plot.place[0] - x, plot.place[1] - y, plot.place[2] - z
        if dx * dx + dy * dy + dz * dz > reach * reach:
            return False, 0.0
        squared = rules.gates[count]
    clutter = plot.log_clutter
    if plot.form == POLAR and number < 2 + (not math.isnan(plot.elevation)):
        clutter += LOG_2_PI  # straight above the radar azimuth is no measurement
    likelihood = -0.5 * (squared + math.log(product) + count * LOG_2_PI) - clutter
    return True, likelihood + evidence(track, plot)
