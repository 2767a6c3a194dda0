"""Kernels of the ASTERIX decoder: block framing, the record walk, and reading elements out of many records at once.

The walk is an interpreter over the integer tables of `program.Program`; it finds where each unit of each record starts
and nothing else. Elements are then read a column at a time.
"""

from __future__ import annotations

import numpy as np
from numba import njit

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

MISSING = np.iinfo(np.int64).min
"""What an integer column holds where an element is absent."""


@njit(cache=True, nogil=True)
def frame(data, start, length, cat, first, last, message, counts):  # type: ignore[no-untyped-def]
    """Find data blocks in messages; return their number.

    `cat`, `first`, `last` and `message` receive one entry a block: category, range of its records in `data`, message.
    `counts` is increased: [0] messages that end inside a block header, [1] blocks with an impossible length or running
    past the message (the rest of the message is skipped), [2] messages with a trailer after the last block, [3] octets
    in trailers, [4] blocks wrapped in a recorder's header of six octets (length of all, then four of time).
    """
    blocks = 0
    room = len(cat)
    for m in range(len(start)):
        p = start[m]
        end = p + length[m]
        found = 0
        while p < end:
            if end - p < 3:
                if found:
                    counts[2] += 1
                    counts[3] += end - p
                else:
                    counts[0] += 1
                break
            if data[p] == 0 and end - p >= 9:
                size = (np.int64(data[p]) << 8) | np.int64(data[p + 1])
                inner = (np.int64(data[p + 7]) << 8) | np.int64(data[p + 8])
                if data[p + 6] != 0 and size == inner + 6 and p + size <= end:
                    counts[4] += 1
                    p += 6
            size = (np.int64(data[p + 1]) << 8) | np.int64(data[p + 2])
            if size < 3 or p + size > end:
                if found and not (size >= 3 and data[p] == cat[blocks - 1]):
                    # Bytes after a block that cannot be another one: what some recorders append.
                    counts[2] += 1
                    counts[3] += end - p
                else:
                    counts[1] += 1
                break
            if blocks == room:
                return -1
            cat[blocks] = data[p]
            first[blocks] = p + 3
            last[blocks] = p + size
            message[blocks] = m
            blocks += 1
            found += 1
            p += size
    return blocks


@njit(cache=True, nogil=True, inline="always")
def _extended(data, p, end, rows, first, count):  # type: ignore[no-untyped-def]
    for k in range(first, first + count):
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


@njit(cache=True, nogil=True)
def _skip(data, p, end, unit, units, rows):  # type: ignore[no-untyped-def]
    """Return where a unit that is not fixed or compound ends, or minus the reason why it cannot be read."""
    kind = units[unit, 0]
    if kind == 1:
        return _extended(data, p, end, rows, units[unit, 3], units[unit, 4])
    if kind == 0:
        p += units[unit, 1]
    elif kind == 2:
        count = 0
        if p + units[unit, 2] > end:
            return -PAST
        for _ in range(units[unit, 2]):
            count = count << 8 | data[p]
            p += 1
        p += count * units[unit, 1]
    elif kind == 3:
        size = units[unit, 1]
        while True:
            p += size
            if p > end:
                return -PAST
            if not data[p - 1] & 1:
                break
    else:
        if p >= end:
            return -PAST
        if data[p] == 0:
            return -EXPLICIT_ZERO
        p += data[p]
    return p if p <= end else -PAST


@njit(cache=True, nogil=True)
def _compound(data, p, end, unit, units, rows, slot, offsets, r):  # type: ignore[no-untyped-def]
    first, count = units[unit, 3], units[unit, 4]
    for k in range(first, first + count):
        if rows[k] >= 0 and slot[rows[k]] >= 0:
            offsets[slot[rows[k]], r] = -1
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
                    offsets[slot[child], r] = p
                if units[child, 0] == 0:
                    p += units[child, 1]
                    if p > end:
                        return -PAST
                else:
                    p = _skip(data, p, end, child, units, rows)
                    if p < 0:
                        return p
        at += 7
    return p


