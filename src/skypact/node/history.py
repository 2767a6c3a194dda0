"""A node's memory: its centre as the journal left it, and the journal written on, step by step.

A step is appended as a whole or not at all, with one wait for the disk: the octets as they came, what the centre was
given, what it made of it, and the step that names both. When the disk refuses, steps wait in a bounded backlog and are
tried again; if that overflows they are given up, and the journal says from when to when it has none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from skypact.centre import Centre, CentreConfig, Output
from skypact.errors import JournalError
from skypact.journal import Snapshot, Step, Writer, raw
from skypact.node.replay import VERSION, Gap, Replay, settings
from skypact.units import SECOND_NS, from_ns

if TYPE_CHECKING:
    from os import PathLike

    from skypact.formats.decoded import Decoded
    from skypact.journal import Journal
    from skypact.node.feeds import Arrival

BACKLOG_OCTETS = 64 << 20
"""Most octets of steps that wait for a disk that refuses them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Group:
    """What is appended for one step."""

    now_ns: int
    beside: Sequence[pa.Table]
    given: Sequence[pa.Table]
    made: Sequence[pa.Table]

    @property
    def octets(self) -> int:
        return sum(table.nbytes for table in (*self.beside, *self.given, *self.made)) + 256

    def contents(self, sequence: int) -> list[pa.Table | Step]:
        """Return what is appended from a sequence on."""
        tables = [*self.beside, *self.given, *self.made]
        given = sequence + len(self.beside)
        made = given + len(self.given)
        end = made + len(self.made)
        return [*tables, Step(self.now_ns, tuple(range(given, made)), tuple(range(made, end)))]


class History:
    """The journal of a node, open for writing, and the centre as it left it.

    Parameters
    ----------
    path : path or str
        Folder of the journal.
    config : CentreConfig
    snapshot_s : float
        How much of the centre's time may pass between snapshots.

    Attributes
    ----------
    centre : Centre
    failing : str
        Why the disk refuses, empty if it does not.
    lost_steps : int
        Steps that are not in the journal.

    Raises
    ------
    JournalError
        The folder is no journal, is another node's, is being written, or is damaged.
    """

    def __init__(self, path: str | PathLike[str], config: CentreConfig, snapshot_s: float = 300.0) -> None:
        self.path = path
        self.failing = ""
        self.lost_steps = 0
        self._snapshot_after_ns = int(snapshot_s * SECOND_NS)
        self._snapshot_ns: int | None = None
        self._last_ns: int | None = None
        self._backlog: list[_Group] = []
        self._gap: Gap | None = None
        tracker = config.tracker
        self._writer = Writer(path, node=tracker.node, party=tracker.party, report=_log.warning)
        try:
            recovery = self._writer.recovery
            if recovery.entries or recovery.torn_bytes or recovery.notices:
                _log.warning("%s: %s", path, recovery)
            self.centre = self._restore(config) if self._writer.last_sequence else self._begin(config)
        except BaseException:
            self._writer.close()
            raise

    @property
    def journal(self) -> Journal:
        """The journal, to read it."""
        return self._writer.journal

    @property
    def last_ns(self) -> int | None:
        """The time of the last step, none before the first."""
        return self._last_ns

    @property
    def last_sequence(self) -> int:
        """Sequence of the last entry that is safe."""
        return self._writer.last_sequence

    def _begin(self, config: CentreConfig) -> Centre:
        self._writer.append(settings(config))
        return Centre(config)

    def _restore(self, config: CentreConfig) -> Centre:
        """Return the centre as the journal left it, under the configuration it has now."""
        replay = Replay.latest(self._writer.journal)
        count = sum(1 for _ in replay.steps())
        self._last_ns = replay.now_ns
        when = "" if replay.now_ns is None else f" at {from_ns(replay.now_ns):%Y-%m-%d %H:%M:%S} UTC"
        _log.info("%s: resumed%s, %d steps since the last snapshot repeated", self.path, when, count)
        if replay.centre.config == config and replay.version == VERSION:
            return replay.centre
        self._writer.append(settings(config))
        return Centre.resume(replay.centre.snapshot(), config)

    def record(self, now_ns: int, arrivals: Sequence[tuple[str, Arrival]], arrived: Decoded, output: Output) -> None:
        """Append a step; what the disk refuses waits.

        Parameters
        ----------
        now_ns : int
        arrivals : sequence of (str, Arrival)
            By feed: the octets as they came.
        arrived : Decoded
            What the centre was given.
        output : Output
            What it made of it.
        """
        came = [(name, one.octets) for name, one in arrivals if one.octets]
        group = _Group(
            now_ns,
            [raw(name, [m for m, _ in octets], [t for _, t in octets]) for name, octets in came],
            [t for t in (arrived.plots, arrived.services, arrived.tracks) if t.num_rows],
            output.tables,
        )
        self._backlog.append(group)
        self._last_ns = now_ns
        try:
            self._catch_up()
        except JournalError as err:
            self._refused(err)
        else:
            if self.failing:
                _log.warning("%s: is written again", self.path)
            self.failing = ""

    def _catch_up(self) -> None:
        if self._gap is not None:
            self._close_gap(self._gap)
        while self._backlog:
            self._writer.append_many(self._backlog[0].contents(self._writer.last_sequence + 1))
            del self._backlog[0]
        now_ns = self._last_ns
        if now_ns is None:
            return
        if self._snapshot_ns is None:
            self._snapshot_ns = now_ns
        elif abs(now_ns - self._snapshot_ns) >= self._snapshot_after_ns:
            self._writer.append(self._snapshot(now_ns, self._writer.last_sequence))

    def _snapshot(self, now_ns: int, through: int) -> Snapshot:
        self._snapshot_ns = now_ns
        return Snapshot(now_ns, through, self.centre.snapshot())

    def _refused(self, err: JournalError) -> None:
        if not self.failing:
            _log.error("%s; the node goes on, and steps wait to be written", err)
        self.failing = str(err)
        if self._gap is None and sum(group.octets for group in self._backlog) > BACKLOG_OCTETS:
            _log.error("%s: too much waits for the disk: steps are given up", self.path)
            self._gap = Gap(self._backlog[0].now_ns, self._backlog[0].now_ns, 0)
        if self._gap is not None and self._backlog:
            self._give_up(self._gap)

    def _give_up(self, gap: Gap) -> None:
        """Forget what waits."""
        self.lost_steps += len(self._backlog)
        self._gap = Gap(gap.from_ns, self._backlog[-1].now_ns, gap.steps + len(self._backlog))
        self._backlog.clear()

    def _close_gap(self, gap: Gap) -> None:
        """Say what is missing, and how the centre is after it."""
        if self._backlog:  # already part of the state that follows
            self._give_up(gap)
            gap = self._gap or gap
        state = self._snapshot(gap.to_ns, self._writer.last_sequence + 1)
        self._writer.append_many([gap.table(), state])
        self._gap = None
        _log.warning("%s: %d steps are missing from it", self.path, gap.steps)

    def close(self) -> None:
        """Write what waits and the state, seal the journal and let others write it.

        Raises
        ------
        JournalError
            The disk refuses; closed it is nevertheless.
        """
        try:
            self._catch_up()
            if self._last_ns is not None and self._snapshot_ns != self._last_ns:
                self._writer.append(self._snapshot(self._last_ns, self._writer.last_sequence))
        finally:
            self._writer.close()
