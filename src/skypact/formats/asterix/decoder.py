"""ASTERIX bytes to tables: blocks are found, editions guessed, records walked, columns read, times dated."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import plots, raw, services, spec, system_tracks
from skypact.formats.asterix._record_kernels import REASONS
from skypact.formats.asterix.blocks import Blocks, find
from skypact.formats.asterix.columns import floats
from skypact.formats.asterix.elements import elements
from skypact.formats.asterix.guess import Guess, oddities
from skypact.formats.asterix.names import Names
from skypact.formats.asterix.program import program
from skypact.formats.asterix.records import Records, Room, walk
from skypact.formats.asterix.times import Clock
from skypact.formats.asterix.timing import Timing, places, timings
from skypact.formats.decoded import Decoded
from skypact.tables import PLOTS, SERVICES, TRACKS, build, empty, times, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.datagrams import Datagrams

BATCH = 1 << 22
"""Octets of blocks read at a time: enough for the work around a batch to be small beside that on its records."""

WHOLE = {**plots.WHOLE, **services.WHOLE, 62: system_tracks.WHOLE}
REAL = {**plots.REAL, **services.REAL, 62: system_tracks.REAL}
"""The plain numbers and the quantities that tables are made of, by category."""


class AsterixDecoder:
    """Decodes ASTERIX data blocks of one stream into PLOTS, TRACKS and SERVICES.

    Parameters
    ----------
    editions : mapping of int to str, optional
        Edition by category; the others are guessed from the first blocks.
    date : datetime.date, optional
        Date of the first arrival, or without arrivals of the first message, see `times.Clock`.
    raw : bool
        Whether to return every item of every record too.

    Attributes
    ----------
    counts : Counter
        Blocks, records, and what was refused or skipped, by kind; grows with every batch.
    samples : dict of str to bytes
        The first octets of the first block refused for each reason.

    Raises
    ------
    MisuseError
        A category or edition that is not known, or a date that times in nanoseconds cannot reach.
    """

    def __init__(
        self, *, editions: Mapping[int, str] | None = None, date: dt.date | None = None, raw: bool = False
    ) -> None:
        self._editions = {c: Guess(c, spec.edition(c, e).edition) for c, e in (editions or {}).items()}
        self._clock = Clock(date)
        self._raw = raw
        self._names = Names()
        self._rooms: dict[int, Room] = {}
        self._met: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()
        self._read = 0
        self.counts: Counter[str] = Counter()
        self.samples: dict[str, bytes] = {}

    @property
    def editions(self) -> dict[int, str]:
        """The edition in use by category met or asked for."""
        return {c: g.edition for c, g in sorted(self._editions.items()) if g.edition}

    @property
    def undated(self) -> bool:
        """Whether times of day stand on 1970-01-01 for want of a date and of arrivals."""
        return self._clock.undated

    def decode(self, datagrams: Datagrams) -> Decoded:
        """Return the tables of a batch of datagrams, each a row of data blocks."""
        return _concat([self._batch(blocks) for blocks in find(datagrams, self.counts, BATCH)])

    def _batch(self, blocks: Blocks) -> Decoded:
        categories = [int(c) for c in np.flatnonzero(np.bincount(blocks.category, minlength=256))]
        walked: dict[int, Records] = {}
        for category in categories:
            chosen = np.flatnonzero(blocks.category == category)
            if category not in spec.CATEGORIES:
                self.counts[f"blocks of category {category:03d}, not decoded"] += len(chosen)
                continue
            guess = self._editions.setdefault(category, Guess(category))
            guess.learn(blocks.data, blocks.first[chosen], blocks.last[chosen])
            found = self._walk(category, blocks, chosen)
            if len(found):
                walked[category] = found
        if not walked:
            return Decoded()
        self.counts["records"] += sum(map(len, walked.values()))
        timing = timings(self._clock, walked, blocks.received, self.counts)
        items = self._raw_tables(walked, timing, len(blocks.category)) if self._raw else {}
        for category, found in list(walked.items()):
            believed = self._believed(category, found, blocks)
            if believed is not None:
                walked[category], timing[category] = found.where(believed), timing[category].where(believed)
        return Decoded(
            self._table(PLOTS, plots.PLOTS_OF, walked, timing, len(blocks.category)),
            self._tracks(walked, timing),
            self._table(SERVICES, services.SERVICES_OF, walked, timing, len(blocks.category)),
            items,
        )

    def _walk(self, category: int, blocks: Blocks, chosen: NDArray[np.int64]) -> Records:
        tables = program(category, self._editions[category].edition)
        asked = elements(tables, WHOLE[category], REAL[category], every_unit=self._raw)
        room = self._rooms.setdefault(category, Room())
        first, last = blocks.first[chosen], blocks.last[chosen]
        found, reason, empty = walk(tables, asked, room, blocks.data, first, last, chosen, kept=self._raw)
        self.counts["blocks"] += len(chosen)
        if empty:
            self.counts[f"records without a field in category {category:03d}"] += empty
        if reason.any():
            self._refuse(blocks, category, chosen, reason)
        self._met[category] += len(chosen)
        return found

    def _believed(self, category: int, found: Records, blocks: Blocks) -> NDArray[np.bool_] | None:
        """Return which records may be believed, none if all may.

        Where an edition refuses most of a category's blocks, what it accepts is likely accepted by chance: then the
        blocks in which something odd is read are set aside too.
        """
        if 2 * self._refused[category] <= self._met[category]:
            return None
        mine = np.flatnonzero(blocks.category == category)
        odd, _ = oddities(found.program, blocks.data, blocks.first[mine], blocks.last[mine])
        if not odd.any():
            return None
        reason = f"blocks of category {category:03d} set aside: most are refused, and these read oddly"
        self.counts[reason] += int(np.count_nonzero(odd))
        return ~np.isin(found.block, mine[odd > 0])

    def _refuse(self, blocks: Blocks, category: int, chosen: NDArray[np.int64], reason: NDArray[np.uint8]) -> None:
        """Count refused blocks by reason and keep the first octets of the first one."""
        for code, count in enumerate(np.bincount(reason)):
            if code and count:
                self._refused[category] += int(count)
                name = f"blocks of category {category:03d} refused: {REASONS[code]}"
                self.counts[name] += int(count)
                worst = chosen[np.argmax(reason == code)]
                begin = int(blocks.first[worst]) - 3
                sample = blocks.data[begin : min(begin + 64, int(blocks.last[worst]))].tobytes()
                self.samples.setdefault(name, sample)

    def _table(
        self,
        schema: pa.Schema,
        makers: Mapping[int, Callable[[Records], dict[str, Any]]],
        walked: Mapping[int, Records],
        timing: Mapping[int, Timing],
        blocks: int,
    ) -> pa.Table:
        """Return the rows that `makers` make, category by category put back into the order of the stream."""
        mine = {c: found for c, found in walked.items() if c in makers}
        made = []
        for category, found in mine.items():
            when = timing[category]
            columns = self._plausible(makers[category](found), category) | {
                "time": times(when.time),
                "received": times(when.received),
                "time_source": words("time_source", when.source),
                "sensor": self._names.column(found.identifiers()),
            }
            made.append(build(schema, len(found), columns))
        if not made:
            return empty(schema)
        if len(made) == 1:
            return made[0]
        order = np.argsort(np.concatenate(list(places(mine, blocks).values())))
        return pa.concat_tables(made).combine_chunks().take(order)

    def _tracks(self, walked: Mapping[int, Records], timing: Mapping[int, Timing]) -> pa.Table:
        found = walked.get(62)
        if found is None:
            return empty(TRACKS)
        time = timing[62].time
        columns = self._plausible(system_tracks.columns(found, time), 62)
        columns |= {"time": times(time), "node": self._names.column(found.identifiers())}
        return build(TRACKS, len(found), columns)

    def _plausible(self, columns: dict[str, Any], category: int) -> dict[str, Any]:
        """Take out positions off the globe and count them: a sign of a wrong edition or of damage."""
        latitude, longitude = columns.get("latitude_deg"), columns.get("longitude_deg")
        if isinstance(latitude, np.ndarray) and isinstance(longitude, np.ndarray):
            off = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
            if off.any():
                self.counts[f"positions off the globe in category {category:03d}"] += int(off.sum())
                latitude[off] = longitude[off] = np.nan
        return {n: floats(v) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v for n, v in columns.items()}

    def _raw_tables(
        self, walked: Mapping[int, Records], timing: Mapping[int, Timing], blocks: int
    ) -> dict[int, pa.Table]:
        """Return every item of every record by category."""
        place = places(walked, blocks)
        tables = {}
        for category, found in walked.items():
            when, edition = timing[category], found.program.edition.edition
            head = pa.table(
                {
                    "record": pa.array(place[category] + self._read),
                    "received": times(when.received),
                    "time": times(when.time),
                    "category": pa.array(np.full(len(found), category, np.uint8)),
                    "edition": pa.array([edition] * len(found)).dictionary_encode(),
                }
            )
            items = raw.table(found.program, found.data, found.offsets)
            schema = pa.schema([*head.schema, *items.schema])
            tables[category] = pa.table([*head.columns, *items.columns], schema=schema)
        self._read += sum(map(len, walked.values()))
        return tables


def _concat(parts: list[Decoded]) -> Decoded:
    if not parts:
        return Decoded()
    if len(parts) == 1:
        return parts[0]
    categories = sorted({c for p in parts for c in p.raw})
    return Decoded(
        pa.concat_tables([p.plots for p in parts]),
        pa.concat_tables([p.tracks for p in parts]),
        pa.concat_tables([p.services for p in parts]),
        {c: pa.concat_tables([p.raw[c] for p in parts if c in p.raw], promote_options="default") for c in categories},
    )