@njit(cache=True, nogil=True)
def _random(data, p, end, frns, units, rows, slot, offsets, r):  # type: ignore[no-untyped-def]
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
            offsets[slot[unit], r] = p
        if units[unit, 0] == 5:
            p = _compound(data, p, end, unit, units, rows, slot, offsets, r)
        else:
            p = _skip(data, p, end, unit, units, rows)
        if p < 0:
            return p
    return p


@njit(cache=True, nogil=True)
def _record(data, p, end, uap, uaps, units, rows, selector, slot, offsets, r):  # type: ignore[no-untyped-def]
    """Walk one record; return where it ends and its profile, or minus the reason why it cannot be read."""
    fspec = p
    while True:
        if p >= end:
            return -PAST, uap
        p += 1
        if not data[p - 1] & 1:
            break
    stop = p
    longest = uaps.shape[1]
    found = False
    if (stop - fspec - 1) * 7 >= longest:
        return -LONG, uap
    frn = 0
    for q in range(fspec, stop):
        octet = np.int64(data[q])
        if octet & 0xFE == 0:
            frn += 7
            continue
        for b in range(7):
            if octet & (0x80 >> b):
                unit = uaps[uap, frn + b] if frn + b < longest else -1
                found = True
                if unit < 0:
                    if unit == -1:
                        return -SPARE_SET, uap
                    p = _random(data, p, end, uaps[uap], units, rows, slot, offsets, r)
                    if p < 0:
                        return p, uap
                    continue
                s = slot[unit]
                if s >= 0:
                    offsets[s, r] = p
                if unit == selector[0]:
                    if p + selector[1] >= end:
                        return -PAST, uap
                    uap = (data[p + selector[1]] >> selector[2]) & selector[3]
                kind = units[unit, 0]
                if kind == 0:
                    p += units[unit, 1]
                    if p > end:
                        return -PAST, uap
                elif kind == 5:
                    p = _compound(data, p, end, unit, units, rows, slot, offsets, r)
                else:
                    p = _skip(data, p, end, unit, units, rows)
                if p < 0:
                    return p, uap
        frn += 7
    return (p if found else -EMPTY), uap


PROFILES = 512
"""Field specifications whose layout is remembered; records with others are walked item by item."""
HASH = 2048
MOVING = 56
"""Most units of changing length a remembered layout may have: every field of the longest profile."""


@njit(cache=True, nogil=True)
def _learn(key, stop, uap, uaps, units, slot, steps, anchors, deltas):  # type: ignore[no-untyped-def]
    """Lay out the field specification `key` of `stop` octets; return the reason why it is refused or 0.

    `steps` receives pairs (fixed octets before, unit) for each unit of changing length, then (octets behind, -1).
    Each slot lies `deltas` octets after anchor `anchors`: anchor 0 is the first octet behind the field specification,
    anchor k the end of the k-th unit of changing length. Anchor -1 is an absent unit, -2 one that the walk of a
    compound unit writes.
    """
    longest = uaps.shape[1]
    anchors[:] = -1
    fixed = 0
    moving = 0
    found = False
    for q in range(stop):
        octet = key >> np.uint64(8 * (stop - 1 - q)) & np.uint64(0xFF)
        for b in range(7):
            if octet & np.uint64(0x80 >> b):
                frn = 7 * q + b
                unit = uaps[uap, frn] if frn < longest else -1
                found = True
                if unit < 0:
                    return SPARE_SET
                if slot[unit] >= 0:
                    anchors[slot[unit]] = moving
                    deltas[slot[unit]] = fixed
                if units[unit, 0] == 0:
                    fixed += units[unit, 1]
                else:
                    steps[moving, 0] = fixed
                    steps[moving, 1] = unit
                    moving += 1
                    fixed = 0
    steps[moving, 0] = fixed
    steps[moving, 1] = -1
    return 0 if found else EMPTY


