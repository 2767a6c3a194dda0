"""Arrow columns as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column of numbers or flags as floats, NaN for null."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.cast(pa.float64()).to_numpy()


def times_ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of times as UTC nanoseconds, `NO_TIME` for null."""
    return column.cast(pa.int64()).fill_null(NO_TIME).to_numpy()


def group(
    who: NDArray[np.int64], time_ns: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows by owner and time, the owners there are, and where the rows of each begin.

    Parameters
    ----------
    who, time_ns : int64 arrays, shape (n,)
    rows : int64 array, shape (m,)
        The rows to take; of equal owner and time the later row comes later.

    Returns
    -------
    rows : int64 array, shape (m,)
    owners : int64 array, shape (k,)
        Rising.
    start : int64 array, shape (k + 1,)
    """
    rows = rows[np.lexsort((time_ns[rows], who[rows]))]
    owners, start = np.unique(who[rows], return_index=True)
    return rows, owners, np.append(start, len(rows))
