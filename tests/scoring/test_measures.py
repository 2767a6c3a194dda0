"""Scores known beforehand, and what must hold for any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_world import ENDED, GEOD, SECOND, T0, at, tracks, truth

from skypact import tables
from skypact.errors import MisuseError
from skypact.scoring import Score, ScoringSettings, score, truth_of
from skypact.scoring._surface import States
from skypact.sensors import Catalogue, Sensor

Floats = np.ndarray[Any, np.dtype[np.float64]]
BARE = ScoringSettings(warm_up_s=0.0, settle_s=0.0)
SECONDS = np.arange(0.0, 121.0)


def still(
    places: list[tuple[float, float]], seconds: Floats = SECONDS, names: str = "abcdefgh", **columns: Any
) -> pa.Table:
    """Return truth of objects that stand still."""
    lat, lon = (np.repeat([p[k] for p in places], len(seconds)) for k in (0, 1))
    who = [name for name in names[: len(places)] for _ in seconds]
    zero = np.zeros(len(lat))
    speeds = {"velocity_east_m_s": zero, "velocity_north_m_s": zero}
    return truth(np.tile(seconds, len(places)), who, latitude_deg=lat, longitude_deg=lon, **(speeds | columns))


def standing(places: list[tuple[float, float]], seconds: Floats = SECONDS, first: int = 1, **columns: Any) -> pa.Table:
    """Return tracks that stand still, numbered from `first`."""
    lat, lon = (np.repeat([p[k] for p in places], len(seconds)) for k in (0, 1))
    number = np.repeat(np.arange(first, first + len(places)), len(seconds))
    zero = np.zeros(len(lat))
    speeds = {"velocity_east_m_s": zero, "velocity_north_m_s": zero}
    return tracks(np.tile(seconds, len(places)), number, latitude_deg=lat, longitude_deg=lon, **(speeds | columns))


def away(place: tuple[float, float], metres: float, azimuth: float = 30.0) -> tuple[float, float]:
    lon, lat, _ = GEOD.fwd(place[1], place[0], azimuth, metres)
    return lat, lon


PLACES = [(43.0, 74.5), (43.5, 74.5), (43.0, 75.5), (44.0, 75.0)]


def test_tracks_on_their_objects_are_perfect() -> None:
    found = score(standing(PLACES), still(PLACES), BARE)
    assert found.gospa.mean_m == pytest.approx(0.0, abs=1e-6)
    assert (found.objects, found.tracks, found.never_tracked) == (4, 4, 0)
    assert found.object_hours == pytest.approx(4 * 30 * 4 / 3600)
    assert (found.completeness, found.false_share, found.purity, found.numbers_per_object) == (1.0, 0.0, 1.0, 1.0)
    assert (found.swaps_per_hour, found.siap.number_changes_per_hour) == (0.0, 0.0)
    assert (found.siap.completeness, found.siap.ambiguity, found.siap.spuriousness) == (1.0, 1.0, 0.0)
    assert found.siap.longest_segment == 1.0
    assert found.initiation_s is not None
    assert found.initiation_s.rms == 0.0


@settings(max_examples=40)
@given(st.floats(1.0, 1_990.0), st.floats(0.0, 360.0), st.sampled_from([0.0, 43.0, -75.0, 89.99]))
def test_a_constant_error_is_the_score(metres: float, azimuth: float, lat: float) -> None:
    object_at = (lat, 179.999)
    found = score(standing([away(object_at, metres, azimuth)]), still([object_at]), BARE)
    assert found.gospa.mean_m == pytest.approx(metres, rel=1e-6)
    assert found.gospa.localisation_m == pytest.approx(metres, rel=1e-6)
    assert found.position_m is not None
    assert (found.position_m.p50, found.position_m.p99) == pytest.approx((metres, metres), rel=1e-6)
    assert found.siap.position_m == pytest.approx(metres, rel=1e-6)


@pytest.mark.parametrize(
    ("tracked", "extra", "order", "alpha", "expected"),
    [
        (3, 0, 2.0, 2.0, 2_000.0 * 0.5**0.5),
        (4, 3, 2.0, 2.0, 2_000.0 * 1.5**0.5),
        (3, 2, 2.0, 2.0, 2_000.0 * 1.5**0.5),
        (3, 2, 1.0, 2.0, 3_000.0),
        (3, 2, 2.0, 1.0, 2_000.0 * 2.0**0.5),  # one pair beyond c, one track too many
        (2, 0, 1.0, 0.5, 8_000.0),
    ],
)
def test_missed_and_false_cost_what_the_definition_says(
    tracked: int, extra: int, order: float, alpha: float, expected: float
) -> None:
    far = [(10.0 + k, 10.0) for k in range(extra)]
    chosen = ScoringSettings(warm_up_s=0.0, settle_s=0.0, order=order, alpha=alpha)
    found = score(standing(PLACES[:tracked] + far), still(PLACES), chosen)
    assert found.gospa.mean_m == pytest.approx(expected, rel=1e-6)
    g = found.gospa
    parts = (g.localisation_m, g.missed_m, g.false_m)
    assert sum(part**order for part in parts) == pytest.approx(g.per_object_m**order)
    assert g.per_object_m == pytest.approx((expected**order / 4) ** (1 / order), rel=1e-6)
    assert found.completeness == tracked / 4
    assert found.false_tracks == extra
    assert found.never_tracked == 4 - tracked


def test_two_tracks_on_one_object_are_ambiguous() -> None:
    places = [PLACES[0], away(PLACES[0], 500.0)]
    found = score(standing(places), still(PLACES[:1]), BARE)
    assert found.siap.ambiguity == 2.0
    assert found.siap.spuriousness == 0.0
    assert found.false_share == 0.5
    assert found.purity == 1.0
    assert found.siap.number_changes_per_hour == 0.0


def test_continuity_of_a_track_that_is_lost_and_replaced() -> None:
    first, second = SECONDS[SECONDS < 40], SECONDS[SECONDS >= 60]
    over = tracks(np.array([40.0]), [1], ENDED, latitude_deg=np.zeros(1), longitude_deg=np.zeros(1))
    both = pa.concat_tables([standing(PLACES[:1], first), over, standing(PLACES[:1], second, first=2)])
    found = score(both, still(PLACES[:1]), BARE)
    # 30 times: 0 to 36 held by the first, 60 to 116 by the second.
    assert found.completeness == pytest.approx(25 / 30)
    assert found.siap.longest_segment == pytest.approx(15 / 30)
    assert found.siap.number_changes_per_hour == pytest.approx(3600 / (25 * 4))
    assert found.swaps_per_hour == pytest.approx(3600 / 120)
    assert found.numbers_per_object == 2.0
    row = found.by_object.to_pylist()[0]
    assert row == {"object": "a", "counted_s": 120.0, "tracked_s": 100.0, "longest_s": 60.0, "numbers": 2,
                   "initiation_s": 0.0}  # fmt: skip
    assert found.by_time["missed"].to_pylist() == [0] * 10 + [1] * 5 + [0] * 15


def test_a_silent_track_is_carried_on_and_forgotten_after_a_while() -> None:
    seconds = np.arange(0.0, 201.0)
    speed, lat = 200.0, 60.0
    lon, lats, _ = GEOD.fwd(np.full(201, 20.0), np.full(201, lat), np.full(201, 50.0), speed * seconds)
    azimuth = np.radians(GEOD.inv(lon[:-1], lats[:-1], lon[1:], lats[1:])[0])
    azimuth = np.append(azimuth, azimuth[-1])
    moving = {
        "latitude_deg": lats,
        "longitude_deg": lon,
        "velocity_east_m_s": speed * np.sin(azimuth),
        "velocity_north_m_s": speed * np.cos(azimuth),
    }
    early = {name: column[:41] for name, column in moving.items()}
    found = score(tracks(seconds[:41], np.ones(41), **early), truth(seconds, ["a"] * 201, **moving), BARE)
    missed = found.by_time["missed"].to_numpy()
    assert (missed == (np.arange(0, 200, 4) > 100)).all()
    assert found.position_m is not None
    assert found.position_m.p99 < 0.1  # 60 s ahead on the great circle
    assert found.age_s is not None
    assert found.age_s.p99 > 50


def test_truth_is_interpolated_along_its_curve_but_not_over_gaps() -> None:
    rate, radius = 0.05, 4_000.0
    angle = rate * SECONDS

    def ring(turned: Floats) -> dict[str, Floats]:
        lon, lat, _ = GEOD.fwd(
            np.full(len(turned), 74.0), np.full(len(turned), 43.0), np.degrees(turned), radius + 0 * turned
        )
        east, north = rate * radius * np.cos(turned), -rate * radius * np.sin(turned)
        return {"latitude_deg": lat, "longitude_deg": lon, "velocity_east_m_s": east, "velocity_north_m_s": north}

    rows = truth(SECONDS[::5], ["a"] * 25, **ring(angle[::5]))
    held = tracks(SECONDS, np.ones(121), **ring(angle))
    found = score(held, rows, BARE)
    assert found.position_m is not None
    assert found.position_m.p99 < 1.0  # a straight line would be 31 m off
    gap = rows.filter(pa.array((SECONDS[::5] <= 40) | (SECONDS[::5] >= 80)))
    assert score(held, gap, BARE).by_time["objects"].to_pylist() == [1] * 11 + [0] * 9 + [1] * 10
    assert score(held, gap, ScoringSettings(warm_up_s=0, settle_s=0, gap_s=40.0)).completeness == 1.0


def test_what_is_not_trackable_costs_and_gains_nothing() -> None:
    seen = np.repeat([True, False], len(SECONDS))
    rows = still(PLACES[:2], trackable=seen)
    assert score(standing(PLACES[:1]), rows, BARE).gospa.mean_m == pytest.approx(0, abs=1e-6)
    both = score(standing([PLACES[0], away(PLACES[1], 900.0)]), rows, BARE)
    assert both.gospa.mean_m == pytest.approx(0, abs=1e-6)
    assert (both.objects, both.false_tracks, both.siap.spuriousness, both.siap.ambiguity) == (1, 0.0, 0.0, 1.0)
    young = score(standing(PLACES[:1], SECONDS[80:]), still(PLACES[:1]), ScoringSettings(warm_up_s=0, settle_s=80.0))
    assert young.completeness == 1.0


def test_range_and_cone_of_a_sensor_say_what_is_trackable() -> None:
    radar = Sensor(id="R", kind="psr", latitude_deg=43.0, longitude_deg=74.5, altitude_m=500.0, range_m=100e3)
    places = [away(PLACES[0], metres) for metres in (12_900.0, 13_100.0, 96_900.0, 97_100.0)]
    found = score(standing(PLACES[3:]), still(places), BARE, sensors=Catalogue([radar]))
    assert found.by_object["object"].to_pylist() == ["b", "c"]
    listener = Sensor(id="A", kind="adsb", latitude_deg=43.0, longitude_deg=74.5, altitude_m=500.0, range_m=100e3)
    found = score(standing(PLACES[3:]), still(places), BARE, sensors=Catalogue([listener]))
    assert found.by_object["object"].to_pylist() == ["a", "b", "c"]


def test_initiation_and_report_are_timed() -> None:
    late = standing(PLACES[:1], SECONDS[7:])
    found = score(late, still(PLACES[:1]), BARE)
    assert found.initiation_s is not None
    assert found.initiation_s.p50 == 7.0
    assert found.report_s is None
    reported = late["time"].cast(pa.int64()).to_numpy() + np.int64(2.5 * SECOND)
    found = score(late, still(PLACES[:1]), BARE, reported_ns=reported)
    assert found.initiation_s is not None
    assert found.initiation_s.p50 == 9.5
    assert found.report_s is not None
    assert found.report_s.p95 == 2.5
    assert found.age_s is not None
    assert found.age_s.p50 == 3.0  # the youngest plot known at 4 s was measured at 1 s
    assert found.by_time["missed"].to_pylist()[:4] == [1, 1, 1, 0]


def test_covariances_that_say_the_truth_are_consistent() -> None:
    rng = np.random.default_rng(3)
    n = 1_500
    factor = np.array([[80.0, 0, 0, 0], [30, 60, 0, 0], [2, -1, 5, 0], [1, 3, 0.5, 4]])
    full = factor @ factor.T
    error = rng.normal(size=(n, 4)) @ factor.T
    places = [PLACES[0]] * n
    lon, lat, _ = GEOD.fwd(
        np.full(n, 74.5), np.full(n, 43.0), np.degrees(np.arctan2(error[:, 0], error[:, 1])), np.hypot(*error.T[:2])
    )
    covariance = np.full((n, 21), np.nan, np.float32)
    place = {0: 0, 1: 1, 3: 2, 4: 3}
    k = 0
    for i in range(6):
        for j in range(i, 6):
            if i in place and j in place:
                covariance[:, k] = full[place[i], place[j]]
            k += 1
    columns = {
        "latitude_deg": lat,
        "longitude_deg": lon,
        "velocity_east_m_s": error[:, 2],
        "velocity_north_m_s": error[:, 3],
    }
    seconds = np.arange(n) * 4.0
    for scale in (1.0, 0.25):
        said = pa.FixedSizeListArray.from_arrays(pa.array(covariance.ravel() * np.float32(scale)), 21)
        rows = pa.concat_tables(
            [tracks(seconds[:5], np.ones(5), **{c: v[:5] for c, v in columns.items()}),
             tracks(seconds[5:], np.ones(n - 5), covariance=said.slice(5), **{c: v[5:] for c, v in columns.items()})]
        )  # fmt: skip
        found = score(rows, still(places[:1], np.arange(0, n * 4.0, 20.0)), BARE)
        for nees in (found.position_nees, found.state_nees):
            assert nees is not None
            assert nees.count == n - 5 - 5  # the last row of truth is 16 s before the last of the track
            assert nees.nees == pytest.approx(1 / scale, rel=0.1)
        if scale == 1.0:
            assert found.state_nees is not None
            assert found.state_nees.within_95 == pytest.approx(0.95, abs=0.02)


def test_heights_and_velocities_are_compared() -> None:
    held = standing(PLACES[:1], altitude_m=np.full(121, 9_100.0), velocity_up_m_s=np.zeros(121))
    held = held.set_column(
        held.schema.get_field_index("velocity_north_m_s"), "velocity_north_m_s", pa.array(np.full(121, 3.0))
    ).cast(tables.TRACKS)
    found = score(held, still(PLACES[:1], altitude_m=np.full(121, 9_000.0)), BARE)
    assert found.height_m is not None
    assert found.height_m.rms == pytest.approx(100.0)
    assert found.velocity_m_s is not None
    assert found.velocity_m_s.rms == pytest.approx(3.0, rel=1e-4)
    unknown = standing(PLACES[:1], velocity_east_m_s=np.full(121, np.nan), velocity_north_m_s=np.full(121, np.nan))
    found = score(unknown, still(PLACES[:1]), BARE)
    assert (found.height_m, found.velocity_m_s, found.siap.velocity_m_s) == (None, None, None)
    assert found.gospa.mean_m == pytest.approx(0, abs=1e-6)


# ------------------------------------------------------------------ for any


places = st.lists(st.tuples(st.floats(0, 0.08), st.floats(0, 0.08)), max_size=6)


def snapshot(a: list[tuple[float, float]], b: list[tuple[float, float]], order: float = 2.0, **columns: Any) -> float:
    """Return GOSPA between two sets of points, the first as tracks."""
    seconds = np.array([0.0, 4.0])
    bare = ScoringSettings(warm_up_s=0.0, settle_s=0.0, order=order, start_ns=T0, stop_ns=T0 + 1)
    anchor = (-60.0, 0.0)  # far from all, so that neither side is empty; its own track is exact
    return score(standing([anchor, *a], seconds), still([anchor, *b], seconds, "zabcdefgh"), bare).gospa.mean_m


@settings(max_examples=40)
@given(places, places, places, st.sampled_from([1.0, 2.0]))
def test_gospa_is_a_metric(a: list[Any], b: list[Any], c: list[Any], order: float) -> None:
    near = [snapshot(*pair, order) for pair in ((a, b), (b, c), (a, c))]
    assert near[2] <= near[0] + near[1] + 1e-6
    assert snapshot(b, a, order) == pytest.approx(near[0], abs=1e-6)
    assert snapshot(a, a, order) == pytest.approx(0.0, abs=1e-4)


def same(a: Score, b: Score) -> bool:
    return a.to_dict() == b.to_dict()


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(-(10**17), 10**17))
def test_names_numbers_parties_order_and_date_change_nothing(seed: int, shift: int) -> None:
    rng = np.random.default_rng(seed)
    spots = [(43 + float(lat), 74 + float(lon)) for lat, lon in rng.uniform(0, 0.05, (5, 2))]
    true = still(spots)
    held = standing([away(p, float(rng.uniform(0, 2_500)), float(rng.uniform(0, 360))) for p in spots])
    held = held.filter(pa.array(rng.random(len(held)) < 0.6))
    before = score(held, true, BARE)

    def moved(table: pa.Table) -> pa.Table:
        for name in ("time", "last_plot"):
            if name in table.column_names:
                later = pa.array(table[name].cast(pa.int64()).to_numpy() + shift).view(tables.TIME)
                table = table.set_column(table.schema.get_field_index(name), name, later)
        return table.take(pa.array(rng.permutation(len(table))))

    others = held.set_column(
        held.schema.get_field_index("party"), "party", pa.array(["east"] * len(held)).dictionary_encode()
    )
    numbers = pa.array(held["track"].to_numpy() + 1_000, pa.uint32())
    others = others.set_column(held.schema.get_field_index("track"), "track", numbers).cast(tables.TRACKS)
    assert same(score(moved(others), moved(true), BARE), before)


def test_equal_numbers_of_two_nodes_are_two_tracks() -> None:
    column = tables.TRACKS.get_field_index("node")
    parts = [
        standing([place]).set_column(column, "node", pa.array([name] * 121).dictionary_encode()).cast(tables.TRACKS)
        for name, place in zip(("east", "west"), PLACES, strict=False)
    ]
    found = score(pa.concat_tables(parts), still(PLACES[:2]), BARE)
    assert (found.tracks, found.completeness, found.swaps_per_hour) == (2, 1.0, 0.0)


def test_a_reference_serves_as_truth() -> None:
    reference = standing(PLACES, callsign=pa.array(["KYZ1"] * 484))
    over = tracks(np.array([60.0]), [2], ENDED, latitude_deg=np.zeros(1), longitude_deg=np.zeros(1))
    tentative = standing([(0.0, 0.0)], first=9, status=0)
    rows = truth_of(pa.concat_tables([reference, over, tentative]))
    assert rows.schema.equals(tables.TRUTH)
    assert set(rows["object"].to_pylist()) == {"1", "2", "3", "4"}
    assert set(rows["callsign"].to_pylist()) == {"KYZ1"}
    found = score(standing([away(p, 300.0) for p in PLACES]), rows, BARE)
    assert found.gospa.per_object_m == pytest.approx(300.0, rel=1e-6)
    assert found.completeness == 1.0


def test_nothing_tracked_is_a_score_too() -> None:
    found = score(tables.empty(tables.TRACKS), still(PLACES), BARE)
    assert found.gospa.per_object_m == pytest.approx(2_000 * 0.5**0.5)
    assert (found.completeness, found.purity, found.siap.ambiguity, found.position_m) == (0.0, None, None, None)
    assert "purity" not in found.to_dict()
    assert "-" in str(found)


def test_rows_without_use_are_left_out() -> None:
    spoilt = still(PLACES)
    bad = truth(
        np.array([5.0, 5.0, 6.0, 7.0]),
        ["a", "b", "c", "d"],
        latitude_deg=np.array([np.nan, 91.0, 1.0, -1e300]),
        longitude_deg=np.array([0.0, 0.0, np.inf, 0.0]),
    )
    rows = pa.concat_tables([spoilt, bad, tables.build(tables.TRUTH, 2, {})])
    held = pa.concat_tables([standing(PLACES), tables.build(tables.TRACKS, 3, {})])
    assert same(score(held, rows, BARE), score(standing(PLACES), spoilt, BARE))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: score(tables.empty(tables.TRUTH), still(PLACES)), "tracks/1"),
        (lambda: score(tables.empty(tables.TRACKS), tables.empty(tables.TRACKS)), "truth/1"),
        (lambda: truth_of(tables.empty(tables.TRUTH)), "tracks/1"),
        (lambda: score(tables.empty(tables.TRACKS), tables.empty(tables.TRUTH)), "no row"),
        (lambda: score(tables.empty(tables.TRACKS), still(PLACES, np.arange(50.0))), "warm-up"),
        (lambda: score(tables.empty(tables.TRACKS), still(PLACES, np.array([0.0, 1e9]))), "another date"),
        (lambda: score(standing(PLACES), still(PLACES), reported_ns=np.zeros(3, np.int64)), "484 rows"),
        (lambda: ScoringSettings(alpha=2.5), "alpha"),
        (lambda: ScoringSettings(order=0.5), "order"),
        (lambda: ScoringSettings(cutoff_m=0.0), "cutoff_m"),
        (lambda: ScoringSettings(every_s=float("nan")), "every_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(make: Any, what: str) -> None:
    with pytest.raises(MisuseError, match=what):
        make()


def test_carried_states_stay_on_the_earth() -> None:
    one = np.ones(1)
    state = States.of(60 * one, 20 * one, 10_000 * one, 250 * one, 0 * one, 5 * one).carried(60 * one)
    lon, lat, _ = GEOD.fwd(20.0, 60.0, 90.0, 250 * 60 * 6_371_008.8 / 6_381_008.8)
    expected = States.of(lat * one, lon * one, 0 * one, 0 * one, 0 * one, 0 * one)
    assert np.linalg.norm(state.place - expected.place) < 0.1
    assert state.altitude_m[0] == 10_300.0
    assert at(1.0) == T0 + SECOND
