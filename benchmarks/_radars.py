"""A generated hour of rotating radars as ASTERIX: what the benchmarks read, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skypact.formats.asterix import encode
from skypact.formats.datagrams import Datagrams

RADARS = ((4.0, 110.0), (4.0, 90.0), (6.0, 160.0), (8.0, 220.0), (10.0, 240.0), (12.0, 250.0))
"""Rotation in seconds and range in nautical miles of each radar."""
SECTORS = 32
AIRCRAFT = 230
"""Around each radar: so many that a fifth of the records are messages of the radars, as in the real recording."""
NOON = 1_700_049_600 * 10**9
"""Nanoseconds of 2023-11-15 12:00 UTC."""


@dataclass(frozen=True)
class Plots:
    """What one radar sees: time of day in s, range in NM, azimuth in degrees, aircraft, rotation, sector."""

    time: NDArray[np.float64]
    rho: NDArray[np.float64]
    theta: NDArray[np.float64]
    aircraft: NDArray[np.int64]
    rotation: NDArray[np.int64]
    sector: NDArray[np.int64]


def plots(rng: np.random.Generator, seconds: float, rotation_s: float, range_nm: float) -> Plots:
    """Return straight flights through the cover of a radar, in the order in which it meets them."""
    turns = np.arange(int(seconds / rotation_s))
    x0, y0 = rng.uniform(-1.2, 1.2, (2, AIRCRAFT)) * range_nm
    heading, speed = rng.uniform(0, 2 * np.pi, AIRCRAFT), rng.uniform(120, 500, AIRCRAFT) / 3600
    t = turns[:, None] * rotation_s
    x, y = x0 + speed * np.sin(heading) * t, y0 + speed * np.cos(heading) * t
    # Flights that leave come in again at the other side.
    x, y = ((v / range_nm + 1.3) % 2.6 - 1.3 for v in (x, y))
    rho, theta = np.hypot(x, y) * range_nm, np.degrees(np.arctan2(x, y)) % 360
    time = t + theta / 360 * rotation_s
    turn, aircraft = np.nonzero((rho < range_nm) & (rng.random(rho.shape) < 0.97))
    chosen = turn, aircraft
    order = np.argsort(time[chosen], kind="stable")
    turn, aircraft = turn[order], aircraft[order]
    chosen = turn, aircraft
    noise = rng.normal(0, 0.02, len(turn)), rng.normal(0, 0.06, len(turn))
    theta = (theta[chosen] + noise[1]) % 359.99
    sector = (theta / (360 / SECTORS)).astype(np.int64)
    return Plots(time[chosen], np.clip(rho[chosen] + noise[0], 0, 255.9), theta, aircraft, turn, sector)


def reports(rng: np.random.Generator, seen: Plots, sac: int, sic: int) -> dict[str, pa.Array]:
    """Return CAT048 target reports: Mode S, SSR and primary targets, with the items that such radars send."""
    n = len(seen.time)
    kinds = rng.choice(np.array([5, 5, 5, 7, 7, 4, 2, 3, 1]), AIRCRAFT)[seen.aircraft]
    mode_s, ssr = kinds >= 4, kinds != 1
    maintained = rng.random(n) < 0.97
    registers = np.where(mode_s, rng.choice(np.array([0, 1, 1, 2, 3]), n), 0)
    names = np.array([f"KGA{k:03d}" if k % 3 else f"AFL{k}Q" for k in range(AIRCRAFT)])

    def some(values: NDArray[np.generic], known: NDArray[np.bool_]) -> pa.Array:
        return pa.array(values, mask=~known)

    def repeated(values: pa.Array) -> pa.Array:
        edge = np.concatenate(([0], np.cumsum(registers))).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(edge), values)
        return pa.array(lists.to_pylist(), lists.type, mask=registers == 0)

    total = int(registers.sum())
    data = rng.integers(0, 256, (total, 7)).astype(np.uint8)
    bds = rng.choice(np.array([4, 5, 6]), total)
    level = np.round(rng.uniform(10, 410, AIRCRAFT))[seen.aircraft]
    code = np.array([f"{c:04o}" for c in rng.integers(0, 4096, AIRCRAFT)])[seen.aircraft]
    every = np.ones(n, bool)
    measured = np.stack([rng.random(n) < 0.6] * 3)
    return {
        "010/SAC": pa.array(np.full(n, sac)),
        "010/SIC": pa.array(np.full(n, sic)),
        "140": pa.array(43_200 + seen.time),
        "020/TYP": pa.array(kinds),
        "020/TST": some(np.zeros(n, np.int64), rng.random(n) < 0.05),
        "040/RHO": pa.array(seen.rho),
        "040/THETA": pa.array(seen.theta),
        "070/V": some(rng.random(n) < 0.01, ssr),
        "070/MODE3A": some(code, ssr),
        "090/G": some(rng.random(n) < 0.01, ssr),
        "090/FL": some(level, ssr),
        "130/SRL": some(rng.uniform(1, 5, n), measured[0] & ssr),
        "130/SRR": some(rng.integers(1, 30, n), measured[1] & ssr),
        "130/SAM": some(-rng.integers(20, 90, n), measured[2] & ssr),
        "130/PAM": some(-rng.integers(20, 90, n), ~ssr),
        "220": some(rng.integers(1, 1 << 24, AIRCRAFT)[seen.aircraft], mode_s),
        "240": some(names[seen.aircraft], mode_s),
        "250/MBDATA": repeated(pa.FixedSizeBinaryArray.from_buffers(pa.binary(7), total, [None, pa.py_buffer(data)])),
        "250/BDS1": repeated(pa.array(bds)),
        "250/BDS2": repeated(pa.array(np.zeros(total, np.int64))),
        "161/TRN": some(seen.aircraft + 1, maintained),
        "042/X": some(seen.rho * np.sin(np.radians(seen.theta)), maintained & (sic % 2 == 0)),
        "042/Y": some(seen.rho * np.cos(np.radians(seen.theta)), maintained & (sic % 2 == 0)),
        "200/GSP": some(rng.uniform(0.03, 0.14, n), maintained),
        "200/HDG": some(rng.uniform(0, 359, n), maintained),
        "170/CNF": some(np.zeros(n, np.int64), maintained),
        "170/RAD": some(np.where(mode_s, 2, 1), maintained),
        "170/TRE": some(np.zeros(n, np.int64), maintained & (rng.random(n) < 0.5)),
        "110/3DH": some(level * 100, every & (sic == 3) & (rng.random(n) < 0.9)),
        "230/COM": some(np.ones(n, np.int64), mode_s),
        "230/STAT": some(np.zeros(n, np.int64), mode_s),
        "230/ARC": some(np.ones(n, np.int64), mode_s),
        "230/AIC": some(np.ones(n, np.int64), mode_s),
        "030": pa.array([[8, 16][: 1 + k % 2] if w else None for k, w in enumerate(rng.random(n) < 0.03)]),
    }


def crossings(seconds: float, rotation_s: float, sac: int, sic: int) -> tuple[NDArray[np.float64], dict[str, pa.Array]]:
    """Return times in s and CAT034 messages: north, with the state of the radar, and the sectors."""
    count = int(seconds / rotation_s) * SECTORS
    sector = np.arange(count) % SECTORS
    north = sector == 0
    time = np.arange(count) * rotation_s / SECTORS

    def at_north(value: float) -> pa.Array:
        return pa.array(np.full(count, value), mask=~north)

    return time, {
        "010/SAC": pa.array(np.full(count, sac)),
        "010/SIC": pa.array(np.full(count, sic)),
        "000": pa.array(np.where(north, 1, 2)),
        "030": pa.array(43_200 + time),
        "020": pa.array(sector * 360 / SECTORS, mask=north),
        "041": at_north(rotation_s),
        "050/COM/NOGO": pa.array(np.zeros(count, np.int64), mask=~north),
        "050/MDS/ANT": pa.array(np.zeros(count, np.int64), mask=~north),
        "120/HGT": at_north(1234.0),
        "120/LAT": at_north(42.875),
        "120/LON": at_north(74.5),
    }


def stream(seed: int, seconds: float) -> list[tuple[int, bytes]]:
    """Return (arrival in UTC nanoseconds, data block) of all radars, in the order of arrival."""
    rng = np.random.default_rng(seed)
    blocks: list[tuple[int, bytes]] = []
    for k, (rotation_s, range_nm) in enumerate(RADARS):
        seen = plots(rng, seconds, rotation_s, range_nm)
        group = seen.rotation * SECTORS + seen.sector
        ends = np.flatnonzero(np.append(np.diff(group) != 0, True))
        messages = encode(48, reports(rng, seen, 25, k + 1), group=group, longest=60_000)
        blocks += arrivals(messages, seen.time[ends])
        time, columns = crossings(seconds, rotation_s, 25, k + 1)
        blocks += arrivals(encode(34, columns, longest=1), time)
    return sorted(blocks)


def arrivals(messages: Datagrams, seconds: NDArray[np.float64]) -> list[tuple[int, bytes]]:
    times = NOON + ((seconds + 0.2) * 1e9).astype(np.int64)
    return [(int(t), messages[k]) for k, t in enumerate(times)]
