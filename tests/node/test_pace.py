"""Steps of time: nothing lost, nothing doubled, in order, on one grid; and the pace they are given at."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.formats.decoded import Decoded
from skypact.node import Pace, merged, steps
from skypact.node.pace import LONGEST_GAP_NS, STEP_NS
from skypact.tables import NO_TIME, PLOTS, build, times

T0 = 1_780_279_200_000_000_000


def plots(time_ns: list[int], received_ns: list[int] | None = None) -> Decoded:
    columns = {
        "time": times(np.array(time_ns, np.int64)),
        "sensor_track": pa.array(range(len(time_ns)), pa.uint32()),
    }
    if received_ns is not None:
        columns["received"] = times(np.array(received_ns, np.int64))
    return Decoded(plots=build(PLOTS, len(time_ns), columns))


@given(st.lists(st.lists(st.integers(0, 400 * 10**9), max_size=20), max_size=5))
def test_every_row_goes_into_one_step_that_ends_after_it(batches: list[list[int]]) -> None:
    offset, cut = T0, []
    for batch in batches:
        cut.append(plots([offset + t for t in sorted(batch)]))
        offset += max(batch, default=0)
    found = list(steps(cut))
    ends = [s.now_ns for s in found]
    assert ends == sorted(set(ends))
    assert all(end % STEP_NS == 0 for end in ends)
    assert sum(s.arrived.plots.num_rows for s in found) == sum(map(len, batches))
    for before, step in zip([None, *found], found, strict=False):
        times_ns = np.asarray(step.arrived.plots["time"].cast(pa.int64()))
        assert (times_ns < step.now_ns).all()
        if before is not None and len(times_ns):
            assert (times_ns >= before.now_ns).all() or times_ns.min() < before.now_ns  # late rows come at once
            gap = step.now_ns - before.now_ns
            assert gap == STEP_NS or gap > LONGEST_GAP_NS - STEP_NS


def test_arrival_decides_and_rows_without_any_time_go_with_their_neighbours() -> None:
    decoded = plots([T0, T0 + 10**9, NO_TIME], [T0 + 3 * 10**9, T0 + 10**9, NO_TIME])
    found = [s for s in steps([decoded]) if s.arrived.plots.num_rows]
    assert [s.arrived.plots["sensor_track"].to_pylist() for s in found] == [[1, 2], [0]]
    assert not list(steps([plots([NO_TIME, NO_TIME])]))


def test_a_long_silence_is_passed_over() -> None:
    found = list(steps([plots([T0]), plots([T0 + 3600 * 10**9])]))
    assert len(found) == 2
    found = list(steps([plots([T0]), plots([T0 + 60 * 10**9])]))
    assert len(found) == 121


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        *((wrong, place) for wrong in (0, 1, 2**62, 4_290_000_000 * 10**9) for place in (0, 1, 50, 99)),
        *((T0 + 10**13, place) for place in (0, 1, 50, 98)),
    ],
)
def test_a_wrong_stamp_costs_no_more_than_its_row(wrong: int, place: int) -> None:
    arrivals = [T0 + i * 10**8 for i in range(100)]
    arrivals[place] = wrong
    later = [T0 + i * 10**8 for i in range(100, 200)]
    found = list(steps([plots(arrivals), plots(later)]))
    assert len(found) <= 41
    assert sum(s.arrived.plots.num_rows for s in found) == 200
    assert found[-1].now_ns == T0 + 20 * 10**9
    assert max(s.arrived.plots.num_rows for s in found) <= 6


def test_a_row_after_a_silence_at_the_end_of_a_batch_keeps_its_time() -> None:
    found = list(steps([plots([T0] * 19 + [T0 + 121 * 10**9])]))
    assert [s.arrived.plots.num_rows for s in found] == [19, 1]


def test_times_far_apart_in_one_batch_make_few_steps() -> None:
    """As many as would fill the memory lie between 1970 and 2105."""
    found = list(steps([plots([0, T0, T0 + 10**9, 4_290_000_000 * 10**9])]))
    assert len(found) == 5
    assert sum(s.arrived.plots.num_rows for s in found) == 4
    shuffled = [T0 + (i * 37 % 100) * 600 * 10**9 for i in range(100)]
    found = list(steps([plots(shuffled)]))
    assert [s.arrived.plots["time"].cast(pa.int64()).to_pylist() for s in found] == [[t] for t in sorted(shuffled)]


def test_streams_are_merged_in_the_order_of_time() -> None:
    a = steps([plots([T0, T0 + 2 * 10**9])])
    b = steps([plots([T0 + 10**9])])
    found = list(merged([a, b]))
    assert [s.arrived.plots.num_rows for s in found] == [1, 0, 1, 0, 1]
    assert [s.now_ns for s in found] == sorted(s.now_ns for s in found)


def test_pace_waits_for_the_time_of_each_step() -> None:
    now = 100.0
    slept: list[float] = []
    pace = Pace(10.0, lambda: now)
    for i in range(5):
        wait = pace.wait_s(T0 + i * STEP_NS)
        slept.append(wait)
        now += wait
    assert slept == pytest.approx([0.0, 0.05, 0.05, 0.05, 0.05])
    assert pace.reached_ns(T0 + 4 * STEP_NS) == pytest.approx(T0 + 4 * STEP_NS, abs=10)
    now += 1.0
    assert pace.reached_ns(T0 + 4 * STEP_NS) == pytest.approx(T0 + 4 * STEP_NS + 10 * 10**9, abs=1_000)


def test_a_pace_that_is_late_does_not_wait_and_one_without_a_limit_never_does() -> None:
    now = 0.0
    pace = Pace(1.0, lambda: now)
    assert pace.wait_s(T0) == 0.0
    now = 100.0
    assert pace.wait_s(T0 + 10**9) == pytest.approx(-99.0)
    free = Pace(None, lambda: now)
    assert free.wait_s(T0 + 10**15) == 0.0
    assert free.reached_ns(T0) == T0


def test_a_long_silence_is_not_waited_for() -> None:
    now = 0.0
    pace = Pace(1.0, lambda: now)
    pace.wait_s(T0)
    assert pace.wait_s(T0 + 3_600 * 10**9) == 0.0
    assert pace.wait_s(T0 + 3_601 * 10**9) == pytest.approx(1.0)
