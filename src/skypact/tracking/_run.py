"""Kernels: the plots of a step, window by window and group by group."""

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel
from skypact.tracking._assignment import assign
from skypact.tracking._association import fit, same_address
from skypact.tracking._grid import (
    ENTRY,
    WINDOW_NS,
    bucket_of,
    build,
    cell_key,
    describe,
    own_addresses,
    owner,
    put,
)
from skypact.tracking._lifecycle import age, seen_this_turn
from skypact.tracking._records import ENDED, NO_POSITION, Ints, Longs, Record, Records
from skypact.tracking._update import apply, apply_reply, start

MOST_VISITED = 2_000
"""Tracks compared with one plot: more stand on one spot only in a hostile table."""
MOST_FITTING = 24
"""Pairs kept per plot."""
LARGEST_GROUP = 4_096
"""Plots associated together; a table that claims more at one moment is cut, to bound memory."""
NOBODY, REPEATED = -1, -2

PAIR = np.dtype([("plot", "i8"), ("entry", "i8"), ("gain", "f8"), ("likelihood", "f8")])
"""A plot, by its place in the group, and a track, by its place in the grid."""


@kernel
def pair_up(
    tracks: Records,
    book: Record,
    plot: Record,
    index: int,
    entries: Records,
    buckets: Longs,
    cell: float,
    sensors: Records,
    rules: Record,
    room: Record,
    pairs: Records,
    count: int,
) -> tuple[int, bool]:
    """Add the tracks that a plot may belong to to the pairs.

    Returns
    -------
    count : int
        Pairs there are now.
    repeated : bool
        Whether the plot lies within reach of a track of its own ICAO address, which may have had its plot of this turn
        already: then it starts nothing.
    """  # fmt: skip
    x, y, z = plot.ground[0], plot.ground[1], plot.ground[2]
    cx, cy, cz = math.floor(x / cell), math.floor(y / cell), math.floor(z / cell)
    repeated = False
    visited = 0
    last = count + MOST_FITTING
    for step in range(27):
        key = cell_key(cx + step // 9 - 1, cy + step // 3 % 3 - 1, cz + step % 3 - 1)
        at = buckets[bucket_of(key, len(buckets) - 1)]
        while at >= 0 and visited < MOST_VISITED:
            entry = entries[at]
            if entry.key == key:
                visited += 1
                dx, dy, dz = entry.x - x, entry.y - y, entry.z - z
                reach = entry.radius + plot.radius
                track = tracks[entry.track]
                if dx * dx + dy * dy + dz * dz <= reach * reach and track.status != ENDED and count < last:
                    fits, likelihood = fit(track, plot, rules, room)
                    repeated |= fits and same_address(track, plot)
                    if fits and (plot.direct or not seen_this_turn(track, plot.sensor, plot.time_ns, sensors)):
                        chance = track.existence * sensors[plot.sensor].detection
                        gain = likelihood + math.log(chance / (1.0 - chance))
                        if gain > 0.0:
                            pair = pairs[count]
                            pair.plot, pair.entry, pair.gain, pair.likelihood = index, at, gain, likelihood
                            count += 1
            at = entry.next
    if visited >= MOST_VISITED:
        book.n_crowded += 1
    return count, repeated


@kernel
def choose(pairs: Records, plots: int, local: Longs, chosen: Longs) -> None:
    """Write the pair of each plot of a group into `chosen`, -1 for none; `local` is -1 before and after."""
    count = len(pairs)
    pair_plot = np.empty(count, np.int64)
    pair_track = np.empty(count, np.int64)
    gain = np.empty(count)
    tracks = 0
    for q in range(count):
        pair = pairs[q]
        if local[pair.entry] < 0:
            local[pair.entry] = tracks
            tracks += 1
        pair_plot[q], pair_track[q], gain[q] = pair.plot, local[pair.entry], pair.gain
    for q in range(count):
        local[pairs[q].entry] = -1
    assign(plots, tracks, pair_plot, pair_track, gain, chosen)


@kernel
def group_end(plots: Records, first: int, rules: Record) -> int:
    """Return the end of the group that begins with a plot: one sensor, one slot of time."""
    slot, sensor = plots[first].time_ns // rules.group_ns, plots[first].sensor
    last = min(first + LARGEST_GROUP, len(plots))
    end = first + 1
    while end < last and plots[end].sensor == sensor and plots[end].time_ns // rules.group_ns == slot:
        end += 1
    return end


@kernel
def run(
    tracks: Records, free: Ints, books: Records, plots: Records, sensors: Records, all_rules: Records, rooms: Records
) -> None:
    """Process plots sorted by slot of time, sensor and time.

    Within a slot sensors come one after the other, so that a plot may be older than what its track has already taken
    in, by the length of a slot at most.
    """
    rules, room, book = all_rules[0], rooms[0], books[0]
    window = 0
    while window < len(plots):
        begin_ns = plots[window].time_ns
        end = window
        widest = 0.0
        replies = False
        while end < len(plots) and plots[end].time_ns < begin_ns + WINDOW_NS:
            if plots[end].form == NO_POSITION:
                replies = True
            else:
                widest = max(widest, plots[end].radius)
            end += 1
        age(tracks, free, books, begin_ns, sensors, rules)
        middle_ns = begin_ns + WINDOW_NS // 2
        room_for = book.used + end - window
        size = 64
        while size < 2 * room_for:
            size *= 2
        entries = np.empty(room_for, ENTRY)
        buckets = np.empty(size, np.int64)
        filed, cell = build(tracks, book.used, middle_ns, widest, rules, entries, buckets)
        table = np.empty(size if replies else 1, np.int64)
        if replies:
            own_addresses(tracks, book.used, table)
        local = np.full(room_for, -1, np.int64)
        while window < end:
            last = min(group_end(plots, window, rules), end)
            size = last - window
            pairs = np.empty(size * MOST_FITTING, PAIR)
            chosen = np.empty(size, np.int64)
            fate = np.full(size, NOBODY, np.int64)
            count = 0
            for k in range(size):
                if plots[window + k].form != NO_POSITION:
                    count, repeated = pair_up(
                        tracks, book, plots[window + k], k, entries, buckets, cell, sensors, rules, room, pairs, count
                    )
                    if repeated:
                        fate[k] = REPEATED
            choose(pairs[:count], size, local, chosen)
            for k in range(size):
                plot = plots[window + k]
                if plot.form == NO_POSITION:
                    place = owner(tracks, table, plot.icao24)
                    if place >= 0:
                        apply_reply(tracks[place], plot, rules, book, room)
                    else:
                        book.n_nobodys += 1
                elif chosen[k] >= 0:
                    pair = pairs[chosen[k]]
                    place = entries[pair.entry].track
                    apply(tracks[place], plot, pair.likelihood, sensors, rules, book, room)
                elif fate[k] == REPEATED:
                    book.n_repeated += 1
                else:
                    place = start(tracks, free, books, plot, sensors, rules, room)
                    if place >= 0:
                        describe(entries[filed], tracks[place], place, middle_ns, rules)
                        put(entries[filed], filed, cell, buckets)
                        filed += 1
            sensor = sensors[plots[window].sensor]
            sensor.last_ns = max(sensor.last_ns, plots[last - 1].time_ns)
            window = last
