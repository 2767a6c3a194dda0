"""Numba kernels that walk the records of a capture.

Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.formats.pcap._packets import BLOCK, FOUND, INTERFACE, MAGIC, RECORD_LENGTH, dissect, u16, u32
from skypact.tables import NO_TIME

MAX_RECORD = 1 << 20
"""Longest packet record believed, bytes: four times the snapshot length capture tools default to."""
MAX_INTERFACES = 256
"""Interfaces remembered per pcapng section; packets of further ones are counted, not read."""

# Places in the reader's state, an int64 array carried from chunk to chunk.
KIND, BIG, UNIT_NS, HEADER, LINK, INTERFACES, SKIP, ENDED, STATE_SIZE = range(9)
UNKNOWN, PCAP, PCAPNG = range(3)

# Columns of the interface table of a pcapng section.
IF_LINK, IF_RESOLUTION, IF_OFFSET_S, IF_SNAPLEN, IF_SIZE = range(5)

SECTION_HEADER = 0x0A0D0D0A


@kernel
def _time_ns(high, low, resolution, offset_s):
    """Return UTC nanoseconds of a pcapng timestamp; `NO_TIME` when it does not fit 64 bits."""
    ticks = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
    power = np.uint64(resolution & 0x7F)
    if resolution & 0x80:
        if power > 63:
            return NO_TIME
        seconds = ticks >> power
        part = ticks & ((np.uint64(1) << power) - np.uint64(1))
        if power > 30:  # keep the product below 2^64; what is cut is under a nanosecond
            part >>= power - np.uint64(30)
            power = np.uint64(30)
        nanoseconds = (part * np.uint64(1_000_000_000)) >> power
    else:
        if power > 19:
            return NO_TIME
        unit = np.uint64(1)
        for _ in range(power):
            unit *= np.uint64(10)
        seconds = ticks // unit
        part = ticks % unit
        if power > 9:
            for _ in range(power - np.uint64(9)):
                part //= np.uint64(10)
        else:
            for _ in range(np.uint64(9) - power):
                part *= np.uint64(10)
        nanoseconds = part
    if seconds > np.uint64(9_000_000_000) or abs(offset_s) > 9_000_000_000:
        return NO_TIME
    whole = np.int64(seconds) + offset_s
    if abs(whole) > 9_000_000_000:
        return NO_TIME
    return whole * 1_000_000_000 + np.int64(nanoseconds)


@kernel
def _start(data, n, state):
    """Recognise the format; return bytes consumed, 0 when more are needed or reading has ended."""
    if n < 4:
        return 0
    for big in (False, True):
        magic = u32(data, 0, big)
        if magic == SECTION_HEADER:
            state[KIND] = PCAPNG
            return 0
        if magic in (0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34):
            if n < 24:
                return 0
            state[KIND] = PCAP
            state[BIG] = big
            state[UNIT_NS] = 1 if magic == 0xA1B23C4D else 1000
            state[HEADER] = 24 if magic == 0xA1B2CD34 else 16  # Kuznetzov's records carry eight bytes more
            state[LINK] = u32(data, 20, big) & 0xFFFF
            return 24
    state[ENDED] = MAGIC
    return 0


@kernel
def _walk_pcap(data, at, n, state, place, received, address, port, rejects):
    big = state[BIG] != 0
    header = state[HEADER]
    row = 0
    while at + header <= n:
        length = u32(data, at + 8, big)
        if length > MAX_RECORD:
            state[ENDED] = RECORD_LENGTH
            break
        if at + header + length > n:
            break
        begin = at + header
        reason = dissect(data, begin, begin + length, state[LINK], row, place, address, port)
        if reason == FOUND:
            received[row] = u32(data, at, big) * 1_000_000_000 + u32(data, at + 4, big) * state[UNIT_NS]
            row += 1
        else:
            rejects[reason] += 1
        at = begin + length
    return at, row


@kernel
def _interface(data, at, end, big, state, interfaces):
    """Read an interface description block whose body lies from `at` to `end`."""
    if at + 8 > end:
        return False
    index = state[INTERFACES]
    state[INTERFACES] += 1
    if index >= MAX_INTERFACES:
        return True
    interfaces[index, IF_LINK] = u16(data, at, big)
    interfaces[index, IF_RESOLUTION] = 6
    interfaces[index, IF_OFFSET_S] = 0
    interfaces[index, IF_SNAPLEN] = u32(data, at + 4, big)
    at += 8
    while at + 4 <= end:
        code = u16(data, at, big)
        size = u16(data, at + 2, big)
        at += 4
        if code == 0 or at + size > end:
            break
        if code == 9 and size == 1:
            interfaces[index, IF_RESOLUTION] = data[at]
        elif code == 14 and size == 8:
            first, second = u32(data, at, big), u32(data, at + 4, big)
            high, low = (first, second) if big else (second, first)
            interfaces[index, IF_OFFSET_S] = (high << 32) | low
        at += (size + 3) & ~3
    return True


@kernel
def _block_packet(data, at, end, kind, big, state, interfaces):
    """Return (reason or FOUND, begin, stop, link, time) of the packet in a packet block whose body is at..end."""
    interface = 0
    time = np.int64(NO_TIME)
    head = 4 if kind == 3 else 20
    if at + head > end:
        return BLOCK, at, at, 0, time
    if kind == 6:
        interface = u32(data, at, big)
    elif kind == 2:
        interface = u16(data, at, big)
    if interface >= min(state[INTERFACES], MAX_INTERFACES):
        return INTERFACE, at, at, 0, time
    if kind == 3:
        length = min(u32(data, at, big), end - at - 4)
        snaplen = interfaces[0, IF_SNAPLEN]
        if snaplen > 0:
            length = min(length, snaplen)
    else:
        length = u32(data, at + 12, big)
        time = _time_ns(
            u32(data, at + 4, big),
            u32(data, at + 8, big),
            interfaces[interface, IF_RESOLUTION],
            interfaces[interface, IF_OFFSET_S],
        )
    if at + head + length > end:
        return BLOCK, at, at, 0, time
    return FOUND, at + head, at + head + length, interfaces[interface, IF_LINK], time


@kernel
def _walk_pcapng(data, at, n, state, interfaces, place, received, address, port, rejects):
    row = 0
    while at + 12 <= n:
        big = state[BIG] != 0
        kind = u32(data, at, big)
        if kind == SECTION_HEADER:  # reads the same in both byte orders; the order follows
            big = u32(data, at + 8, True) == 0x1A2B3C4D
            if not big and u32(data, at + 8, False) != 0x1A2B3C4D:
                state[ENDED] = BLOCK
                break
            state[BIG] = big
        length = u32(data, at + 4, big)
        if length < 12 or length & 3:
            state[ENDED] = BLOCK
            break
        if kind not in (1, 2, 3, 6, SECTION_HEADER):
            step = min(length, n - at)
            state[SKIP] = length - step
            at += step
            continue
        if length > MAX_RECORD:
            state[ENDED] = RECORD_LENGTH
            break
        if at + length > n:
            break
        body, end = at + 8, at + length - 4
        if u32(data, end, big) != length:
            state[ENDED] = BLOCK
            break
        at += length
        if kind == SECTION_HEADER:
            state[INTERFACES] = 0
        elif kind == 1:
            if not _interface(data, body, end, big, state, interfaces):
                state[ENDED] = BLOCK
                break
        else:
            reason, begin, stop, link, time = _block_packet(data, body, end, kind, big, state, interfaces)
            if reason == FOUND:
                reason = dissect(data, begin, stop, link, row, place, address, port)
            if reason == FOUND:
                received[row] = time
                row += 1
            else:
                rejects[reason] += 1
    return at, row


@kernel
def walk(data, state, interfaces, place, received, address, port, rejects):
    """Read the whole records of a buffer.

    Parameters
    ----------
    data : uint8 array
        What was carried over, then the new chunk.
    state : int64 array, shape (STATE_SIZE,)
        Format, byte order and what else is carried from chunk to chunk; `state[ENDED]` is a reason once reading
        cannot go on, else -1.
    interfaces : int64 array, shape (MAX_INTERFACES, IF_SIZE)
        The interfaces of the current pcapng section.
    place, received, address, port : arrays of shape (rows, 2), (rows,), (rows, 4), (rows, 2)
        Written: start and length, nanoseconds, source and destination as halves, source and destination port.
    rejects : int64 array, shape (len(REASONS),)
        Counted up.

    Returns
    -------
    consumed, rows : int
    """
    n = len(data)
    at = min(state[SKIP], n)
    state[SKIP] -= at
    if state[KIND] == UNKNOWN:
        at = _start(data, n, state)
    row = 0
    if state[KIND] == PCAP:
        at, row = _walk_pcap(data, at, n, state, place, received, address, port, rejects)
    elif state[KIND] == PCAPNG:
        at, row = _walk_pcapng(data, at, n, state, interfaces, place, received, address, port, rejects)
    if state[ENDED] >= 0:
        rejects[state[ENDED]] += 1
    return at, row
