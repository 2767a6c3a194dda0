"""Numba kernels that walk the records of a capture and dissect each packet down to its UDP payload.

Sources: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng (file formats), the registry of LINKTYPE values in
draft-ietf-opsawg-pcaplinktype, IEEE 802.1Q (tags), RFC 791, RFC 8200, RFC 4302 (headers), RFC 768 (UDP).
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"
# ruff: noqa: PLR0917

from __future__ import annotations

import numpy as np
from numba import njit

from skypact.tables import NO_TIME

MAX_RECORD = 1 << 20
"""Longest packet record believed, bytes: four times the snapshot length capture tools default to."""
MAX_INTERFACES = 256
"""Interfaces remembered per pcapng section; packets of further ones are counted, not read."""

REASONS = (
    "link_type",
    "not_ip",
    "ip_header",
    "fragment",
    "tcp",
    "not_udp",
    "udp_header",
    "snapped",
    "interface",
    "truncated",
    "magic",
    "record_length",
    "block",
)
"""Reject reasons by code."""
(
    LINK_TYPE,
    NOT_IP,
    IP_HEADER,
    FRAGMENT,
    TCP,
    NOT_UDP,
    UDP_HEADER,
    SNAPPED,
    INTERFACE,
    TRUNCATED,
    MAGIC,
    RECORD_LENGTH,
    BLOCK,
) = range(len(REASONS))
FOUND = -1

# Places in the reader's state, an int64 array carried from chunk to chunk.
KIND, BIG, UNIT_NS, HEADER, LINK, INTERFACES, SKIP, ENDED, STATE_SIZE = range(9)
UNKNOWN, PCAP, PCAPNG = range(3)

# Columns of the interface table of a pcapng section.
IF_LINK, IF_RESOLUTION, IF_OFFSET_S, IF_SNAPLEN, IF_SIZE = range(5)

SECTION_HEADER = 0x0A0D0D0A


@njit(cache=True, nogil=True)
def _u16(data, at, big):
    if big:
        return (np.int64(data[at]) << 8) | data[at + 1]
    return (np.int64(data[at + 1]) << 8) | data[at]


@njit(cache=True, nogil=True)
def _u32(data, at, big):
    if big:
        return (_u16(data, at, True) << 16) | _u16(data, at + 2, True)
    return (_u16(data, at + 2, False) << 16) | _u16(data, at, False)


@njit(cache=True, nogil=True)
def _link(data, at, end, link):
    """Return the place of the IP header, or a reject reason as `-1 - reason`."""
    if link in (12, 14, 101, 228, 229):  # raw IP
        return at
    if link in (0, 108):  # loopback: the four bytes of address family differ by system, the IP version does not
        return at + 4
    if link == 1:
        kind_at = at + 12
        at += 14
    elif link == 113:  # Linux cooked
        kind_at = at + 14
        at += 16
    elif link == 276:  # Linux cooked v2
        kind_at = at
        at += 20
    else:
        return -1 - LINK_TYPE
    if at > end:
        return -1 - SNAPPED
    kind = _u16(data, kind_at, True)
    while kind in (0x8100, 0x88A8, 0x9100, 0x9200):  # customer, service and pre-standard stacked tags
        if at + 4 > end:
            return -1 - SNAPPED
        kind = _u16(data, at + 2, True)
        at += 4
    return at if kind in (0x0800, 0x86DD) else -1 - NOT_IP


@njit(cache=True, nogil=True)
def _ipv4(data, at, end):
    """Return (reason or FOUND, transport protocol, place of the transport header, end of the IP packet)."""
    if at + 20 > end:
        return SNAPPED, 0, at, end
    header = (data[at] & 15) * 4
    total = _u16(data, at + 2, True)
    if total == 0:  # segmentation offload leaves it empty: the record is the packet
        total = end - at
    if header < 20 or total < header:
        return IP_HEADER, 0, at, end
    if at + total > end:
        return SNAPPED, 0, at, end
    if _u16(data, at + 6, True) & 0x3FFF:
        return FRAGMENT, 0, at, end
    return FOUND, np.int64(data[at + 9]), at + header, at + total


@njit(cache=True, nogil=True)
def _ipv6(data, at, end):
    """Return the same as `_ipv4`, extension headers stepped over."""
    if at + 40 > end:
        return SNAPPED, 0, at, end
    total = _u16(data, at + 4, True)
    stop = end if total == 0 else at + 40 + total
    if stop > end:
        return SNAPPED, 0, at, end
    follows = np.int64(data[at + 6])
    at += 40
    while follows in (0, 43, 44, 51, 60):
        if at + 8 > stop:
            return IP_HEADER, 0, at, stop
        if follows == 44:
            if _u16(data, at + 2, True) & 0xFFF9:
                return FRAGMENT, 0, at, stop
            step = np.int64(8)
        elif follows == 51:
            step = (np.int64(data[at + 1]) + 2) * 4
        else:
            step = (np.int64(data[at + 1]) + 1) * 8
        follows = np.int64(data[at])
        at += step
    return FOUND, follows, at, stop


@njit(cache=True, nogil=True)
def _address(data, at, size):
    """Return an address as two 64-bit halves; IPv4 in its IPv6-mapped form."""
    high = np.uint64(0)
    low = np.uint64(0xFFFF) if size == 4 else np.uint64(0)
    if size == 16:
        for i in range(8):
            high = (high << np.uint64(8)) | np.uint64(data[at + i])
        at += 8
        size = 8
    for i in range(size):
        low = (low << np.uint64(8)) | np.uint64(data[at + i])
    return high, low


@njit(cache=True, nogil=True)
def _dissect(data, at, end, link, row, place, address, port):
    """Write one packet's payload and addresses to `row`; return FOUND or the reject reason."""
    at = _link(data, at, end, link)
    if at < 0:
        return -1 - at
    if at >= end:
        return SNAPPED
    ip = at
    version = data[at] >> 4
    if version == 4:
        reason, protocol, at, stop = _ipv4(data, at, end)
    elif version == 6:
        reason, protocol, at, stop = _ipv6(data, at, end)
    else:
        return NOT_IP
    if reason != FOUND:
        return reason
    if protocol != 17:
        return TCP if protocol == 6 else NOT_UDP
    if at + 8 > stop:
        return UDP_HEADER
    length = _u16(data, at + 4, True)
    if length == 0:  # a jumbogram (RFC 2675), or offload
        length = stop - at
    if length < 8 or at + length > stop:
        return UDP_HEADER
    place[row, 0] = at + 8
    place[row, 1] = length - 8
    size, source = (4, ip + 12) if version == 4 else (16, ip + 8)
    address[row, 0], address[row, 1] = _address(data, source, size)
    address[row, 2], address[row, 3] = _address(data, source + size, size)
    port[row, 0] = _u16(data, at, True)
    port[row, 1] = _u16(data, at + 2, True)
    return FOUND


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _start(data, n, state):
    """Recognise the format; return bytes consumed, 0 when more are needed or reading has ended."""
    if n < 4:
        return 0
    for big in (False, True):
        magic = _u32(data, 0, big)
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
            state[LINK] = _u32(data, 20, big) & 0xFFFF
            return 24
    state[ENDED] = MAGIC
    return 0


