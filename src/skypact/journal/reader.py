"""Reading a journal: one table through time, or all entries in their order for a replay."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from skypact.errors import JournalError
from skypact.journal import _folder, _frames
from skypact.journal._frames import Frame
from skypact.journal._seal import extent
from skypact.journal._sealed import Run, Sealed
from skypact.journal._selection import Selection
from skypact.journal.contents import Content, from_table, read_schema, table_name
from skypact.tables import NO_TIME

T = TypeVar("T")

_END = 1 << 63
"""Beyond every sequence."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal.

    Attributes
    ----------
    sequence : int
    kind : str
        Name of its table: ``plots``, ``tracks``, ``raw``, ..., ``steps`` or ``snapshots``.
    content : Table, Step or Snapshot
        As it was appended.
    """

    sequence: int
    kind: str
    content: Content


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a journal holds.

    Attributes
    ----------
    first_sequence, last_sequence : int
        0 where it is empty.
    first_ns, last_ns : int
        Earliest and latest time in any table, UTC nanoseconds; `tables.NO_TIME` where there is none.
    rows : mapping of str to int
        By table.
    sealed_bytes, log_bytes : int
        On the disk, as Parquet and as logs not yet sealed.
    """

    first_sequence: int = 0
    last_sequence: int = 0
    first_ns: int = NO_TIME
    last_ns: int = NO_TIME
    rows: Mapping[str, int] = field(default_factory=dict)
    sealed_bytes: int = 0
    log_bytes: int = 0


