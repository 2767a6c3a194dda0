"""A running node: feeds polled step by step into a centre, at the pace of the wall clock or of the data."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.centre import Centre, CentreConfig, Output
from skypact.formats.decoded import Decoded, joined
from skypact.node.feeds import Arrival, Feed, PlayedFeed
from skypact.node.history import History
from skypact.node.pace import Pace
from skypact.node.sources import open_feeds
from skypact.node.status import Status, Watch
from skypact.sensors import Catalogue
from skypact.tables import NO_TIME
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.node.config import NodeConfig

AHEAD_NS = 10 * SECOND_NS
"""In the time of the data the present goes on no further than this beyond the median of what arrived, so that one
wrong stamp does not carry it away."""
JUMP_S = 2.0
"""A wall clock that differs by more from where it should be was set."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a node.

    Attributes
    ----------
    now_ns : int
        UTC nanoseconds.
    arrived : Decoded
    output : Output
    sequence : int or None
        Of the step in the journal; none without a journal.
    """

    now_ns: int
    arrived: Decoded
    output: Output
    sequence: int | None = None


class Node:
    """A node at work.

    Parameters
    ----------
    config : NodeConfig
    catalogue : Catalogue, optional
        In place of the configuration's.
    feeds : sequence of Feed, optional
        In place of the configuration's sources.

    Attributes
    ----------
    centre : Centre
    feeds : list of Feed
    history : History or None
        None without a journal.

    Raises
    ------
    ConfigError, InputError, FormatError, JournalError
        The catalogue, an address, a recording or the journal cannot be used; nothing stays open then.
    """

    def __init__(
        self, config: NodeConfig, catalogue: Catalogue | None = None, feeds: Sequence[Feed] | None = None
    ) -> None:
        self.config = config
        if catalogue is None:
            catalogue = Catalogue() if config.sensors is None else Catalogue.read(config.sensors)
        told = CentreConfig(catalogue=catalogue, tracker=config.tracker, exercise=config.exercise)
        self._step_ns = int(config.step_s * SECOND_NS)
        self.feeds = open_feeds(config.sources, self._step_ns) if feeds is None else list(feeds)
        self.history: History | None = None
        try:
            if config.journal is not None:
                self.history = History(config.journal, told, config.snapshot_s)
        except BaseException:
            self._close_feeds()
            raise
        self.centre = Centre(told) if self.history is None else self.history.centre
        self._pace = Pace(None if config.speed == "max" else float(config.speed))
        self._clock = _WallClock()
        self._in_data_time = config.in_data_time or any(isinstance(feed, PlayedFeed) for feed in self.feeds)
        self._watch = Watch(self.centre, self.feeds, self.history)

    @property
    def status(self) -> Status:
        """How the node is, as of a moment ago; may be asked by other threads."""
        return self._watch.status

    def moments(self, stop: threading.Event | None = None) -> Iterator[Moment]:
        """Run until told to stop or until nothing more can come; yield each step when it is in the journal.

        Raises
        ------
        JournalError
            At the end: what was kept back could not be written.
        """
        stop = stop or threading.Event()
        now_ns = NO_TIME
        try:
            while not stop.is_set() and not all(feed.ended for feed in self.feeds):
                now_ns = self._await(now_ns, stop)
                if stop.is_set():
                    break
                moment = self._step(now_ns)
                if moment is not None:
                    now_ns = moment.now_ns
                    yield moment
        finally:
            if now_ns != NO_TIME:
                self._watch.look(now_ns)
            self.close()

    def close(self) -> None:
        """Close all feeds and the journal."""
        self._close_feeds()
        if self.history is not None:
            self.history.close()
            self.history = None

    def _close_feeds(self) -> None:
        for feed in self.feeds:
            feed.close()

    def _step(self, now_ns: int) -> Moment | None:
        begun = time.perf_counter()
        arrivals = [feed.poll(now_ns) for feed in self.feeds]
        arrived = joined([one.decoded for one in arrivals]).whole()
        if self._in_data_time:
            now_ns = max(now_ns, _newest(arrived.plots))
            if now_ns == NO_TIME:
                return None
        output = self.centre.step(now_ns, arrived.plots, services=arrived.services, partners=arrived.tracks)
        self._watch.tell(output.notices)
        self._record(now_ns, arrivals, arrived, output)
        self._watch.after(now_ns, time.perf_counter() - begun)
        return Moment(now_ns, arrived, output, None if self.history is None else self.history.last_sequence)

    def _record(self, now_ns: int, arrivals: Sequence[Arrival], arrived: Decoded, output: Output) -> None:
        if self.history is not None:
            names = [feed.name for feed in self.feeds]
            self.history.record(now_ns, list(zip(names, arrivals, strict=True)), arrived, output)

    def _await(self, before_ns: int, stop: threading.Event) -> int:
        """Wait for the end of the next step and return its time."""
        playing = [ns for feed in self.feeds if isinstance(feed, PlayedFeed) and (ns := feed.next_ns) is not None]
        if all(isinstance(feed, PlayedFeed) for feed in self.feeds):
            now_ns = min(playing)
            wait = self._pace.wait_s(now_ns)
            if wait > 0:
                stop.wait(wait)
            return now_ns
        stop.wait(self._step_ns / SECOND_NS)
        if not self._in_data_time:
            return self._clock.now_ns()
        return max([before_ns, *([self._pace.reached_ns(min(playing))] if playing else [])])


class _WallClock:
    """The wall clock, that tells when it was set."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()

    def now_ns(self) -> int:
        now_ns = time.time_ns()
        moved = now_ns / SECOND_NS - time.monotonic() - self._ahead_s
        if abs(moved) > JUMP_S:
            way = "forward" if moved > 0 else "back"
            _log.warning("the clock of this machine was set %s by %.1f s", way, abs(moved))
            self._ahead_s += moved
        return now_ns


def _newest(plots: pa.Table) -> int:
    """Return the time of the newest plot that agrees with the others."""
    time_ns = plots["time"].cast(pa.int64()).drop_null().to_numpy()
    if not len(time_ns):
        return NO_TIME
    usual = np.sort(time_ns)[(len(time_ns) - 1) // 2]
    return int(time_ns[time_ns <= usual + AHEAD_NS].max())
