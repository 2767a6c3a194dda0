"""What is learned from service messages, and what a person is told, once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import tables
from skypact.sensors import Catalogue, Learner, Sensor, crossings

PLACE = (45.5, 16.25, 200.0)
WRITTEN = Sensor(id="alpha", kind="mode_s", sac=25, sic=12)


def services(rows: Sequence[dict[str, object]]) -> pa.Table:
    """Return a SERVICES table: each row has t_s, and what differs from a north message of 25/12."""

    def column(name: str) -> np.ndarray:
        return np.array([row.get(name, np.nan) for row in rows], np.float64)

    time = np.array([tables.NO_TIME if row.get("t_s") is None else round(row["t_s"] * 1e9) for row in rows], np.int64)
    message = [tables.SERVICE_MESSAGES.index(row.get("message", "north")) for row in rows]
    return tables.build(
        tables.SERVICES,
        len(rows),
        {
            "time": tables.times(time),
            "sensor": pa.array([row.get("sensor", "25/12") for row in rows], pa.string()).dictionary_encode(),
            "message": tables.words("message", np.array(message, np.int8)),
            **{n: column(n) for n in ("azimuth_deg", "rotation_s", "latitude_deg", "longitude_deg", "altitude_m")},
        },
    )


def at(place: tuple[float, float, float]) -> dict[str, object]:
    return dict(zip(("latitude_deg", "longitude_deg", "altitude_m"), place, strict=True))


def plots(sensor: str | None, *kinds: str, polar: bool = True) -> pa.Table:
    n = len(kinds)
    return tables.build(
        tables.PLOTS,
        n,
        {
            "sensor": pa.array([sensor] * n, pa.string()).dictionary_encode(),
            "kind": tables.words("kind", np.array([tables.KINDS.index(kind) for kind in kinds], np.int8)),
            "range_m": np.full(n, 1000.0 if polar else np.nan),
        },
    )


def test_rotation_is_the_median_turn_whatever_is_lost_or_repeated() -> None:
    turn_s = 4.812
    rng = np.random.default_rng(1)
    norths = turn_s * np.flatnonzero(rng.random(60) > 0.2)
    norths = norths + 0.002 * rng.standard_normal(len(norths))
    learner = Learner(Catalogue([WRITTEN]))
    rows = [{"t_s": t} for t in np.repeat(norths, 2)]
    for start in range(0, len(rows), 7):
        assert learner.services(services(rows[start : start + 7])) == []
    assert learner.catalogue.get("alpha").rotation_s == pytest.approx(turn_s, abs=1e-3)


def test_a_clock_set_back_is_followed() -> None:
    learner = Learner(Catalogue([WRITTEN]))
    for t_s in (1e6, 1e6 + 4, 500.0, 510.0, 520.0, 530.0):
        learner.services(services([{"t_s": t_s}]))
    assert learner.catalogue.get("25/12").rotation_s == 10


def test_a_stated_rotation_goes_before_the_median_and_the_written_one_before_both() -> None:
    rows = [{"t_s": 0.0}, {"t_s": 5.0, "rotation_s": 4.9}, {"t_s": 10.0, "rotation_s": 0.0}]
    learner = Learner(Catalogue([WRITTEN]))
    learner.services(services(rows))
    assert learner.catalogue.get("25/12").rotation_s == 4.9
    learner = Learner(Catalogue([Sensor(id="alpha", kind="mode_s", sac=25, sic=12, rotation_s=6)]))
    learner.services(services(rows))
    assert learner.catalogue.get("25/12").rotation_s == 6


def test_a_position_is_learned_where_the_catalogue_has_none() -> None:
    learner = Learner(Catalogue([WRITTEN]))
    assert learner.services(services([at(PLACE), at(PLACE)])) == []
    alpha = learner.catalogue.get("alpha")
    assert (alpha.latitude_deg, alpha.longitude_deg, alpha.altitude_m) == PLACE
    assert learner.plots(plots("25/12", "mode_s")) == []


def test_two_positions_are_told_once_and_the_first_stays() -> None:
    learner = Learner(Catalogue([WRITTEN]))
    moved = (PLACE[0] + 0.01, PLACE[1], PLACE[2])
    assert learner.services(services([at(PLACE), at((PLACE[0] + 0.001, PLACE[1], PLACE[2]))])) == []
    (notice,) = learner.services(services([at(moved)]))
    assert notice.problem == "two_positions"
    assert "25/12 states the position 45.51000 16.25000, 1.1 km from the one it stated first" in notice.text
    assert learner.services(services([at(moved)])) == []
    assert learner.catalogue.get("alpha").latitude_deg == PLACE[0]


def test_a_position_that_contradicts_the_catalogue_is_told_and_not_taken() -> None:
    written = Sensor(id="alpha", kind="mode_s", sac=25, sic=12, latitude_deg=44.5, longitude_deg=16.25, altitude_m=1.0)
    learner = Learner(Catalogue([written]))
    (notice,) = learner.services(services([at(PLACE)]))
    assert "111.1 km from the one in the catalogue, which is used" in notice.text
    assert learner.catalogue.get("alpha") == written


def test_an_unknown_radar_is_told_once_with_the_lines_to_add() -> None:
    learner = Learner(Catalogue())
    (notice,) = learner.plots(plots("25/14", "ssr", "psr"))
    assert notice.problem == "unknown"
    assert notice.text == (
        "sensor 25/14 is not in the catalogue and its plots stay without a position; add its [[sensor]] lines"
    )
    filled = notice.lines.replace("deg = ", "deg = 1").replace("_m = ", "_m = 1")
    added = Catalogue.parse(f'schema = "sensors/1"\n{filled}').get("25/14")
    assert (added.id, added.kind, added.latitude_deg) == ("radar-25-14", "psr_ssr", 1)
    assert learner.plots(plots("25/14", "psr")) == []


def test_an_unknown_radar_that_states_its_position_is_used_and_told() -> None:
    learner = Learner(Catalogue())
    learner.services(services([at(PLACE)]))
    assert len(learner.catalogue) == 0
    (notice,) = learner.plots(plots("25/12", "mode_s"))
    assert "stay without" not in notice.text
    assert list(Catalogue.parse(f'schema = "sensors/1"\n{notice.lines}')) == list(learner.catalogue)
    assert learner.catalogue.get("25/12").has_position


def test_a_written_radar_without_position_is_told_which_lines_are_missing() -> None:
    learner = Learner(Catalogue([WRITTEN]))
    (notice,) = learner.plots(plots("25/12", "mode_s"))
    assert notice.problem == "no_position"
    assert notice.text.endswith("add latitude_deg, longitude_deg and altitude_m to [[sensor]] alpha")
    assert notice.lines == "latitude_deg = \nlongitude_deg = \naltitude_m = \n"
    assert learner.plots(plots("25/12", "mode_s")) == []


def test_who_needs_no_catalogue_is_not_told_of() -> None:
    learner = Learner(Catalogue())
    assert learner.plots(plots("receiver", "adsb", polar=False)) == []
    assert learner.plots(plots(None, "psr")) == []
    (notice,) = learner.plots(plots("7/8", "adsb", polar=False))
    assert "latitude" not in notice.lines
    (notice,) = learner.plots(plots('a "b"/\n', "psr"))
    assert 'id = "a--b---"' in notice.lines
    for label in ("256/1", "01/1", "٣/٤"):
        assert learner.plots(plots(label, "adsb", polar=False)) == []
    assert [sensor.label for sensor in learner.catalogue] == ["7/8"]


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (("psr", "mode_s", "ssr"), "psr_mode_s"),
        (("ssr", "mode_s"), "mode_s"),
        (("psr_ssr",), "psr_ssr"),
        (("ssr",), "ssr"),
        (("psr",), "psr"),
        (("adsb",), "adsb"),
    ],
)
def test_the_kind_of_an_unknown_radar_is_that_of_its_plots(seen: tuple[str, ...], kind: str) -> None:
    learner = Learner(Catalogue([Sensor(id="radar-1-2", kind="psr")]))
    for word in seen:
        learner.plots(plots("1/2", word))
    new = learner.catalogue.get("1/2")
    assert (new.kind, new.id) == (kind, "radar-1-2_")


def test_crossings_are_sorted_and_stand_once() -> None:
    table = services(
        [
            {"t_s": 5.0},
            {"t_s": 1.0, "message": "sector", "azimuth_deg": 90.0},
            {"t_s": 1.0, "message": "sector", "azimuth_deg": 90.0},
            {"t_s": 0.0, "azimuth_deg": 0.4},
            {"t_s": 2.0, "message": "status", "azimuth_deg": 3.0},
            {"t_s": None},
            {"t_s": 0.5, "sensor": "1/1"},
            {"t_s": 0.5, "sensor": None},
            {"t_s": 3.0, "message": "sector"},
        ]
    )
    found = crossings(table)
    assert found["sensor"].to_pylist() == ["25/12", "25/12", "25/12", "1/1"]
    assert found["time"].cast(pa.int64()).to_pylist() == [0, 1_000_000_000, 5_000_000_000, 500_000_000]
    assert found["azimuth_deg"].to_pylist() == [0.0, 90.0, 0.0, 0.0]
    assert crossings(tables.empty(tables.SERVICES)).num_rows == 0


numbers = st.floats() | st.just(np.nan)
row = st.fixed_dictionaries(
    {
        "t_s": st.none() | st.floats(-1e6, 1e9),
        "sensor": st.sampled_from([None, "25/12", "0/0", "", "a b"]),
        "message": st.sampled_from(tables.SERVICE_MESSAGES),
        "azimuth_deg": numbers,
        "rotation_s": numbers,
        "latitude_deg": st.floats(-90, 90) | st.just(np.nan),
        "longitude_deg": st.floats(-180, 180) | st.just(np.nan),
        "altitude_m": st.floats(-500, 1e5) | st.just(np.nan),
    }
)


@given(st.lists(st.lists(row, max_size=6), max_size=4), st.sampled_from([Catalogue(), Catalogue([WRITTEN])]))
def test_no_message_breaks_learning_and_the_result_is_a_catalogue(
    batches: list[list[dict[str, object]]], written: Catalogue
) -> None:
    learner = Learner(written)
    for batch in batches:
        table = services(batch)
        learner.plots(plots("25/12", "psr"))
        for notice in learner.services(table):
            assert notice.text.isprintable()
        assert crossings(table).num_rows <= len(batch)
    assert Catalogue.parse(learner.catalogue.to_toml()) == learner.catalogue
