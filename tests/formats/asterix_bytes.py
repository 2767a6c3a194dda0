"""What the tests of the ASTERIX codec share: recordings as datagrams, blocks cut by hand, rows as plain dicts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from skypact.formats.asterix import AsterixDecoder
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.formats.pcap import PcapReader

RECORDINGS = ("asterix", "cat_001_002", "cat_034_048", "cat_062_065")
HEAD = ("record", "received", "time", "category", "edition")
"""Columns of a raw table that are no elements."""


def recording(shared: Path, name: str) -> Datagrams:
    """Return the datagrams of a capture."""
    reader = PcapReader()
    packets = reader.feed((shared / "asterix" / f"{name}.pcap").read_bytes())
    reader.finish()
    assert reader.ended is None
    return packets.payload


def fixtures(shared: Path) -> dict[str, bytes]:
    """Return the made-up records, one a category, of `fixmpts_testdata.zip` by name."""
    with zipfile.ZipFile(shared / "asterix" / "fixmpts_testdata.zip") as archive:
        return {
            Path(name).stem: bytes.fromhex(archive.read(name).decode("ascii"))
            for name in archive.namelist()
            if name.endswith(".raw")
        }


def blocks(message: bytes) -> Iterator[bytes]:
    """Yield the data blocks of a message, without a recorder's header before each and trailers behind the last."""
    while len(message) >= 3:
        if message[0] == 0 and int.from_bytes(message[:2], "big") == int.from_bytes(message[7:9], "big") + 6:
            message = message[6:]
        size = int.from_bytes(message[1:3], "big")
        if size < 3 or size > len(message):
            return
        yield message[:size]
        message = message[size:]


def decode(messages: list[bytes], **options: Any) -> tuple[Decoded, AsterixDecoder]:
    """Return what a decoder of its own makes of separate messages, and the decoder."""
    decoder = AsterixDecoder(**options)
    return decoder.decode(Datagrams.of(messages)), decoder


def plain(value: Any) -> Any:
    """Return a value with its octets as hex."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.hex() if isinstance(value, bytes) else value


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the elements of each record of a raw table, without nulls, octets as hex."""
    return [{k: plain(v) for k, v in row.items() if k not in HEAD and v is not None} for row in table.to_pylist()]


def items(table: pa.Table) -> pa.Table:
    """Return a raw table without the columns that are no elements."""
    return table.drop_columns([c for c in HEAD if c in table.column_names])
