"""Numba kernels for single packets: dissected down to the UDP payload, and built around one.

Sources: the registry of LINKTYPE values in draft-ietf-opsawg-pcaplinktype, IEEE 802.1Q (tags), RFC 791, RFC 8200,
RFC 4302 (headers), RFC 768 (UDP).
"""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel

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


@kernel
def u16(data, at, big):
    if big:
        return (np.int64(data[at]) << 8) | data[at + 1]
    return (np.int64(data[at + 1]) << 8) | data[at]


@kernel
def u32(data, at, big):
    if big:
        return (u16(data, at, True) << 16) | u16(data, at + 2, True)
    return (u16(data, at + 2, False) << 16) | u16(data, at, False)


@kernel
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
    kind = u16(data, kind_at, True)
    while kind in (0x8100, 0x88A8, 0x9100, 0x9200):  # customer, service and pre-standard stacked tags
        if at + 4 > end:
            return -1 - SNAPPED
        kind = u16(data, at + 2, True)
        at += 4
    return at if kind in (0x0800, 0x86DD) else -1 - NOT_IP


@kernel
def _ipv4(data, at, end):
    """Return (reason or FOUND, transport protocol, place of the transport header, end of the IP packet)."""
    if at + 20 > end:
        return SNAPPED, 0, at, end
    header = (data[at] & 15) * 4
    total = u16(data, at + 2, True)
    if total == 0:  # segmentation offload leaves it empty: the record is the packet
        total = end - at
    if header < 20 or total < header:
        return IP_HEADER, 0, at, end
    if at + total > end:
        return SNAPPED, 0, at, end
    if u16(data, at + 6, True) & 0x3FFF:
        return FRAGMENT, 0, at, end
    return FOUND, np.int64(data[at + 9]), at + header, at + total


@kernel
def _ipv6(data, at, end):
    """Return the same as `_ipv4`, extension headers stepped over."""
    if at + 40 > end:
        return SNAPPED, 0, at, end
    total = u16(data, at + 4, True)
    stop = end if total == 0 else at + 40 + total
    if stop > end:
        return SNAPPED, 0, at, end
    follows = np.int64(data[at + 6])
    at += 40
    while follows in (0, 43, 44, 51, 60):
        if at + 8 > stop:
            return IP_HEADER, 0, at, stop
        if follows == 44:
            if u16(data, at + 2, True) & 0xFFF9:
                return FRAGMENT, 0, at, stop
            step = np.int64(8)
        elif follows == 51:
            step = (np.int64(data[at + 1]) + 2) * 4
        else:
            step = (np.int64(data[at + 1]) + 1) * 8
        follows = np.int64(data[at])
        at += step
    return FOUND, follows, at, stop


@kernel
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


@kernel
def dissect(data, at, end, link, row, place, address, port):
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
    length = u16(data, at + 4, True)
    if length == 0:  # a jumbogram (RFC 2675), or offload
        length = stop - at
    if length < 8 or at + length > stop:
        return UDP_HEADER
    place[row, 0] = at + 8
    place[row, 1] = length - 8
    size, source = (4, ip + 12) if version == 4 else (16, ip + 8)
    address[row, 0], address[row, 1] = _address(data, source, size)
    address[row, 2], address[row, 3] = _address(data, source + size, size)
    port[row, 0] = u16(data, at, True)
    port[row, 1] = u16(data, at + 2, True)
    return FOUND


@kernel
def _put(out, at, value, size):
    for i in range(size):
        out[at + i] = (value >> (8 * (size - 1 - i))) & 0xFF


@kernel
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
        partial += u16(head, i, True)
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
