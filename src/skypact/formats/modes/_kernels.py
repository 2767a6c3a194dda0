"""Numba kernels of the framings: Beast unescaping, AVR and hexadecimal text, and the 24-bit parity."""

# Numba types these by use:
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel

ESCAPE = 0x1A
LONGEST_AVR = 44
"""Bytes of the longest AVR frame: ``<``, 12 digits of counter, 2 of level, 28 of frame, ``;``."""

BEAST_REASONS = ("garbage", "cut", "type", "status")
GARBAGE, CUT, TYPE, STATUS = range(len(BEAST_REASONS))
AVR_REASONS = ("garbage", "digits", "length")
DIGITS, LENGTH = 1, 2


@kernel
def deframe(data, frames, length, stamp, signal, end, counts):
    """Cut a Beast byte stream into frames.

    Parameters
    ----------
    data : uint8 array
    frames, length, stamp, signal, end : arrays of shape (rows, 14), (rows,), (rows,), (rows,), (rows,)
        Written; the stamp is the 48-bit counter, the end that of the frame in `data`.
    counts : int64 array
        Counted up by `BEAST_REASONS`: bytes of garbage, frames cut by the start of another, unknown types, status.

    Returns
    -------
    consumed, rows : int
        An incomplete frame at the end is not consumed.
    """
    n = len(data)
    body = np.empty(21, np.uint8)
    row = 0
    i = 0
    while i < n:
        if data[i] != ESCAPE:
            counts[GARBAGE] += 1
            i += 1
            continue
        if i + 1 >= n:
            break
        kind = data[i + 1]
        if kind == ESCAPE:  # an escaped byte of a frame whose start was missed
            counts[GARBAGE] += 2
            i += 2
            continue
        if kind < 0x31 or kind > 0x34:
            counts[TYPE] += 1
            i += 2
            continue
        size = 2 if kind == 0x31 else 7 if kind == 0x32 else 14
        j = i + 2
        filled = 0
        cut = False
        while filled < size + 7 and j < n:
            byte = data[j]
            if byte == ESCAPE:
                if j + 1 >= n:
                    break
                if data[j + 1] != ESCAPE:
                    cut = True
                    break
                j += 1
            body[filled] = byte
            filled += 1
            j += 1
        if cut:
            counts[CUT] += 1
            i = j
            continue
        if filled < size + 7:
            break
        i = j
        if kind == 0x34:
            counts[STATUS] += 1
            continue
        counter = np.int64(0)
        for b in range(6):
            counter = (counter << 8) | body[b]
        stamp[row] = counter
        signal[row] = body[6]
        length[row] = size
        end[row] = i
        for b in range(14):
            frames[row, b] = body[7 + b] if b < size else 0
        row += 1
    return i, row


@kernel
def enframe(frames, length, stamp, signal, out):
    """Write frames as a Beast byte stream; return the bytes written. `out` needs 44 bytes a frame."""
    at = 0
    body = np.empty(21, np.uint8)
    for row in range(len(length)):
        size = length[row]
        out[at] = ESCAPE
        out[at + 1] = 0x31 if size == 2 else 0x32 if size == 7 else 0x33
        at += 2
        for b in range(6):
            body[b] = (stamp[row] >> (8 * (5 - b))) & 0xFF
        body[6] = signal[row]
        for b in range(size):
            body[7 + b] = frames[row, b]
        for b in range(7 + size):
            out[at] = body[b]
            at += 1
            if body[b] == ESCAPE:
                out[at] = ESCAPE
                at += 1
    return at


@kernel
def digit(character):
    """Return the value of a hexadecimal digit, -1 for any other character."""
    if 48 <= character <= 57:
        return character - 48
    if 65 <= character <= 70:
        return character - 55
    if 97 <= character <= 102:
        return character - 87
    return -1


@kernel
def scan_avr(data, frames, length, stamp, signal, end, counts):
    """Cut AVR text into frames; parameters and result as for `deframe`, with `AVR_REASONS`. No stamp is -1."""
    n = len(data)
    row = 0
    i = 0
    while i < n:
        start = data[i]
        # * and : start a plain frame, @ and % one with a counter, < one with counter and level
        head = 0 if start in (42, 58) else 12 if start in (64, 37) else 14 if start == 60 else -1
        if head < 0:
            if start > 32 and start != 59:
                counts[GARBAGE] += 1
            i += 1
            continue
        j = i + 1
        stop = min(n, i + LONGEST_AVR)
        while j < stop and digit(data[j]) >= 0:
            j += 1
        if j == n and n < i + LONGEST_AVR:
            break  # more may come
        if j == stop:
            counts[LENGTH] += 1
            i = j
            continue
        if data[j] != 59:
            counts[DIGITS] += 1
            i = j
            continue
        size = j - i - 1 - head
        if size not in (4, 14, 28):
            counts[LENGTH] += 1
            i = j + 1
            continue
        i += 1
        stamp[row] = -1
        signal[row] = -1
        if head:
            stamp[row] = 0
            for b in range(12):
                stamp[row] = (stamp[row] << 4) | digit(data[i + b])
        if head == 14:
            signal[row] = digit(data[i + 12]) * 16 + digit(data[i + 13])
        i += head
        length[row] = size // 2
        end[row] = j + 1
        for b in range(14):
            frames[row, b] = 0
        for b in range(size // 2):
            frames[row, b] = digit(data[i + 2 * b]) * 16 + digit(data[i + 2 * b + 1])
        row += 1
        i = j + 1
    return i, row


@kernel
def read_hex(text, frames):
    """Read rows of 28 hexadecimal characters into rows of 14 bytes; return which rows are nothing else."""
    good = np.ones(len(frames), np.bool_)
    for row in range(len(frames)):
        for b in range(14):
            high = digit(text[row, 2 * b])
            low = digit(text[row, 2 * b + 1])
            if high < 0 or low < 0:
                good[row] = False
                break
            frames[row, b] = high * 16 + low
    return good


def _parity_table() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the remainder of each byte at the top of a 24-bit register, generator 1FFF409 (ICAO Annex 10 IV)."""
    table = np.arange(256, dtype=np.int64) << 16
    for _ in range(8):
        table = (table << 1) ^ np.where(table & 0x800000, 0x1FFF409, 0)
    return table


PARITY = _parity_table()


@kernel
def remainder(frames, row, size):
    """Return the parity remainder of one frame: zero, or what was overlaid (address, interrogator code)."""
    value = np.int64(0)
    for b in range(size):
        value = ((value & 0xFFFF) << 8 | frames[row, b]) ^ PARITY[value >> 16]
    return value


@kernel
def append_parity(frames):
    """Write the parity of long frames into their last three bytes."""
    for row in range(len(frames)):
        for b in range(11, 14):
            frames[row, b] = 0
        value = remainder(frames, row, 14)
        for b in range(3):
            frames[row, 11 + b] = (value >> (16 - 8 * b)) & 0xFF
