"""Other tracks in the place of truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact import tables
from skypact.errors import MisuseError

_SAME = (
    "time",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
    "velocity_east_m_s",
    "velocity_north_m_s",
    "velocity_up_m_s",
    "icao24",
    "mode_3a",
    "callsign",
    "identity",
)
"""Columns that a reference and truth share."""


def truth_of(reference: pa.Table) -> pa.Table:
    """Return reference tracks as truth, such as the operational tracks of the same hour.

    The confirmed and coasting rows are the objects' rows; an object is named ``PARTY/NODE/TRACK``, of what is known.
    What is trackable is left to the sensors given to :func:`score`.

    Parameters
    ----------
    reference : Table of `tables.TRACKS`

    Returns
    -------
    Table of `tables.TRUTH`

    Raises
    ------
    MisuseError
        A table of another schema.
    """
    if not reference.schema.equals(tables.TRACKS):
        raise MisuseError("a table that is not of the schema tracks/1 was given as reference")
    shown = [tables.STATUSES.index(status) for status in ("confirmed", "coasting")]
    kept = pa.array(np.isin(tables.codes(reference["status"], "status"), shown))
    rows = reference.filter(pc.and_(kept, pc.is_valid(reference["track"])))
    parts = [rows[name].cast(pa.string()) for name in ("party", "node", "track")]
    names = pc.binary_join_element_wise(*parts, "/", null_handling="skip").combine_chunks()
    columns = {name: rows[name].combine_chunks() for name in _SAME}
    return tables.build(tables.TRUTH, len(rows), columns | {"object": names.dictionary_encode()})
