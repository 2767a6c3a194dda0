"""Numba kernel that parses BaseStation lines.

The fields of a line, from 0: MSG, type 1-8, session, aircraft, address in hexadecimal, flight, date and time generated,
date and time logged, callsign, altitude ft, ground speed kt, track deg, latitude, longitude, climb ft/min, squawk, and
the flags alert, emergency, ident, on ground. An empty field means that the message does not say.
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.tables import NO_TIME

REASONS = ("long", "other", "fields", "address", "number", "range", "time", "empty")
"""Why a line gave no row: over 1 KiB, no MSG line, too few fields, ..., nothing said of the aircraft."""
LONG, OTHER, FIELDS, ADDRESS, NUMBER, RANGE, TIME, EMPTY = range(len(REASONS))
FOUND = -1

LONGEST = 1024
FIELD_COUNT = 22

ROW = np.dtype(
    [
        ("time", np.int64),
        ("callsign", np.uint64),
        ("altitude_ft", np.float64),
        ("speed_kt", np.float64),
        ("track_deg", np.float64),
        ("latitude_deg", np.float64),
        ("longitude_deg", np.float64),
        ("climb_ft_min", np.float64),
        ("address", np.int32),
        ("squawk", np.int16),
        ("kind", np.int8),
        ("emergency", np.int8),
        ("on_ground", np.int8),
    ],
    align=True,
)
"""One line; null is NaN, -1, `NO_TIME` or a callsign of 0. `kind` is the message type."""


@kernel
def _number(data, at, end):
    """Return (ok, value) of a decimal number; an empty field is NaN."""
    while at < end and data[at] == 32:
        at += 1
    while end > at and data[end - 1] == 32:
        end -= 1
    if at == end:
        return True, np.nan
    sign = 1.0
    if data[at] in (43, 45):
        sign = -1.0 if data[at] == 45 else 1.0
        at += 1
    digits = 0
    places = 0
    value = np.int64(0)
    point = False
    for i in range(at, end):
        character = data[i]
        if character == 46 and not point:
            point = True
        elif 48 <= character <= 57:
            if digits < 17:
                value = value * 10 + (character - 48)
                places += point
            elif not point:
                return False, np.nan
            digits += 1
        else:
            return False, np.nan
    return digits > 0, sign * value / 10.0**places


@kernel
def _digits(data, at, end, base):
    """Return the value of one to six digits of a base up to 16, -1 for anything else."""
    if not 0 < end - at <= 6:
        return -1
    value = 0
    for i in range(at, end):
        c = data[i]
        d = c - 48 if 48 <= c <= 57 else c - 55 if 65 <= c <= 70 else c - 87 if 97 <= c <= 102 else 99
        if d >= base:
            return -1
        value = value * base + d
    return value


@kernel
def _flag(data, at, end):
    """Return 1 for a flag that is set (``-1`` or ``1``), 0 for ``0``, -1 when it is not said."""
    if at == end:
        return -1
    if end - at == 1 and data[at] == 48:
        return 0
    return 1 if data[end - 1] == 49 and (end - at == 1 or (end - at == 2 and data[at] == 45)) else -1


@kernel
def _time_ns(data, at, middle, end):
    """Return (ok, nanoseconds) of ``2024/07/06`` at..middle and ``06:43:09.525`` behind the comma at `middle`."""
    if at == middle and middle + 1 == end:
        return True, NO_TIME
    if middle - at != 10 or data[at + 4] != data[at + 7] or not 9 <= end - middle <= 19:
        return False, NO_TIME
    clock = middle + 1
    if data[clock + 2] != 58 or data[clock + 5] != 58:
        return False, NO_TIME
    year = _digits(data, at, at + 4, 10)
    month = _digits(data, at + 5, at + 7, 10)
    day = _digits(data, at + 8, at + 10, 10)
    hour = _digits(data, clock, clock + 2, 10)
    minute = _digits(data, clock + 3, clock + 5, 10)
    second = _digits(data, clock + 6, clock + 8, 10)
    if not 1970 <= year < 2200 or not 1 <= month <= 12 or not 1 <= day <= 31:
        return False, NO_TIME
    if not 0 <= hour < 24 or not 0 <= minute < 60 or not 0 <= second <= 60:
        return False, NO_TIME
    fraction = 0
    unit = 100_000_000
    if clock + 8 < end:
        if data[clock + 8] != 46:
            return False, NO_TIME
        for i in range(clock + 9, end):
            digit = data[i] - 48
            if not 0 <= digit <= 9:
                return False, NO_TIME
            fraction += digit * unit
            unit //= 10
    # Days since 1970 of the proleptic Gregorian calendar: years and months counted from March.
    year -= month <= 2
    month = (month + 9) % 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719469
    return True, ((days * 24 + hour) * 3600 + minute * 60 + second) * 1_000_000_000 + fraction


@kernel
def _callsign(data, at, end):
    """Return up to eight capital letters, digits and inner blanks packed first-highest, 0 when there are none."""
    while at < end and data[at] == 32:
        at += 1
    while end > at and data[end - 1] == 32:
        end -= 1
    if end - at > 8:
        return np.uint64(0)
    text = np.uint64(0)
    for i in range(at, at + 8):
        c = data[i] if i < end else np.uint8(32)
        if 97 <= c <= 122:
            c -= 32
        if i < end and not (48 <= c <= 57 or 65 <= c <= 90 or c == 32):
            return np.uint64(0)
        text = text << np.uint64(8) | np.uint64(c)
    return text if end > at else np.uint64(0)


@kernel
def _line(data, at, end, comma, row):
    """Fill a row from a line at..end; return FOUND or the reject reason."""
    if end - at < 4 or data[at] != 77 or data[at + 1] != 83 or data[at + 2] != 71 or data[at + 3] != 44:
        return OTHER
    fields = 0
    for i in range(at, end + 1):
        if i == end or data[i] == 44:
            if fields < FIELD_COUNT:
                comma[fields] = i
            fields += 1
    if fields < FIELD_COUNT:
        return FIELDS
    row.kind = _digits(data, comma[0] + 1, comma[1], 10)
    if not 1 <= row.kind <= 8:
        return OTHER
    first = comma[3] + 1
    other = first < comma[4] and data[first] == 126  # ~ marks an address that is not ICAO's
    address = _digits(data, first + other, comma[4], 16)
    if address < 0:
        return ADDRESS
    row.address = -1 if other else address
    ok, row.time = _time_ns(data, comma[5] + 1, comma[6], comma[7])
    if not ok:
        return TIME
    row.callsign = _callsign(data, comma[9] + 1, comma[10])
    good = True
    ok, row.altitude_ft = _number(data, comma[10] + 1, comma[11])
    good &= ok
    ok, row.speed_kt = _number(data, comma[11] + 1, comma[12])
    good &= ok
    ok, row.track_deg = _number(data, comma[12] + 1, comma[13])
    good &= ok
    ok, row.latitude_deg = _number(data, comma[13] + 1, comma[14])
    good &= ok
    ok, row.longitude_deg = _number(data, comma[14] + 1, comma[15])
    good &= ok
    ok, row.climb_ft_min = _number(data, comma[15] + 1, comma[16])
    good &= ok
    row.squawk = -1
    if comma[17] > comma[16] + 1:
        squawk = _digits(data, comma[16] + 1, comma[17], 8)
        good &= 0 <= squawk <= 0o7777
        row.squawk = squawk
    if not good:
        return NUMBER
    if abs(row.latitude_deg) > 90.0 or abs(row.longitude_deg) > 180.0:
        return RANGE
    if np.isnan(row.latitude_deg) or np.isnan(row.longitude_deg):
        row.latitude_deg = row.longitude_deg = np.nan
    row.emergency = _flag(data, comma[18] + 1, comma[19])
    row.on_ground = _flag(data, comma[20] + 1, comma[21])
    said = row.callsign != 0 or row.squawk >= 0 or row.on_ground >= 0 or row.emergency > 0
    for value in (row.altitude_ft, row.latitude_deg, row.climb_ft_min, row.speed_kt + row.track_deg):
        said = said or not np.isnan(value)
    return FOUND if said else EMPTY


@kernel
def scan(data, rows, counts):
    """Parse whole lines; return (bytes consumed, rows written). `counts` are counted up by `REASONS`."""
    comma = np.empty(FIELD_COUNT, np.int64)
    n = 0
    start = 0
    for i in range(len(data)):
        if data[i] != 10:
            continue
        at, end = start, i
        start = i + 1
        if end - at > LONGEST:
            counts[LONG] += 1
            continue
        while end > at and data[end - 1] <= 32:
            end -= 1
        while at < end and data[at] <= 32:
            at += 1
        if at == end:
            continue
        reason = _line(data, at, end, comma, rows[n])
        if reason == FOUND:
            n += 1
        else:
            counts[reason] += 1
    return start, n
