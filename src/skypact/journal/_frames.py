"""The log that is appended to: Arrow IPC in frames whose length and checksum show what is whole.

A log begins with `HEAD`; a frame is a header of 36 octets, the schema of the table and an IPC stream of those columns
that hold anything (Arrow writes a column of nulls at full width, and most columns of plots are null).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import pyarrow as pa

from skypact.errors import JournalError, MisuseError
from skypact.journal.contents import read_schema

HEAD = b"skypact log/1\n\0\0"
_KIND = HEAD[: HEAD.index(b"/") + 1]
MARK = b"\xf5JRN"
_HEADER = struct.Struct("<4sIIIQQ")
"""Mark, octets of the schema, octets of the stream, rows, sequence, checksums of the header so far and of the rest."""
_FIELDS = struct.Struct("<4sIIIQ")
_CHECKS = struct.Struct("<II")
HEADER_BYTES = _FIELDS.size + _CHECKS.size
LARGEST = 1 << 30
"""Most octets of one entry."""
_SEARCHED = 1 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole entry of a log: where it lies and what is in it."""

    offset: int
    sequence: int
    rows: int
    schema: bytes
    stream: bytes

    @property
    def end(self) -> int:
        """Where the next frame begins."""
        return self.offset + HEADER_BYTES + len(self.schema) + len(self.stream)


@dataclass(frozen=True, slots=True)
class Break:
    """Octets of a log that are no whole entry; `torn` where the log ends within one, as it does while it is written."""

    offset: int
    end: int
    torn: bool


def encode(sequence: int, table: pa.Table, compression: str | None = None) -> list[bytes | pa.Buffer]:
    """Return an entry as the pieces of its frame.

    Raises
    ------
    MisuseError
        A table beyond `LARGEST`.
    """
    schema = table.schema.serialize().to_pybytes()
    # Dictionary columns stay: the dictionary of one without values is part of what comes back.
    held = [i for i, c in enumerate(table.columns) if c.null_count < len(c) or pa.types.is_dictionary(c.type)]
    columns = [c.chunk(0) if c.num_chunks else nulls(c.type, 0) for c in map(table.column, held)]
    batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema([table.field(i) for i in held]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_batch(batch)
    stream = sink.getvalue()
    if len(stream) > LARGEST or table.num_rows >= 1 << 32:
        raise MisuseError(f"a batch of {len(stream) / 1e6:.0f} MB is too large for a journal; append it in parts")
    fields = _FIELDS.pack(MARK, len(schema), len(stream), table.num_rows, sequence)
    return [fields + _CHECKS.pack(crc32(fields), crc32(stream, crc32(schema))), schema, stream]


def decode(frame: Frame) -> pa.Table:
    """Return the table of a frame as it was appended."""
    batch = pa.ipc.open_stream(frame.stream).read_next_batch()
    return restore(read_schema(frame.schema), frame.rows, dict(zip(batch.schema.names, batch.columns, strict=True)))


def restore(schema: pa.Schema, rows: int, held: dict[str, pa.Array]) -> pa.Table:
    """Return a table of `schema` from the columns that hold anything."""
    arrays = [held[f.name] if f.name in held else nulls(f.type, rows) for f in schema]
    return pa.table(arrays, schema=schema)


SHARED_NULLS = 1 << 17
"""Most rows of null columns that are made once and shared."""


def nulls(type_: pa.DataType, rows: int) -> pa.Array:
    """Return a column of nulls."""
    return pa.nulls(rows, type_) if rows > SHARED_NULLS else _shared_nulls(type_).slice(0, rows)


@lru_cache(maxsize=64)
def _shared_nulls(type_: pa.DataType) -> pa.Array:
    return pa.nulls(SHARED_NULLS, type_)


def scan(path: Path) -> Iterator[Frame | Break]:
    """Read a log from its beginning, one frame at a time; octets that are no frame are passed over and told.

    Raises
    ------
    FileNotFoundError
        It is not there any more.
    JournalError
        It is of a newer version, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from _parts(file, path)
    except FileNotFoundError:
        raise
    except OSError as err:
        raise JournalError(f"cannot be read: {err.strerror}", path=path) from None


def _parts(file: BinaryIO, path: Path) -> Iterator[Frame | Break]:
    head = file.read(len(HEAD))
    offset = len(HEAD)
    if head != HEAD:
        if head.startswith(_KIND):
            raise JournalError("written by a newer version", path=path, hint="read it with a newer skypact")
        torn = HEAD.startswith(head)
        offset = len(head) if torn else _next_frame(file, 0)
        if offset:
            yield Break(0, offset, torn)
    while True:
        found = _frame_at(file, offset)
        if isinstance(found, Frame):
            yield found
            offset = found.end
            continue
        size = os.fstat(file.fileno()).st_size
        if offset >= size:
            return
        torn = found == "torn"
        end = size if torn else _next_frame(file, offset + 1)
        yield Break(offset, end, torn)
        offset = end


def _frame_at(file: BinaryIO, offset: int) -> Frame | str:
    """Return the frame at an offset; "torn" where the file ends before it does, "broken" where there is none."""
    file.seek(offset)
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return "torn"
    fields = header[: _FIELDS.size]
    of_header, of_rest = _CHECKS.unpack_from(header, _FIELDS.size)
    if crc32(fields) != of_header:
        return "broken"
    mark, schema_size, stream_size, rows, sequence = _FIELDS.unpack(fields)
    if mark != MARK:
        return "broken"
    rest = file.read(schema_size + stream_size)
    if len(rest) < schema_size + stream_size:
        return "torn"
    if crc32(rest) != of_rest:
        return "broken"
    return Frame(offset, sequence, rows, rest[:schema_size], rest[schema_size:])


def _next_frame(file: BinaryIO, offset: int) -> int:
    """Return where the next whole frame begins, else the end of the file."""
    while True:
        file.seek(offset)
        block = file.read(_SEARCHED)
        at = block.find(MARK)
        while at >= 0:
            if isinstance(_frame_at(file, offset + at), Frame):
                return offset + at
            at = block.find(MARK, at + 1)
        if len(block) < _SEARCHED:
            return offset + len(block)
        offset += len(block) - len(MARK) + 1


def write_whole(fd: int, pieces: Sequence[bytes | pa.Buffer]) -> int:
    """Write all pieces, however little the system takes at once; return how many octets."""
    total = 0
    for first in range(0, len(pieces), _MOST_PIECES):
        waiting = [memoryview(p).cast("B") for p in pieces[first : first + _MOST_PIECES]]
        while waiting:
            done = os.writev(fd, waiting)
            total += done
            while waiting and done >= len(waiting[0]):
                done -= len(waiting.pop(0))
            if waiting:
                waiting[0] = waiting[0][done:]
    return total


_MOST_PIECES = 512
"""Pieces handed to the system at once; POSIX systems take at least 16, Linux 1024."""
