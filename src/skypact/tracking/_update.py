"""Kernels: a plot goes to a track, or starts one."""

from __future__ import annotations

import math

from skypact.compiled import kernel
from skypact.tracking._correction import DOUBT, correct, learn_height
from skypact.tracking._filter import CLIMB_VAR, predicted_block
from skypact.tracking._geometry import NEAR_ZENITH, TRIANGLE, polar_covariance, set_frame
from skypact.tracking._lifecycle import hit_existence, note_look, note_sensor, recent_hits, set_due, take
from skypact.tracking._measurement import PRESSURE_VAR, atmosphere, height_row, height_slack, nominal_height
from skypact.tracking._records import (
    COASTING,
    CONFIRMED,
    ENDED,
    HEIGHT_GEOMETRIC,
    HEIGHT_PRESSURE,
    HEIGHT_UNKNOWN,
    POLAR,
    SECOND_NS,
    SECOND_S,
    SEED,
    TENTATIVE,
    Ints,
    Record,
    Records,
)

DIRECT_GAP_NS = 400_000_000
"""Self-reported positions nearer in time than this add nothing: several receivers hear one message, and the error of
the aircraft's own navigation does not change from one to the next."""
DIRECT_LOOK_NS = SECOND_NS
"""Self-reported positions count as one look a second: a burst of them confirms nothing."""
LONG_AGO_NS = 3_600 * SECOND_NS
FIRST_EXISTENCE = 0.2
"""Probability that an object seen once exists."""
CONFIRM_EXISTENCE = 0.95
"""Probability of existence that a track needs, beside its hits, to be confirmed: loosely joined plots are clutter."""


@kernel
def take_identity(track: Record, plot: Record) -> None:
    """Carry what a plot says of who it is: the value last seen stays."""
    if plot.icao24 >= 0:
        track.icao24 = plot.icao24
    if plot.mode_3a >= 0:
        track.mode_3a = plot.mode_3a
    if plot.callsign != 0:
        track.callsign = plot.callsign
    if plot.on_ground >= 0:
        track.on_ground = plot.on_ground == 1
    track.simulated |= plot.simulated
    track.changed = True


@kernel
def finite(track: Record) -> bool:
    """Whether a track's state is made of numbers."""
    total = track.position[0] + track.position[1] + track.position[2] + track.velocity[0] + track.velocity[1]
    for entry in range(21):
        total += track.covariance[entry]
    return math.isfinite(total)


@kernel
def apply(
    track: Record, plot: Record, likelihood: float, sensors: Records, rules: Record, book: Record, room: Record
) -> None:
    """Give a plot to a track: state, identification data, looks and status."""
    time_ns = plot.time_ns
    is_look = adds = True
    if plot.direct:
        is_look = time_ns - track.look_ns >= DIRECT_LOOK_NS
        adds = abs(time_ns - track.direct_ns) >= DIRECT_GAP_NS
        if is_look:
            track.look_ns = time_ns
        if adds:
            track.direct_ns = max(time_ns, track.direct_ns)
    if track.status == SEED and is_look:
        if book.next_number > rules.last_number:
            book.n_numbers_used_up += 1
            return
        track.number = book.next_number
        book.next_number += 1
        track.status = TENTATIVE
    take_identity(track, plot)
    if adds:
        correct(track, plot, rules, room)
        learn_height(track, plot, rules)
    track.plot_ns = max(time_ns, track.plot_ns)
    note_sensor(track, plot.sensor, time_ns, sensors)
    track.missed = 0.0
    if is_look:
        note_look(track, True)
        track.existence = hit_existence(track.existence, likelihood)
        likely = track.existence >= CONFIRM_EXISTENCE
        if track.status == TENTATIVE and likely and recent_hits(track, rules.looks) >= rules.hits:
            track.status = CONFIRMED
    if track.status == COASTING:
        track.status = CONFIRMED
    if not finite(track):
        book.n_diverged += 1
        track.status = ENDED
    set_due(track, sensors, rules)


