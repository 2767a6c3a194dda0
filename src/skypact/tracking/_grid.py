"""Kernels: which tracks lie near a plot, and which one has an address.

A track is filed at the point of the ellipsoid below it, so that height does not matter, and in three dimensions, so
that neither poles nor the antimeridian do. Cells are as wide as the widest search, so that 27 of them hold all there is
to be found.
"""

from __future__ import annotations

import math

import numpy as np

from skypact.compiled import kernel
from skypact.tracking._filter import travel
from skypact.tracking._geometry import to_earth
from skypact.tracking._measurement import GATE_SIGMAS, WIDEST_M
from skypact.tracking._records import EMPTY, ENDED, SECOND_NS, SECOND_S, SEED, Longs, Record, Records

WINDOW_NS = SECOND_NS
"""Tracks are filed anew after this time."""
SLACK_S = 0.5 * WINDOW_NS * SECOND_S
"""Time between the middle of a window, for which tracks are filed, and its plots."""
NARROWEST_CELL_M = 2_000.0

ENTRY = np.dtype(
    [
        ("track", "i8"),  # place
        ("next", "i8"),  # entry after this one in the bucket, -1 for the last
        ("key", "i8"),  # cell
        ("x", "f8"),
        ("y", "f8"),
        ("z", "f8"),
        ("radius", "f8"),  # how far around plots are searched
    ]
)
"""A track in the grid."""


@kernel
def cell_key(x: int, y: int, z: int) -> int:
    """Return one number for three cell indices."""
    return ((x + 1_000_000) << 42) | ((y + 1_000_000) << 21) | (z + 1_000_000)


@kernel
def bucket_of(key: int, mask: int) -> int:
    """Return the bucket of a key: a multiplicative hash (Knuth, vol. 3, section 6.4)."""
    key ^= key >> 21
    key *= 0x9E3779B97F4A7C1
    return (key >> 17) & mask


@kernel
def put(entry: Record, index: int, cell: float, buckets: Longs) -> None:
    """Put an entry into its bucket."""
    key = cell_key(math.floor(entry.x / cell), math.floor(entry.y / cell), math.floor(entry.z / cell))
    bucket = bucket_of(key, len(buckets) - 1)
    entry.key = key
    entry.next = buckets[bucket]
    buckets[bucket] = index


@kernel
def describe(entry: Record, track: Record, place: int, time_ns: int, rules: Record) -> None:
    """Write where a track will be at a time, and how far around it its plots of the window may lie."""
    dt = (time_ns - track.time_ns) * SECOND_S
    frame, c = track.frame, track.covariance
    east, north, _ = travel(track.velocity, frame, dt, track.height_source)
    u, v, w = to_earth(east, north, -frame[4], frame)
    entry.track = place
    entry.x = track.position[0] + u
    entry.y = track.position[1] + v
    entry.z = track.position[2] + w
    span = abs(dt) + SLACK_S
    start = GATE_SIGMAS * math.sqrt(c[0] + c[6])
    spread = c[0] + c[6] + 2.0 * abs(c[3] + c[9]) * span + (c[15] + c[18]) * span * span
    spread += rules.noise * span * span * span / 1.5
    reach = GATE_SIGMAS * math.sqrt(spread)
    if track.icao24 >= 0:
        quiet = (time_ns - track.plot_ns) * SECOND_S + SLACK_S
        reach += 0.5 * rules.max_acceleration * quiet * quiet
    reach = min(reach, start + rules.max_speed * span + math.hypot(east, north))
    entry.radius = min(reach + math.hypot(track.velocity[0], track.velocity[1]) * SLACK_S, WIDEST_M)


@kernel
def build(
    tracks: Records, used: int, time_ns: int, widest_plot: float, rules: Record, entries: Records, buckets: Longs
) -> tuple[int, float]:
    """File all tracks for a time; return how many there are and the width of a cell.

    Parameters
    ----------
    used : int
        Places ever used.
    widest_plot : float
        Largest search radius of the window's plots.
    entries : array of `ENTRY`
        Filled; at least as long as `used`.
    buckets : int64 array
        First entry of each bucket; a power of two long, filled.
    """
    buckets[:] = -1
    count = 0
    cell = NARROWEST_CELL_M
    for place in range(used):
        if tracks[place].status != EMPTY and tracks[place].status != ENDED:
            describe(entries[count], tracks[place], place, time_ns, rules)
            cell = max(cell, entries[count].radius + widest_plot)
            count += 1
    for index in range(count):
        put(entries[index], index, cell, buckets)
    return count, cell


@kernel
def own_addresses(tracks: Records, used: int, table: Longs) -> None:
    """Fill a table of open addressing, a power of two long, from ICAO address to the track that heard it last."""
    table[:] = -1
    mask = len(table) - 1
    for place in range(used):
        track = tracks[place]
        if track.status == EMPTY or track.status == ENDED or track.icao24 < 0:
            continue
        spot = bucket_of(track.icao24, mask)
        while table[spot] >= 0 and tracks[table[spot]].icao24 != track.icao24:
            spot = (spot + 1) & mask
        if table[spot] >= 0:
            held = tracks[table[spot]]
            if held.status != SEED and (track.status == SEED or track.plot_ns <= held.plot_ns):
                continue
        table[spot] = place


@kernel
def owner(tracks: Records, table: Longs, icao24: int) -> int:
    """Return the place of the track that owns an address, -1 for none."""
    mask = len(table) - 1
    spot = bucket_of(icao24, mask)
    while table[spot] >= 0:
        if tracks[table[spot]].icao24 == icao24:
            return table[spot]
        spot = (spot + 1) & mask
    return -1