class Journal:
    """A journal opened for reading, also while another process writes it.

    Reading gives what is there when it is read. What lies before damage is given whole, then `JournalError` says where
    to read on. A reader may see an entry a moment before the writer has it acknowledged.

    Attributes
    ----------
    path : Path
    node, party : str
        Whose journal it is.
    """

    def __init__(self, path: Path, meta: _folder.Meta) -> None:
        self.path = path
        self.node = meta.node
        self.party = meta.party

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Journal:
        """Open the journal in a folder.

        Raises
        ------
        JournalError
            No journal, or one of a newer layout.
        """
        root = Path(path)
        return cls(root, _folder.read_meta(root))

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r}, node={self.node!r}, party={self.party!r})"

    @property
    def first_sequence(self) -> int:
        """Sequence of the first entry kept, 0 where there is none."""
        return self._settled(lambda segments: _outermost(segments, min))

    @property
    def last_sequence(self) -> int:
        """Sequence of the last entry, 0 where there is none."""
        return self._settled(lambda segments: _outermost(segments[::-1], max))

    def read(
        self,
        table: str,
        *,
        from_sequence: int | None = None,
        to_sequence: int | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the rows of one table in the order of their sequence, in pieces of any size but none.

        Parameters
        ----------
        table : str
            Its name, such as ``plots``.
        from_sequence, to_sequence : int, optional
            Entries from the first up to, but not with, the second.
        from_ns, to_ns : int, optional
            Rows with a time (column `time`, else `received`) from the first up to, but not with, the second, UTC
            nanoseconds.
        columns : sequence of str, optional
            Columns wanted, none for all; ``sequence`` is one that may be asked for.

        Raises
        ------
        JournalError
            Damage, or sequences asked for that are not there; raised when all before has been given.
        MisuseError
            A column, or times, that the table does not have.
        """
        selection = Selection(table, columns, from_ns, to_ns)

        def of_sealed(sealed: Sealed, begin: int, end: int) -> Iterator[pa.Table]:
            schema = sealed.schema(table)
            if schema is not None:
                needed = selection.needed(schema)
                for run in sealed.runs(table, begin, end, columns=needed, from_ns=from_ns, to_ns=to_ns):
                    yield selection.of(run)

        def of_log(frame: Frame) -> Iterator[pa.Table]:
            schema = read_schema(frame.schema)
            if table_name(schema) == table:
                selection.needed(schema)
                counts = np.array([frame.rows], np.int64)
                yield selection.of(Run(np.array([frame.sequence], np.uint64), counts, _frames.decode(frame)))

        yield from (piece for piece in self._walk(from_sequence, to_sequence, of_sealed, of_log) if piece.num_rows)

    def entries(
        self,
        *,
        from_sequence: int | None = None,
        to_sequence: int | None = None,
        tables: Collection[str] | None = None,
    ) -> Iterator[Entry]:
        """Yield all entries in the order of their sequence, as they were appended.

        Parameters
        ----------
        from_sequence, to_sequence : int, optional
            Entries from the first up to, but not with, the second.
        tables : collection of str, optional
            Tables wanted, none for all.

        Raises
        ------
        JournalError
            Damage, or sequences asked for that are not there; raised when all before has been given.
        """

        def of_sealed(sealed: Sealed, begin: int, end: int) -> Iterator[Entry]:
            names = [name for name in sealed.tables if tables is None or name in tables]
            streams = [sealed.batches(name, begin, end) for name in names]
            for sequence, name, table in heapq.merge(*streams, key=itemgetter(0)):
                yield Entry(sequence, name, from_table(table))

        def of_log(frame: Frame) -> Iterator[Entry]:
            name = table_name(read_schema(frame.schema))
            if tables is None or name in tables:
                yield Entry(frame.sequence, name, from_table(_frames.decode(frame)))

        return self._walk(from_sequence, to_sequence, of_sealed, of_log)

    def at(self, time_ns: int | None = None, *, sequence: int | None = None) -> Entry | None:
        """Return the last snapshot taken at or before a time (or sequence), None where there is none.

        Parameters
        ----------
        time_ns : int, optional
            UTC nanoseconds.
        sequence : int, optional
        """
        found = self._settled(lambda segments: self._snapshot(segments, time_ns, sequence))
        return None if found is None else next(self.entries(from_sequence=found, to_sequence=found + 1))

    def _snapshot(self, segments: list[_folder.Segment], time_ns: int | None, sequence: int | None) -> int | None:
        for segment in reversed(segments):
            if sequence is None or segment.first <= sequence:
                found = self._newest(segment, time_ns, sequence)
                if found is not None:
                    return found
        return None

    def _newest(self, segment: _folder.Segment, time_ns: int | None, sequence: int | None) -> int | None:
        if segment.last is not None:
            return Sealed(self.path, segment).newest("snapshots", time_ns, sequence)
        found = None
        for part in _frames.scan(segment.path):
            if isinstance(part, Frame) and table_name(read_schema(part.schema)) == "snapshots":
                at_ns, _ = extent(_frames.decode(part))
                early = sequence is None or part.sequence <= sequence
                if early and at_ns is not None and (time_ns is None or at_ns <= time_ns):
                    found = part.sequence
        return found

    def usage(self) -> Usage:
        """Return how much the journal holds."""
        return self._settled(self._usage)

    def _usage(self, segments: list[_folder.Segment]) -> Usage:
        rows: Counter[str] = Counter()
        sealed_bytes = log_bytes = 0
        ends: list[int | None] = []
        for segment in segments:
            size = segment.path.stat().st_size
            if segment.last is None:
                log_bytes += size
                for part in _frames.scan(segment.path):
                    if isinstance(part, Frame):
                        rows[table_name(read_schema(part.schema))] += part.rows
                        ends += extent(_frames.decode(part))
                continue
            sealed = Sealed(self.path, segment)
            sealed_bytes += size + sum(info.bytes for info in sealed.tables.values())
            rows.update({name: info.rows for name, info in sealed.tables.items()})
            ends += sealed.extent()
        known = [end for end in ends if end is not None]
        first_ns, last_ns = (min(known), max(known)) if known else (NO_TIME, NO_TIME)
        first, last = _outermost(segments, min), _outermost(segments[::-1], max)
        return Usage(first, last, first_ns, last_ns, dict(rows), sealed_bytes, log_bytes)

    def foreign(self) -> list[str]:
        """Return one line for each place in the folder with files that are no part of the journal."""
        return _folder.foreign(self.path)

    def _settled(self, work: Callable[[list[_folder.Segment]], T]) -> T:
        """Return what is found in the segments; again, if a log is sealed meanwhile."""
        while True:
            try:
                return work(_folder.segments(self.path))
            except FileNotFoundError:
                continue

    def _walk(
        self,
        from_sequence: int | None,
        to_sequence: int | None,
        of_sealed: Callable[[Sealed, int, int], Iterator[T]],
        of_log: Callable[[Frame], Iterator[T]],
    ) -> Iterator[T]:
        """Yield what two functions make of the segments, in the order of sequence and without a gap."""
        expected = None if from_sequence is None else max(from_sequence, 1)
        end = _END if to_sequence is None else to_sequence
        while True:
            todo = _between(_folder.segments(self.path), expected, end)
            if todo and expected is None:
                expected = todo[0].first
            try:
                for segment in todo:
                    for begin, stop, part in self._stretches(segment, expected, end, last=segment is todo[-1]):
                        if expected is not None and begin > expected:
                            raise self._missing(expected, begin)
                        yield from of_log(part) if isinstance(part, Frame) else of_sealed(part, begin, stop)
                        expected = stop
            except FileNotFoundError:  # a log that has been sealed meanwhile
                continue
            return

    def _stretches(
        self, segment: _folder.Segment, expected: int | None, end: int, last: bool
    ) -> Iterator[tuple[int, int, Sealed | Frame]]:
        """Yield parts of a segment without a gap: their first sequence, one past their last, what they lie in."""
        begin = 0 if expected is None else expected
        if segment.last is not None:
            sealed = Sealed(self.path, segment)
            inside = sealed.sequences[(sealed.sequences >= begin) & (sealed.sequences < end)].astype(np.int64)
            for stretch in np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1):
                if len(stretch):
                    yield int(stretch[0]), int(stretch[-1]) + 1, sealed
            return
        before = segment.first - 1
        for part in _frames.scan(segment.path):
            if isinstance(part, Frame):
                before = part.sequence
                if begin <= before < end:
                    yield before, before + 1, part
            elif last and not part.torn and before < end and part.end == segment.path.stat().st_size:
                what = f"damaged at octet {part.offset}: nothing after sequence {before} can be read"
                raise JournalError(what, path=segment.path, hint="its node cuts it there when it starts again")

    def _missing(self, expected: int, found: int) -> JournalError:
        if found == expected + 1:
            what = f"sequence {expected} is missing"
        else:
            what = f"sequences {expected} to {found - 1} are missing"
        return JournalError(what, path=self.path, hint=f"read on with from_sequence={found}")


def _outermost(segments: list[_folder.Segment], which: Callable[[Iterable[int]], int]) -> int:
    """Return a sequence of the first segment with any, 0 where there is none."""
    for segment in segments:
        if segment.last is not None:
            return which((segment.first, segment.last))
        inside = [part.sequence for part in _frames.scan(segment.path) if isinstance(part, Frame)]
        if inside:
            return which(inside)
    return 0


def _between(segments: list[_folder.Segment], begin: int | None, end: int) -> list[_folder.Segment]:
    """Leave out the segments that end before one sequence or begin at or after another."""
    # What follows the last segment may be yet to come.
    following = [*(segment.first for segment in segments[1:]), _END]
    with_next = zip(segments, following, strict=False)
    return [segment for segment, after in with_next if (begin is None or after > begin) and segment.first < end]
