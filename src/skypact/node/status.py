"""How a node is: one value a step, for health checks, metrics and people."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skypact.node.feeds import FeedStatus

if TYPE_CHECKING:
    from skypact.centre import Centre
    from skypact.node.feeds import Feed
    from skypact.node.history import History
    from skypact.sensors import Notice

LOOK_S = 0.25
"""How often everything is looked at."""
MOST_NOTICES = 40
LATE_S = 5.0
"""A node whose last step is older is not well."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """How a node is.

    Attributes
    ----------
    node, party : str
    now_ns : int or None
        The present of the last step, UTC nanoseconds; none before the first.
    stepped_s : float
        When that was, monotonic seconds.
    steps : int
    busy_s : float
        Seconds spent on steps so far.
    plots : mapping of str to int
        By what became of them: ``plots`` in all, ``used``, and those left out by reason.
    tracks : mapping of str to int
        Alive now, by status.
    problems : mapping of str to mapping of str to int
        What each feed refused or skipped, by kind.
    feeds : tuple of FeedStatus
    sequence : int or None
        Of the last entry in the journal; none without a journal.
    journal_failing : str
        Why the disk refuses, empty if it does not.
    lost_steps : int
        Steps that are not in the journal.
    """

    node: str
    party: str
    now_ns: int | None = None
    stepped_s: float = 0.0
    steps: int = 0
    busy_s: float = 0.0
    plots: Mapping[str, int] = field(default_factory=dict)
    tracks: Mapping[str, int] = field(default_factory=dict)
    problems: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    feeds: tuple[FeedStatus, ...] = ()
    sequence: int | None = None
    journal_failing: str = ""
    lost_steps: int = 0

    def faults(self, now_s: float | None = None) -> list[str]:
        """Return what is not well, a line each; nothing if all is.

        Parameters
        ----------
        now_s : float, optional
            Monotonic seconds, for tests.
        """
        late = (time.monotonic() if now_s is None else now_s) - self.stepped_s
        found = [
            f"source {one.name}: {one.state}{one.why and f' ({one.why})'}" for one in self.feeds if not one.healthy
        ]
        if self.journal_failing:
            found.append(self.journal_failing)
        if self.now_ns is None:
            found.append("no step yet")
        elif late > LATE_S:
            found.append(f"no step for {late:.0f} s")
        return found

    def health(self) -> dict[str, Any]:
        """Return what a health check answers, for JSON: ``ok`` is false when nothing works, not when a feed is down."""
        faults = self.faults()
        seen = any(one.healthy for one in self.feeds)
        stuck = any(fault.startswith("no step") for fault in faults)
        return {
            "ok": seen and not stuck and not self.journal_failing,
            "node": self.node,
            "party": self.party,
            "faults": faults,
            "tracks": sum(count for status, count in self.tracks.items() if status != "tentative"),
            "plots": self.plots.get("plots", 0),
            "sequence": self.sequence,
        }


class Watch:
    """Follows what a node is made of and logs what changes about its feeds.

    Parameters
    ----------
    centre : Centre
    feeds : sequence of Feed
    history : History or None

    Attributes
    ----------
    status : Status
        As of the last look.
    """

    def __init__(self, centre: Centre, feeds: Sequence[Feed], history: History | None) -> None:
        self._centre, self._feeds, self._history = centre, feeds, history
        told = centre.config.tracker
        self.status = Status(told.node, told.party, stepped_s=time.monotonic())
        self._steps = 0
        self._busy_s = 0.0
        self._mixed = False
        self._told = 0

    def after(self, now_ns: int, busy_s: float) -> None:
        """Take note of a step that took `busy_s`; look at everything else now and then."""
        self._steps += 1
        self._busy_s += busy_s
        if time.monotonic() - self.status.stepped_s >= LOOK_S or self.status.now_ns is None:
            self.look(now_ns)

    def look(self, now_ns: int) -> None:
        """See how the node is."""
        old, history, counts = self.status, self._history, self._centre.counts
        self.status = Status(
            old.node,
            old.party,
            now_ns,
            time.monotonic(),
            self._steps,
            self._busy_s,
            counts,
            self._centre.alive,
            {feed.name: dict(feed.problems) for feed in self._feeds},
            tuple(feed.status() for feed in self._feeds),
            None if history is None else history.last_sequence,
            "" if history is None else history.failing,
            0 if history is None else history.lost_steps,
        )
        before = {one.name: one for one in old.feeds}
        for one in self.status.feeds:
            self._tell(before.get(one.name, FeedStatus(one.name, "waiting")), one)
        self._tell_mixed(counts)

    def tell(self, notices: Sequence[Notice]) -> None:
        """Log what a person should know of sensors; a flood of it is cut short."""
        for one in notices:
            self._told += 1
            if self._told <= MOST_NOTICES:
                facts = {"sensor": one.sensor, "problem": one.problem, "lines": one.lines}
                _log.warning("%s", one.text, extra=facts)
            elif self._told == MOST_NOTICES + 1:
                _log.warning("more sensors like these are not told one by one; is it another format or edition?")

    @staticmethod
    def _tell(before: FeedStatus, now: FeedStatus) -> None:
        facts = {"source": now.name, "state": now.state}
        if now.state != before.state and now.state not in {"playing", "ended"}:
            level = logging.INFO if now.healthy else logging.WARNING
            _log.log(level, "source %s", now, extra=facts)
        if now.dropped_octets > before.dropped_octets:
            lost = now.dropped_octets - before.dropped_octets
            _log.warning("source %s: comes too fast, %d octets dropped", now.name, lost, extra=facts)

    def _tell_mixed(self, counts: Mapping[str, int]) -> None:
        """Say once that simulated and live plots came together and one of them is refused."""
        for reason in ("live among simulated", "simulated among live"):
            if counts.get(reason, 0) and not self._mixed:
                self._mixed = True
                _log.warning("plots refused: %s; set exercise = true to mix them", reason)
