"""A journal run again: the same centre, the same steps, and whether they give the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.centre import Centre, CentreConfig, Output
from skypact.errors import JournalError
from skypact.formats.decoded import Decoded
from skypact.journal import Snapshot, Step
from skypact.tables import PLOTS, SERVICES, TIME, TRACKS, empty, times

if TYPE_CHECKING:
    from skypact.journal import Entry, Journal

VERSION = version("skypact")

SETTINGS = pa.schema([("version", pa.string()), ("centre", pa.binary())], metadata={"schema": "settings/1"})
"""Under what a centre goes on from here: the version of skypact, and `CentreConfig.to_json`."""
GAPS = pa.schema([("time", TIME), ("until", TIME), ("steps", pa.uint64())], metadata={"schema": "gaps/1"})
"""Steps that could not be written; the snapshot behind it has the state they led to."""
OF_STEPS = frozenset({"raw", "plots", "services", "tracks", "releases", "warnings"})
"""Tables that are written together with the step that they belong to."""


def settings(config: CentreConfig) -> pa.Table:
    """Return what the journal says of a configuration."""
    columns = [pa.array([VERSION]), pa.array([config.to_json()], pa.binary())]
    return pa.table(columns, schema=SETTINGS)


@dataclass(frozen=True, slots=True)
class Gap:
    """Steps that were given up: from the first to the last, and how many."""

    from_ns: int
    to_ns: int
    steps: int

    def table(self) -> pa.Table:
        """Return it as one row."""
        ends = [times(np.array([at], np.int64)) for at in (self.from_ns, self.to_ns)]
        return pa.table([*ends, pa.array([self.steps], pa.uint64())], schema=GAPS)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One step made again.

    Attributes
    ----------
    sequence, now_ns : int
    arrived : Decoded
        What the centre was given.
    output : Output
        What it makes of it now.
    same : bool
        Whether that is what the journal says it made of it.
    """

    sequence: int
    now_ns: int
    arrived: Decoded
    output: Output
    same: bool


class Replay:
    """A journal from a snapshot on, or from its beginning, run through a centre.

    Attributes
    ----------
    centre : Centre
        As the last step left it.
    now_ns : int or None
        The time of that step.
    version : str
        Of the skypact that wrote the journal.
    missing : int
        Steps that the journal does not have, met so far.
    """

    def __init__(self, journal: Journal, snapshot: Entry | None = None) -> None:
        self.journal = journal
        self.missing = 0
        self.now_ns: int | None = None
        self.version = ""
        self._begin = journal.first_sequence
        until = None if snapshot is None else snapshot.sequence
        config = self._config(until)
        if snapshot is None:
            self.centre = Centre(config)
        else:
            assert isinstance(snapshot.content, Snapshot)
            self.centre = Centre.resume(snapshot.content.data, config)
            self.now_ns = snapshot.content.now_ns
            self._begin = snapshot.content.through + 1

    @classmethod
    def latest(cls, journal: Journal) -> Replay:
        """Return the replay of what came after the last snapshot."""
        return cls(journal, journal.at())

    @classmethod
    def at(cls, journal: Journal, time_ns: int) -> Replay:
        """Return the replay from the last snapshot before a time, or from the beginning."""
        return cls(journal, journal.at(time_ns - 1))

    def _config(self, until: int | None) -> CentreConfig:
        """Return the configuration in force before an entry, or at the beginning."""
        if until is None:
            until = self._begin + 1
        found = None
        for entry in self.journal.entries(tables={"settings"}, to_sequence=until):
            found = entry.content
        if not isinstance(found, pa.Table):
            hint = "was it written by a node of this version?"
            raise JournalError("does not say how its centre was configured", path=self.journal.path, hint=hint)
        return self._use(found)

    def _use(self, table: pa.Table) -> CentreConfig:
        self.version = table["version"][0].as_py()
        return CentreConfig.from_json(table["centre"][0].as_py())

    def steps(self) -> Iterator[Replayed]:
        """Yield the steps, made again.

        Raises
        ------
        JournalError
            Damage, when all before it has been given.
        """
        for entries in self.groups():
            made = self.repeat(entries)
            if made is not None:
                yield made

    def groups(self) -> Iterator[Sequence[Entry]]:
        """Yield entries as they were appended: those of a step together, a gap with its snapshot, others alone."""
        held: list[Entry] = []
        for entry in self.journal.entries(from_sequence=self._begin):
            held.append(entry)
            if entry.kind not in OF_STEPS and entry.kind != "gaps":
                yield held
                held = []

    def repeat(self, entries: Sequence[Entry]) -> Replayed | None:
        """Do again what a group of entries says; return the step if it is one."""
        last = entries[-1]
        content = last.content
        if isinstance(content, Step):
            return self._step(last.sequence, content, entries)
        if isinstance(content, Snapshot) and entries[0].kind == "gaps" and isinstance(entries[0].content, pa.Table):
            self.missing += entries[0].content["steps"][0].as_py()
            self.centre = Centre.resume(content.data, self.centre.config)
            self.now_ns = content.now_ns
        elif last.kind == "settings" and isinstance(content, pa.Table):
            config = self._use(content)
            if config != self.centre.config:
                self.centre = Centre.resume(self.centre.snapshot(), config)
        return None

    def _step(self, sequence: int, step: Step, entries: Sequence[Entry]) -> Replayed:
        tables = {e.sequence: e.content for e in entries if isinstance(e.content, pa.Table)}
        given = [tables[number] for number in step.consumed]
        arrived = Decoded(*(_of(given, schema) for schema in (PLOTS, TRACKS, SERVICES)))
        output = self.centre.step(step.now_ns, arrived.plots, services=arrived.services, partners=arrived.tracks)
        self.now_ns = step.now_ns
        recorded = [tables[number] for number in step.produced]
        made = output.tables
        same = len(made) == len(recorded) and all(a.equals(b) for a, b in zip(made, recorded, strict=True))
        return Replayed(sequence, step.now_ns, arrived, output, same)


def _of(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return the one of some tables that has a schema, or an empty one."""
    return next((table for table in tables if table.schema.equals(schema)), empty(schema))


def rewritten(entries: Sequence[Entry], replayed: Replayed | None, centre: Centre) -> list[pa.Table | Step | Snapshot]:
    """Return what a node that did the same would have appended for a group of entries."""
    last = entries[-1].content
    if replayed is None:
        if isinstance(last, Snapshot):
            state = Snapshot(last.now_ns, last.through, centre.snapshot())
            return [*(e.content for e in entries[:-1]), state]
        return [e.content for e in entries]
    assert isinstance(last, Step)
    made = replayed.output.tables
    begin = entries[0].sequence + len(entries) - 1 - len(last.produced)
    kept = [e.content for e in entries if e.sequence not in last.produced and e.content is not last]
    return [*kept, *made, Step(last.now_ns, last.consumed, tuple(range(begin, begin + len(made))))]
