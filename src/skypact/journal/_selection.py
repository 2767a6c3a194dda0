"""What is wanted of a table: which columns, and rows of which time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skypact.errors import MisuseError
from skypact.journal._sealed import Run
from skypact.journal.contents import SEQUENCE, table_name, time_column
from skypact.tables import NO_TIME


@dataclass(frozen=True, slots=True)
class Selection:
    """Columns (none for all) and rows with times in [from_ns, to_ns) of one table.

    Attributes
    ----------
    table : str
    columns : sequence of str or None
    from_ns, to_ns : int or None
        UTC nanoseconds; rows without a time are in no interval.
    """

    table: str
    columns: Sequence[str] | None = None
    from_ns: int | None = None
    to_ns: int | None = None

    @property
    def timed(self) -> bool:
        """Whether rows are chosen by time."""
        return self.from_ns is not None or self.to_ns is not None

    def needed(self, schema: pa.Schema) -> list[str]:
        """Return which columns of a table have to be read.

        Raises
        ------
        MisuseError
            It has not all that are asked for.
        """
        wanted = schema.names if self.columns is None else self.columns
        for name in wanted:
            if name not in schema.names and name != SEQUENCE:
                raise MisuseError(f"table {table_name(schema)} has no column {name}; it has {', '.join(schema.names)}")
        time = time_column(schema)
        if self.timed and time is None:
            raise MisuseError(f"table {table_name(schema)} has no column of times; choose by sequence")
        return [name for name in schema.names if name in wanted or (self.timed and name == time)]

    def of(self, run: Run) -> pa.Table:
        """Return what is wanted of a run that holds at least the needed columns."""
        table = run.table
        if self.columns is not None:
            columns = [self._column(run, name) for name in self.columns]
            table = pa.table(columns, names=list(self.columns)).replace_schema_metadata(table.schema.metadata)
        if not self.timed:
            return table
        time = run.table[str(time_column(run.table.schema))].cast(pa.int64()).fill_null(NO_TIME).to_numpy()
        inside = time != NO_TIME
        if self.from_ns is not None:
            inside &= time >= self.from_ns
        if self.to_ns is not None:
            inside &= time < self.to_ns
        return table if inside.all() else table.filter(pa.array(inside))

    @staticmethod
    def _column(run: Run, name: str) -> pa.Array | pa.ChunkedArray:
        if name == SEQUENCE:
            return pa.array(np.repeat(run.sequences, run.counts))
        return run.table[name]
