"""Dates for times of day: midnight, truncated times, late records, with and without a date and arrivals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.errors import MisuseError
from skypact.formats.asterix import AsterixDecoder, encode
from skypact.formats.asterix._time_kernels import ARRIVAL, MEASURED, STEP_NS, TRUNCATED
from skypact.formats.asterix.times import Clock
from skypact.formats.datagrams import Datagrams
from skypact.tables import NO_TIME
from skypact.units import DAY_NS, SECOND_NS, to_ns

DATE = dt.date(2024, 2, 29)
MIDNIGHT = to_ns(DATE)


def steps(seconds: float) -> int:
    return round(seconds * 128)


def resolve(
    value: list[int], *, whole: list[bool] | bool = True, received: list[int] | None = None, date: dt.date | None = None
) -> tuple[list[int], list[int], Clock]:
    clock = Clock(date)
    n = len(value)
    time, source = clock.resolve(
        np.array(value, np.int64),
        np.broadcast_to(np.asarray(whole, bool), n).copy(),
        np.array([NO_TIME] * n if received is None else received, np.int64),
    )
    return time.tolist(), source.tolist(), clock


def at(seconds: float, day: int = 0) -> int:
    return MIDNIGHT + day * DAY_NS + round(seconds * SECOND_NS)


# --- the date ---------------------------------------------------------------------------------------------------------


def test_a_stream_without_date_or_arrivals_stands_in_1970_and_says_so() -> None:
    time, source, clock = resolve([steps(10.5)])
    assert (time, source, clock.undated) == ([round(10.5 * SECOND_NS)], [MEASURED], True)


def test_the_date_of_the_arrival_counts() -> None:
    time, _, clock = resolve([steps(10.5)], received=[at(11)])
    assert (time, clock.undated) == ([at(10.5)], False)


def test_the_users_date_counts_before_the_arrivals() -> None:
    other = to_ns(dt.date(1999, 1, 1))
    received = [other + 86_399 * SECOND_NS, other + DAY_NS + SECOND_NS]
    time, _, clock = resolve([steps(86_399), steps(1)], received=received, date=DATE)
    assert (time, clock.undated) == ([at(86_399), at(1, day=1)], False)


def test_a_stream_replayed_hours_later_and_faster_keeps_its_date() -> None:
    """Sent from 7:20 over midnight, a hundred times as fast, received in the evening of another year."""
    sent = [at(7 * 3600 + 1200 + s) for s in range(0, 40_000, 500)] + [at(80_000), at(86_399), at(5, 1), at(4_000, 1)]
    received = [to_ns(dt.date(2026, 11, 26)) + 20 * 3600 * SECOND_NS + (t - sent[0]) // 100 for t in sent]
    of_day = [(t - MIDNIGHT) % DAY_NS // STEP_NS for t in sent]
    assert resolve(of_day, received=received, date=DATE)[0] == sent
    table = tables(48, "140", [v / 128 for v in of_day], received, date=DATE)
    assert table["time"].cast(pa.int64()).to_pylist() == sent


def test_the_users_date_is_that_of_the_first_message() -> None:
    time, _, clock = resolve([steps(86_399.5), steps(0.5)], date=DATE)
    assert (time, clock.undated) == ([at(86_399.5), at(0.5, day=1)], False)


@pytest.mark.parametrize("year", [1, 1700, 2200, 9999])
def test_a_date_out_of_reach_is_misuse(year: int) -> None:
    with pytest.raises(MisuseError, match="too far away"):
        AsterixDecoder(date=dt.date(year, 1, 1))


@pytest.mark.parametrize("received", [-(2**63) + 1, 2**63 - 1, -(2**62), 2**62])
@pytest.mark.parametrize("date", [None, DATE])
def test_an_arrival_out_of_reach_is_none(received: int, date: dt.date | None) -> None:
    time, source, clock = resolve([steps(5), -1], received=[received] * 2, date=date)
    assert time == [(MIDNIGHT if date else 0) + 5 * SECOND_NS] * 2
    assert source == [MEASURED, ARRIVAL]
    assert clock.undated == (date is None)


# --- midnight ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrivals", [True, False])
def test_midnight_goes_by_and_late_records_belong_to_the_day_before(arrivals: bool) -> None:
    sent = [at(s) for s in (86_390, 86_399)] + [at(0, 1), at(86_399.5), at(1, 1)]
    sent += [at(30_000, 1), at(60_000, 1), at(86_399.9921875, 1), at(0, 2)]
    of_day = [(t - MIDNIGHT) % DAY_NS // STEP_NS for t in sent]
    received = [t + 2 * SECOND_NS for t in sent] if arrivals else None
    time, source, _ = resolve(of_day, received=received, date=DATE)
    assert time == sent
    assert source == [MEASURED] * len(sent)


def test_a_recorder_ahead_or_behind_changes_no_date() -> None:
    for error in (-3600, -5, 5, 3600):
        sent = [at(86_390), at(5, 1), at(60, 1)]
        time, _, _ = resolve(
            [(t - MIDNIGHT) % DAY_NS // STEP_NS for t in sent], received=[t + error * SECOND_NS for t in sent]
        )
        assert time == sent, error


def test_twenty_four_hours_are_the_next_midnight() -> None:
    day = 86_400 * 128
    assert resolve([day], received=[at(1, 1)])[0] == [at(0, 1)]
    assert resolve([day], received=[at(86_399)])[0] == [at(0, 1)]
    assert resolve([day], date=DATE)[0] == [at(0, 1)]


def test_a_stream_of_three_days_without_arrivals() -> None:
    sent = np.arange(MIDNIGHT, MIDNIGHT + 3 * DAY_NS, 600 * SECOND_NS)
    time, _, _ = resolve(((sent - MIDNIGHT) % DAY_NS // STEP_NS).tolist(), date=DATE)
    assert time == sent.tolist()


# --- truncated times --------------------------------------------------------------------------------------------------


def truncated(time: int) -> int:
    return (time - MIDNIGHT) % DAY_NS // STEP_NS % 65_536


def test_truncated_times_wrap_every_512_seconds() -> None:
    sent = [at(s) for s in range(0, 3000, 7)]
    time, source, _ = resolve([truncated(t) for t in sent], whole=False, received=[t + SECOND_NS // 2 for t in sent])
    assert time == sent
    assert source == [TRUNCATED] * len(sent)
    time, _, _ = resolve([truncated(t) for t in sent], whole=False, date=DATE)
    assert time == sent


@pytest.mark.parametrize("arrivals", [True, False])
def test_truncated_times_start_again_at_midnight(arrivals: bool) -> None:
    """A day is 168.75 times 512 s: the last turn of the day is cut short."""
    sent = [at(s) for s in np.arange(85_900, 87_300, 3.0)]
    assert truncated(at(86_399)) == steps(383)
    received = [t + SECOND_NS for t in sent] if arrivals else None
    values = [truncated(t) for t in sent]
    # Without arrivals the first whole time says which turn it is.
    time, _, _ = resolve(
        [steps(85_899), *values],
        whole=[True] + [False] * len(sent),
        date=DATE,
        received=received and [at(85_900), *received],
    )
    assert time[1:] == sent


def test_a_radars_own_clock_is_nearer_than_the_recorders() -> None:
    """A recorder 400 s slow: whole times are right all the same, and they pull the truncated ones along."""
    slow = -400 * SECOND_NS
    sent = [at(1000), at(1001), at(1400)]
    time, source, _ = resolve(
        [steps(1000), truncated(sent[1]), truncated(sent[2])],
        whole=[True, False, False],
        received=[t + slow for t in sent],
    )
    assert time == sent
    assert source == [MEASURED, TRUNCATED, TRUNCATED]


# --- records without a time -------------------------------------------------------------------------------------------


def test_a_record_without_time_has_its_arrivals() -> None:
    time, source, _ = resolve([-1, steps(7), -1], received=[at(5), at(8), NO_TIME])
    assert time == [at(5), at(7), at(7)]
    assert source == [ARRIVAL, MEASURED, ARRIVAL]


def test_nothing_at_all_is_no_time() -> None:
    time, source, _ = resolve([-1, -1])
    assert (time, source) == ([NO_TIME] * 2, [-1] * 2)


# --- the rule, in plain Python ----------------------------------------------------------------------------------------


class Reference:
    """Looks at every time of three days that a value can mean and takes the nearest."""

    def __init__(self, date: dt.date | None) -> None:
        self.date, self.shift = date, None
        self.own = self.last = None

    def near(self, whole: bool, arrival: int | None) -> int | None:
        if arrival is None:
            return self.last
        if not whole and self.own is not None and self.own[1] is not None:
            return self.own[0] + arrival - self.own[1]
        return arrival

    def feed(self, value: int, whole: bool, received: int | None) -> tuple[int | None, set[int]]:
        """Return the source and the times that are right: two where both are as near."""
        arrival = None if received is None else received + (self.shift or 0)
        if value < 0:
            time = self.last if arrival is None else arrival
            return (None, set()) if time is None else (ARRIVAL, {time})
        near = self.near(whole, arrival)
        if near is None:
            return MEASURED if whole else TRUNCATED, {(to_ns(self.date) if self.date else 0) + value * STEP_NS}
        turns = [0] if whole else range(169)
        of_day = [value * STEP_NS + k * 512 * SECOND_NS for k in turns]
        days = [near // DAY_NS * DAY_NS + k * DAY_NS for k in (-1, 0, 1)]
        candidates = [d + t for d in days for t in of_day if t < DAY_NS or whole]
        least = min(abs(c - near) for c in candidates)
        return MEASURED if whole else TRUNCATED, {c for c in candidates if abs(c - near) == least}

    def settle(self, time: int, value: int, whole: bool, received: int | None) -> None:
        if value >= 0 and whole:
            self.own = time, None if received is None else received + (self.shift or 0)
        self.last = time


RECORD = st.tuples(
    st.one_of(st.just(-1), st.integers(0, 86_400 * 128), st.sampled_from([0, 1, 86_400 * 128 - 1, 86_400 * 128])),
    st.booleans(),
    st.one_of(st.none(), st.integers(MIDNIGHT - DAY_NS, MIDNIGHT + 2 * DAY_NS)),
)


@settings(max_examples=300, deadline=None)
@given(records=st.lists(RECORD, min_size=1, max_size=12), date=st.sampled_from([None, DATE, dt.date(1969, 12, 31)]))
def test_as_the_plain_rule(records: list[tuple[int, bool, int | None]], date: dt.date | None) -> None:
    records = [(v if w or v < 0 else v % 65_536, w, r) for v, w, r in records]
    reference = Reference(date)
    received = [NO_TIME if r is None else r for _, _, r in records]
    arrivals = [r for _, _, r in records if r is not None]
    if date is not None and arrivals:
        reference.shift = to_ns(date) - arrivals[0] // DAY_NS * DAY_NS
        first, of_whole, _ = next(r for r in records if r[2] is not None)
        of_day = first * STEP_NS % DAY_NS
        apart = abs(of_day - arrivals[0] % DAY_NS)
        if first >= 0 and of_whole and min(apart, DAY_NS - apart) >= 3_600 * SECOND_NS:
            records = [(v, w, None) for v, w, _ in records]  # sent before, as in a replay: arrivals say nothing
    time, source, clock = resolve(
        [v for v, _, _ in records],
        whole=[w for _, w, _ in records],
        received=received,
        date=date,
    )
    assert clock.undated == (date is None and not arrivals)
    for (value, whole, arrival), t, s in zip(records, time, source, strict=True):
        kind, right = reference.feed(value, whole, arrival)
        assert s == (-1 if kind is None else kind)
        assert t in right or (t == NO_TIME and not right)
        if right:
            reference.settle(t, value, whole, arrival)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_batches_do_not_matter(data: st.DataObject) -> None:
    sent = [at(86_000 + s) for s in data.draw(st.lists(st.integers(-300, 900), min_size=2, max_size=30))]
    whole = [data.draw(st.booleans()) for _ in sent]
    values = [(t - MIDNIGHT) % DAY_NS // STEP_NS if w else truncated(t) for t, w in zip(sent, whole, strict=True)]
    received = [t + SECOND_NS for t in sent]
    clock, cut = Clock(DATE), data.draw(st.integers(0, len(sent)))
    parts = [
        clock.resolve(np.array(values[p], np.int64), np.array(whole[p], bool), np.array(received[p], np.int64))[
            0
        ].tolist()
        for p in (slice(0, cut), slice(cut, None))
    ]
    assert parts[0] + parts[1] == resolve(values, whole=whole, received=received, date=DATE)[0]


# --- in tables --------------------------------------------------------------------------------------------------------


def tables(category: int, item: str, seconds: list[float], received: list[int], **options: Any) -> pa.Table:
    columns = {"010/SAC": pa.array([1] * len(seconds)), item: pa.array(seconds)}
    blocks = encode(category, columns, longest=1)
    found = AsterixDecoder(**options).decode(Datagrams.of([blocks[k] for k in range(len(blocks))], received))
    return found.plots if len(found.plots) else found.services if len(found.services) else found.tracks


@pytest.mark.parametrize(
    ("category", "item"), [(48, "140"), (21, "071"), (21, "073"), (34, "030"), (62, "070"), (65, "030")]
)
def test_every_category_has_its_time_of_day(category: int, item: str) -> None:
    table = tables(category, item, [86_399.5, 0.5], [at(86_400), at(1, 1)])
    assert table["time"].cast(pa.int64()).to_pylist() == [at(86_399.5), at(0.5, 1)]


def test_a_time_beyond_24_hours_is_counted_and_not_believed() -> None:
    blocks = encode(48, {"140": pa.array([86_400.0, 86_400.0078125, 131_071.0]), "161/TRN": pa.array([1, 2, 3])})
    decoder = AsterixDecoder()
    plots = decoder.decode(Datagrams.of([blocks[0]], at(86_000))).plots
    assert decoder.counts["times of day beyond 24 h in category 048"] == 2
    assert plots["time_source"].to_pylist() == ["measured", "arrival", "arrival"]
    assert plots["time"].cast(pa.int64()).to_pylist() == [at(0, 1), at(86_000), at(86_000)]
