"""Tables to files, batch by batch."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import InputError

GATHERED = 1 << 23
"""Octets of batches gathered before they are written, so that a file is not made of many small groups of rows."""


class Target:
    """A file to be written, which appears under its name when it is complete: a run that fails leaves an old one alone.

    A device or a pipe is written as it is: a file in the place of ``/dev/null`` would harm the whole machine.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    part : path
        What is written to until it is complete.

    Raises
    ------
    InputError
        It is a directory, its folder does not exist, or nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise InputError("is a directory", path=path, hint="name a file to write")
        if not path.parent.is_dir():
            raise InputError("is no folder", path=path.parent, hint="make it first, or name another")
        self.path = path
        with self.telling():
            self.is_device = path.exists() and not path.is_file()
            # A link stays one, and the file it leads to is made anew.
            self._final = path if self.is_device else path.resolve()
            self.part = path if self.is_device else self._final.with_name(self._final.name + ".part")
            self.part.open("wb").close()

    def aside(self, number: int) -> Path:
        """Return where something can wait until the file is written."""
        if self.is_device:
            return Path(tempfile.gettempdir()) / f"skypact-{os.getpid()}.{number}.part"
        return self._final.with_name(f"{self._final.name}.{number}.part")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell what the system refuses within as an error that names the file."""
        try:
            yield
        except OSError as err:
            # Arrow's errors carry the system's number, and its words only among many others.
            reason = os.strerror(err.errno) if err.errno else str(err)
            what, hint = f"cannot be written: {reason.lower()}", "make room there, or name another place"
            raise InputError(what, path=self.path, hint=hint) from None

    def keep(self) -> None:
        """Give the file its name."""
        if not self.is_device:
            with self.telling():
                self.part.replace(self._final)

    def drop(self) -> None:
        """Remove what was written so far, if it is not kept."""
        if not self.is_device:
            self.part.unlink(missing_ok=True)


class TableWriter:
    """Writes batches of one table to a Parquet file; without a path it takes them and writes nothing.

    Parameters
    ----------
    path : path or None
    schema : pyarrow.Schema
    """

    def __init__(self, path: Path | None, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._target: Target | None = None
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._octets = 0

    def __enter__(self) -> TableWriter:
        if self._path is not None:
            self._target = Target(self._path)
            try:
                with self._target.telling():
                    self._writer = pq.ParquetWriter(self._target.part, self._schema, compression="zstd")
            except InputError:
                self._target.drop()
                raise
        return self

    def write(self, table: pa.Table) -> None:
        """Append a batch."""
        if self._target is not None and self._writer is not None and table.num_rows:
            self._waiting.append(table)
            self._octets += table.nbytes
            if self._octets >= GATHERED:
                with self._target.telling():
                    self._flush(self._writer)

    def _flush(self, writer: pq.ParquetWriter) -> None:
        if self._waiting:
            writer.write_table(pa.concat_tables(self._waiting).unify_dictionaries())
            self._waiting.clear()
            self._octets = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None or self._target is None:
            return
        try:
            if kind is None:
                with self._target.telling():
                    self._flush(self._writer)
                    self._writer.close()
                self._target.keep()
        finally:
            with suppress(OSError):
                self._writer.close()
            self._target.drop()


class RawWriter:
    """Writes ASTERIX items of all categories as one wide table, in the order of the stream.

    Which columns there are is known when all is read, so batches wait in files of their own and memory stays flat.

    Parameters
    ----------
    path : path or None
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._target: Target | None = None
        self._waiting: list[pa.Table] = []
        self._octets = 0
        self._parts: list[tuple[Path, pa.Schema]] = []

    def __enter__(self) -> RawWriter:
        if self._path is not None:
            self._target = Target(self._path)
        return self

    def write(self, tables: Mapping[int, pa.Table]) -> None:
        """Append a batch: the items of each category."""
        if self._target is None or not tables:
            return
        named = [_named(category, table) for category, table in sorted(tables.items())]
        batch = pa.concat_tables(named, promote_options="default").sort_by("record")
        self._waiting.append(batch)
        self._octets += batch.nbytes
        if self._octets >= GATHERED:
            self._set_aside(self._target)

    def _set_aside(self, target: Target) -> None:
        if self._waiting:
            part = target.aside(len(self._parts))
            gathered = pa.concat_tables(self._waiting, promote_options="default")
            self._parts.append((part, gathered.schema))
            with target.telling():
                pq.write_table(gathered, part, compression="zstd")
            self._waiting.clear()
            self._octets = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._target is None:
            return
        try:
            if kind is None:
                self._set_aside(self._target)
                schema = pa.unify_schemas([s for _, s in self._parts]) if self._parts else pa.schema([])
                with TableWriter(self._target.path, schema) as whole:
                    for part, _ in self._parts:
                        gathered = pq.read_table(part)
                        whole.write(pa.concat_tables([schema.empty_table(), gathered], promote_options="default"))
        finally:
            for part, _ in self._parts:
                part.unlink(missing_ok=True)
            self._target.drop()


def _named(category: int, table: pa.Table) -> pa.Table:
    """Return the items with their category in front of the name: ``048/040/RHO``."""
    head = {"record", "received", "time", "category", "edition"}
    return table.rename_columns([n if n in head else f"{category:03d}/{n}" for n in table.column_names])
