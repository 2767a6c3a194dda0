"""What a journal holds: tables of any schema, steps of the centre, snapshots of its state, bytes as received.

Everything is kept as an Arrow table whose metadata name its schema, such as ``plots/1``; the part before the slash is
the table's name and folder.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import MisuseError
from skypact.tables import NAME, TIME, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = "journal/1"
"""Layout of the folder."""

STEPS = pa.schema(
    [("time", TIME), ("consumed", pa.list_(pa.uint64())), ("produced", pa.list_(pa.uint64()))],
    metadata={"schema": "steps/1"},
)
SNAPSHOTS = pa.schema(
    [("time", TIME), ("through", pa.uint64()), ("data", pa.binary())], metadata={"schema": "snapshots/1"}
)
RAW = pa.schema([("received", TIME), ("feed", NAME), ("data", pa.binary())], metadata={"schema": "raw/1"})
"""Bytes as received, one row a datagram or a piece of a stream."""

SEQUENCE = "sequence"
"""Column that sealed files have besides those of the table."""
FOLDERS = ("log", "sealed")
"""Folders of the journal's own, which no table can be called."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a centre, to be repeated exactly by a replay.

    Attributes
    ----------
    now_ns : int
        The present that the centre was told, UTC nanoseconds.
    consumed : tuple of int
        Sequences of the batches it was given, in their order.
    produced : tuple of int
        Sequences of the batches it gave, in their order; all of them stand before the step.
    """

    now_ns: int
    consumed: tuple[int, ...] = ()
    produced: tuple[int, ...] = ()

    def table(self) -> pa.Table:
        """Return the step as one row of a table."""
        return _row(STEPS, self.now_ns, list(self.consumed), list(self.produced))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a centre, to resume from.

    Attributes
    ----------
    now_ns : int
        The present of the last step in it, UTC nanoseconds.
    through : int
        Sequence of the last entry that the state holds: a replay goes on after it.
    data : bytes
        Opaque here.
    """

    now_ns: int
    through: int
    data: bytes

    def table(self) -> pa.Table:
        """Return the snapshot as one row of a table."""
        return _row(SNAPSHOTS, self.now_ns, self.through, self.data)


Content: TypeAlias = pa.Table | Step | Snapshot
"""What is appended and read again."""


def raw(feed: str, data: Sequence[bytes], received_ns: int | Sequence[int] | NDArray[np.int64]) -> pa.Table:
    """Return bytes as received as a table of `RAW`.

    Parameters
    ----------
    feed : str
        Where they came from.
    data : sequence of bytes
        Datagrams, or pieces of a stream.
    received_ns : int or sequence of int
        Arrival in UTC nanoseconds, one for all or one each; `tables.NO_TIME` where it is unknown.
    """
    received = times(np.broadcast_to(np.asarray(received_ns, np.int64), len(data)))
    feeds = pa.DictionaryArray.from_arrays(pa.array([0] * len(data), pa.int32()), [feed])
    return pa.table([received, feeds, pa.array(data, pa.binary())], schema=RAW)


def as_table(content: Content) -> pa.Table:
    """Return what is to be appended as a table without chunks.

    Raises
    ------
    MisuseError
        A table that could not be kept and read again exactly.
    """
    table = content.table() if isinstance(content, Step | Snapshot) else content
    name = checked(table.schema.serialize().to_pybytes())
    try:
        if any(column.num_chunks > 1 for column in table.columns):
            table = table.unify_dictionaries().combine_chunks()
        table.validate(full=True)
    except pa.ArrowException as err:
        raise MisuseError(f"table {name}: {err}") from None
    return table


def from_table(table: pa.Table) -> Content:
    """Return what was appended."""
    if table.num_rows == 1 and table.schema.equals(STEPS):
        return Step(table["time"][0].value, tuple(table["consumed"][0].as_py()), tuple(table["produced"][0].as_py()))
    if table.num_rows == 1 and table.schema.equals(SNAPSHOTS):
        return Snapshot(table["time"][0].value, table["through"][0].as_py(), table["data"][0].as_py())
    return table


def table_name(schema: pa.Schema) -> str:
    """Return a table's name: that of its schema without the version."""
    return (schema.metadata or {}).get(b"schema", b"").partition(b"/")[0].decode(errors="replace")


def is_table_name(name: str) -> bool:
    """Whether a table may be called so: it is the name of its folder."""
    return bool(_NAME.fullmatch(name)) and name not in FOLDERS


def time_column(schema: pa.Schema) -> str | None:
    """Return the column by which a table is cut in time: `time`, else `received`, if it is of type `tables.TIME`."""
    return next((n for n in ("time", "received") if n in schema.names and schema.field(n).type == TIME), None)


@lru_cache(maxsize=256)
def read_schema(serialized: bytes) -> pa.Schema:
    """Return a schema from its IPC form, which is quicker to look up than a schema."""
    return pa.ipc.read_schema(pa.py_buffer(serialized))


@lru_cache(maxsize=256)
def checked(serialized: bytes) -> str:
    """Return the table's name of a serialized schema, if its tables will come back exactly.

    Raises
    ------
    MisuseError
        No name, a name that is no folder's, a column that Parquet does not keep as it is.
    """
    schema = read_schema(serialized)
    name = table_name(schema)
    if not is_table_name(name):
        raise MisuseError(f"{name!r} is no name of a table; give its schema metadata such as schema = plots/1")
    if SEQUENCE in schema.names or len(set(schema.names)) != len(schema.names) or not schema.names:
        raise MisuseError(f"table {name}: columns need names, each once, and none may be called {SEQUENCE}")
    for field in schema:
        if "." in field.name:
            kept = False  # it would name a part of a column
        elif pa.types.is_dictionary(field.type):
            kept = pa.types.is_string(field.type.value_type) and pa.types.is_signed_integer(field.type.index_type)
        else:
            kept = _kept(field)
        if not kept:
            raise MisuseError(
                f"table {name}: column {field.name!r} of type {field.type} cannot be kept; use another name or type"
            )
    return name


def _kept(field: pa.Field) -> bool:
    schema = pa.schema([field])
    file = io.BytesIO()
    try:
        pa.nulls(1, field.type)
        pq.write_table(schema.empty_table(), file, use_compliant_nested_type=False)
        back: pa.Schema = pq.ParquetFile(file).schema_arrow
    except pa.ArrowException:
        return False
    return back.equals(schema, check_metadata=True)


def _row(schema: pa.Schema, *values: object) -> pa.Table:
    columns = [pa.array([v], f.type) for v, f in zip(values, schema, strict=True)]
    return pa.table(columns, schema=schema)
