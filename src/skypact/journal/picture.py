"""The picture at an instant, read from a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from skypact.tables import TRACKS, empty
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.journal.reader import Journal

SILENCE_NS = 600 * SECOND_NS
"""A track of which nothing was written for so long is not there any more: living ones are written every few seconds."""


def picture(journal: Journal, at_ns: int | None = None) -> pa.Table:
    """Return the last row of each track that is alive at a time, in the order of nodes and numbers.

    Parameters
    ----------
    journal : Journal
    at_ns : int, optional
        UTC nanoseconds; the end of the journal if not given. The picture is that of the last step up to it.

    Raises
    ------
    JournalError
        Damage before that time.
    """
    step = _last_step(journal, at_ns)
    if step is None:
        return empty(TRACKS)
    sequence, now_ns = step
    parts = list(journal.read("tracks", to_sequence=sequence, from_ns=now_ns - SILENCE_NS))
    if not parts:
        return empty(TRACKS)
    rows = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    keys = pa.table(
        {
            "node": rows["node"].cast(pa.string()),
            "track": rows["track"],
            "row": pa.array(range(rows.num_rows), pa.int64()),
        }
    )
    last = keys.group_by(["node", "track"], use_threads=False).aggregate([("row", "max")])
    last = last.sort_by([("node", "ascending"), ("track", "ascending")])
    found = rows.take(last["row_max"])
    return found.filter(pc.not_equal(found["status"].cast(pa.string()), "ended"))


def _last_step(journal: Journal, at_ns: int | None) -> tuple[int, int] | None:
    """Return the sequence and time of the last step up to a time."""
    found = None
    until = None if at_ns is None else at_ns + 1
    for part in journal.read("steps", to_ns=until, columns=["sequence", "time"]):
        found = part["sequence"][-1].as_py(), part["time"][-1].value
    return found
