"""A running node: sources polled step by step into a centre, at the pace of the wall clock or of the data."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.centre import Centre, CentreConfig, Output
from skypact.formats.decoded import Decoded, joined
from skypact.node.sources import FileFeed, open_feeds
from skypact.sensors import Catalogue
from skypact.tables import NO_TIME
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.node.config import NodeConfig


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a node.

    Attributes
    ----------
    now_ns : int
        UTC nanoseconds.
    arrived : Decoded
    output : Output
    """

    now_ns: int
    arrived: Decoded
    output: Output


class Node:
    """A node at work.

    Parameters
    ----------
    config : NodeConfig

    Raises
    ------
    ConfigError, InputError, FormatError
        The catalogue, an address or a recording cannot be used; nothing stays open then.
    """

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        catalogue = Catalogue() if config.sensors is None else Catalogue.read(config.sensors)
        self.centre = Centre(CentreConfig(catalogue=catalogue, tracker=config.tracker, exercise=config.exercise))
        self._step_ns = int(config.step_s * SECOND_NS)
        self.feeds = open_feeds(config.sources, self._step_ns)

    @property
    def problems(self) -> Mapping[str, int]:
        """What all sources refused or skipped so far, by kind."""
        total: Counter[str] = Counter()
        for feed in self.feeds:
            total.update(feed.problems)
        return total

    def moments(self, stop: threading.Event | None = None) -> Iterator[Moment]:
        """Run until told to stop or, with recordings only, until they end; yield each step."""
        stop = stop or threading.Event()
        now_ns = NO_TIME
        try:
            while not stop.is_set() and not all(feed.ended for feed in self.feeds):
                now_ns = self._await(now_ns, stop)
                if stop.is_set():
                    return
                arrived = joined([feed.poll(now_ns)[0] for feed in self.feeds])
                if self.config.clock == "data":
                    now_ns = max(now_ns, _newest(arrived.plots))
                output = self.centre.step(now_ns, arrived.plots, services=arrived.services)
                yield Moment(now_ns, arrived, output)
        finally:
            self.close()

    def close(self) -> None:
        """Close all sources."""
        for feed in self.feeds:
            feed.close()

    def _await(self, before_ns: int, stop: threading.Event) -> int:
        """Wait for the end of the next step and return its time."""
        playing = [feed for feed in self.feeds if isinstance(feed, FileFeed) and not feed.ended]
        if len(playing) < len([feed for feed in self.feeds if not feed.ended]) or self.config.clock == "wall":
            stop.wait(self._step_ns / SECOND_NS)
            if self.config.clock == "wall":
                return time.time_ns()
            return max([before_ns, *(feed.due_ns for feed in playing)])
        now_ns = min(feed.next_ns or 0 for feed in playing)
        wait = max(feed.wait_s(now_ns) for feed in playing)
        if wait > 0:
            stop.wait(wait)
        return now_ns


def _newest(plots: pa.Table) -> int:
    """Return the time of the newest plot."""
    time_ns = np.asarray(plots["time"].cast(pa.int64()).fill_null(NO_TIME).to_numpy())
    return int(time_ns.max(initial=NO_TIME))
