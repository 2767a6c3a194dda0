"""Which format a recording is of, told from its first bytes."""

from __future__ import annotations

import re

from skypact.formats.asterix import AsterixDecoder, BlockStream
from skypact.formats.pcap import is_pcap

HEAD = 1 << 16
"""Octets looked at."""

_BEAST = re.compile(
    rb"\x1a(?:1(?:[^\x1a]|\x1a\x1a){9}|2(?:[^\x1a]|\x1a\x1a){14}|[34](?:[^\x1a]|\x1a\x1a){21})", re.DOTALL
)
_TRACE = re.compile(rb'\s*\{.*?"trace"\s*:\s*\[', re.DOTALL)
_LINES = (
    ("sbs", re.compile(rb"MSG,\d+,")),
    ("avr", re.compile(rb"(?:\*|@[0-9A-Fa-f]{12})(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{28});")),
    ("jsonl", re.compile(rb'\{\s*"')),
    ("csv", re.compile(rb'(?:.*[,;\t])?[ "]*(?:[0-9A-Fa-f]{14}){1,2}[ "]*(?:[,;\t]|$)')),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def detect(head: bytes) -> str | None:
    """Return the format of a recording, none if it is of none that is read.

    Parameters
    ----------
    head : bytes
        The beginning of the recording, best `HEAD` octets of it.

    Returns
    -------
    {"pcap", "asterix", "beast", "avr", "sbs", "jsonl", "csv", "readsb"} or None
    """
    if is_pcap(head):
        return "pcap"
    text = head.removeprefix(_BYTE_ORDER_MARK)
    if _TRACE.match(text) and b'"icao"' in text:
        return "readsb"
    # The first line may be the rest of one, the last one cut: most of those between must be of one format.
    lines = [line.strip() for line in text.split(b"\n")[:50] if line.strip()]
    for name, pattern in _LINES:
        if 2 * sum(pattern.match(line) is not None for line in lines) > len(lines):
            return name
    framed = sum(len(m.group()) for m in _BEAST.finditer(head))
    if 2 * framed > len(head):
        return "beast"
    return "asterix" if _is_asterix(head) else None


def _is_asterix(head: bytes) -> bool:
    """Return whether most of the octets are data blocks and most of the blocks can be read."""
    stream = BlockStream()
    whole = stream.feed(head)
    # A recorder's header takes six octets at least, and short blocks no more.
    if 2 * (int(whole.length.sum()) + 6 * stream.counts["blocks in recorder headers"]) <= len(head):
        return False
    decoder = AsterixDecoder()
    decoder.decode(whole)
    refused = sum(count for name, count in decoder.counts.items() if "refused" in name or "not decoded" in name)
    return decoder.counts["records"] > 0 and 4 * refused <= 3 * (decoder.counts["blocks"] + refused)
