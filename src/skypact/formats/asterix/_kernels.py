# mypy: disable-error-code="no-untyped-def"
"""Kernels that find data blocks: in datagrams, and in a bare stream."""

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel

HEADS = (6, 8, 12)
TAILS = (0, 4, 4)
"""Octets before and behind the blocks of a record, in the recorders' formats known: each begins with the length of all.

The first is the one called ORADIS (four octets of time follow), the others are FINAL and its variant with a sequence
number (error, board, day, three octets of time), which end in four octets A5. Sources: the readers of the decoders of
Croatia Control (asterix) and OpenATS (jASTERIX).
"""
PADDING = 0xA5
LONGEST_RECORD = 0x10FF
"""Octets of a recorder's record that is believed, and of a block while in doubt: three times what a network sends."""
DOUBT = 3
"""Blocks with others behind them that are needed for a stream to be in step again."""
LOST, DECIDED, COUNT, DOUBTED, VOUCHED, STATE = range(6)
"""What is carried along a stream: whether octets are being skipped, whether anything was decided yet, blocks in
recorders' records to be counted, blocks that must prove themselves, and how many headers from here on have been the
proof of one before."""


@kernel
def _u16(data, p):
    return np.int64(data[p]) << 8 | np.int64(data[p + 1])


@kernel
def _chain(data, p, stop, end):
    """Return how many blocks fill the octets from `p` to `stop`, 0 if none do, -1 if octets behind `end` decide."""
    blocks = 0
    while p < stop:
        if stop - p < 3:
            return 0
        if p + 3 > end:
            return -1
        size = _u16(data, p + 1)
        if size < 3 or data[p] == 0 or p + size > stop:
            return 0
        p += size
        blocks += 1
    return blocks


@kernel
def _headed(data, p, end):
    """Return the number of blocks behind a recorder's header of six octets at `p`, 0 if there is no such header."""
    if end - p < 9 or p + _u16(data, p) > end:
        return 0
    return _chain(data, p + HEADS[0], p + _u16(data, p), end)


@kernel
def frame(data, start, length, cat, first, last, message, counts):
    """Find data blocks in messages; return their number.

    `cat`, `first`, `last` and `message` receive one entry a block: category, range of its records in `data`, message.
    `counts` is increased: [0] messages that end inside a block header, [1] blocks with an impossible length or running
    past the message (the rest of the message is skipped), [2] messages with a trailer after the last block, [3] octets
    in trailers, [4] blocks behind a recorder's header of six octets (length of all, then four of time).
    """
    blocks = 0
    room = len(cat)
    for m in range(len(start)):
        p = start[m]
        end = p + length[m]
        found = 0
        inside = p
        while p < end:
            if end - p < 3:
                if found:
                    counts[2] += 1
                    counts[3] += end - p
                else:
                    counts[0] += 1
                break
            if data[p] * 256 <= LONGEST_RECORD and p >= inside:
                headed = _headed(data, p, end)
                q = p + _u16(data, p)
                # Category 0 is none, but the length of more than 255 octets reads as one.
                if headed and (data[p] == 0 or q == end or _headed(data, q, end)):
                    counts[4] += headed
                    p += HEADS[0]
                    inside = q
            size = _u16(data, p + 1)
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


@kernel
def _block(data, p, known, state, final):
    """Return the length of the block at `p`, 0 if there is none, -1 if more octets are needed to say.

    While in step with the stream a header of a known category is believed, and one of another category if a header
    that may be believed follows. While in doubt two must follow, for among many octets pairs come about by chance. The
    end of the stream is as good as a header. Category 0 is none: zeros fill gaps.
    """
    end = len(data)
    unsure = 0 if final else -1
    if end - p < 3:
        return unsure
    lost, longest = state[LOST] != 0, LONGEST_RECORD if state[DOUBTED] else 0xFFFF
    size = _u16(data, p + 1)
    if size < 3 or size > longest or data[p] == 0 or (lost and not known[data[p]]):
        return 0
    q = p + size
    if q > end:
        return unsure
    if state[VOUCHED] or (known[data[p]] and not state[DOUBTED]):
        return size
    for last in range(2):
        if q == end and final:
            return size
        if end - q < 3:
            return unsure
        follows = 3 <= _u16(data, q + 1) <= longest and (known[data[q]] or (not lost and data[q] == data[p]))
        if last or not follows or not state[DOUBTED]:
            return size if follows else 0
        q += _u16(data, q + 1)
        if q > end:
            return unsure
    return 0


