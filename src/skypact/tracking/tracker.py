"""The tracker: plots of many sensors in, tracks out."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.errors import FormatError, MisuseError
from skypact.sensors import Catalogue
from skypact.tracking._intake import LAST_NS, Batch
from skypact.tracking._lifecycle import age, release
from skypact.tracking._records import (
    BOOK,
    COASTING,
    COUNTS,
    EMPTY,
    ENDED,
    ROOM,
    SECOND_NS,
    SENSOR,
    TENTATIVE,
    TRACK,
    Records,
)
from skypact.tracking._registry import Registry
from skypact.tracking._report import Reporter
from skypact.tracking._rules import rules_of
from skypact.tracking._run import run
from skypact.tracking.settings import TrackerSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

SNAPSHOT = "skypact-tracker/1"
FIRST_CAPACITY = 256
LARGEST_PART = 16_384
"""Plots handed to the kernels at once; between parts ended tracks are reported and their places freed."""


class Tracker:
    """A multi-sensor tracker; a value of settings, a catalogue and the plots so far, nothing else.

    Parameters
    ----------
    settings : TrackerSettings, optional
    catalogue : Catalogue, optional
        Where radars stand and how they turn; may be replaced at any time, as more is learned.

    Attributes
    ----------
    settings : TrackerSettings
    """

    def __init__(self, settings: TrackerSettings | None = None, catalogue: Catalogue | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._rules = rules_of(self.settings)
        self._reporter = Reporter(self.settings, self._rules)
        self._registry = Registry(catalogue or Catalogue())
        self._tracks = np.zeros(0, TRACK)
        self._free = np.zeros(0, np.int32)
        self._books = np.zeros(1, BOOK)
        self._books["clock_ns"] = -LAST_NS
        self._books["next_number"] = self.settings.first_track
        self._rooms = np.zeros(1, ROOM)
        self._grow(min(FIRST_CAPACITY, self.settings.max_tracks))

    @property
    def catalogue(self) -> Catalogue:
        """The sensors known."""
        return self._registry.catalogue

    @catalogue.setter
    def catalogue(self, catalogue: Catalogue) -> None:
        self._registry.use(catalogue)

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened to plots so far: ``plots`` in all, ``used``, and those left out or refused, by reason."""
        book = self._books[0]
        return {name: int(book[f"n_{name}"]) for name in COUNTS}

    @property
    def alive(self) -> Mapping[str, int]:
        """How many tracks there are now, by status."""
        status = self._tracks["status"][: self._books["used"][0]]
        count = np.bincount(status[status >= TENTATIVE], minlength=len(tables.STATUSES))
        return {name: int(n) for name, n in zip(tables.STATUSES, count, strict=True) if name != "ended"}

    def step(self, now_ns: int, plots: pa.Table) -> pa.Table:
        """Take in plots and return the tracks that changed.

        Parameters
        ----------
        now_ns : int
            The present, UTC nanoseconds.
        plots : Table of `tables.PLOTS`
            In any order.

        Returns
        -------
        Table of `tables.TRACKS`
            A row per track that changed, in the order of their numbers: updated tracks at the time of their state,
            coasting and ended ones predicted to `now_ns`. ``ended`` comes once. When the clock was set back, all
            tracks end: their past lies in the future.

        Raises
        ------
        MisuseError
            A table of another schema.
        """
        if not plots.schema.equals(tables.PLOTS):
            raise MisuseError("a table that is not of the schema plots/1 was given to the tracker")
        now_ns = max(-LAST_NS, min(now_ns, LAST_NS))
        parts = self._begin_anew(now_ns) if self._set_back(now_ns) else []
        parts += self._take_in(now_ns, plots) if len(plots) else []
        age(self._tracks, self._free, self._books, now_ns, self._registry.sensors, self._rules[0])
        parts.append(self._changed(now_ns))
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts)

    def _set_back(self, now_ns: int) -> bool:
        """Whether the present lies so far behind the plots processed that all to come would be too late."""
        return now_ns < int(self._books["clock_ns"][0]) - int(self.settings.late_s * SECOND_NS)

    def _begin_anew(self, now_ns: int) -> list[pa.Table]:
        """End all tracks and forget seeds, so that plots of the new present are taken; return the ended ones."""
        used = self._tracks[: self._books["used"][0]]
        for place in np.flatnonzero((used["status"] != EMPTY) & (used["status"] < TENTATIVE)):
            release(self._tracks, int(place), self._free, self._books)
        alive = np.flatnonzero(used["status"] >= TENTATIVE)
        used["status"][alive] = ENDED
        self._books["clock_ns"] = now_ns
        return [self._rows(alive, now_ns)]

    def snapshot(self) -> bytes:
        """Return all there is to know of the tracker, to be given to `resume`."""
        head = json.dumps({"schema": SNAPSHOT, "labels": self._registry.labels})
        arrays: dict[str, Any] = {"head": np.frombuffer(head.encode(), np.uint8), "free": self._free}
        for group, records in (("tracks", self._tracks), ("books", self._books), ("sensors", self._registry.sensors)):
            # Field by field: the bytes between fields are nobody's and not always the same.
            arrays |= {f"{group}.{name}": records[name] for name in records.dtype.names or ()}
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @classmethod
    def resume(
        cls, snapshot: bytes, settings: TrackerSettings | None = None, catalogue: Catalogue | None = None
    ) -> Tracker:
        """Return the tracker that made a snapshot, given the same settings and catalogue.

        Raises
        ------
        FormatError
            The bytes are no snapshot, or one of another version.
        """
        tracker = cls(settings, catalogue)
        try:
            with np.load(io.BytesIO(snapshot), allow_pickle=False) as arrays:
                head = json.loads(arrays["head"].tobytes())
                if head["schema"] != SNAPSHOT:
                    raise FormatError(f"a snapshot of {head['schema']!r}, not {SNAPSHOT!r}", hint="replay the journal")
                tracker._free = arrays["free"]
                tracker._tracks = _records(arrays, "tracks", TRACK)
                tracker._books = _records(arrays, "books", BOOK)
                tracker._registry.restore(head["labels"], _records(arrays, "sensors", SENSOR))
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise FormatError("these bytes are no snapshot of a tracker", hint="replay the journal") from error
        return tracker

    def _take_in(self, now_ns: int, plots: pa.Table) -> list[pa.Table]:
        """Process plots; return the rows of tracks that ended on the way, if there are many plots."""
        batch = Batch(plots, now_ns, self._books[0], self._registry, self.settings)
        parts = []
        for first in range(0, len(batch.rows), LARGEST_PART):
            if first:
                ended = np.flatnonzero(self._tracks["status"] == ENDED)
                parts.append(self._rows(ended, int(self._books["clock_ns"][0])))
            records = batch.plots(first, first + LARGEST_PART, self._rules, self._books, self._rooms)
            self._make_room(int(np.count_nonzero(records["form"])))
            run(self._tracks, self._free, self._books, records, self._registry.sensors, self._rules, self._rooms)
        return parts

    def _changed(self, now_ns: int) -> pa.Table:
        """Return the rows of tracks that changed or coast; those that ended are gone after it."""
        used = self._tracks[: self._books["used"][0]]
        status = used["status"]
        again = (status == COASTING) & (now_ns - used["report_ns"] >= int(self.settings.coast_report_s * SECOND_NS))
        return self._rows(np.flatnonzero((status >= TENTATIVE) & (used["changed"] | again)), now_ns)

    def _rows(self, places: NDArray[np.int64], time_ns: int) -> pa.Table:
        """Return the rows of the tracks at some places, in the order of their numbers."""
        if not len(places):
            return tables.empty(tables.TRACKS)
        places = places[np.argsort(self._tracks["number"][places])]
        self._tracks["changed"][places] = False
        self._tracks["report_ns"][places] = time_ns
        tracks = self._tracks[places]
        status, own_ns = tracks["status"], tracks["time_ns"]
        when = np.where(status >= COASTING, np.maximum(time_ns, own_ns), own_ns)
        for place in places[status == ENDED]:
            release(self._tracks, place, self._free, self._books)
        return self._reporter.report(tracks, when, self._registry)

    def _make_room(self, plots: int) -> None:
        """See to it that each of `plots` could start a track, as far as `max_tracks` allows."""
        capacity = len(self._tracks)
        free = int(self._books["free"][0])
        while free < plots and capacity < self.settings.max_tracks:
            larger = min(2 * capacity, self.settings.max_tracks)
            free += larger - capacity
            capacity = larger
        if capacity > len(self._tracks):
            self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        """Add free places; the lowest is the next to be taken."""
        more = np.zeros(capacity - len(self._tracks), TRACK)
        more["status"] = EMPTY
        kept = self._free[: self._books["free"][0]]
        new = np.arange(capacity - 1, len(self._tracks) - 1, -1, dtype=np.int32)
        self._free = np.concatenate((new, kept, np.zeros(capacity - len(new) - len(kept), np.int32)))
        self._books["free"] += len(new)
        self._tracks = np.concatenate((self._tracks, more))


def _records(arrays: Mapping[str, NDArray[Any]], table: str, dtype: np.dtype[np.void]) -> Records:
    """Return an array of records from the arrays of its fields."""
    names = dtype.names or ()
    records = np.zeros(len(arrays[f"{table}.{names[0]}"]), dtype)
    for name in names:
        records[name] = arrays[f"{table}.{name}"]
    return records