@njit(cache=True, nogil=True)
def _owned(anchors, steps, units, rows, slot):  # type: ignore[no-untyped-def]
    """Mark the slots below the compound units of a layout as theirs to write."""
    k = 0
    while steps[k, 1] >= 0:
        unit = steps[k, 1]
        if units[unit, 0] == 5:
            for j in range(units[unit, 3], units[unit, 3] + units[unit, 4]):
                if rows[j] >= 0 and slot[rows[j]] >= 0:
                    anchors[slot[rows[j]]] = -2
        k += 1


@njit(cache=True, nogil=True)
def walk(data, first, last, at, uaps, units, rows, selector, slot, offsets, begin, block, reason, empty):  # type: ignore[no-untyped-def]
    """Walk the records of blocks, from block `at` until all are done or the tables are full.

    Records with the same field specification share a layout that is worked out once, so that only units of changing
    length need looking at.

    Parameters
    ----------
    data : uint8 array
    first, last : int64 arrays, shape (blocks,)
        Range of each block's records in `data`.
    at : int
        Block to begin with.
    uaps, units, rows, selector
        Tables of the `Program`.
    slot : int32 array, shape (units,)
        Row of `offsets` for each unit, -1 for none.
    offsets : int64 array, shape (slots, room)
        Receives where each unit of each record starts, -1 where absent.
    begin : int64 array, shape (room,)
        Receives where each record starts.
    block : int32 array, shape (room,)
        Receives the block of each record.
    reason : uint8 array, shape (blocks,)
        Receives why a block was refused, 0 if it was not. A refused block leaves no record.
    empty : int64 array, shape (1,)
        Is increased by the records without a field, which are passed over.

    Returns
    -------
    tuple of int
        The next block and the number of records.
    """
    room = len(begin)
    slots = offsets.shape[0]
    longest = uaps.shape[1]
    # A profile that depends on the record, or random sequences, cannot be laid out beforehand.
    simple = uaps.shape[0] == 1 and longest <= 56 and uaps.min() >= -1
    keys = np.zeros(HASH, np.uint64)
    place = np.empty(HASH, np.int32)
    refused = np.empty(PROFILES, np.int64)
    steps = np.empty((PROFILES, MOVING + 1, 2), np.int32)
    anchors = np.empty((PROFILES, slots), np.int32)
    deltas = np.empty((PROFILES, slots), np.int32)
    known = 0
    anchor = np.empty(MOVING + 1, np.int64)
    r = 0
    b = at
    while b < len(first):
        p, end = first[b], last[b]
        mark = r
        uap = 0
        while p < end:
            if r == room:
                return b, mark
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
                    r = mark
                    break
                if (p - start - 1) * 7 >= longest:
                    reason[b] = LONG
                    r = mark
                    break
                h = np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(53))
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
                        key, p - start, 0, uaps, units, slot, steps[layout], anchors[layout], deltas[layout]
                    )
                    if refused[layout] == 0:
                        _owned(anchors[layout], steps[layout], units, rows, slot)
            if layout < 0:
                for s in range(slots):
                    offsets[s, r] = -1
                p, uap = _record(data, start, end, uap, uaps, units, rows, selector, slot, offsets, r)
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
                    unit = steps[layout, k, 1]
                    if unit < 0:
                        break
                    kind = units[unit, 0]
                    if kind == 1 and p < end and rows[units[unit, 3]] == 1 and not data[p] & 1:
                        p += 1
                    elif kind == 5:
                        p = _compound(data, p, end, unit, units, rows, slot, offsets, r)
                    else:
                        p = _skip(data, p, end, unit, units, rows)
                    if p < 0:
                        break
                    k += 1
                    anchor[k] = p
                if p >= 0:
                    for s in range(slots):
                        a = anchors[layout, s]
                        if a >= 0:
                            offsets[s, r] = anchor[a] + deltas[layout, s]
                        elif a == -1:
                            offsets[s, r] = -1
            if p == -EMPTY:
                p = start + 1
                while data[p - 1] & 1:
                    p += 1
                empty[0] += 1
                continue
            if p < 0:
                reason[b] = -p
                r = mark
                break
            begin[r] = start
            block[r] = b
            r += 1
        b += 1
    return b, r