@kernel
def _recorded(data, p, known, final):
    """Return the octets of a recorder's record at `p` (0: there is none, -1: more octets are needed), and its kind.

    Blocks must fill it, the first of a known category. Four octets of padding are proof enough; a record without needs
    another one behind it, or the end of the stream.
    """
    end = len(data)
    if end - p < 2:
        return 0 if final else -1, 0
    size = _u16(data, p)
    if size > LONGEST_RECORD:
        return 0, 0
    for kind in range(len(HEADS)):
        first, stop = p + HEADS[kind], p + size - TAILS[kind]
        if stop - first < 3:
            continue
        blocks = -1
        if first < end:
            blocks = _chain(data, first, stop, end) if known[data[first]] else 0
        behind = p + size
        if blocks < 0 or (blocks > 0 and behind + (0 if TAILS[kind] else HEADS[kind] + 1) > end):
            if not final:
                return -1, kind
            if blocks < 0 or behind > end:
                continue
        good = blocks > 0
        for i in range(stop, behind if good else stop):
            good = good and data[i] == PADDING
        if TAILS[kind] == 0 and behind + HEADS[kind] < end:
            good = good and data[behind] * 256 <= LONGEST_RECORD and known[data[behind + HEADS[kind]]]
        if good:
            return size, kind
    return 0, 0


@kernel
def cut(data, known, state, final, start, length):
    """Cut a stream into runs of whole blocks; `start` and `length` receive where each lies.

    Octets at which no block begins are skipped one by one. What is decided of an octet depends on those behind it and
    never on how many of them are here already: then they are waited for. Where no known block begins, where the stream
    begins and while in doubt, a recorder's record is looked for first.

    Parameters
    ----------
    data : uint8 array
    known : bool array, shape (256,)
        Which categories are decoded.
    state : int64 array, shape (STATE,)
        Read and updated; all zeros at the beginning.
    final : bool
        Whether the stream ends behind `data`.
    start, length : int64 arrays

    Returns
    -------
    tuple
        The number of runs, the octets used and those of them skipped. At the end of the stream the octets not used are
        those of a block that was cut.
    """
    runs, p, skipped, begun, torn = 0, 0, 0, 0, -1
    end = len(data)
    while p < end:
        if state[DOUBTED] or not state[DECIDED] or not known[data[p]]:
            size, kind = _recorded(data, p, known, final)
            if size < 0:
                break
            if size > 0:
                if not state[LOST] and p > begun:
                    start[runs], length[runs] = begun, p - begun
                    runs += 1
                start[runs], length[runs] = p + HEADS[kind], size - HEADS[kind] - TAILS[kind]
                state[COUNT] += _chain(data, start[runs], start[runs] + length[runs], end)
                runs += 1
                p += size
                begun, torn = p, -1
                state[LOST], state[DECIDED], state[DOUBTED], state[VOUCHED] = 0, 1, DOUBT, 0
                continue
        size = _block(data, p, known, state, final)
        if size < 0:
            break
        state[DECIDED] = 1
        if size > 0:
            if state[LOST]:
                begun, torn = p, -1
            if state[VOUCHED]:
                state[VOUCHED] -= 1
            elif state[DOUBTED]:
                state[DOUBTED] -= 1
                state[VOUCHED] = 2 if state[DOUBTED] else 0
            state[LOST] = 0
            p += size
            continue
        if not state[LOST] and p > begun:
            start[runs], length[runs] = begun, p - begun
            runs += 1
        # Nothing but a lack of octets can tell against a known header while in step.
        in_step = not state[DOUBTED] and end - p >= 3 and known[data[p]] and _u16(data, p + 1) >= 3
        if final and not state[LOST] and (end - p < 3 or in_step):
            torn = p
        state[LOST], state[DOUBTED], state[VOUCHED] = 1, DOUBT, 0
        p += 1
        skipped += 1
    if not state[LOST] and p > begun:
        start[runs], length[runs] = begun, p - begun
        runs += 1
    if torn >= 0:
        skipped -= p - torn
        p = torn
    return runs, p, skipped
