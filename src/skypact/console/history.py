"""The past, read from the journal: the picture at an instant, the steps of a while, the life of a track."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact.console.rows import MILLION, columns, rows
from skypact.errors import MisuseError
from skypact.journal import picture
from skypact.tables import TRACKS, empty
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.journal import Journal

LONGEST_NS = 60 * SECOND_NS
"""Most that is asked for at once of the steps."""
LONGEST_LIFE_NS = 6 * 3_600 * SECOND_NS
"""Most of the past of one track."""
MOST_POINTS = 2_000
"""Most rows of a track's past, evenly chosen from them."""


def at(journal: Journal, time_ms: int) -> dict[str, Any]:
    """Return the picture at a time, milliseconds since 1970."""
    found = rows(picture(journal, time_ms * MILLION))
    return {"now_ms": time_ms, "tracks": columns(found)}


def extent(journal: Journal) -> tuple[int, int] | None:
    """Return the times of the first and the last step, milliseconds since 1970; none if there is no step."""
    ends = [(part["time"][0].value, part["time"][-1].value) for part in journal.read("steps", columns=["time"])]
    return (ends[0][0] // MILLION, ends[-1][1] // MILLION) if ends else None


def between(journal: Journal, begin_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Return the steps from a time up to, but not with, another, as they were told then.

    Raises
    ------
    MisuseError
        More than `LONGEST_NS`, or an end before the beginning.
    """
    begin_ns, end_ns = _window(begin_ms, end_ms, LONGEST_NS)
    found: list[dict[str, Any]] = []
    for part in journal.read("steps", from_ns=begin_ns, to_ns=end_ns, columns=["sequence", "time", "produced"]):
        found += [
            {"id": number, "now_ms": time.value // MILLION, "made": made}
            for number, time, made in zip(
                part["sequence"].to_pylist(), part["time"], part["produced"].to_pylist(), strict=True
            )
        ]
    wanted = [number for step in found for number in step["made"]]
    made: dict[int, pa.Table] = {}
    if wanted:
        for entry in journal.entries(from_sequence=min(wanted), to_sequence=max(wanted) + 1, tables={"tracks"}):
            if isinstance(entry.content, pa.Table):
                made[entry.sequence] = entry.content
    for step in found:
        changed = [row for number in step.pop("made") if number in made for row in rows(made[number])]
        step["tracks"] = columns(changed) if changed else None
    return found


def life(journal: Journal, node: str, track: int, begin_ms: int, end_ms: int) -> dict[str, Any]:
    """Return the rows of one track in a while, at most `MOST_POINTS` of them.

    Raises
    ------
    MisuseError
        More than `LONGEST_LIFE_NS`, or an end before the beginning.
    """
    begin_ns, end_ns = _window(begin_ms, end_ms, LONGEST_LIFE_NS)
    parts = [empty(TRACKS)]
    for part in journal.read("tracks", from_ns=begin_ns, to_ns=end_ns):
        own = pc.and_(pc.equal(part["track"], track), pc.equal(part["node"].cast(pa.string()), node))
        parts.append(part.filter(own))
    found = pa.concat_tables(parts)
    if found.num_rows > MOST_POINTS:
        chosen = np.unique(np.linspace(0, found.num_rows - 1, MOST_POINTS).round().astype(np.int64))
        found = found.take(pa.array(chosen))
    return columns(rows(found))


def _window(begin_ms: int, end_ms: int, longest_ns: int) -> tuple[int, int]:
    """Return a window of time in nanoseconds.

    Raises
    ------
    MisuseError
        It is too long, or ends before it begins.
    """
    begin_ns, end_ns = begin_ms * MILLION, end_ms * MILLION
    if not 0 <= end_ns - begin_ns <= longest_ns:
        raise MisuseError(f"ask for at most {longest_ns // SECOND_NS:,} s at once, from the earlier time to the later")
    return begin_ns, end_ns
