"""A whole real flight, Paris to Toulouse, as a network of receivers heard it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tracking_world import SECOND, Floats, numbers, status

from skypact.formats.intake import intake
from skypact.tracking import Tracker

FILE = "modes/rs1090_full_flight_short.jsonl.gz"


@pytest.fixture(scope="module")
def heard(shared: Path) -> pa.Table:
    reader = intake("jsonl")
    with gzip.open(shared / FILE) as file:
        parts = [reader.feed(file.read()), reader.finish()]
    return pa.concat_tables([part.plots for part in parts]).unify_dictionaries().combine_chunks()


def distance_to_path(lat: Floats, lon: Floats, path_lat: Floats, path_lon: Floats) -> Floats:
    """Return the distance of points from a path, in metres; flat over the few kilometres that matter."""
    scale = 111_200.0 * np.cos(np.radians(lat)), 111_200.0
    found = np.full(len(lat), np.inf)
    for first in range(0, len(lat), 200):
        some = slice(first, first + 200)
        x = (path_lon[None] - lon[some, None]) * scale[0][some, None]
        y = (path_lat[None] - lat[some, None]) * scale[1]
        dx, dy = np.diff(x), np.diff(y)
        length = dx * dx + dy * dy
        share = np.clip(-(x[:, :-1] * dx + y[:, :-1] * dy) / np.where(length > 0, length, 1), 0, 1)
        found[some] = np.hypot(x[:, :-1] + share * dx, y[:, :-1] + share * dy).min(axis=1)
    return found


@pytest.mark.parametrize("step_s", [2.0, 7.0])
def test_it_is_one_track_along_the_decoded_positions(heard: pa.Table, step_s: float) -> None:
    time = heard["time"].to_numpy().view(np.int64)
    placed = heard.filter(heard["latitude_deg"].is_valid())
    position_ns = placed["time"].to_numpy().view(np.int64)
    tracker = Tracker()
    rows, now, at = [], int(time[0]), 0
    while at < len(heard) or now < time[-1] + 60 * SECOND:
        now += int(step_s * SECOND)
        to = int(np.searchsorted(time, now))
        rows.append(tracker.step(now, heard.slice(at, to - at)))
        at = to
    tracks = pa.concat_tables(rows)
    assert numbers(tracks) == [1]
    assert status(tracks).count("ended") == 1
    live = tracks.filter(pa.array([word in {"tentative", "confirmed"} for word in status(tracks)]))
    when = live["time"].to_numpy().view(np.int64)
    assert when[0] - position_ns[0] < (step_s + 2) * SECOND
    assert position_ns[-1] - when[-1] < SECOND
    # All along the path; the airfields' taxiways too. Along the track the receivers' clocks, which lag by 0.7 s for
    # two seconds in every 48, would show.
    lat, lon = (live[name].to_numpy() for name in ("latitude_deg", "longitude_deg"))
    apart = distance_to_path(lat, lon, *(placed[name].to_numpy() for name in ("latitude_deg", "longitude_deg")))
    assert apart.max() < 100
    assert np.percentile(apart, 95) < 30
    # And where it was at the moment.
    same = np.isin(when, position_ns)
    index = np.searchsorted(position_ns, when[same])
    east = (lon[same] - placed["longitude_deg"].to_numpy()[index]) * 111_200.0 * np.cos(np.radians(lat[same]))
    north = (lat[same] - placed["latitude_deg"].to_numpy()[index]) * 111_200.0
    assert np.percentile(np.hypot(east, north), 98) < 100
    assert np.hypot(east, north).max() < 200
    last = live.to_pylist()[-1]
    assert last["icao24"] == 0x393322
    assert last["mode_3a"] == 0o1000
    assert last["callsign"].startswith("AFR")
    assert tracker.counts["inconsistent"] < 10
