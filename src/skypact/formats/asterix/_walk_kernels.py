# mypy: disable-error-code="no-untyped-def"
"""Kernels that walk the records of blocks: records of one field specification share a layout, worked out once.

The walk finds where the units of records start. Some records later the elements asked for are read, a column at a time
while the records' octets are still in the processor's nearest cache.
"""

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.formats.asterix._read_kernels import READ_1, READ_2, READ_3, READ_4, READ_6
from skypact.formats.asterix._record_kernels import EMPTY, LONG, PAST, SPARE_SET, compound, record, skip
from skypact.formats.asterix.spec import COMPOUND, EXTENDED, FIXED, RANDOM, REPETITIVE

PROFILES = 512
"""Field specifications whose layout is remembered; records with others are walked item by item."""
HASH = 2048
"""Places for them, so that few collide: the top 11 bits of a multiplicative hash (Knuth, volume 3, section 6.4)."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MOVING = 56
"""Most units of changing length a remembered layout may have: every field of the longest profile."""
END, SHORT, PLAIN, ASKED = -1, -2, -3, -4
"""Steps of a layout that are not just a kind of unit: its end, an extended unit whose first two parts are one octet
each, and compound units of whose subitems none, or some, are asked for."""


@kernel
def _step(unit, units, rows, slot):
    """Return what a unit of changing length is to the walk of a layout."""
    kind, first = units[unit, 0], units[unit, 3]
    if kind == EXTENDED and units[unit, 4] > 1 and rows[first] == 1 and rows[first + 1] == 1:
        return SHORT
    if kind == COMPOUND:
        for k in range(first, first + units[unit, 4]):
            if rows[k] >= 0 and slot[rows[k]] >= 0:
                return ASKED
        return PLAIN
    return kind


NOWHERE = MOVING + 1
"""The anchor of absent units; behind it are those of the slots that are noted as they are met."""


@kernel
def _learn(key, stop, uaps, units, rows, slot, steps, anchors, deltas):
    """Lay out the field specification `key` of `stop` octets; return the reason why it is refused or 0.

    `steps` receives fixed octets before, what comes then, and its unit, for each unit of changing length, then octets
    behind and `END`. Each slot lies `deltas` octets after anchor `anchors`: anchor 0 is the first octet behind the
    field specification, anchor k the end of the k-th unit of changing length.
    """
    longest = uaps.shape[1]
    anchors[:] = NOWHERE
    deltas[:] = 0
    fixed = 0
    moving = 0
    for q in range(stop):
        octet = key >> np.uint64(8 * (stop - 1 - q)) & np.uint64(0xFF)
        for b in range(7):
            if octet & np.uint64(0x80 >> b):
                unit = uaps[0, 7 * q + b] if 7 * q + b < longest else -1
                if unit < 0:
                    return SPARE_SET
                if slot[unit] >= 0:
                    anchors[slot[unit]] = moving
                    deltas[slot[unit]] = fixed
                if units[unit, 0] == FIXED:
                    fixed += units[unit, 1]
                    continue
                if units[unit, 0] == COMPOUND:
                    for k in range(units[unit, 3], units[unit, 3] + units[unit, 4]):
                        if rows[k] >= 0 and slot[rows[k]] >= 0:
                            anchors[slot[rows[k]]] = NOWHERE + 1 + slot[rows[k]]
                steps[moving] = fixed, _step(unit, units, rows, slot), unit
                moving += 1
                fixed = 0
    steps[moving] = fixed, END, 0
    return 0 if moving or fixed else EMPTY


@kernel
def _extract(data, tile, rows, elements, scale, absent, out):
    """Read elements of records, whose slots are the rows of `tile`, into the rows of `out`."""
    for e in range(len(elements)):
        slot, octets, octet, shift, mask, sign, part, first = elements[e]
        offset, sizes, column = tile[:, slot], rows[first:], out[e]
        if octets == 1:
            READ_1(data, offset, octet, shift, mask, sign, part, sizes, scale[e], absent, column)
        elif octets == 2:
            READ_2(data, offset, octet, shift, mask, sign, part, sizes, scale[e], absent, column)
        elif octets == 3:
            READ_3(data, offset, octet, shift, mask, sign, part, sizes, scale[e], absent, column)
        elif octets == 4:
            READ_4(data, offset, octet, shift, mask, sign, part, sizes, scale[e], absent, column)
        else:
            READ_6(data, offset, octet, shift, mask, sign, part, sizes, scale[e], absent, column)


@kernel
def _settle(data, tile, rows, offsets, whole, one, integers, real, scale, floats, first, last):
    """Read and keep what is asked for of the records that lie in `tile`."""
    tile = tile[: last - first]
    _extract(data, tile, rows, whole, one, -1, integers[:, first:last])
    _extract(data, tile, rows, real, scale, np.nan, floats[:, first:last])
    for s in range(len(offsets)):
        for t in range(len(tile)):
            offsets[s, first + t] = tile[t, s]


@kernel
def walk(
    data, first, last, number, uaps, units, rows, totals, selector,
    slot, tile, offsets, whole, one, integers, real, scale, floats, block, reason, empty,
):  # fmt: skip
    """Walk the records of blocks; return their number, or -1 if there is no room for them.

    Records with the same field specification share a layout that is worked out once, so that only units of changing
    length need looking at.

    Parameters
    ----------
    data : uint8 array
    first, last : int64 arrays, shape (blocks,)
        Range of each block's records in `data`.
    number : int64 array, shape (blocks,)
        What `block` shall say of each block.
    uaps, units, rows, totals, selector
        Tables of the `Program`.
    slot : int32 array, shape (units,)
        Column of `tile` for each unit, -1 for none.
    tile : int64 array, shape (some, slots)
        Takes where each unit of each record starts, -1 where absent. When it is full, or at the end, what is asked for
        is read, and it is used again.
    offsets : int64 array, shape (slots, room) or (0, 0)
        Receives the same for all records, unless it is empty.
    whole, real : int64 arrays, shape (elements, 8)
        Elements to be read, see `program.Elements`.
    one : int64 array, shape (elements of `whole`,)
    scale : float64 array, shape (elements of `real`,)
        What the elements are multiplied by.
    integers, floats : int64 and float64 arrays, shape (elements, room)
        Receive the elements of `whole` and `real`, -1 and NaN where absent.
    block : int32 array, shape (room,)
        Receives the block of each record.
    reason : uint8 array, shape (blocks,)
        Receives why a block was refused, 0 if it was not. A refused block leaves no record.
    empty : int64 array, shape (1,)
        Is increased by the records without a field, which are passed over.
    """
    size, slots = tile.shape
    longest = uaps.shape[1]
    # A profile that depends on the record, or random sequences, cannot be laid out beforehand.
    simple = uaps.shape[0] == 1 and longest <= MOVING and uaps.min() > RANDOM
    keys = np.zeros(HASH, np.uint64)
    place = np.empty(HASH, np.int32)
    refused = np.empty(PROFILES, np.int64)
    steps = np.empty((PROFILES, MOVING + 1, 3), np.int32)
    anchors = np.empty((PROFILES, slots), np.uint32)
    deltas = np.empty((PROFILES, slots), np.int32)
    anchor = np.full(NOWHERE + 1 + slots, -1)
    spots = anchor[NOWHERE + 1 :]
    known = 0
    # No field specification: one of eight octets must not announce a ninth.
    before, same = ~np.uint64(0), 0
    r, read = 0, 0
    for b in range(len(first)):
        p, end = first[b], last[b]
        mark = r
        uap = 0
        while p < end:
            if r == len(block):
                return -1
            start = p
            layout = -1
            if simple:
                key = np.uint64(data[p])
                p += 1
                while data[p - 1] & 1 and p < end and p - start < 8:
                    key = key << np.uint64(8) | np.uint64(data[p])
                    p += 1
                if data[p - 1] & 1:
                    reason[b] = PAST if p == end else LONG
                    break
                if (p - start - 1) * 7 >= longest:
                    reason[b] = LONG
                    break
                if key == before:
                    layout = same
                else:
                    h = np.int64((key * GOLDEN) >> np.uint64(53))
                    while keys[h] != key and keys[h] != 0:
                        h = (h + 1) & (HASH - 1)
                    if keys[h] == key and key != 0:
                        layout = place[h]
                    elif known < PROFILES and key != 0:
                        layout = known
                        known += 1
                        keys[h] = key
                        place[h] = layout
                        refused[layout] = _learn(
                            key, p - start, uaps, units, rows, slot, steps[layout], anchors[layout], deltas[layout]
                        )
                    if layout >= 0:
                        before, same = key, layout
            if layout < 0:
                p, uap = record(data, start, end, uap, uaps, units, rows, selector, slot, spots)
                if p >= 0:
                    for s in range(slots):
                        tile[r - read, s] = spots[s]
            elif refused[layout]:
                p = -refused[layout]
            else:
                k = 0
                anchor[0] = p
                while True:
                    p += steps[layout, k, 0]
                    if p > end:
                        p = -PAST
                        break
                    step, unit = steps[layout, k, 1], steps[layout, k, 2]
                    if step == END:
                        break
                    # The usual cases of each kind, with as few decisions as can be; the others are left to `skip`.
                    if step == SHORT and p + 1 < end and not data[p] & data[p + 1] & 1:
                        p += 1 + (data[p] & 1)
                    elif step == REPETITIVE and p < end and units[unit, 2] == 1:
                        p += 1 + data[p] * units[unit, 1]
                    elif step == PLAIN and p < end and totals[units[unit, 1], data[p]] > 0:
                        p += totals[units[unit, 1], data[p]]
                    elif step in (PLAIN, ASKED):
                        p = compound(data, p, end, unit, units, rows, slot, spots)
                    else:
                        p = skip(data, p, end, unit, units, rows)
                    if p < 0:
                        break
                    k += 1
                    anchor[k] = p
                if p >= 0:
                    for s in range(slots):
                        tile[r - read, s] = anchor[anchors[layout, s]] + deltas[layout, s]
            if p == -EMPTY:
                p = start + 1
                while data[p - 1] & 1:
                    p += 1
                empty[0] += 1
                continue
            if p < 0:
                reason[b] = -p
                break
            block[r] = number[b]
            r += 1
            if r - read == size:
                _settle(data, tile, rows, offsets, whole, one, integers, real, scale, floats, read, r)
                read = r
        if reason[b]:
            r = mark
            # Records that were read already are overwritten.
            read = min(read, r)
    _settle(data, tile, rows, offsets, whole, one, integers, real, scale, floats, read, r)
    return r
