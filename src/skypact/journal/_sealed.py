"""A sealed segment read again, exactly as its batches were appended."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import JournalError
from skypact.journal import _folder, _frames
from skypact.journal._parquet import held_columns, renumbered
from skypact.journal._seal import TableInfo
from skypact.journal.contents import SEQUENCE, read_schema
from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Run:
    """Batches of one table that follow each other: their sequences, how many rows each has, the rows themselves."""

    sequences: NDArray[np.uint64]
    counts: NDArray[np.int64]
    table: pa.Table


class Sealed:
    """A sealed segment.

    Parameters
    ----------
    root : Path
        The journal.
    segment : Segment

    Attributes
    ----------
    tables : dict of str to TableInfo
    sequences : uint64 array, shape (n,)
        Of all entries.

    Raises
    ------
    JournalError
        The index is damaged.
    """

    def __init__(self, root: Path, segment: _folder.Segment) -> None:
        assert segment.last is not None
        self._root = root
        self.first, self.last = segment.first, segment.last
        index = self._index(segment.path)
        self.tables = msgspec.json.decode(index.schema.metadata[b"tables"], type=dict[str, TableInfo])
        self.sequences: NDArray[np.uint64] = index[SEQUENCE].to_numpy()
        names = index["table"].chunk(0)
        self._names = names.dictionary.to_pylist()
        self._of_table: NDArray[np.int32] = names.indices.to_numpy()
        self._counts = index["rows"].to_numpy().astype(np.int64)
        self._first_ns, self._last_ns = (
            index[n].cast(pa.int64()).fill_null(NO_TIME).to_numpy() for n in ("first", "last")
        )
        self._changes = index["dictionaries"].chunk(0)

    def _index(self, path: Path) -> pa.Table:
        try:
            parts = list(_frames.scan(path))
        except OSError as err:
            raise self._unreadable(path, err.strerror or str(err)) from None
        if len(parts) != 1 or not isinstance(parts[0], _frames.Frame):
            raise self._unreadable(path, "damaged")
        return _frames.decode(parts[0])

    def _unreadable(self, path: Path, what: str) -> JournalError:
        what = f"{what}: sequences {self.first} to {self.last} cannot be read"
        return JournalError(what, path=path, hint=f"read on with from_sequence={self.last + 1}")

    def schema(self, name: str) -> pa.Schema | None:
        """Return a table's schema, None where the segment has none of it."""
        info = self.tables.get(name)
        return None if info is None else read_schema(base64.b64decode(info.schema))

    def batches(self, name: str, begin: int, end: int) -> Iterator[tuple[int, str, pa.Table]]:
        """Yield the batches of a table with sequences in [begin, end), each with its sequence and table's name."""
        for run in self.runs(name, begin, end):
            row = 0
            for sequence, count in zip(run.sequences.tolist(), run.counts.tolist(), strict=True):
                yield sequence, name, run.table.slice(row, count)
                row += count

    def extent(self) -> tuple[int | None, int | None]:
        """Return earliest and latest time in any table, UTC nanoseconds, None where there is none."""
        known = self._first_ns != NO_TIME
        if not known.any():
            return None, None
        return int(self._first_ns[known].min()), int(self._last_ns[known].max())

    def newest(self, name: str, until_ns: int | None, until_sequence: int | None) -> int | None:
        """Return the sequence of the last entry of a table that begins at or before a time and stands so early."""
        of_table = self._of_table == (self._names.index(name) if name in self._names else -1)
        if until_ns is not None:
            of_table &= self._first_ns <= until_ns
        if until_sequence is not None:
            of_table &= self.sequences <= until_sequence
        return int(self.sequences[of_table][-1]) if of_table.any() else None

    def runs(
        self,
        name: str,
        begin: int,
        end: int,
        columns: Sequence[str] | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
    ) -> Iterator[Run]:
        """Yield the batches of a table with sequences in [begin, end), joined as far as their dictionaries agree.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns wanted, none for all.
        from_ns, to_ns : int, optional
            Batches wholly outside may be left out.
        """
        schema = self.schema(name)
        if schema is None:
            return
        own = np.flatnonzero(self._of_table == self._names.index(name))
        wanted = (self.sequences[own] >= begin) & (self.sequences[own] < end)
        if from_ns is not None:
            wanted &= self._last_ns[own] >= from_ns
        if to_ns is not None:
            wanted &= self._first_ns[own] < to_ns
        if not wanted.any():
            return
        first, last = int(np.argmax(wanted)), len(own) - int(np.argmax(wanted[::-1]))
        if columns is not None:
            schema = pa.schema([schema.field(c) for c in columns], schema.metadata)
        changes = self._changes.take(pa.array(own))
        changed = np.flatnonzero(changes.is_valid().to_numpy(zero_copy_only=False))
        words: dict[str, pa.Array] = {}
        file = self._file(name, self.tables[name])
        starts = np.concatenate(([0], np.cumsum(self._counts[own])))
        for group, (begin_group, end_group) in enumerate(_batches_of_groups(file, starts)):
            cuts = [max(begin_group, first), min(end_group, last)]
            if cuts[0] >= cuts[1]:
                continue
            cuts[1:1] = changed[(changed > cuts[0]) & (changed < cuts[1])].tolist()
            held = _held(file, group, schema)
            for i, j in pairwise(cuts):
                while len(changed) and changed[0] <= i:
                    words |= {c["column"]: pa.array(c["words"], pa.string()) for c in changes[int(changed[0])].as_py()}
                    changed = changed[1:]
                begin_row, rows = starts[i] - starts[begin_group], starts[j] - starts[i]
                table = _restored(schema, {n: c.slice(begin_row, rows) for n, c in held.items()}, words, rows)
                yield Run(self.sequences[own[i:j]], self._counts[own[i:j]], table)

    def _file(self, name: str, info: TableInfo) -> pq.ParquetFile:
        """Return a table's file, read into memory and found whole."""
        path = _folder.table_path(self._root, name, self.first, self.last)
        try:
            data = path.read_bytes()
        except OSError as err:
            raise self._unreadable(path, err.strerror or str(err)) from None
        if len(data) != info.bytes or crc32(data) != info.crc32:
            raise self._unreadable(path, "damaged")
        return pq.ParquetFile(pa.BufferReader(data))


