"""Plane scenarios of the bench laid onto WGS84, and tracks taken back to the plane.

The plane is the azimuthal equidistant projection about a centre. Aircraft fly over the ground what they fly in the
plane, and each plot is measured anew from where its radar stands on the ellipsoid, with the same errors, at the same
time: what peers get as plane polar plots our tracker gets as real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyproj import Proj

from _bench import evaluate, scenario
from skypact import tables
from skypact.earth import frames, geodesic, geoid
from skypact.sensors import Catalogue, Sensor

EPOCH_NS = 1_780_000_000_000_000_000
SECOND_NS = 1_000_000_000
EARTH_RADIUS_M = 6_371_008.8
SECTORS = 32
"""Parts of a turn that a rotating radar hands over one by one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Laid:
    """A scenario on the earth.

    Attributes
    ----------
    config : scenario.Config
    plane : Proj
    plots : Table of `tables.PLOTS`
        In the order of the plane's plots.
    flat : structured array
        The plane's plots.
    truth : structured array
        The plane's truth.
    catalogue : Catalogue
    """

    config: scenario.Config
    plane: Proj
    plots: pa.Table
    flat: np.ndarray
    truth: np.ndarray
    catalogue: Catalogue

    def batches(self, step_s: float | None) -> list[tuple[int, pa.Table]]:
        """Return the plots as they come in, with the time of their coming.

        Parameters
        ----------
        step_s : float or None
            Length of a step; None for a sector of a radar's turn at a time, or for a staring radar the whole turn.
        """
        t, sensor = self.flat["time"], self.flat["sensor"]
        if self.config.synchronous:
            done, sensor = t, np.zeros_like(sensor)
        elif step_s is None:
            sector_s = np.array([r.period for r in self.config.radars])[sensor] / SECTORS
            done = (np.floor(t / sector_s) + 1) * sector_s
        else:
            done, sensor = (np.floor(t / step_s) + 1) * step_s, np.zeros_like(sensor)
        order = np.lexsort((t, sensor, done))
        cut = np.flatnonzero((np.diff(done[order]) != 0) | (np.diff(sensor[order]) != 0)) + 1
        starts = np.concatenate(([0], cut, [len(order)]))
        plots = self.plots.take(pa.array(order)).combine_chunks()
        now = EPOCH_NS + np.round(done[order] * SECOND_NS).astype(np.int64)
        return [(int(now[a]), plots.slice(a, b - a)) for a, b in pairwise(starts)]

    def reports(self, tracks: pa.Table) -> tuple[np.ndarray, dict[int, float]]:
        """Return tracks as the bench's scorer takes them: reports on the plane, and when tracks ended."""
        status = tables.codes(tracks["status"], "status")
        time_s = (tracks["time"].cast(pa.int64()).to_numpy() - EPOCH_NS) / SECOND_NS
        number = tracks["track"].to_numpy()
        over = status == tables.STATUSES.index("ended")
        ends = dict(zip(number[over].tolist(), time_s[over].tolist(), strict=True))
        shown = np.flatnonzero((status == 1) | (status == 2))
        names = ("latitude_deg", "longitude_deg", "velocity_east_m_s", "velocity_north_m_s")
        lat, lon, east, north = (tracks[name].to_numpy()[shown] for name in names)
        height = tracks["pressure_altitude_m"].to_numpy()[shown]
        x, y = self.plane(lon, lat)
        speed = np.hypot(east, north)
        over_ground = speed * EARTH_RADIUS_M / (EARTH_RADIUS_M + np.nan_to_num(height))
        lat2, lon2, _ = geodesic.direct(lat, lon, np.degrees(np.arctan2(east, north)), over_ground)
        x2, y2 = self.plane(lon2, lat2)
        reports = np.empty(len(shown), evaluate.REPORT_DTYPE)
        reports["time"], reports["track"], reports["plot"] = time_s[shown], number[shown], -1
        reports["x"], reports["y"] = x + self.config.side / 2, y + self.config.side / 2
        reports["vx"], reports["vy"] = x2 - x, y2 - y
        return reports, ends


def lay(config: scenario.Config, lat: float, lon: float) -> Laid:
    """Return a scenario of the bench laid onto the earth about a centre."""
    flat, truth = scenario.generate(config)
    plane = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")
    radars = config.radars
    site_lat, site_lon = _place(plane, config, np.array([r.x for r in radars]), np.array([r.y for r in radars]))
    site_h = geoid.msl_to_ellipsoid(site_lat, site_lon, np.array([r.z for r in radars]))

    real = np.flatnonzero(flat["truth_id"] >= 0)
    sensor = flat["sensor"][real]
    states = _states(config, flat["time"][real], flat["truth_id"][real])
    slant_m, azimuth_deg = flat["range"].copy(), np.degrees(flat["azimuth"])
    seen = states - np.array([(r.x, r.y, r.z) for r in radars])[sensor]
    error_m = flat["range"][real] - np.linalg.norm(seen, axis=1)
    error_deg = azimuth_deg[real] - np.degrees(np.arctan2(seen[:, 0], seen[:, 1]))
    true_lat, true_lon = _place(plane, config, states[:, 0], states[:, 1])
    true_h = geoid.msl_to_ellipsoid(true_lat, true_lon, states[:, 2])
    azimuth, _, slant = frames.geodetic2aer(
        true_lat, true_lon, true_h, site_lat[sensor], site_lon[sensor], site_h[sensor]
    )
    slant_m[real], azimuth_deg[real] = slant + error_m, (azimuth + error_deg) % 360.0

    names = [f"R{k}" for k in range(len(radars))]
    labels = pa.DictionaryArray.from_arrays(pa.array(flat["sensor"]), pa.array(names))
    kind = np.full(len(flat), tables.KINDS.index("psr_ssr"), np.int8)
    time = tables.times(EPOCH_NS + np.round(flat["time"] * SECOND_NS).astype(np.int64))
    plots = tables.build(
        tables.PLOTS,
        len(flat),
        {
            "time": time,
            "received": time,
            "time_source": tables.words("time_source", np.zeros(len(flat), np.int8)),
            "sensor": labels,
            "kind": tables.words("kind", kind),
            "range_m": slant_m,
            "azimuth_deg": azimuth_deg,
            "pressure_altitude_m": flat["height"],
        },
    )
    catalogue = Catalogue(
        Sensor(
            id=name,
            kind="psr_ssr",
            latitude_deg=float(site_lat[k]),
            longitude_deg=float(site_lon[k]),
            altitude_m=r.z,
            range_m=r.max_range,
            rotation_s=r.period,
            sigma_range_m=r.sigma_range,
            sigma_azimuth_deg=float(np.degrees(r.sigma_azimuth)),
            pd=r.pd,
        )
        for k, (name, r) in enumerate(zip(names, radars, strict=True))
    )
    return Laid(config, plane, plots, flat, truth, catalogue)


def _place(plane: Proj, config: scenario.Config, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return latitude and longitude of places of the plane."""
    lon, lat = plane(x - config.side / 2, y - config.side / 2, inverse=True)
    return lat, lon


def _states(config: scenario.Config, time_s: Floats, who: NDArray[np.int32]) -> Floats:
    """Return where aircraft were when they were seen, as the generator interpolates, shape (n, 3)."""
    motion = np.random.default_rng(config.seed).spawn(1 + len(config.radars))[0]
    states, _ = scenario.simulate_truth(config, motion)
    k = np.clip((time_s / config.step).astype(int), 0, len(states) - 2)
    share = np.clip(time_s / config.step - k, 0, 1)[:, None]
    return (1 - share) * states[k, who, :3] + share * states[k + 1, who, :3]
