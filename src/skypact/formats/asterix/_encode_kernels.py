# mypy: disable-error-code="no-untyped-def"
"""Kernels of the ASTERIX encoder: placing records into blocks and writing bits."""

from __future__ import annotations

from skypact.compiled import kernel


@kernel
def place(length, group, longest, begin, block):
    """Put records into blocks; return the number of blocks and the octets in all.

    `begin` receives where each record starts, `block` where each block starts and, behind the last, the end.
    """
    blocks, p, start = 0, 0, 0
    for i in range(len(length)):
        fresh = i == 0 or group[i] != group[i - 1] or p + length[i] - start > longest
        if fresh:
            start = p
            block[blocks] = p
            blocks += 1
            p += 3
        begin[i] = p
        p += length[i]
    block[blocks] = p
    return blocks, p


@kernel
def headers(data, block, category):
    """Write category and length of each block."""
    for b in range(len(block) - 1):
        p = block[b]
        size = block[b + 1] - p
        data[p] = category
        data[p + 1] = size >> 8
        data[p + 2] = size & 255


@kernel
def announce(data, begin, present, field, highest):
    """Set a field's bit in the field specification at `begin`, and the FX bits before it."""
    octet, bit = field // 7, 0x80 >> (field % 7)
    for i in range(len(begin)):
        if present[i]:
            p = begin[i]
            data[p + octet] |= bit
            for k in range(octet):
                data[p + k] |= 1


@kernel
def deposit(data, position, octet, octets, shift, mask, value):
    """Write an element of every record (or repetition) that has a position."""
    for i in range(len(position)):
        p = position[i]
        if p >= 0:
            v = (value[i] & mask) << shift
            for k in range(octets - 1, -1, -1):
                data[p + octet + k] |= v & 255
                v >>= 8


@kernel
def copy(data, position, octet, content, edge):
    """Write octets of every record (or repetition) that has a position."""
    for i in range(len(position)):
        p = position[i]
        if p >= 0:
            for k in range(edge[i], edge[i + 1]):
                data[p + octet + k - edge[i]] = content[k]


@kernel
def extend(data, position, parts, last):
    """Set the FX bit of every part of an extended unit but the last sent."""
    for i in range(len(position)):
        p = position[i]
        if p >= 0:
            for k in range(last[i]):
                p += parts[k]
                data[p - 1] |= 1


@kernel
def spread(data, position, size, count_size, edge, out):
    """Write the count, or the FX bits, of a repeated unit; `out` receives where each repetition starts."""
    for i in range(len(position)):
        p = position[i]
        count = edge[i + 1] - edge[i]
        if p < 0:
            for k in range(count):
                out[edge[i] + k] = -1
            continue
        for k in range(count_size):
            data[p + k] = count >> (8 * (count_size - 1 - k)) & 255
        p += count_size
        for k in range(count):
            out[edge[i] + k] = p
            p += size
            if count_size == 0 and k < count - 1:
                data[p - 1] |= 1


@kernel
def pack(octets, edge, count, width, code, pad, out):
    """Pack strings into numbers; return the first row that does not fit, -1 if all do."""
    for i in range(len(out)):
        size = edge[i + 1] - edge[i]
        if size > count:
            return i
        value = 0
        for k in range(count):
            c = pad
            if k < size:
                c = code[octets[edge[i] + k]]
                if c < 0:
                    return i
            value = value << width | c
        out[i] = value
    return -1