@kernel
def apply_reply(track: Record, plot: Record, rules: Record, book: Record, room: Record) -> None:
    """Give a reply without a position to the track that owns its address: identity, altitude, velocity, no look."""
    dt = (plot.time_ns - track.time_ns) * SECOND_S
    innovation, variance = height_row(track, track.frame[4] + track.velocity[2] * dt, plot, rules)
    take_identity(track, plot)
    if variance >= 0.0:
        predicted_block(track.covariance, dt, 0.0, rules.climb_noise, track.height_source, room.block)
        inconsistent = height_slack(innovation, room.block[5] + variance, dt) < 0.0
        if inconsistent and track.height_source != HEIGHT_UNKNOWN:
            track.covariance[11] *= DOUBT
            book.n_inconsistent += 1
            return
    elif math.isnan(plot.velocity[0]):
        return
    correct(track, plot, rules, room)
    learn_height(track, plot, rules)


@kernel
def start(
    tracks: Records, free: Ints, books: Records, plot: Record, sensors: Records, rules: Record, room: Record
) -> int:
    """Start a track on a plot; return its place, -1 where there is none or the plot lies in the cone above a radar."""
    polar = plot.form == POLAR
    rise = plot.height - plot.site_frame[4] if polar else 0.0
    if polar and abs(rise) > math.sqrt(1.0 - NEAR_ZENITH**2) * plot.slant:
        return -1
    place = take(free, books)
    if place < 0:
        books[0].n_full += 1
        return -1
    track = tracks[place]
    track.number = 0
    track.status = SEED
    track.time_ns = track.plot_ns = track.report_ns = plot.time_ns
    track.direct_ns = track.look_ns = plot.time_ns if plot.direct else plot.time_ns - LONG_AGO_NS
    for axis in range(3):
        track.position[axis] = plot.place[axis]
        track.velocity[axis] = 0.0
    set_frame(plot.place[0], plot.place[1], plot.place[2], track.frame)
    track.existence = FIRST_EXISTENCE
    track.history = track.looks = 0
    track.missed = 0.0
    note_look(track, True)
    track.slot_sensor[:] = -1
    track.icao24 = track.mode_3a = -1
    track.callsign = 0
    track.on_ground = track.simulated = False
    take_identity(track, plot)
    track.changed = False
    start_covariance(track, plot, rise, rules, room)
    note_sensor(track, plot.sensor, plot.time_ns, sensors)
    set_due(track, sensors, rules)
    return place


@kernel
def start_covariance(track: Record, plot: Record, rise: float, rules: Record, room: Record) -> None:
    """Write the covariance of an object seen once, what its height rests on, and a self-reported velocity.

    Parameters
    ----------
    rise : float
        Height above the radar, for a polar plot.
    """
    _, height_var = nominal_height(plot, rules)
    track.offset = track.offset_var = 0.0
    track.height_source = HEIGHT_UNKNOWN
    if not math.isnan(plot.altitude) or not math.isnan(plot.elevation):
        track.height_source = HEIGHT_GEOMETRIC
    elif not math.isnan(plot.pressure):
        track.offset, track.offset_var = atmosphere(plot.pressure, rules)
        track.height_source = HEIGHT_PRESSURE
        height_var = PRESSURE_VAR
    block, c = room.block, track.covariance
    if plot.form == POLAR:
        sine = rise / plot.slant
        room.variance[0] = plot.var_polar[0] + sine * sine * track.offset_var
        room.variance[1] = plot.var_polar[1]
        polar_covariance(
            plot.place[0], plot.place[1], plot.place[2], track.frame, plot.site, plot.site_frame,
            room.variance, height_var, block,
        )  # fmt: skip
    else:
        block[:] = 0.0
        block[0] = block[3] = plot.var_position
        block[5] = height_var
    c[:] = 0.0
    for row in range(3):
        for column in range(row, 3):
            c[TRIANGLE[row, column]] = block[row * (5 - row) // 2 + column]
    c[15] = c[18] = rules.start_var
    c[20] = CLIMB_VAR
    for axis in range(3):
        if not math.isnan(plot.velocity[axis]) and (axis < 2 or track.height_source != HEIGHT_UNKNOWN):
            track.velocity[axis] = plot.velocity[axis]
            c[TRIANGLE[axis + 3, axis + 3]] = plot.var_velocity
    learn_height(track, plot, rules)
