# mypy: disable-error-code="no-untyped-def"
"""Kernels that walk one record item by item: an interpreter over the integer tables of `program.Program`."""

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.formats.asterix.spec import CHAINED, COMPOUND, EXPLICIT, EXTENDED, FIXED, RANDOM, REPETITIVE

REASONS = (
    "",
    "record runs past its block",
    "field specification too long",
    "spare field announced",
    "",
    "last extension announces another",
    "explicit item of length zero",
    "undefined subitem announced",
    "bad field number in random sequence",
)
"""Why a block is refused; the index is the code the walk returns."""
PAST, LONG, SPARE_SET, EMPTY, EXTENSION, EXPLICIT_ZERO, UNDEFINED, RANDOM_NUMBER = range(1, 9)


@kernel
def skip(data, p, end, unit, units, rows):
    """Return where a unit that is not compound ends, or minus the reason why it cannot be read."""
    kind = units[unit, 0]
    if kind == FIXED:
        p += units[unit, 1]
    elif kind == EXTENDED:
        for k in range(units[unit, 3], units[unit, 3] + units[unit, 4]):
            size = rows[k]
            if size < 0:
                p -= size
                return p if p <= end else -PAST
            p += size
            if p > end:
                return -PAST
            if not data[p - 1] & 1:
                return p
        return -EXTENSION
    elif kind == REPETITIVE:
        count = 0
        if p + units[unit, 2] > end:
            return -PAST
        for _ in range(units[unit, 2]):
            count = count << 8 | data[p]
            p += 1
        p += count * units[unit, 1]
    elif kind == CHAINED:
        size = units[unit, 1]
        while True:
            p += size
            if p > end:
                return -PAST
            if not data[p - 1] & 1:
                break
    elif kind == EXPLICIT:
        if p >= end:
            return -PAST
        if data[p] == 0:
            return -EXPLICIT_ZERO
        p += data[p]
    return p if p <= end else -PAST


@kernel
def compound(data, p, end, unit, units, rows, slot, spots):
    """Return where a compound unit ends, or minus the reason; note in `spots` where its subitems start."""
    first, count = units[unit, 3], units[unit, 4]
    for k in range(first, first + count):
        if rows[k] >= 0 and slot[rows[k]] >= 0:
            spots[slot[rows[k]]] = -1
    fspec = p
    while True:
        if p >= end:
            return -PAST
        p += 1
        if not data[p - 1] & 1:
            break
    if (p - fspec - 1) * 7 >= count:
        return -LONG
    at = first
    for q in range(fspec, p):
        octet = np.int64(data[q])
        for b in range(7):
            if octet & (0x80 >> b):
                child = rows[at + b] if at + b < first + count else -1
                if child < 0:
                    return -UNDEFINED
                if slot[child] >= 0:
                    spots[slot[child]] = p
                if units[child, 0] == FIXED:
                    p += units[child, 1]
                    if p > end:
                        return -PAST
                else:
                    p = skip(data, p, end, child, units, rows)
                    if p < 0:
                        return p
        at += 7
    return p


@kernel
def random_sequence(data, p, end, frns, units, rows, slot, spots):
    """Read a random field sequence: a count, then field number and content, in any order."""
    if p >= end:
        return -PAST
    count = data[p]
    p += 1
    for _ in range(count):
        if p >= end:
            return -PAST
        frn = data[p]
        p += 1
        unit = frns[frn - 1] if 0 < frn <= len(frns) else -1
        if unit < 0:
            return -RANDOM_NUMBER
        if slot[unit] >= 0:
            spots[slot[unit]] = p
        if units[unit, 0] == COMPOUND:
            p = compound(data, p, end, unit, units, rows, slot, spots)
        else:
            p = skip(data, p, end, unit, units, rows)
        if p < 0:
            return p
    return p


@kernel
def record(data, p, end, uap, uaps, units, rows, selector, slot, spots):
    """Walk one record; return where it ends and its profile, or minus the reason why it cannot be read."""
    spots[:] = -1
    fspec = p
    while True:
        if p >= end:
            return -PAST, uap
        p += 1
        if not data[p - 1] & 1:
            break
    stop = p
    longest = uaps.shape[1]
    if (stop - fspec - 1) * 7 >= longest:
        return -LONG, uap
    found = False
    frn = 0
    for q in range(fspec, stop):
        octet = np.int64(data[q])
        for b in range(7):
            if octet & (0x80 >> b):
                found = True
                unit = uaps[uap, frn + b] if frn + b < longest else -1
                if unit == RANDOM:
                    p = random_sequence(data, p, end, uaps[uap], units, rows, slot, spots)
                elif unit < 0:
                    return -SPARE_SET, uap
                else:
                    if slot[unit] >= 0:
                        spots[slot[unit]] = p
                    if unit == selector[0]:
                        if p + selector[1] >= end:
                            return -PAST, uap
                        uap = (data[p + selector[1]] >> selector[2]) & selector[3]
                    if units[unit, 0] == COMPOUND:
                        p = compound(data, p, end, unit, units, rows, slot, spots)
                    else:
                        p = skip(data, p, end, unit, units, rows)
                if p < 0:
                    return p, uap
        frn += 7
    return (p if found else -EMPTY), uap