@njit(cache=True, nogil=True, inline="always")
def _present(data, p, part, sizes):  # type: ignore[no-untyped-def]
    """Whether an extended unit that starts at `p` goes on to `part`."""
    for k in range(part):
        p += sizes[k]
        if not data[p - 1] & 1:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _bits(data, p, octets, shift, mask, sign):  # type: ignore[no-untyped-def]
    value = np.int64(data[p])
    for k in range(1, octets):
        value = value << 8 | np.int64(data[p + k])
    value = (value >> shift) & mask
    if value & sign:
        value -= sign << 1
    return value


@njit(cache=True, nogil=True)
def integers(data, offset, octet, octets, shift, mask, sign, part, sizes, out):  # type: ignore[no-untyped-def]
    """Read an element of every record into an int64 column, `MISSING` where absent.

    `octet` and `octets` say where the element's octets lie in its unit, `shift` and `mask` cut it out, `sign` is its
    sign bit (0 if unsigned), `part` and `sizes` the part of an extended unit.
    """
    for i in range(len(offset)):
        p = offset[i]
        if p < 0 or (part and not _present(data, p, part, sizes)):
            out[i] = MISSING
        else:
            out[i] = _bits(data, p + octet, octets, shift, mask, sign)


@njit(cache=True, nogil=True)
def floats(data, offset, octet, octets, shift, mask, sign, part, sizes, scale, out):  # type: ignore[no-untyped-def]
    """Read an element of every record into a float64 column times `scale`, NaN where absent."""
    for i in range(len(offset)):
        p = offset[i]
        if p < 0 or (part and not _present(data, p, part, sizes)):
            out[i] = np.nan
        else:
            out[i] = _bits(data, p + octet, octets, shift, mask, sign) * scale


@njit(cache=True, nogil=True)
def octets(data, position, octet, size, out):  # type: ignore[no-untyped-def]
    """Copy `size` octets from each position into the rows of `out`; rows without a position stay as they are."""
    for i in range(len(position)):
        p = position[i]
        if p >= 0:
            for k in range(size):
                out[i, k] = data[p + octet + k]


@njit(cache=True, nogil=True)
def repetitions(data, offset, size, count_size, edge):  # type: ignore[no-untyped-def]
    """Count the repetitions of a unit: `edge` (length n + 1) receives the running sum."""
    edge[0] = 0
    for i in range(len(offset)):
        p = offset[i]
        count = 0
        if p >= 0 and count_size:
            for k in range(count_size):
                count = count << 8 | data[p + k]
        elif p >= 0:
            count = 1
            while data[p + size - 1] & 1:
                p += size
                count += 1
        edge[i + 1] = edge[i] + count


@njit(cache=True, nogil=True)
def spread(offset, size, count_size, edge, out):  # type: ignore[no-untyped-def]
    """Write where each repetition starts."""
    for i in range(len(offset)):
        p = offset[i] + count_size
        for k in range(edge[i], edge[i + 1]):
            out[k] = p
            p += size


@njit(cache=True, nogil=True)
def explicit(data, offset, edge, out):  # type: ignore[no-untyped-def]
    """Copy the content of explicit items one after the other; `out` of length 0 only measures them into `edge`."""
    measure = len(out) == 0
    if measure:
        edge[0] = 0
    for i in range(len(offset)):
        p = offset[i]
        size = data[p] - 1 if p >= 0 else 0
        if measure:
            edge[i + 1] = edge[i] + size
        else:
            for k in range(size):
                out[edge[i] + k] = data[p + 1 + k]


