"""What the counters of a reader must come to, worked out in plain Python beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from skypact.formats.modes import Frames

BEAST = re.compile(
    rb"\x1a\x1a|\x1a1((?:[^\x1a]|\x1a\x1a){9})|\x1a2((?:[^\x1a]|\x1a\x1a){14})|\x1a3((?:[^\x1a]|\x1a\x1a){21})"
    rb"|(\x1a4(?:[^\x1a]|\x1a\x1a){21})|(\x1a[1-4](?:[^\x1a]|\x1a\x1a)*(?:\x1a\Z)?)|\x1a[^\x1a]?|.",
    re.DOTALL,
)
AVR = re.compile(rb"[*:@%<]([0-9A-Fa-f]{0,43})(;?)|([^\x00-\x20;])|.", re.DOTALL)
AVR_HEADS = {ord("*"): 0, ord(":"): 0, ord("@"): 12, ord("%"): 12, ord("<"): 14}
LONGEST_AVR = 43
LONGEST_RECORD = 0x10FF


class BrokenPromiseError(AssertionError):
    """Something was not counted, or counted twice, or read that is not there."""


def agree(what: str, found: object, expected: object) -> None:
    """Raise unless what a reader counted is what it should have."""
    if found != expected:
        raise BrokenPromiseError(f"{what}: counted {found!s:.1000}, expected {expected!s:.1000}")


def difference(after: Mapping[str, int], before: Mapping[str, int]) -> Counter[str]:
    """Return what was counted in between."""
    return Counter({name: n - before.get(name, 0) for name, n in after.items() if n != before.get(name, 0)})


def asterix_framing(messages: Iterable[bytes]) -> tuple[Counter[str], Counter[int]]:
    """Return what is counted while blocks are looked for in datagrams, and the blocks by category."""
    counts: Counter[str] = Counter()
    found: Counter[int] = Counter()
    for message in messages:
        _frame(message, counts, found)
    return counts, found


def _headed(message: bytes, at: int) -> int:
    """Return the number of blocks that fill what a recorder's header of six octets announces."""
    stop = at + int.from_bytes(message[at : at + 2], "big")
    if len(message) - at < 9 or stop > len(message):
        return 0
    blocks, at = 0, at + 6
    while at < stop:
        size = int.from_bytes(message[at + 1 : at + 3], "big")
        if stop - at < 3 or size < 3 or message[at] == 0 or at + size > stop:
            return 0
        blocks, at = blocks + 1, at + size
    return blocks


def _frame(message: bytes, counts: Counter[str], found: Counter[int]) -> None:
    at, inside, last, end = 0, 0, None, len(message)
    while at < end:
        if end - at < 3:
            break
        if message[at] << 8 <= LONGEST_RECORD and at >= inside and (headed := _headed(message, at)):
            behind = at + int.from_bytes(message[at : at + 2], "big")
            if message[at] == 0 or behind == end or _headed(message, behind):
                counts["blocks in recorder headers"] += headed
                at, inside = at + 6, behind
        size = int.from_bytes(message[at + 1 : at + 3], "big")
        if size < 3 or at + size > end:
            if last is None or (size >= 3 and message[at] == last):
                counts["blocks cut or of impossible length"] += 1
                return
            break
        last = message[at]
        found[last] += 1
        at += size
    if at < end and last is None:
        counts["messages cut in a header"] += 1
    elif at < end:
        counts["trailers behind blocks"] += 1
        counts["octets in trailers"] += end - at


def beast(stream: bytes) -> tuple[list[str], Counter[str]]:
    """Return the frames of a Beast stream and what is counted, by a regular expression."""
    frames, counts = [], Counter()
    for match in BEAST.finditer(stream):
        text = match.group()
        if match.lastindex is None:
            if text == b"\x1a\x1a":
                counts["garbage"] += 2
            elif text[0] != 0x1A:
                counts["garbage"] += 1
            elif len(text) == 1:
                counts["cut"] += 1  # the last byte of the stream
            else:
                counts["type"] += 1
        elif match.lastindex <= 3:
            frames.append(match[match.lastindex].replace(b"\x1a\x1a", b"\x1a")[7:].hex())
        elif match.lastindex == 5:
            counts["cut"] += 1
    return frames, counts


def avr(stream: bytes) -> tuple[list[str], Counter[str]]:
    """Return the frames of AVR text and what is counted, by a regular expression."""
    frames, counts = [], Counter()
    for match in AVR.finditer(stream):
        if match[3]:
            counts["garbage"] += 1
        elif match[1] is not None:
            size = len(match[1]) - AVR_HEADS[stream[match.start()]]
            if len(match[1]) == LONGEST_AVR or (not match[2] and match.end() == len(stream)):
                counts["length"] += 1
            elif not match[2]:
                counts["digits"] += 1
            elif size in {4, 14, 28}:
                frames.append(match[1][-size:].decode().lower())
            else:
                counts["length"] += 1
    return frames, counts


def lines(stream: bytes, blank: bytes = bytes(range(33))) -> int:
    """Return the number of lines in which there is anything else than `blank` characters."""
    return sum(bool(line.strip(blank)) for line in stream.split(b"\n"))


def pcap_records(capture: bytes) -> tuple[int, str | None]:
    """Return the number of whole records of a pcap, and why reading ends before its end or in the middle of one."""
    orders = {b"\xa1\xb2\xc3\xd4": "big", b"\xa1\xb2\x3c\x4d": "big", b"\xa1\xb2\xcd\x34": "big"}
    magic, head = capture[:4], 16
    order = orders.get(magic) or ("little" if magic[::-1] in orders else None)
    if len(capture) < 4:
        return 0, "truncated" if capture else None
    if order is None:
        return 0, "magic"
    if len(capture) < 24:
        return 0, "truncated"
    head = 24 if b"\xcd" in {magic[2:3], magic[1:2]} else 16
    at, found = 24, 0
    while at + head <= len(capture):
        size = int.from_bytes(capture[at + 8 : at + 12], order)
        if size > 1 << 20:
            return found, "record_length"
        if at + head + size > len(capture):
            return found, "truncated"
        at, found = at + head + size, found + 1
    return found, "truncated" if at < len(capture) else None


def silent_frames(frames: Frames) -> int:
    """Return how many frames are whole but give no row of their own: velocities, and what is said of accuracy.

    Their parity is computed bit by bit, as the standard defines it.
    """
    kind, content = frames.data[:, 0] >> 3, frames.data[:, 4]
    control, number, subtype = frames.data[:, 0] & 7, content >> 3, content & 7
    said = (number == 19) & (subtype >= 1) & (subtype <= 4) | (number == 31) & (subtype <= 1)
    good = (frames.length == 14) & said & ((kind == 17) | ((kind == 18) & (control <= 1)))
    return int((parity(frames.data[good]) == 0).sum())


def parity(data: np.ndarray) -> np.ndarray:
    """Return the remainder of each long frame by the generator FFF409 of 25 bits."""
    rest = np.zeros(len(data), np.int64)
    for bits in np.unpackbits(data, axis=1).T:
        rest = rest << 1 | bits
        rest ^= np.where(rest >> 24, 0x1FFF409, 0)
    return rest
