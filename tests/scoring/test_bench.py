"""The same data through the bench's scorer."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scoring_world import T0, Plane, at, picture, truth

from skypact.scoring import ScoringSettings, score
from skypact.sensors import Catalogue, Sensor

Bench = tuple[ModuleType, ModuleType]


def same(found: Any, expected: dict[str, float], rel: float) -> None:
    ours = {
        "gospa": found.gospa.mean_m,
        "gospa_per_target": found.gospa.per_object_m,
        "rms": found.position_m.rms,
        "completeness": found.completeness,
        "false_tracks": found.false_tracks,
        "false_share": found.false_share,
        "swaps_per_hour": found.swaps_per_hour,
        "purity": found.purity,
        "numbers_per_truth": found.numbers_per_object,
    }
    assert ours == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize("lat", [0.0, 43.0, 78.0, -89.9])
def test_a_small_plane_scores_alike_to_rounding(bench: Bench, lat: float) -> None:
    """On 60 km the plane differs from the earth by 2e-5 of a distance, and 60 aircraft in it often meet."""
    scenario, evaluate = bench
    cfg = scenario.Config(
        aircraft=60, seconds=300.0, seed=4, side=60e3,
        radars=(scenario.Radar(x=20e3, y=25e3, max_range=45e3), scenario.Radar(x=50e3, y=50e3, max_range=20e3)),
    )  # fmt: skip
    _, true = scenario.generate(cfg)
    plane = Plane(lat, 74.5, middle=30e3)
    reports, ends, tracks = picture(true, plane, np.random.default_rng(5), evaluate.REPORT_DTYPE)
    expected = evaluate.score(reports, ends, true, cfg)
    assert 0.02 < expected["false_share"] < 0.5
    assert expected["swaps_per_hour"] > 10
    assert expected["purity"] < 0.995

    reach = np.zeros(len(true), bool)
    for radar in cfg.radars:
        d = np.hypot(true["x"] - radar.x, true["y"] - radar.y)
        reach |= (d < radar.max_range - 3e3) & (d > radar.min_range + 12e3)
    rows = truth(true["time"], [str(k) for k in true["truth_id"]], trackable=reach,
                 **plane.columns(*(true[n] for n in ("x", "y", "vx", "vy"))))  # fmt: skip
    rows = rows.take(pa.array(np.random.default_rng(6).permutation(len(rows))))
    settings = ScoringSettings(start_ns=T0, stop_ns=int(at(cfg.seconds)), stale_s=1e6)
    same(score(tracks, rows, settings), expected, 3e-5)


def test_what_is_trackable_follows_from_the_sensors(bench: Bench) -> None:
    """On 600 km the plane's distances differ by up to 0.1 % from those over ground, and a few objects at an edge."""
    scenario, evaluate = bench
    cfg = scenario.Config(aircraft=100, seconds=240.0, seed=7, radars=scenario.default_radars(3))
    _, true = scenario.generate(cfg)
    plane = Plane(43.0, 74.5, middle=300e3)
    reports, ends, tracks = picture(true, plane, np.random.default_rng(8), evaluate.REPORT_DTYPE)
    expected = evaluate.score(reports, ends, true, cfg)
    rows = truth(true["time"], [str(k) for k in true["truth_id"]],
                 **plane.columns(*(true[n] for n in ("x", "y", "vx", "vy"))))  # fmt: skip
    sensors = []
    for k, radar in enumerate(cfg.radars):
        lat, lon = plane.place(np.array([radar.x]), np.array([radar.y]))
        sensors.append(
            Sensor(id=f"R{k}", kind="psr", latitude_deg=lat[0], longitude_deg=lon[0], altitude_m=0.0,
                   range_m=radar.max_range)
        )  # fmt: skip
    settings = ScoringSettings(start_ns=T0, stop_ns=int(at(cfg.seconds)), stale_s=1e6)
    found = score(tracks, rows, settings, sensors=Catalogue(sensors))
    same(found, expected, 2e-3)
    assert score(tracks, rows, settings).object_hours > found.object_hours
