"""Dates for streams whose messages tell the time of day alone."""

from __future__ import annotations

from skypact.units import DAY_NS, SECOND_NS

APART_NS = 3_600 * SECOND_NS
"""No clock of a radar, a receiver or a recorder is this far from the others."""


def sent_before(arrival_ns: int, of_day_ns: int) -> bool:
    """Whether a message was sent long before it was received, as in a replay.

    Parameters
    ----------
    arrival_ns : int
        UTC nanoseconds.
    of_day_ns : int
        The time of day that it tells.
    """
    apart = (of_day_ns - arrival_ns) % DAY_NS
    return min(apart, DAY_NS - apart) >= APART_NS
