# mypy: disable-error-code="no-untyped-def"
"""Kernels that read elements out of many records at once, a column at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from skypact.compiled import kernel

MISSING = np.iinfo(np.int64).min
"""What an integer column holds where an element is absent."""


@kernel
def _present(data, p, part, sizes):
    """Whether an extended unit that starts at `p` goes on to `part`."""
    for k in range(part):
        p += sizes[k]
        if not data[p - 1] & 1:
            return False
    return True


@kernel
def reach(data, offset, part, sizes, there):
    """Clear what is `there` where an extended unit does not go on to `part`."""
    for i in range(len(offset)):
        if there[i]:
            there[i] = _present(data, offset[i], part, sizes)


@cache
def reader(octets: int) -> Any:
    """Return the kernel that reads an element lying in so many octets.

    The number is a constant of the kernel, which then reads two to three times as fast.
    """

    @kernel
    def read(data, offset, octet, shift, mask, sign, part, sizes, scale, absent, out):
        """Write an element of every record times `scale` into `out`, `absent` where it is.

        `octet` says where the element's octets lie in its unit, `shift` and `mask` cut it out, `sign` is its sign bit
        (0 if unsigned), `part` and `sizes` the part of an extended unit.
        """
        for i in range(len(offset)):
            if offset[i] < 0 or (part > 0 and not _present(data, offset[i], part, sizes)):
                out[i] = absent
            else:
                p = np.uint64(offset[i] + octet)
                value = np.int64(data[p])
                for k in range(1, octets):
                    value = value << 8 | np.int64(data[p + np.uint64(k)])
                value = value >> shift & mask
                # Takes the sign bit's worth away twice if it is set.
                out[i] = ((value ^ sign) - sign) * scale

    return read


READ_1, READ_2, READ_3, READ_4, READ_6 = (reader(n) for n in (1, 2, 3, 4, 6))
"""Those that the walk calls, for the lengths that occur among the elements of tables."""


@kernel
def octets(data, position, octet, size, out):
    """Copy `size` octets from each position into the rows of `out`; rows without a position stay as they are."""
    for i in range(len(position)):
        p = position[i]
        if p >= 0:
            for k in range(size):
                out[i, k] = data[p + octet + k]


@kernel
def repetitions(data, offset, size, count_size, edge):
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


@kernel
def spread(offset, size, count_size, edge, out):
    """Write where each repetition starts."""
    for i in range(len(offset)):
        p = offset[i] + count_size
        for k in range(edge[i], edge[i + 1]):
            out[k] = p
            p += size


@kernel
def explicit(data, offset, edge, out):
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


@cache
def writer(count: int, width: int) -> Any:
    """Return the kernel that writes strings of so many characters of so many bits; both are constants of it."""
    mask = (1 << width) - 1

    @kernel
    def write(value, letters, edge, out):
        """Write strings packed in numbers, without trailing spaces, into Arrow's form; return the octets written.

        A negative `value` is absent; `letters` maps a code to an ASCII octet.
        """
        p = 0
        edge[0] = 0
        for i in range(len(value)):
            if value[i] >= 0:
                for k in range(count):
                    out[p + k] = letters[value[i] >> (width * (count - 1 - k)) & mask]
                end = p + count
                while end > p and out[end - 1] == 32:
                    end -= 1
                p = end
            edge[i + 1] = p
        return p

    return write


@kernel
def inherit(value, block, out):
    """Copy a column; a record without a value takes that of the record before in its block."""
    before = np.int64(-1)
    for i in range(len(value)):
        if value[i] >= 0:
            before = value[i]
        elif i == 0 or block[i] != block[i - 1]:
            before = np.int64(-1)
        out[i] = before


@kernel
def ordinals(block, base, out):
    """Number records by the first number of their block."""
    for i in range(len(block)):
        same = i > 0 and block[i] == block[i - 1]
        out[i] = out[i - 1] + 1 if same else base[block[i]]
