"""What clients missed, read from the journal and told as it was told then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from skypact.console.broadcast import Event, step_event
from skypact.console.rows import rows
from skypact.journal import Step

if TYPE_CHECKING:
    from skypact.journal import Entry, Journal

MOST_MISSED = 20_000
"""Entries of the journal that are told again, some minutes; whoever missed more gets the whole picture."""


def missed(journal: Journal, last: int) -> Iterator[Event] | None:
    """Return the events that follow one, or None if they are too many, or not in the journal.

    Raises
    ------
    JournalError
        Damage; also when all before it has been given.
    """
    first, end = journal.first_sequence, journal.last_sequence
    if not first - 1 <= last <= end or end - last > MOST_MISSED:
        return None
    return _events(journal, last)


def _events(journal: Journal, last: int) -> Iterator[Event]:
    held: list[Entry] = []
    for entry in journal.entries(from_sequence=last + 1, tables={"tracks", "steps"}):
        if isinstance(entry.content, Step):
            made = [one.content for one in held if one.sequence in entry.content.produced]
            changed = [row for table in made if isinstance(table, pa.Table) for row in rows(table)]
            yield step_event(entry.sequence, entry.content.now_ns, changed)
            held = []
        else:
            held.append(entry)
