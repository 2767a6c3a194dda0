"""Numba kernel that finds frames, times and address labels in lines of separated values."""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.formats.modes._kernels import digit, remainder
from skypact.tables import NO_TIME
from skypact.units import SECOND_NS

LONGEST = 4096
"""Octets of a line; a longer one is none."""
SMALLEST = 15
"""Octets of the smallest line with a frame: 14 digits and an end."""

REASONS = ("long", "frame")
LONG, FRAME = range(len(REASONS))

STATE = 4
FRAME_COLUMN, TIME_COLUMN, COUNTED, LINES = range(STATE)
"""What is remembered from line to line: the columns of frame and time (-1 while not known), whether the times count
from something else than 1970, and how many lines were met."""

EPOCH_NS = 100_000_000 * SECOND_NS
"""A time from here on (3 March 1973) counts from 1970."""
LATEST_S = 1 << 32
LABELS = 8
"""Address labels looked at in a line."""


@kernel
def _are_digits(data, first, last, base):
    good = True
    for i in range(first, last):
        good = good and 0 <= digit(data[i]) < base
    return good


@kernel
def _number(data, first, last, base):
    """Return the whole number that digits of a base write."""
    value = np.int64(0)
    for i in range(first, last):
        value = value * base + digit(data[i])
    return value


@kernel
def _time_ns(data, first, last):
    """Return (nanoseconds, whether there is a fraction) of decimal seconds; `NO_TIME` for anything else."""
    point = first
    while point < last and data[point] != 46:
        point += 1
    if point == first or point - first > 10:
        return NO_TIME, False
    if not (_are_digits(data, first, point, 10) and _are_digits(data, point + 1, last, 10)):
        return NO_TIME, False
    seconds = _number(data, first, point, 10)
    if seconds >= LATEST_S:
        return NO_TIME, False
    places = min(last - point - 1, 9)  # what follows is below a nanosecond
    fraction = _number(data, point + 1, point + 1 + places, 10)
    return seconds * SECOND_NS + fraction * 10 ** (9 - max(places, 0)), places > 0


@kernel
def _line(data, at, end, state, frames, length, time_ns, vouched, row, labels):
    """Read the line between `at` and `end` into a row; return whether there is a frame in it."""
    column = begin = rank = frame_column = counted_column = epoch_column = known = 0
    frame_at = -1
    settled = state[TIME_COLUMN] >= 0
    time = counted = epoch = np.int64(NO_TIME)
    quoted = False
    begin = at
    for i in range(at, end + 1):
        if i < end:
            if data[i] == 34:
                quoted = not quoted
            if quoted or data[i] not in (44, 59, 9):  # , ; tab
                continue
        first, last = begin, i
        while first < last and (data[first] <= 32 or data[first] >= 127 or data[first] == 34):
            first += 1
        while first < last and (data[last - 1] <= 32 or data[last - 1] >= 127 or data[last - 1] == 34):
            last -= 1
        size = last - first
        if size in (14, 28) and _are_digits(data, first, last, 16):
            better = 3 if column == state[FRAME_COLUMN] else 2 if size == 28 else 1
            if better > rank:
                rank, frame_at, frame_column, length[row] = better, first, column, size // 2
        elif size == 6 and known < LABELS and _are_digits(data, first, last, 16):
            labels[known] = _number(data, first, last, 16)
            known += 1
        if settled:
            if column == state[TIME_COLUMN]:
                time, _ = _time_ns(data, first, last)
        elif size > 0:
            ns, fraction = _time_ns(data, first, last)
            if ns >= EPOCH_NS and epoch == NO_TIME:
                epoch, epoch_column = ns, column
            elif column == 0 and fraction:
                counted, counted_column = ns, column
        column += 1
        begin = i + 1
    if frame_at < 0:
        return False
    state[FRAME_COLUMN] = frame_column
    if not settled and epoch != NO_TIME:
        time, state[TIME_COLUMN] = epoch, epoch_column
    elif not settled and counted != NO_TIME:
        time, state[TIME_COLUMN], state[COUNTED] = counted, counted_column, 1
    time_ns[row] = time
    for b in range(14):
        frames[row, b] = _number(data, frame_at + 2 * b, frame_at + 2 * b + 2, 16) if b < length[row] else 0
    overlaid = remainder(frames, row, 14 if frames[row, 0] >= 0x80 else 7)
    vouched[row] = False
    for i in range(known):
        if labels[i] == overlaid:
            vouched[row] = True
    return True


@kernel
def scan(data, state, frames, length, time_ns, vouched, counts):
    """Cut text into lines and read those that are whole.

    Parameters
    ----------
    data : uint8 array
    state : int64 array, shape (STATE,)
        Read and updated.
    frames, length, time_ns, vouched : arrays of shape (rows, 14), (rows,), (rows,), (rows,)
        Written.
    counts : int64 array, shape (len(REASONS),)
        Counted up: lines too long, lines without a frame (the first may be a header).

    Returns
    -------
    consumed, rows : int
    """
    n = len(data)
    labels = np.empty(LABELS, np.int64)
    row = 0
    at = 0
    for end in range(n):
        if data[end] != 10:
            continue
        blank = True
        for i in range(at, end):
            if data[i] > 32:
                blank = False
                break
        if end - at > LONGEST:
            counts[LONG] += 1
        elif not blank:
            if _line(data, at, end, state, frames, length, time_ns, vouched, row, labels):
                row += 1
            elif state[LINES] > 0:
                counts[FRAME] += 1
            state[LINES] += 1
        at = end + 1
    return at, row
