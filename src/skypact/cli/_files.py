"""Tables to files, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import InputError


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

    def __enter__(self) -> TableWriter:
        if self._path is not None:
            if self._path.is_dir():
                raise InputError("is a directory", path=self._path, hint="name a file to write")
            self._writer = pq.ParquetWriter(self._part, self._schema, compression="zstd")
        return self

    def write(self, table: pa.Table) -> None:
        """Append a batch."""
        if self._writer is not None and table.num_rows:
            self._writer.write_table(table.unify_dictionaries())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None or self._path is None:
            return
        self._writer.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        path = self._path or Path()
        return path.with_name(path.name + ".part")


class RawWriter:
    """Writes ASTERIX items of all categories as one wide table, in the order of the stream.

    Which columns there are is known when all is read, so batches wait in a file of their own and memory stays flat.

    Parameters
    ----------
    path : path or None
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._parts: list[tuple[Path, pa.Schema]] = []

    def __enter__(self) -> RawWriter:
        if self._path is not None and self._path.is_dir():
            raise InputError("is a directory", path=self._path, hint="name a file to write")
        return self

    def write(self, tables: Mapping[int, pa.Table]) -> None:
        """Append a batch: the items of each category."""
        if self._path is None or not tables:
            return
        named = [_named(category, table) for category, table in sorted(tables.items())]
        batch = pa.concat_tables(named, promote_options="default").sort_by("record")
        part = self._path.with_name(f"{self._path.name}.{len(self._parts)}.part")
        pq.write_table(batch, part, compression="zstd")
        self._parts.append((part, batch.schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._path is not None:
                schema = pa.unify_schemas([s for _, s in self._parts]) if self._parts else pa.schema([])
                with TableWriter(self._path, schema) as whole:
                    for part, _ in self._parts:
                        missing = pq.read_table(part)
                        whole.write(pa.concat_tables([schema.empty_table(), missing], promote_options="default"))
        finally:
            for part, _ in self._parts:
                part.unlink(missing_ok=True)


def _named(category: int, table: pa.Table) -> pa.Table:
    """Return the items with their category in front of the name: ``048/040/RHO``."""
    head = {"record", "received", "time", "category", "edition"}
    return table.rename_columns([n if n in head else f"{category:03d}/{n}" for n in table.column_names])
