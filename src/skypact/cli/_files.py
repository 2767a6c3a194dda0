"""Tables to files, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import InputError

GATHERED = 1 << 23
"""Octets of batches gathered before they are written, so that a file is not made of many small groups of rows."""


class TableWriter:
    """Writes batches of one table to a Parquet file; without a path it takes them and writes nothing.

    The file appears under its name when it is complete: a run that fails leaves an old file as it was.

    Parameters
    ----------
    path : path or None
    schema : pyarrow.Schema
    """

    def __init__(self, path: Path | None, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._octets = 0

    def __enter__(self) -> TableWriter:
        if self._path is not None:
            check_writable(self._path)
            self._writer = pq.ParquetWriter(self._part, self._schema, compression="zstd")
        return self

    def write(self, table: pa.Table) -> None:
        """Append a batch."""
        if self._writer is not None and table.num_rows:
            self._waiting.append(table)
            self._octets += table.nbytes
            if self._octets >= GATHERED:
                self._flush(self._writer)

    def _flush(self, writer: pq.ParquetWriter) -> None:
        if self._waiting:
            writer.write_table(pa.concat_tables(self._waiting).unify_dictionaries())
            self._waiting.clear()
            self._octets = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None or self._path is None:
            return
        try:
            if kind is None:
                self._flush(self._writer)
            self._writer.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        path = self._path or Path()
        return path.with_name(path.name + ".part")


class RawWriter:
    """Writes ASTERIX items of all categories as one wide table, in the order of the stream.

    Which columns there are is known when all is read, so batches wait in files of their own and memory stays flat.

    Parameters
    ----------
    path : path or None
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._waiting: list[pa.Table] = []
        self._octets = 0
        self._parts: list[tuple[Path, pa.Schema]] = []

    def __enter__(self) -> RawWriter:
        if self._path is not None:
            check_writable(self._path)
        return self

    def write(self, tables: Mapping[int, pa.Table]) -> None:
        """Append a batch: the items of each category."""
        if self._path is None or not tables:
            return
        named = [_named(category, table) for category, table in sorted(tables.items())]
        batch = pa.concat_tables(named, promote_options="default").sort_by("record")
        self._waiting.append(batch)
        self._octets += batch.nbytes
        if self._octets >= GATHERED:
            self._set_aside(self._path)

    def _set_aside(self, path: Path) -> None:
        if self._waiting:
            part = path.with_name(f"{path.name}.{len(self._parts)}.part")
            gathered = pa.concat_tables(self._waiting, promote_options="default")
            self._parts.append((part, gathered.schema))
            pq.write_table(gathered, part, compression="zstd")
            self._waiting.clear()
            self._octets = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is None:
            return
        try:
            if kind is None:
                self._set_aside(self._path)
                schema = pa.unify_schemas([s for _, s in self._parts]) if self._parts else pa.schema([])
                with TableWriter(self._path, schema) as whole:
                    for part, _ in self._parts:
                        gathered = pq.read_table(part)
                        whole.write(pa.concat_tables([schema.empty_table(), gathered], promote_options="default"))
        finally:
            for part, _ in self._parts:
                part.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make sure that a file can be written there.

    Raises
    ------
    InputError
        It is a directory, or its folder does not exist.
    """
    if path.is_dir():
        raise InputError("is a directory", path=path, hint="name a file to write")
    if not path.parent.is_dir():
        raise InputError("is no folder", path=path.parent, hint="make it first, or name another")


def _named(category: int, table: pa.Table) -> pa.Table:
    """Return the items with their category in front of the name: ``048/040/RHO``."""
    head = {"record", "received", "time", "category", "edition"}
    return table.rename_columns([n if n in head else f"{category:03d}/{n}" for n in table.column_names])
