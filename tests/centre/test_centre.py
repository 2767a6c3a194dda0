"""A centre: sensors learned and reported, simulated and live kept apart, tracks out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skypact import tables
from skypact.centre import Centre, CentreConfig
from skypact.earth import frames
from skypact.sensors import Catalogue, Sensor
from skypact.tracking import TrackerSettings

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
SITE = (43.0, 74.5, 600.0)
RADAR = Sensor(
    id="hill", kind="ssr", sac=25, sic=12, latitude_deg=43.0, longitude_deg=74.5, altitude_m=600.0, rotation_s=4.0
)


def where(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the flight: eastwards at 230 m/s."""
    return np.full_like(seconds, 43.4), 74.0 + seconds * 230 / 81_000, np.full_like(seconds, 9_000.0)


def seen(seconds: np.ndarray, *, simulated: bool | None = None, label: str = "25/12", **columns: Any) -> pa.Table:
    """Return what a radar at `SITE` sees of the flight, without noise."""
    azimuth, _, slant = frames.geodetic2aer(*where(seconds), *SITE)
    time = tables.times(T0 + (seconds * SECOND).astype(np.int64))
    said = {} if simulated is None else {"simulated": np.full(len(seconds), simulated)}
    return tables.build(
        tables.PLOTS,
        len(seconds),
        {
            "time": time,
            "sensor": pa.DictionaryArray.from_arrays(np.zeros(len(seconds), np.int32), pa.array([label])),
            "kind": tables.words("kind", np.full(len(seconds), tables.KINDS.index("ssr"), np.int8)),
            "range_m": np.asarray(slant),
            "azimuth_deg": np.asarray(azimuth),
            "pressure_altitude_m": where(seconds)[2],
            **said,
            **columns,
        },
    )


def position_said() -> pa.Table:
    """Return the radar's own word on where it stands and how it turns."""
    return tables.build(
        tables.SERVICES,
        1,
        {
            "time": tables.times(np.array([T0])),
            "sensor": pa.DictionaryArray.from_arrays(np.zeros(1, np.int32), pa.array(["25/12"])),
            "message": tables.words("message", np.zeros(1, np.int8)),
            "rotation_s": np.array([4.0]),
            "latitude_deg": np.array([SITE[0]]),
            "longitude_deg": np.array([SITE[1]]),
            "altitude_m": np.array([SITE[2]]),
        },
    )


TURNS = np.arange(0.0, 40.0, 4.0)


def test_plots_become_tracks_named_by_the_catalogue() -> None:
    centre = Centre(CentreConfig(Catalogue([RADAR]), TrackerSettings(node="n1", party="kg")))
    out = [centre.step(T0 + int((t + 4) * SECOND), seen(np.array([t]))) for t in TURNS]
    assert not any(one.notices for one in out)
    tracks = pa.concat_tables([one.tracks for one in out])
    last = tracks.to_pylist()[-1]
    assert (last["node"], last["party"], last["status"], last["sensors"]) == ("n1", "kg", "confirmed", ["hill"])
    lat, lon, _ = where(TURNS[-1:])
    assert last["latitude_deg"] == pytest.approx(lat[0], abs=1e-4)
    assert last["longitude_deg"] == pytest.approx(lon[0], abs=1e-4)
    assert centre.counts["used"] == len(TURNS)


def test_an_unknown_radar_is_reported_once_with_its_lines() -> None:
    centre = Centre()
    first = centre.step(T0 + 4 * SECOND, seen(TURNS[:1]))
    (notice,) = first.notices
    assert (notice.sensor, notice.problem) == ("25/12", "unknown")
    assert "[[sensor]]" in notice.lines
    assert "latitude_deg" in notice.lines
    assert centre.step(T0 + 8 * SECOND, seen(TURNS[1:2])).notices == ()
    assert centre.counts["no_position"] == 2


def test_a_radar_without_a_position_is_reported_once() -> None:
    nowhere = Sensor(id="hill", kind="ssr", sac=25, sic=12)
    centre = Centre(CentreConfig(Catalogue([nowhere])))
    (notice,) = centre.step(T0 + 4 * SECOND, seen(TURNS[:1])).notices
    assert notice.problem == "no_position"
    assert "hill" in notice.text
    assert centre.step(T0 + 8 * SECOND, seen(TURNS[1:2])).notices == ()


def test_a_radar_that_says_where_it_stands_is_used() -> None:
    centre = Centre()
    rows = [centre.step(T0, tables.empty(tables.PLOTS), services=position_said()).tracks]
    rows += [centre.step(T0 + int((t + 4) * SECOND), seen(np.array([t]))).tracks for t in TURNS]
    assert centre.catalogue.get("25/12") is not None
    assert pa.concat_tables(rows).to_pylist()[-1]["status"] == "confirmed"


@pytest.mark.parametrize("first", [True, False])
def test_simulated_and_live_do_not_meet(first: bool) -> None:
    centre = Centre(CentreConfig(Catalogue([RADAR])))
    centre.step(T0 + 4 * SECOND, seen(TURNS[:1], simulated=first))
    mixed = pa.concat_tables([seen(TURNS[1:2], simulated=first), seen(TURNS[1:2] + 1, simulated=not first)])
    centre.step(T0 + 9 * SECOND, mixed)
    assert centre.counts["used"] == 2
    assert centre.counts["live among simulated" if first else "simulated among live"] == 1
    assert centre.counts["plots"] == 3


def test_an_exercise_may_mix_them_and_the_track_says_so() -> None:
    centre = Centre(CentreConfig(Catalogue([RADAR]), exercise=True))
    rows = [
        centre.step(T0 + int((t + 4) * SECOND), seen(np.array([t]), simulated=bool(k % 2))).tracks
        for k, t in enumerate(TURNS)
    ]
    assert centre.counts["used"] == len(TURNS)
    assert pa.concat_tables(rows).to_pylist()[-1]["simulated"] is True


def test_the_same_input_gives_the_same_rows() -> None:
    def go() -> pa.Table:
        centre = Centre(CentreConfig(Catalogue([RADAR])))
        return pa.concat_tables([centre.step(T0 + int((t + 4) * SECOND), seen(np.array([t]))).tracks for t in TURNS])

    assert go().equals(go())