@njit(cache=True, nogil=True)
def _walk_pcap(data, at, n, state, place, received, address, port, rejects):
    big = state[BIG] != 0
    header = state[HEADER]
    row = 0
    while at + header <= n:
        length = _u32(data, at + 8, big)
        if length > MAX_RECORD:
            state[ENDED] = RECORD_LENGTH
            break
        if at + header + length > n:
            break
        begin = at + header
        reason = _dissect(data, begin, begin + length, state[LINK], row, place, address, port)
        if reason == FOUND:
            received[row] = _u32(data, at, big) * 1_000_000_000 + _u32(data, at + 4, big) * state[UNIT_NS]
            row += 1
        else:
            rejects[reason] += 1
        at = begin + length
    return at, row


@njit(cache=True, nogil=True)
def _interface(data, at, end, big, state, interfaces):
    """Read an interface description block whose body lies from `at` to `end`."""
    if at + 8 > end:
        return False
    index = state[INTERFACES]
    state[INTERFACES] += 1
    if index >= MAX_INTERFACES:
        return True
    interfaces[index, IF_LINK] = _u16(data, at, big)
    interfaces[index, IF_RESOLUTION] = 6
    interfaces[index, IF_OFFSET_S] = 0
    interfaces[index, IF_SNAPLEN] = _u32(data, at + 4, big)
    at += 8
    while at + 4 <= end:
        code = _u16(data, at, big)
        size = _u16(data, at + 2, big)
        at += 4
        if code == 0 or at + size > end:
            break
        if code == 9 and size == 1:
            interfaces[index, IF_RESOLUTION] = data[at]
        elif code == 14 and size == 8:
            first, second = _u32(data, at, big), _u32(data, at + 4, big)
            high, low = (first, second) if big else (second, first)
            interfaces[index, IF_OFFSET_S] = (high << 32) | low
        at += (size + 3) & ~3
    return True


