# mypy: disable-error-code="no-untyped-def"
"""Kernels that find data blocks: in datagrams, and in a bare stream."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def frame(data, start, length, cat, first, last, message, counts):
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


@njit(cache=True, nogil=True)
def _block(data, p, known, lost, final):
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
def cut(data, known, lost, final, start, length):
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
