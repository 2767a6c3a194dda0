# mypy: disable-error-code="no-untyped-def"
"""Kernels of the ASTERIX clock."""

from __future__ import annotations

from skypact.compiled import kernel
from skypact.tables import NO_TIME
from skypact.units import DAY_NS

STEP_NS = 7_812_500
"""A time of day counts 1/128 s."""
TRUNCATED_NS = 512_000_000_000
"""Truncated times of day have 16 bits and start again after 512 s."""

FAR_NS = 1 << 62
"""An arrival this far from 1970, 146 years, is none: a capture may claim any, and sums of times must not overflow."""

MEASURED, TRUNCATED, ARRIVAL = range(3)
"""Indices into `tables.TIME_SOURCES`."""


@kernel
def _nearest(v, near):
    """Return the time nearest to `near` whose time of day is `v` nanoseconds."""
    time = near // DAY_NS * DAY_NS + v
    if time - near > DAY_NS // 2:
        return time - DAY_NS
    if near - time > DAY_NS // 2:
        return time + DAY_NS
    return time


@kernel
def _nearest_truncated(v, near):
    """Return the time nearest to `near` whose time of day is `v` nanoseconds and some multiples of 512 s.

    A day is no multiple of 512 s: truncated times start again at midnight too.
    """
    best = NO_TIME
    today = near // DAY_NS * DAY_NS
    for day in (today - DAY_NS, today, today + DAY_NS):
        turns = (near - day - v + TRUNCATED_NS // 2) // TRUNCATED_NS
        turns = max(0, min(turns, (DAY_NS - 1 - v) // TRUNCATED_NS))
        candidate = day + v + turns * TRUNCATED_NS
        if best == NO_TIME or abs(candidate - near) < abs(best - near):
            best = candidate
    return best


@kernel
def resolve_each(value, received, shift, time):
    """Turn times of day into times next to their arrivals."""
    for i in range(len(value)):
        time[i] = _nearest(value[i] * STEP_NS, received[i] + shift)


@kernel
def resolve(value, whole, received, shift, state, base, time, source):
    """Turn times of day into times, in the order of the stream.

    `state` is [last whole time, its arrival, last time]; `base` the date for a stream without arrivals.
    """
    for i in range(len(value)):
        arrival = NO_TIME
        if -FAR_NS < received[i] < FAR_NS:
            arrival = received[i] + shift
        if value[i] < 0:
            time[i] = arrival if arrival != NO_TIME else state[2]
            source[i] = ARRIVAL if time[i] != NO_TIME else -1
        else:
            v = value[i] * STEP_NS
            near = arrival
            # A radar's own last time of day is a better guide than a recorder whose clock may be minutes off; between
            # two such times the arrivals still tell how much time went by.
            if near == NO_TIME:
                near = state[2]
            elif not whole[i] and state[1] != NO_TIME:
                near = state[0] + arrival - state[1]
            if near == NO_TIME:
                time[i] = base + v
            elif whole[i]:
                time[i] = _nearest(v, near)
            else:
                time[i] = _nearest_truncated(v, near)
            source[i] = MEASURED if whole[i] else TRUNCATED
            if whole[i]:
                state[0] = time[i]
                state[1] = arrival
        if time[i] != NO_TIME:
            state[2] = time[i]
