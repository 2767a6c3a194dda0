"""Writing a journal: what `append` returns from is on the disk."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from skypact.errors import JournalError, MisuseError
from skypact.journal import _folder, _frames
from skypact.journal._folder import Segment
from skypact.journal._recovery import cut, recover
from skypact.journal._seal import extent
from skypact.journal._sealer import Sealer
from skypact.journal.contents import Content, as_table, table_name
from skypact.journal.reader import Journal
from skypact.units import SECOND_NS

SEGMENT_BYTES = 64 << 20
"""Octets of a log from which on it is sealed: a million plots, which become a Parquet file of 15 MB."""
SEGMENT_S = 900.0
"""Seconds of the centre's time after which a log is sealed, so that Parquet lags no more behind."""
CLOCK_BACK_NS = SECOND_NS
"""A step may be older than the one before it by this without the clock having been set back."""

_log = logging.getLogger(__name__)


class Writer:
    """The one writer of a journal.

    Entries are appended to a log; when it is large or old enough it is sealed to Parquet in the background. Which
    entries a segment holds follows from their sizes and from the times of steps, never from the clock, so that the same
    calls make the same files. May be used from several threads.

    Parameters
    ----------
    path : path or str
        The folder; made if there is none.
    node, party : str
        Whose journal it is.
    segment_bytes : int
    segment_s : float
        Size of a log, and span of its steps, from which on it is sealed.
    report : callable, optional
        Takes one line when something is to be known that stops nothing: the clock was set back, sealing fails. Logged
        as a warning if not given.

    Attributes
    ----------
    journal : Journal
        To read it.
    recovery : Recovery
        What the last writer left unfinished.

    Raises
    ------
    JournalError
        No journal and not empty, the journal of another node, written by another process, a newer layout.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        node: str,
        party: str,
        segment_bytes: int = SEGMENT_BYTES,
        segment_s: float = SEGMENT_S,
        report: Callable[[str], None] | None = None,
    ) -> None:
        root = Path(path)
        self.journal = Journal(root, _folder.make(root, node, party))
        self._lock_fd: int | None = _folder.lock(root)
        try:
            self.recovery, unsealed, last = recover(root)
        except BaseException:
            self._unlock()
            raise
        self._segment_bytes = segment_bytes
        self._segment_ns = int(segment_s * SECOND_NS)
        self._report = report or _log.warning
        self._clock = _Clock(self._report)
        self._active: _Log | None = None
        # The last acknowledged sequence, and the octets of the active log that hold acknowledged entries.
        self._done = (last, 0)
        self._unclean: tuple[Segment, int] | None = None
        self._lock = threading.RLock()
        self._sealer = Sealer(root, self._report)
        self._sealer.add(unsealed)

    @property
    def last_sequence(self) -> int:
        """Sequence of the last entry, 0 where there is none."""
        return self._done[0]

    def append(self, content: Content) -> int:
        """Append an entry; return its sequence when it is on the disk, which is what acknowledged means.

        Parameters
        ----------
        content : Table, Step or Snapshot
            A table needs a schema name in its metadata, such as ``plots/1``.

        Raises
        ------
        JournalError
            The disk is full or fails: the entry is not in the journal, all before it are, and appending can go on when
            there is space again.
        MisuseError
            A table that could not be read again exactly.
        """
        return self.append_many([content])[0]

    def append_many(self, contents: Iterable[Content]) -> list[int]:
        """Append entries with one wait for the disk; all of them are in the journal then, or none.

        Raises
        ------
        JournalError, MisuseError
            As `append`.
        """
        tables = [as_table(content) for content in contents]
        with self._lock:
            if self._lock_fd is None:
                raise MisuseError(f"{self.journal.path}: the journal has been closed")
            if not tables:
                return []
            sequences = list(range(self.last_sequence + 1, self.last_sequence + 1 + len(tables)))
            frames: list[bytes | pa.Buffer] = []
            schemas: dict[str, bytes] = {}
            for sequence, table in zip(sequences, tables, strict=True):
                header, schema, stream = _frames.encode(sequence, table)
                frames += header, schema, stream
                name = table_name(table.schema)
                if schemas.setdefault(name, schema) != schema:
                    raise MisuseError(f"table {name} in two schemas; append them one after the other")
            if self._active is not None and any(self._active.schemas.get(n, s) != s for n, s in schemas.items()):
                self._roll()
            self._write(frames, sequences[-1])
            self._after(sequences, tables, schemas)
            return sequences

    def seal(self) -> None:
        """Seal all that has been appended, and return when it is Parquet.

        Raises
        ------
        JournalError
            It cannot be sealed; it stays as it is and loses nothing.
        """
        with self._lock:
            self._roll()
        self._sealer.wait()

    def close(self) -> None:
        """Seal all that has been appended and let others write; a closed journal stays closed.

        Raises
        ------
        JournalError
            As `seal`; closed it is nevertheless.
        """
        try:
            self.seal()
        finally:
            with self._lock:
                self._unlock()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unlock(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def _write(self, frames: list[bytes | pa.Buffer], last: int) -> None:
        """Write frames to the active log, or to a new one; if that fails, leave no trace of them."""
        root = self.journal.path
        try:
            self._clean()
            if self._active is None:
                self._active = _Log.begin(root, self.last_sequence + 1)
                frames = [_frames.HEAD, *frames]
            written = _frames.write_whole(self._active.fd, frames)
            os.fsync(self._active.fd)
            before = self._done[1]
            if not before:
                _folder.sync_folder(root / "log")
            # At once, so that an interrupt here finds either all of it done or nothing.
            self._done = last, before + written
        except BaseException as err:
            self._abandon()
            if not isinstance(err, OSError):
                raise
            what = f"cannot be appended to: {err.strerror or err}"
            hint = f"all to sequence {self.last_sequence} is safe; make space, then append again"
            raise JournalError(what, path=root, hint=hint) from None

    def _after(self, sequences: list[int], tables: list[pa.Table], schemas: dict[str, bytes]) -> None:
        assert self._active is not None
        self._active.schemas |= schemas
        old = False
        for sequence, table in zip(sequences, tables, strict=True):
            if table_name(table.schema) == "steps":
                _, now_ns = extent(table)
                if now_ns is not None:
                    self._clock.watch(sequence, now_ns)
                    old |= self._active.span_ns(now_ns) >= self._segment_ns
        if old or self._done[1] >= self._segment_bytes:
            self._roll()

    def _roll(self) -> None:
        """End the active log and have it sealed."""
        if self._active is not None:
            os.close(self._active.fd)
            log, self._active, self._done = self._active.segment, None, (self.last_sequence, 0)
            self._sealer.add([log])

    def _abandon(self) -> None:
        """End the active log after a failure; what it holds beyond the last acknowledged entry is cut off."""
        if self._active is not None:
            os.close(self._active.fd)
            self._unclean = self._active.segment, self._done[1]
            self._active, self._done = None, (self.last_sequence, 0)
        with contextlib.suppress(OSError):  # tried again before anything else is written
            self._clean()

    def _clean(self) -> None:
        if self._unclean is None:
            return
        log, size = self._unclean
        if size:
            cut(log.path, size)
            self._sealer.add([log])
        else:
            log.path.unlink(missing_ok=True)
            _folder.sync_folder(log.path.parent)
        self._unclean = None


@dataclass(slots=True)
class _Log:
    """The log that is appended to.

    Attributes
    ----------
    segment : Segment
    fd : int
    schemas : dict of str to bytes
        Of its tables, one each.
    first_step_ns : int or None
    """

    segment: Segment
    fd: int
    schemas: dict[str, bytes] = field(default_factory=dict)
    first_step_ns: int | None = None

    @classmethod
    def begin(cls, root: Path, first: int) -> _Log:
        path = _folder.log_path(root, first)
        return cls(Segment(path, first), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))

    def span_ns(self, now_ns: int) -> int:
        """Return how far a step's time is from that of the first step, whichever way the clock was set."""
        if self.first_step_ns is None:
            self.first_step_ns = now_ns
        return abs(now_ns - self.first_step_ns)


@dataclass(slots=True)
class _Clock:
    """Notices when the time of steps goes back, and says so once."""

    report: Callable[[str], None]
    last_ns: int | None = None
    told: bool = False

    def watch(self, sequence: int, now_ns: int) -> None:
        back_ns = 0 if self.last_ns is None else self.last_ns - now_ns
        self.last_ns = now_ns
        if back_ns > CLOCK_BACK_NS and not self.told:
            self.told = True
            back_s = back_ns / SECOND_NS
            self.report(
                f"the time of steps went back by {back_s:.1f} s at sequence {sequence}; entries stay as they came"
            )