def _batches_of_groups(file: pq.ParquetFile, starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return which batches each row group holds, the first and one past the last."""
    rows = np.cumsum([file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)])
    ends = np.searchsorted(starts[1:], rows, side="right").tolist()
    # Batches without rows may be all there is, or follow the last row.
    return list(pairwise([0, *ends[:-1], len(starts) - 1]))


def _held(file: pq.ParquetFile, group: int, schema: pa.Schema) -> dict[str, pa.ChunkedArray]:
    """Return the columns of a row group that have any value."""
    names = held_columns(file, group, schema.names) if group < file.num_row_groups else []
    table = file.read_row_group(group, columns=names) if names else pa.table({})
    if any(column.num_chunks > 1 for column in table.columns):
        table = table.unify_dictionaries().combine_chunks()
    return {name: table[name] for name in names}


def _restored(schema: pa.Schema, held: dict[str, pa.ChunkedArray], words: dict[str, pa.Array], rows: int) -> pa.Table:
    """Return a table as it was appended, with its own dictionaries."""
    arrays = []
    for field in schema:
        column, type_ = held.get(field.name), field.type
        if pa.types.is_dictionary(type_):
            if column is None:
                indices = _frames.nulls(type_.index_type, rows)
                column = pa.DictionaryArray.from_arrays(indices, words[field.name], ordered=type_.ordered)
            else:
                parts = [renumbered(chunk, words[field.name], type_) for chunk in column.chunks]
                column = pa.chunked_array(parts, type_)
        elif column is None:
            column = _frames.nulls(type_, rows)
        arrays.append(column)
    return pa.table(arrays, schema=schema)
