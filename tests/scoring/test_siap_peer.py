"""SIAP attributes beside Stone Soup's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scoring_world import SECOND, T0, Plane, tracks, truth

from skypact.scoring import ScoringSettings, score

EVERY, TIMES = 4, 50
SCRIPT = """
import datetime as dt, json, sys
import numpy as np
from stonesoup.dataassociator.tracktotrack import TrackToTruth
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.manager import MultiManager
from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics
from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
from stonesoup.types.state import State
from stonesoup.types.track import Track

data = json.load(open(sys.argv[1]))
start = dt.datetime(2026, 1, 1)
def path(kind, state, rows):
    return kind([state(np.array(row[1:])[:, None], timestamp=start + dt.timedelta(seconds=row[0])) for row in rows])
truths = {path(GroundTruthPath, GroundTruthState, rows) for rows in data["truth"]}
tracks = {path(Track, State, rows) for rows in data["tracks"]}
siap = SIAPMetrics(position_measure=Euclidean((0, 2)), velocity_measure=Euclidean((1, 3)), generator_name="siap")
associator = TrackToTruth(
    association_threshold=2000.0, consec_pairs_confirm=1, consec_misses_end=1, measure=Euclidean((0, 2)))
manager = MultiManager([siap], associator=associator)
manager.add_data({"groundtruth_paths": truths, "tracks": tracks})
found = {name: metric.value for name, metric in manager.generate_metrics()["siap"].items() if "times" not in name}
needed = [siap.min_num_tracks_needed_to_track(manager, one) for one in truths]
def longest(one):
    # The peer adds up all times of one track; a segment ends where the track was elsewhere.
    own = manager.association_set.associations_including_objects([one])
    times = [sorted(association.time_range.key_times) for association in own]
    return max(((b - a).total_seconds() for keys in times for a, b in zip(keys[::2], keys[1::2])), default=0.0)
held = [longest(one) for one in truths]
print(json.dumps({"metrics": found, "needed": sorted(needed), "held": sorted(held)}))
"""


def test_siap_attributes_are_those_of_stone_soup(peer: Callable[..., Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    seconds = np.arange(TIMES) * float(EVERY)
    true = [np.column_stack([seconds, np.full(TIMES, 6e3 * k), np.full(TIMES, 20.0), 20.0 * seconds,
                             np.full(TIMES, 10.0)]) for k in range(8)]  # fmt: skip
    for rows in true:
        rows[:, 1] += 20.0 * seconds
        rows[:, 3] = 10.0 * seconds
    held = []
    for rows in true[:7]:
        for _ in range(rng.integers(1, 4)):
            first, last = sorted(rng.integers(0, TIMES, 2))
            own = rows[first : last + 1].copy()
            own[:, 1:] += rng.normal(0, (300.0, 5.0, 300.0, 5.0), (len(own), 4))
            if rng.random() < 0.5 and len(own) > 6:
                own[3:5, 3] += 2_600.0  # away for a while
            held.append(own)
    held.append(np.column_stack([seconds, np.full((TIMES, 2), 0.0), np.full(TIMES, 30e3), np.zeros(TIMES)]))
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"truth": [r.tolist() for r in true], "tracks": [r.tolist() for r in held]}))
    expected = peer("stonesoup", SCRIPT, file)

    plane = Plane(0.0, 0.0, middle=24e3)
    flat, said = np.concatenate(true), np.concatenate(held)
    names = [f"{k}" for k in range(8) for _ in range(TIMES)]
    numbers = np.repeat(np.arange(len(held)), [len(rows) for rows in held])
    own, other = (plane.columns(rows[:, 1], rows[:, 3], rows[:, 2], rows[:, 4]) for rows in (flat, said))
    bare = ScoringSettings(warm_up_s=0, settle_s=0, stale_s=0.5, start_ns=T0, stop_ns=T0 + TIMES * EVERY * SECOND)
    found = score(tracks(said[:, 0], numbers, **other), truth(flat[:, 0], names, **own), bare)

    metrics = expected["metrics"]
    ours = {
        "SIAP Completeness": found.siap.completeness,
        "SIAP Ambiguity": found.siap.ambiguity,
        "SIAP Spuriousness": found.siap.spuriousness,
        "SIAP Position Accuracy": found.siap.position_m,
        "SIAP Velocity Accuracy": found.siap.velocity_m_s,
    }
    assert ours == pytest.approx({name: metrics[name] for name in ours}, rel=1e-4)
    assert 0.3 < metrics["SIAP Completeness"] < 0.95
    assert metrics["SIAP Ambiguity"] > 1.05
    # The peer counts the time between the first and the last time of evaluation, we count these times.
    times = sum(t / EVERY + 1 for t, n in zip(expected["held"], expected["needed"], strict=True) if n)
    assert found.siap.longest_segment == pytest.approx(times / (8 * TIMES))
    changes = sum(n - 1 for n in expected["needed"] if n)
    held_h = found.siap.completeness * 8 * TIMES * EVERY / 3600
    assert found.siap.number_changes_per_hour == pytest.approx(changes / held_h)
    assert changes > 2