@njit(cache=True, nogil=True)
def _block_packet(data, at, end, kind, big, state, interfaces):
    """Return (reason or FOUND, begin, stop, link, time) of the packet in a packet block whose body is at..end."""
    interface = 0
    time = np.int64(NO_TIME)
    head = 4 if kind == 3 else 20
    if at + head > end:
        return BLOCK, at, at, 0, time
    if kind == 6:
        interface = _u32(data, at, big)
    elif kind == 2:
        interface = _u16(data, at, big)
    if interface >= min(state[INTERFACES], MAX_INTERFACES):
        return INTERFACE, at, at, 0, time
    if kind == 3:
        length = min(_u32(data, at, big), end - at - 4)
        snaplen = interfaces[0, IF_SNAPLEN]
        if snaplen > 0:
            length = min(length, snaplen)
    else:
        length = _u32(data, at + 12, big)
        time = _time_ns(
            _u32(data, at + 4, big),
            _u32(data, at + 8, big),
            interfaces[interface, IF_RESOLUTION],
            interfaces[interface, IF_OFFSET_S],
        )
    if at + head + length > end:
        return BLOCK, at, at, 0, time
    return FOUND, at + head, at + head + length, interfaces[interface, IF_LINK], time


@njit(cache=True, nogil=True)
def _walk_pcapng(data, at, n, state, interfaces, place, received, address, port, rejects):
    row = 0
    while at + 12 <= n:
        big = state[BIG] != 0
        kind = _u32(data, at, big)
        if kind == SECTION_HEADER:  # reads the same in both byte orders; the order follows
            big = _u32(data, at + 8, True) == 0x1A2B3C4D
            if not big and _u32(data, at + 8, False) != 0x1A2B3C4D:
                state[ENDED] = BLOCK
                break
            state[BIG] = big
        length = _u32(data, at + 4, big)
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
        if _u32(data, end, big) != length:
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
                reason = _dissect(data, begin, stop, link, row, place, address, port)
            if reason == FOUND:
                received[row] = time
                row += 1
            else:
                rejects[reason] += 1
    return at, row


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _put(out, at, value, size):
    for i in range(size):
        out[at + i] = (value >> (8 * (size - 1 - i))) & 0xFF


@njit(cache=True, nogil=True)
def write_records(data, start, length, seconds, nanoseconds, head, out):
    """Write one Ethernet/IPv4/UDP record (big-endian pcap) per payload into `out`.

    Parameters
    ----------
    data, start, length : arrays
        The payloads, as in `Datagrams`.
    seconds, nanoseconds : int64 arrays, shape (n,)
    head : uint8 array, shape (42,)
        The Ethernet, IPv4 and UDP headers with their lengths and the IPv4 checksum zero.
    out : uint8 array of exactly `(58 + length).sum()` bytes
    """
    partial = np.int64(0)
    for i in range(14, 34, 2):
        partial += _u16(head, i, True)
    at = 0
    for row in range(len(start)):
        size = length[row]
        _put(out, at, seconds[row], 4)
        _put(out, at + 4, nanoseconds[row], 4)
        _put(out, at + 8, size + 42, 4)
        _put(out, at + 12, size + 42, 4)
        at += 16
        for i in range(42):
            out[at + i] = head[i]
        _put(out, at + 16, size + 28, 2)
        total = partial + size + 28
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        _put(out, at + 24, ~total & 0xFFFF, 2)
        _put(out, at + 38, size + 8, 2)
        at += 42
        for i in range(size):
            out[at + i] = data[start[row] + i]
        at += size
