"""Sealing: a log that is finished becomes one Parquet file a table and an index of its entries.

The same entries make the same files to the octet, so that a seal that was cut off is simply done again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from skypact.journal import _folder, _frames
from skypact.journal._frames import Frame
from skypact.journal._parquet import TableFile
from skypact.journal.contents import SEQUENCE, table_name, time_column
from skypact.tables import NAME, TIME

_WORDS = pa.struct([("column", pa.string()), ("words", pa.list_(pa.string()))])
INDEX = pa.schema(
    [
        (SEQUENCE, pa.uint64()),
        ("table", NAME),
        ("rows", pa.uint32()),
        ("first", TIME),
        ("last", TIME),
        ("dictionaries", pa.list_(_WORDS)),
    ],
    metadata={"schema": "index/1"},
)
"""One row an entry: its table, rows, earliest and latest time, and the dictionaries where they are not as before."""


class TableInfo(msgspec.Struct, frozen=True):
    """What an index says of one table's file: the schema as it was appended (base64 of its IPC form), and its size."""

    schema: str
    rows: int
    bytes: int
    crc32: int


def seal(root: Path, log: _folder.Segment) -> None:
    """Write a finished log as Parquet and remove it; one with damage is set aside.

    Raises
    ------
    OSError
        The disk is full or fails; the log stays, and sealing can be tried again.
    JournalError
        The log is of a newer version.
    """
    files: dict[str, TableFile] = {}
    index = Index()
    damaged = False
    for part in _frames.scan(log.path):
        if not isinstance(part, Frame):
            damaged |= not part.torn
            continue
        table = _frames.decode(part)
        name = table_name(table.schema)
        if name not in files:
            files[name] = TableFile(part.schema)
        files[name].add(part.sequence, table)
        index.add(part.sequence, name, table)
    if index.sequences:
        last = index.sequences[-1]
        infos = {}
        for name, file in sorted(files.items()):
            data = file.finish()
            infos[name] = TableInfo(base64.b64encode(file.schema).decode(), file.rows, len(data), crc32(data))
            path = _folder.table_path(root, name, log.first, last)
            _folder.make_folder(path.parent)
            _folder.write_durably(path, [data])
        pieces = _frames.encode(last, index.table(infos), compression="zstd")
        _folder.write_durably(_folder.index_path(root, log.first, last), [_frames.HEAD, *pieces])
    remove(log, damaged)


def remove(log: _folder.Segment, damaged: bool) -> None:
    """Take away a log whose entries are sealed; one with damage is kept under another name."""
    if damaged:
        log.path.rename(_folder.free(log.path.with_name(log.path.name + _folder.DAMAGED)))
    else:
        log.path.unlink()
    _folder.sync_folder(log.path.parent)


@dataclass(slots=True)
class Index:
    """The entries of a log, column by column."""

    sequences: list[int] = field(default_factory=list)
    _columns: tuple[list[object], ...] = field(default_factory=lambda: ([], [], [], [], []))
    _dictionaries: dict[tuple[str, str], pa.Array] = field(default_factory=dict)

    def add(self, sequence: int, name: str, table: pa.Table) -> None:
        """Take in the next entry."""
        self.sequences.append(sequence)
        values = (name, table.num_rows, *extent(table), self._changes(name, table))
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def _changes(self, name: str, table: pa.Table) -> list[dict[str, object]] | None:
        changes: list[dict[str, object]] = []
        for column in table.schema:
            if not pa.types.is_dictionary(column.type):
                continue
            words = table[column.name].chunk(0).dictionary
            before = self._dictionaries.get((name, column.name))
            if before is None or not words.equals(before):
                self._dictionaries[name, column.name] = words
                changes.append({"column": column.name, "words": words.to_pylist()})
        return changes or None

    def table(self, infos: dict[str, TableInfo]) -> pa.Table:
        """Return the index, with what is known of the files in its metadata."""
        columns: Sequence[list[object] | list[int]] = [self.sequences, *self._columns]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, INDEX, strict=True)]
        return pa.table(arrays, schema=INDEX.with_metadata({**INDEX.metadata, b"tables": msgspec.json.encode(infos)}))


def extent(table: pa.Table) -> tuple[int | None, int | None]:
    """Return the earliest and latest time of a table in UTC nanoseconds, None where it has none."""
    name = time_column(table.schema)
    if name is None:
        return None, None
    ends = pc.min_max(table[name])
    return ends["min"].value, ends["max"].value