@njit(cache=True, nogil=True)
def characters(value, count, width, letters, edge, out):  # type: ignore[no-untyped-def]
    """Write strings packed in integers, without trailing spaces, into Arrow's form; return the octets written.

    `value` holds `count` characters of `width` bits, `MISSING` where absent; `letters` maps a code to an ASCII octet.
    """
    mask = (1 << width) - 1
    p = 0
    edge[0] = 0
    for i in range(len(value)):
        v = value[i]
        if v != MISSING:
            begin = p
            keep = p
            for k in range(count):
                letter = letters[(v >> (width * (count - 1 - k))) & mask]
                out[p] = letter
                p += 1
                if letter != 32:
                    keep = p
            p = keep
            if keep < begin:
                p = begin
        edge[i + 1] = p
    return p


@njit(cache=True, nogil=True)
def inherit(data, offset, block, out):  # type: ignore[no-untyped-def]
    """Read two octets of every record; a record without takes those of the record before in its block."""
    before = np.int64(-1)
    for i in range(len(offset)):
        p = offset[i]
        if p >= 0:
            before = np.int64(data[p]) << 8 | np.int64(data[p + 1])
        elif i == 0 or block[i] != block[i - 1]:
            before = np.int64(-1)
        out[i] = before


@njit(cache=True, nogil=True)
def ordinals(block, base, out):  # type: ignore[no-untyped-def]
    """Number records by the first number of their block."""
    for i in range(len(block)):
        same = i > 0 and block[i] == block[i - 1]
        out[i] = out[i - 1] + 1 if same else base[block[i]]


@njit(cache=True, nogil=True)
def _block(data, p, known, lost, final):  # type: ignore[no-untyped-def]
    """Return the length of the block at `p`, 0 if there is none, -1 if more octets are needed to say.

    While in step with the stream a header of a known category is believed. Another category, and any once `lost`, must
    be followed by a header that may be believed, or by the end of the stream. Category 0 is none: zeros fill up gaps.
    """
    end = len(data)
    unsure = 0 if final else -1
    if end - p < 3:
        return unsure
    size = np.int64(data[p + 1]) << 8 | np.int64(data[p + 2])
    if size < 3 or data[p] == 0 or (lost and not known[data[p]]):
        return 0
    q = p + size
    if q > end:
        return unsure
    if known[data[p]] and not lost:
        return size
    if q == end and final:
        return size
    if end - q < 3:
        return unsure
    follows = (data[q + 1] or data[q + 2] >= 3) and (known[data[q]] or (not lost and data[q] == data[p]))
    return size if follows else 0


@njit(cache=True, nogil=True)
def cut(data, known, lost, final, start, length):  # type: ignore[no-untyped-def]
    """Cut a stream into runs of whole blocks; `start` and `length` receive where each lies.

    Octets at which no block begins are skipped one by one. What is decided of an octet depends on those behind it and
    never on how many of them are here already: then they are waited for.

    Returns
    -------
    tuple
        The number of runs, the octets used, those of them skipped, and whether the stream is lost behind them. At the
        end of the stream the octets not used are those of a block that was cut.
    """
    runs, p, skipped, begun, torn = 0, 0, 0, 0, -1
    end = len(data)
    while p < end:
        size = _block(data, p, known, lost, final)
        if size < 0:
            break
        if size > 0:
            if lost:
                begun, torn, lost = p, -1, False
            p += size
            continue
        if not lost:
            if p > begun:
                start[runs], length[runs] = begun, p - begun
                runs += 1
            lost = True
            # Nothing but a lack of octets can tell against a known header here.
            if final and (end - p < 3 or (known[data[p]] and (data[p + 1] or data[p + 2] >= 3))):
                torn = p
        p += 1
        skipped += 1
    if not lost and p > begun:
        start[runs], length[runs] = begun, p - begun
        runs += 1
    if torn >= 0:
        skipped -= p - torn
        p = torn
    return runs, p, skipped, lost
