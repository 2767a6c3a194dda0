"""One table of a sealed segment as Parquet: how its columns are written, and how they are read again.

Measured on plots of sixty radars: values that repeat (codes, addresses, flight levels) take a quarter as dictionaries,
others a tenth less as byte streams or differences than plain; zstd above level 1 saves 2 % and costs twice the time.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skypact.journal._frames import nulls
from skypact.journal.contents import SEQUENCE, read_schema
from skypact.tables import NAME

ROW_GROUP_ROWS = 1 << 17
"""Rows from which on a row group is written; it ends with a batch, so that no batch lies in two."""
_SAMPLE = 1 << 14
_REPEATS = 0.5
"""Part of a sample's values that may differ for a dictionary to pay."""


class TableFile:
    """A file in the making, in memory until it is whole.

    Parameters
    ----------
    schema : bytes
        IPC form of the schema of all its batches.

    Attributes
    ----------
    rows : int
        How many it has.
    """

    def __init__(self, schema: bytes) -> None:
        self.schema = schema
        self.rows = 0
        appended = read_schema(schema)
        # Batches of one type may together hold more words than its index type can number.
        wide = [f.with_type(NAME) if pa.types.is_dictionary(f.type) else f for f in appended]
        self._schema = pa.schema([pa.field(SEQUENCE, pa.uint64(), nullable=False), *wide], appended.metadata)
        self._sink = pa.BufferOutputStream()
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[tuple[int, pa.Table]] = []
        self._waiting_rows = 0

    def add(self, sequence: int, batch: pa.Table) -> None:
        """Take in the next batch."""
        self._waiting.append((sequence, batch))
        self._waiting_rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS:
            self._write()

    def finish(self) -> pa.Buffer:
        """Return the whole file."""
        if self._waiting_rows or self._writer is None:
            self._write()
        assert self._writer is not None
        self._writer.close()
        return self._sink.getvalue()

    def _write(self) -> None:
        rows = self._waiting_rows
        sequences = np.array([sequence for sequence, _ in self._waiting], np.uint64)
        counts = [batch.num_rows for _, batch in self._waiting]
        joined = pa.concat_tables([batch for _, batch in self._waiting])
        arrays = [pa.array(np.repeat(sequences, counts)), *map(_whole, joined.columns)]
        group = pa.table(arrays, schema=self._schema)
        if self._writer is None:
            self._writer = _writer(self._sink, group)
        self._writer.write_table(group, row_group_size=max(rows, 1))
        self.rows += rows
        self._waiting, self._waiting_rows = [], 0


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Return the column of several batches as one piece with one dictionary."""
    if pa.types.is_dictionary(column.type):
        wide = [renumbered(chunk, chunk.dictionary, NAME) for chunk in column.chunks]
        return pa.chunked_array(wide, NAME).unify_dictionaries().combine_chunks()
    return nulls(column.type, len(column)) if column.null_count == len(column) else column.combine_chunks()


def _writer(sink: pa.BufferOutputStream, first: pa.Table) -> pq.ParquetWriter:
    """Return a writer whose encodings are chosen by type and by the first row group."""
    choice: dict[str, str] = {}
    for field, column in zip(first.schema, first.columns, strict=True):
        choice[field.name] = _encoding(field.type, column)
    probe = pa.BufferOutputStream()
    pq.write_table(first.schema.empty_table(), probe, use_compliant_nested_type=False)
    leaves = pq.ParquetFile(pa.BufferReader(probe.getvalue())).schema
    paths = {path: choice[path.partition(".")[0]] for path in (leaves.column(i).path for i in range(len(leaves)))}
    return pq.ParquetWriter(
        sink,
        first.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[path for path, encoding in paths.items() if encoding == "DICTIONARY"],
        column_encoding={path: encoding for path, encoding in paths.items() if encoding != "DICTIONARY"},
        use_compliant_nested_type=False,
    )


def _encoding(type_: pa.DataType, column: pa.ChunkedArray) -> str:
    if pa.types.is_list(type_) or pa.types.is_fixed_size_list(type_):
        floats = pa.types.is_float32(type_.value_type) or pa.types.is_float64(type_.value_type)
        return "BYTE_STREAM_SPLIT" if floats else "DICTIONARY"
    if pa.types.is_boolean(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return "PLAIN"
    if pa.types.is_float32(type_) or pa.types.is_float64(type_):
        return "DICTIONARY" if _repeats(column) else "BYTE_STREAM_SPLIT"
    if pa.types.is_timestamp(type_) or (pa.types.is_integer(type_) and type_.bit_width >= 32):
        return "DICTIONARY" if _repeats(column) else "DELTA_BINARY_PACKED"
    return "DICTIONARY"


def _repeats(column: pa.ChunkedArray) -> bool:
    sample = column.slice(0, _SAMPLE)
    return pc.count_distinct(sample, mode="all").as_py() <= _REPEATS * len(sample)


def renumbered(array: pa.DictionaryArray, words: pa.Array, type_: pa.DictionaryType) -> pa.DictionaryArray:
    """Return a dictionary column with another dictionary, which has all words in use, and of another index type."""
    indices = array.indices
    if not array.dictionary.equals(words):
        indices = pc.index_in(array.dictionary, value_set=words).take(indices)
    return pa.DictionaryArray.from_arrays(indices.cast(type_.index_type), words, ordered=type_.ordered)


def held_columns(file: pq.ParquetFile, group: int, names: Collection[str]) -> list[str]:
    """Return which of some columns have any value in a row group: reading nulls costs as much as reading values."""
    metadata = file.metadata.row_group(group)
    empty = set()
    for i in range(metadata.num_columns):
        leaf = metadata.column(i)
        statistics = leaf.statistics
        if statistics is not None and statistics.has_null_count and statistics.null_count == leaf.num_values:
            empty.add(leaf.path_in_schema)
    return [name for name in names if name not in empty]
