"""Truth and tracks for tests: a plane laid onto the earth, and pictures with known faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyproj import Geod, Proj

from skypact import tables

Floats = np.ndarray[Any, np.dtype[np.float64]]
T0 = 1_780_000_000_000_000_000
SECOND = 1_000_000_000
GEOD = Geod(ellps="WGS84")
LIVE, ENDED = tables.STATUSES.index("confirmed"), tables.STATUSES.index("ended")


def at(seconds: Floats | float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return UTC nanoseconds of seconds after `T0`."""
    return T0 + np.round(np.asarray(seconds, np.float64) * SECOND).astype(np.int64)


class Plane:
    """An azimuthal equidistant plane about a centre."""

    def __init__(self, lat: float, lon: float, middle: float = 0.0) -> None:
        self._proj = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")
        self._middle = middle

    def place(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return latitude and longitude."""
        lon, lat = self._proj(np.asarray(x) - self._middle, np.asarray(y) - self._middle, inverse=True)
        return lat, lon

    def velocity(self, x: Floats, y: Floats, vx: Floats, vy: Floats) -> tuple[Floats, Floats]:
        """Return east and north velocity over ground, by a difference over a second."""
        lat1, lon1 = self.place(x - vx / 2, y - vy / 2)
        lat2, lon2 = self.place(x + vx / 2, y + vy / 2)
        lat, lon = self.place(x, y)
        azimuth, _, distance = GEOD.inv(lon1, lat1, lon2, lat2)
        middle, _, _ = GEOD.inv(lon, lat, lon2, lat2)
        azimuth = np.where(distance > 1e-6, middle, azimuth)
        return distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))

    def columns(self, x: Floats, y: Floats, vx: Floats, vy: Floats) -> dict[str, Any]:
        """Return the columns of positions and velocities."""
        lat, lon = self.place(x, y)
        east, north = self.velocity(x, y, vx, vy)
        return {
            "latitude_deg": lat,
            "longitude_deg": lon,
            "velocity_east_m_s": east,
            "velocity_north_m_s": north,
        }


def truth(seconds: Floats, names: list[str], **columns: Any) -> pa.Table:
    """Return a table of TRUTH."""
    named = pa.array(names, pa.string()).dictionary_encode()
    return tables.build(tables.TRUTH, len(names), {"time": tables.times(at(seconds)), "object": named, **columns})


def tracks(seconds: Floats, number: Any, status: Any = LIVE, **columns: Any) -> pa.Table:
    """Return a table of TRACKS; `status` is an index into `tables.STATUSES`."""
    time = tables.times(at(seconds))
    codes = np.broadcast_to(np.asarray(status, np.int8), (len(seconds),)).copy()
    fixed = {"time": time, "track": pa.array(np.asarray(number), pa.uint32()), "status": tables.words("status", codes)}
    return tables.build(tables.TRACKS, len(seconds), {"last_plot": time, **fixed, **columns})


def picture(truth: Any, plane: Plane, rng: np.random.Generator, report_dtype: Any, sigma: float = 150.0) -> tuple:
    """Return what a tracker of known faults reports of a plane scenario's truth.

    Returns reports and ends as the bench's scorer takes them, and the same as TRACKS. Tracks begin late, break, change
    hands between neighbours, go on after death, and some are of nobody.
    """
    rows, ends, number = [], {}, 0
    people = np.unique(truth["truth_id"])
    for who in people:
        own = truth[truth["truth_id"] == who]
        first = own["time"][0] + rng.uniform(0, 30)
        while first < own["time"][-1]:
            last = min(first + rng.exponential(200.0), own["time"][-1])
            heard = own[(own["time"] >= first) & (own["time"] <= last) & (rng.random(len(own)) < 0.3)]
            if len(heard):
                t = heard["time"] + rng.uniform(0, 0.9, len(heard))
                place = [heard[a] + heard[v] * (t - heard["time"]) for a, v in (("x", "vx"), ("y", "vy"))]
                noise = rng.normal(0, sigma, (2, len(heard)))
                speed = [heard[v] + rng.normal(0, 8.0, len(heard)) for v in ("vx", "vy")]
                # Some rows go to the number of a neighbour.
                numbers = np.where(rng.random(len(heard)) < 0.01, rng.integers(0, number + 1, len(heard)), number)
                rows.append(np.stack([t, numbers, place[0] + noise[0], place[1] + noise[1], *speed], axis=1))
                ends[number] = t[-1] + rng.uniform(0, 25)
                number += 1
            first = last + rng.exponential(15.0)
    side = truth["x"].max()
    for _ in range(max(2, len(people) // 10)):
        t = np.arange(rng.uniform(0, 200), rng.uniform(200, 300), 4.0)
        rows.append(
            np.stack([t, np.full(len(t), number), *(rng.uniform(0, side, 2)[:, None] + np.zeros((2, len(t)))),
                      *np.zeros((2, len(t)))], axis=1)
        )  # fmt: skip
        number += 1
    flat = np.concatenate(rows)
    reports = np.zeros(len(flat), report_dtype)
    for k, name in enumerate(("time", "track", "x", "y", "vx", "vy")):
        reports[name] = flat[:, k]
    reports["plot"] = -1
    reports = np.sort(reports, order=["time", "track"])
    # The plane's scorer forgets an end that later rows contradict, so there shall be none.
    last = {int(n): reports["time"][reports["track"] == n].max() for n in np.unique(reports["track"])}
    ends = {n: max(end, last[n] + 0.5) for n, end in ends.items() if n in last}
    said = tracks(reports["time"], reports["track"], **plane.columns(*(reports[n] for n in ("x", "y", "vx", "vy"))))
    numbers = np.array(list(ends))
    zero = np.zeros(len(ends))
    over = tracks(np.array(list(ends.values())), numbers, ENDED, latitude_deg=zero, longitude_deg=zero)
    return reports, ends, pa.concat_tables([said, over])
