"""ASTERIX bytes to tables: blocks are found, editions guessed, records walked, columns read, times dated."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import _kernels as kernels
from skypact.formats.asterix import plots, raw, services, spec, system_tracks
from skypact.formats.asterix.blocks import Blocks, find
from skypact.formats.asterix.guess import Guess, oddities
from skypact.formats.asterix.program import program
from skypact.formats.asterix.records import Records, Room, units_of, walk
from skypact.formats.asterix.times import Clock
from skypact.formats.decoded import Decoded
from skypact.tables import PLOTS, SERVICES, TRACKS, build, empty, times, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.datagrams import Datagrams

TIME_OF_DAY: dict[int, tuple[str, ...]] = {
    1: ("141",),
    2: ("030",),
    10: ("140",),
    20: ("140",),
    21: ("071", "073", "030", "072", "075", "077"),
    34: ("030",),
    48: ("140",),
    62: ("070",),
    65: ("030",),
}
"""Items that hold the time of day, the best first."""

DAY_STEPS = 86_400 * 128
"""Steps of 1/128 s in a day."""

BATCH = 1 << 20
"""Octets of blocks read at a time, so that a batch's columns stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Records of one category with their arrivals, times and places in the stream, each of shape (n,)."""

    records: Records
    received: NDArray[np.int64]
    time: NDArray[np.int64]
    source: NDArray[np.int8]
    order: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_]) -> Rows:
        """Return only some of the rows."""
        columns = self.received[keep], self.time[keep], self.source[keep], self.order[keep]
        return Rows(self.records.where(keep), *columns)


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
        self._sensors = _Names()
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
        per_block = np.zeros(len(blocks.category), np.int64)
        for found in walked.values():
            per_block += np.bincount(found.block, minlength=len(per_block))
        total = int(per_block.sum())
        order = {c: _ordinals(found, per_block, len(walked) == 1) for c, found in walked.items()}
        self.counts["records"] += total
        time, source = self._times(walked, order, total, blocks)
        rows: dict[int, Rows] = {
            c: Rows(r, blocks.received[r.block], time[order[c]], source[order[c]], order[c]) for c, r in walked.items()
        }
        items = {c: self._raw_table(r) for c, r in rows.items()} if self._raw else {}
        rows = {c: self._believed(c, r) for c, r in rows.items()}
        decoded = Decoded(
            self._table(PLOTS, {c: plots.PLOTS_OF[c] for c in rows if c in plots.PLOTS_OF}, rows),
            self._tracks(rows),
            self._table(SERVICES, {c: services.SERVICES_OF[c] for c in rows if c in services.SERVICES_OF}, rows),
            items,
        )
        self._read += total
        return decoded

    def _walk(self, category: int, blocks: Blocks, chosen: NDArray[np.int64]) -> Records:
        tables = program(category, self._editions[category].edition)
        units = None if self._raw else units_of(tables, ITEMS[category])
        room = self._rooms.setdefault(category, Room())
        empty = np.zeros(1, np.int64)
        found, reason = walk(tables, units, room, blocks.data, blocks.first[chosen], blocks.last[chosen], empty)
        self.counts["blocks"] += len(chosen)
        if empty[0]:
            self.counts[f"records without a field in category {category:03d}"] += int(empty[0])
        if reason.any():
            self._refuse(blocks, category, chosen, reason)
        self._met[category] += len(chosen)
        return found.of_blocks(chosen)

    def _believed(self, category: int, rows: Rows) -> Rows:
        """Return the records that may be believed.

        Where an edition refuses most of a category's blocks, what it accepts is likely accepted by chance: then the
        blocks in which something odd is read are set aside too.
        """
        if 2 * self._refused[category] <= self._met[category]:
            return rows
        found = rows.records
        odd = np.zeros(int(found.block.max(initial=-1)) + 1, bool)
        odd[found.block[oddities(found) > 0]] = True
        if not odd.any():
            return rows
        self.counts[f"blocks of category {category:03d} set aside: most are refused, and these read oddly"] += int(
            odd.sum()
        )
        return rows.where(~odd[found.block])

    def _refuse(self, blocks: Blocks, category: int, chosen: NDArray[np.int64], reason: NDArray[np.uint8]) -> None:
        """Count refused blocks by reason and keep the first octets of the first one."""
        for code, count in enumerate(np.bincount(reason)):
            if code and count:
                self._refused[category] += int(count)
                name = f"blocks of category {category:03d} refused: {kernels.REASONS[code]}"
                self.counts[name] += int(count)
                worst = chosen[np.argmax(reason == code)]
                begin = int(blocks.first[worst]) - 3
                sample = blocks.data[begin : min(begin + 64, int(blocks.last[worst]))].tobytes()
                self.samples.setdefault(name, sample)

    def _times(
        self, walked: Mapping[int, Records], order: Mapping[int, NDArray[np.int64]], total: int, blocks: Blocks
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return time and time source of every record of the batch in the order of the stream."""
        value = np.empty(total, np.int64)
        whole = np.ones(total, bool)
        block = np.empty(total, np.int64)
        for category, found in walked.items():
            items = TIME_OF_DAY[category]
            mine = found.number(items[0])
            for other in items[1:]:
                if (mine < 0).any() and found.has(other):
                    mine = np.where(mine < 0, found.number(other), mine)
            late = mine > DAY_STEPS
            if late.any():
                self.counts[f"times of day beyond 24 h in category {category:03d}"] += int(late.sum())
                mine[late] = kernels.MISSING
            value[order[category]] = mine
            block[order[category]] = found.block
            if category == 1:
                whole[order[category]] = False
        return self._clock.resolve(value, whole, blocks.received[block])

    def _common(self, r: Rows) -> dict[str, Any]:
        return {
            "time": times(r.time),
            "received": times(r.received),
            "time_source": words("time_source", r.source),
            "sensor": self._sensors.column(r.records.identifiers()),
        }

    def _table(
        self, schema: pa.Schema, makers: Mapping[int, Callable[[Records], dict[str, Any]]], rows: Mapping[int, Rows]
    ) -> pa.Table:
        """Return the rows that `makers` make, category by category put back into the order of the stream."""
        made: list[pa.Table] = []
        order: list[NDArray[np.int64]] = []
        for category, make in makers.items():
            r = rows[category]
            columns = self._common(r) | self._plausible(make(r.records), category)
            made.append(build(schema, len(r.records), columns))
            order.append(r.order)
        if not made:
            return empty(schema)
        if len(made) == 1:
            return made[0]
        return pa.concat_tables(made).combine_chunks().take(np.argsort(np.concatenate(order)))

    def _tracks(self, rows: Mapping[int, Rows]) -> pa.Table:
        r = rows.get(62)
        if r is None:
            return empty(TRACKS)
        columns = self._plausible(system_tracks.columns(r.records, r.time), 62)
        columns |= {"time": times(r.time), "node": self._sensors.column(r.records.identifiers())}
        return build(TRACKS, len(r.records), columns)

    def _plausible(self, columns: dict[str, Any], category: int) -> dict[str, Any]:
        """Take out positions off the globe and count them: a sign of a wrong edition or of damage."""
        latitude, longitude = columns.get("latitude_deg"), columns.get("longitude_deg")
        if isinstance(latitude, np.ndarray) and isinstance(longitude, np.ndarray):
            off = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
            if off.any():
                self.counts[f"positions off the globe in category {category:03d}"] += int(off.sum())
                columns["latitude_deg"] = np.where(off, np.nan, latitude)
                columns["longitude_deg"] = np.where(off, np.nan, longitude)
        return columns

    def _raw_table(self, r: Rows) -> pa.Table:
        found = raw.table(r.records.program, r.records.data, r.records.offsets)
        edition = r.records.program.edition
        head = pa.table(
            {
                "record": pa.array(r.order + self._read, pa.int64()),
                "received": times(r.received),
                "time": times(r.time),
                "category": pa.array(np.full(len(r.order), edition.category, np.uint8)),
                "edition": pa.array([edition.edition] * len(r.order)).dictionary_encode(),
            }
        )
        for i, field in enumerate(found.schema):
            head = head.append_column(field, found.column(i))
        return head


class _Names:
    """Sensors by SAC and SIC as a dictionary column."""

    def __init__(self) -> None:
        self._place = np.full(1 << 16, -1, np.int32)
        self._names: list[str] = []

    def column(self, identifiers: NDArray[np.int64]) -> pa.DictionaryArray:
        """Return names such as ``25/12`` for SAC * 256 + SIC, null where negative."""
        absent = identifiers < 0
        place = self._place[identifiers]
        new = (place < 0) & ~absent
        if new.any():
            for code in np.unique(identifiers[new]):
                self._place[code] = len(self._names)
                self._names.append(f"{code >> 8}/{code & 255}")
            place = self._place[identifiers]
        indices = pa.array(place, pa.int32(), mask=absent if absent.any() else None)
        return pa.DictionaryArray.from_arrays(indices, pa.array(self._names, pa.string()))


ITEMS = {**plots.ITEMS, **services.ITEMS, 62: system_tracks.ITEMS}


def _ordinals(found: Records, per_block: NDArray[np.int64], alone: bool) -> NDArray[np.int64]:
    """Return the place of each record among all records of the batch."""
    if alone:
        return np.arange(len(found), dtype=np.int64)
    out = np.empty(len(found), np.int64)
    kernels.ordinals(found.block, np.cumsum(per_block) - per_block, out)
    return out


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
