"""When things happen: input cut into steps of time, and the pace at which it is played."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.formats.decoded import Decoded, joined
from skypact.tables import NO_TIME
from skypact.units import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_NS = SECOND_NS // 2
LONGEST_GAP_NS = 120 * SECOND_NS
"""A longer silence is passed over in one step: nothing is tracked any more after it."""
MOST_WRONG = 0.05
"""Share of rows whose arrival may be mended."""


@dataclass(frozen=True, slots=True)
class Step:
    """What arrived up to a time.

    Attributes
    ----------
    now_ns : int
        UTC nanoseconds.
    arrived : Decoded
    """

    now_ns: int
    arrived: Decoded


def steps(decoded: Iterable[Decoded], step_ns: int = STEP_NS) -> Iterator[Step]:
    """Cut decoded tables into steps of time; rows without any time go with those around them.

    Parameters
    ----------
    decoded : iterable of Decoded
        Tables in about the order of time.
    step_ns : int
        Length of a step.

    Yields
    ------
    Step
        One after the other without a gap, also where nothing arrived, except that long silences are passed over.
    """
    now = NO_TIME
    for one in decoded:
        timed = [_timed(table) for table in (one.plots, one.tracks, one.services)]
        arrivals = np.concatenate([arrival for _, arrival in timed])
        if not len(arrivals):
            continue
        edges = _edges(arrivals, now, step_ns)
        parts = [_cut(table, arrival, edges) for table, arrival in timed]
        for i, edge in enumerate(edges.tolist()):
            plots, tracks, services = (part[i] for part in parts)
            yield Step(edge, Decoded(plots=plots, tracks=tracks, services=services))
        now = int(edges[-1])


def _edges(arrivals: NDArray[np.int64], now: int, step_ns: int) -> NDArray[np.int64]:
    """Return the ends of the steps behind `now` that arrivals need: without gaps, but for long silences among them.

    As many as there are arrivals and `LONGEST_GAP_NS` allow, however far apart the times of a broken file are.
    """
    cells = np.unique(np.maximum(arrivals, now) // step_ns)
    if now != NO_TIME and cells[0] * step_ns - now <= LONGEST_GAP_NS:
        cells = np.union1d(cells, [now // step_ns])
    runs = np.split(cells, np.flatnonzero(np.diff(cells) > LONGEST_GAP_NS // step_ns) + 1)
    return np.asarray((np.concatenate([np.arange(run[0], run[-1] + 1) for run in runs]) + 1) * step_ns)


def merged(streams: Sequence[Iterable[Step]]) -> Iterator[Step]:
    """Yield several streams of steps as one, in the order of time; steps that end together become one step."""
    waiting = merge(*streams, key=lambda step: step.now_ns)
    for now_ns, together in groupby(waiting, key=lambda step: step.now_ns):
        yield Step(now_ns, joined([step.arrived for step in together]))


def _timed(table: pa.Table) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return a table in the order of arrival, with the arrivals; a row without one has that of the row before."""
    name = "received" if "received" in table.column_names else "time"
    arrival = _ns(table[name])
    own = _ns(table["time"])
    arrival = np.where(arrival == NO_TIME, own, arrival)
    known = arrival != NO_TIME
    if not known.all():
        if not known.any():
            return table.slice(0, 0), arrival[:0]
        place = np.maximum.accumulate(np.where(known, np.arange(len(arrival)), int(np.argmax(known))))
        arrival = arrival[place]
    arrival = _mended(arrival)
    if len(arrival) > 1 and (np.diff(arrival) < 0).any():
        order = np.argsort(arrival, kind="stable")
        return table.take(order), arrival[order]
    return table, arrival


def _mended(arrival: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return arrivals in which a few that are far from both neighbours have those of them.

    One wrong stamp in a file would set the clock ahead of all that follows, which would then come too late.
    """
    if len(arrival) < 3 or int(arrival.max()) - int(arrival.min()) <= LONGEST_GAP_NS:
        return arrival
    around = np.lib.stride_tricks.sliding_window_view(np.pad(arrival, 2, mode="reflect"), 5)
    middle = np.sort(around, axis=1)[:, 2]
    off = np.abs(arrival - middle)
    # Out of order, or days away: the last row of a batch may come after a silence and be neither.
    ahead = arrival > np.minimum.accumulate(arrival[::-1])[::-1]
    behind = arrival < np.maximum.accumulate(arrival)
    wrong = (off > DAY_NS) | ((off > LONGEST_GAP_NS) & (ahead | behind))
    # Where many are, the table is only not in the order of time.
    return np.where(wrong, middle, arrival) if 0 < wrong.sum() <= MOST_WRONG * len(arrival) else arrival


def _cut(table: pa.Table, arrival: NDArray[np.int64], edges: NDArray[np.int64]) -> list[pa.Table]:
    bounds = np.concatenate(([0], np.searchsorted(arrival, edges, side="left")))
    bounds[-1] = len(arrival)
    return [table.slice(a, b - a) for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]


def _ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).fill_null(NO_TIME).to_numpy())


class Pace:
    """When the times of what is played come: real time, a multiple of it, or at once.

    A longer silence than `LONGEST_GAP_NS` is not waited for.

    Parameters
    ----------
    speed : float or None
        1 is as it happened, 20 twenty times as fast, none as fast as possible.
    clock : callable
        Monotonic seconds; for tests.
    """

    def __init__(self, speed: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._begun: tuple[float, int] | None = None
        self._last_ns = NO_TIME

    def wait_s(self, now_ns: int) -> float:
        """Return how long to wait until a time may be played, zero or less for not at all; times only go on."""
        if self._speed is None:
            return 0.0
        if self._begun is None or now_ns - self._last_ns > LONGEST_GAP_NS:
            self._begun = self._clock(), now_ns
        self._last_ns = now_ns
        begun_s, begun_ns = self._begun
        return begun_s + (now_ns - begun_ns) / SECOND_NS / self._speed - self._clock()

    def reached_ns(self, next_ns: int) -> int:
        """Return the time up to which the pace has come; at least `next_ns` if all is played at once."""
        if self._speed is None:
            return next_ns
        self.wait_s(next_ns)
        begun_s, begun_ns = self._begun or (self._clock(), next_ns)
        return begun_ns + int((self._clock() - begun_s) * self._speed * SECOND_NS)
