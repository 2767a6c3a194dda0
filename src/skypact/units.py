"""Conversion factors and the time scale, each exact by definition.

Names end in what they convert to, so that `flight_level * FLIGHT_LEVEL_M` reads as metres.
"""

from __future__ import annotations

import datetime as dt

FOOT_M = 0.3048
FLIGHT_LEVEL_M = 100 * FOOT_M
NAUTICAL_MILE_M = 1852.0
KNOT_M_S = NAUTICAL_MILE_M / 3600.0
FOOT_PER_MINUTE_M_S = FOOT_M / 60.0

SECOND_NS = 1_000_000_000
DAY_S = 86_400
DAY_NS = DAY_S * SECOND_NS


def to_ns(time: dt.datetime | dt.date) -> int:
    """Return UTC nanoseconds since 1970-01-01 of a date (its midnight) or an aware datetime.

    Raises
    ------
    ValueError
        A datetime without a time zone: local times are never guessed.
    """
    if not isinstance(time, dt.datetime):
        time = dt.datetime(time.year, time.month, time.day, tzinfo=dt.UTC)
    if time.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    delta = time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (delta.days * DAY_S + delta.seconds) * SECOND_NS + delta.microseconds * 1000


def from_ns(time_ns: int) -> dt.datetime:
    """Return the aware UTC datetime of nanoseconds since 1970-01-01, cut to microseconds."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=time_ns // 1000)
