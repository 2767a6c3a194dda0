"""The journal: rows appended with an fsync a batch, octets a plot, replay, and what kill -9 loses.

    python benchmarks/journal.py [--seed N] [--quick] [--json]

The plots are those of sixty rotating radars that send CAT048 of one traffic, 20,000 a second, in the steps of their
formats. Each batch of half a second is appended together with the step of the centre that consumed it, one fsync for
both, while finished segments are sealed in the background. SQLite stores the same columns the same way in the same run.

    rows_s             plots a second of wall time, from the first append to the last acknowledgement, median
    rows_cpu_s         plots a second of CPU time of all threads until all is sealed, median
    bytes_per_plot     of all files of the closed journal
    replay_x_realtime  entries read again in order, CPU time of all threads against 20,000 plots a second, median
    kill_lost          acknowledged entries that were lost or changed by SIGKILL at random moments
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skypact.journal import Journal, Step, Writer
from skypact.tables import PLOTS, build, times, words

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "journal"))

from kill9 import kill9  # noqa: E402

PLOTS_S = 20_000
BATCH = PLOTS_S // 2
RADARS = 60
AIRCRAFT = 6_000
SECTORS = 32
BEGIN_NS = 1_700_049_600 * 10**9


def traffic(seed: int, rows: int) -> pa.Table:
    """Return plots in the order of their arrival, quantised as CAT048 sends them."""
    rng = np.random.default_rng(seed)
    place, speed = rng.uniform(-900e3, 900e3, (AIRCRAFT, 2)), rng.uniform(-240, 240, (AIRCRAFT, 2))
    seconds = rows / PLOTS_S * 1.1 + 15
    seen = [_radar(rng, number, seconds, place, speed) for number in range(RADARS)]
    columns = {name: np.concatenate([radar[name] for radar in seen]) for name in seen[0]}
    order = np.argsort(columns["received"], kind="stable")
    order = order[columns["received"][order] > 13][:rows]  # when all radars have turned once
    assert len(order) == rows
    columns = {name: values[order] for name, values in columns.items()}
    level = rng.integers(2, 40, AIRCRAFT) * 10 * 4  # quarters of a flight level
    climb = np.where(rng.random(AIRCRAFT) < 0.3, rng.normal(0, 1.0, AIRCRAFT), 0.0)
    aircraft = columns["aircraft"]
    mode_s = aircraft % 5 > 0
    names = np.array(["".join(rng.choice(list("ABCDEFGHKL"), 3)) + str(rng.integers(1, 9999)) for _ in range(AIRCRAFT)])
    labels = pa.array([f"25/{number}" for number in range(RADARS)])

    def of_mode_s(values: np.ndarray[Any, Any]) -> pa.Array:
        return pa.array(values, mask=~mode_s)

    return build(
        PLOTS,
        rows,
        {
            "time": times(BEGIN_NS + (np.floor(columns["time"] * 128) / 128 * 1e9).astype(np.int64)),
            "received": times(BEGIN_NS + (columns["received"] * 1e6).astype(np.int64) * 1000),
            "time_source": words("time_source", np.zeros(rows, np.int8)),
            "sensor": pa.DictionaryArray.from_arrays(pa.array(columns["radar"].astype(np.int32)), labels),
            "kind": words("kind", np.where(mode_s, 4, 2).astype(np.int8)),
            "range_m": np.maximum(np.round(columns["range"] / 1852 * 256), 1) * 1852 / 256,
            "azimuth_deg": np.round(columns["azimuth"] / 360 * 65_536) % 65_536 * 360 / 65_536,
            "pressure_altitude_m": (level[aircraft] + np.round(climb[aircraft] * columns["time"])) * 7.62,
            "sensor_track": pa.array(columns["number"].astype(np.uint32)),
            "icao24": of_mode_s(rng.integers(0, 1 << 24, AIRCRAFT).astype(np.uint32)[aircraft]),
            "mode_3a": pa.array(rng.integers(0, 4096, AIRCRAFT).astype(np.uint16)[aircraft]),
            "callsign": of_mode_s(names[aircraft]),
            "code_valid": pa.array(rng.random(rows) < 0.99),
            "on_ground": of_mode_s(np.zeros(rows, bool)),
            "simulated": pa.array(np.zeros(rows, bool)),
        },
    )


def _radar(
    rng: np.random.Generator, radar: int, seconds: float, place: np.ndarray[Any, Any], speed: np.ndarray[Any, Any]
) -> dict[str, np.ndarray[Any, Any]]:
    """Return what one radar meets: the nearest aircraft, turn by turn, sent a sector at a time."""
    rotation = rng.choice([4.0, 5.0, 6.0, 8.0, 10.0, 12.0])
    site = rng.uniform(-600e3, 600e3, 2)
    near = np.argsort(((place - site) ** 2).sum(axis=1))[: int(PLOTS_S / RADARS * rotation)]
    north = (np.arange(-1, int(seconds / rotation) + 1)[:, None] + rng.random()) * rotation
    offset = place[near] + speed[near] * north[:, :, None] - site
    bearing = np.degrees(np.arctan2(offset[..., 0], offset[..., 1])) % 360
    time_s = north + bearing / 360 * rotation
    turn, number = np.nonzero((rng.random(time_s.shape) < 0.95) & (time_s >= 0))
    azimuth, time_s = bearing[turn, number], time_s[turn, number]
    sector = np.floor(azimuth / 360 * SECTORS)
    sent = north[turn, 0] + (sector + 1) / SECTORS * rotation
    late = rng.exponential(0.002, (len(north), SECTORS))[turn, sector.astype(int)]
    slant = np.hypot(offset[turn, number, 0], offset[turn, number, 1]) + rng.normal(0, 60, len(turn))
    order = np.argsort(time_s, kind="stable")
    columns = {
        "time": time_s,
        "received": sent + 0.05 + late,
        "radar": np.full(len(turn), radar),
        "range": slant,
        "azimuth": azimuth + rng.normal(0, 0.06, len(turn)),
        "number": rng.permutation(4096)[number],
        "aircraft": near[number],
    }
    return {name: values[order] for name, values in columns.items()}


def unquantised(plots: pa.Table, seed: int) -> pa.Table:
    """Return the plots with times, ranges and azimuths to the last bit, as a simulation makes them."""
    rng = np.random.default_rng(seed)
    for name, scale in (("range_m", 7.2), ("azimuth_deg", 0.005)):
        values = plots[name].to_numpy() + rng.uniform(0, scale, plots.num_rows)
        plots = plots.set_column(plots.schema.get_field_index(name), plots.field(name), pa.array(values))
    ns = plots["time"].cast(pa.int64()).to_numpy() + rng.integers(0, 7_812_500, plots.num_rows)
    return plots.set_column(0, plots.field("time"), times(ns))


def batches(plots: pa.Table, rows: int = BATCH) -> list[pa.Table]:
    return [plots.slice(i, rows) for i in range(0, plots.num_rows, rows)]


def append(path: Path, parts: list[pa.Table]) -> dict[str, float]:
    """Append a step's plots and the step itself with one fsync, and seal everything."""
    rows = sum(part.num_rows for part in parts)
    writer = Writer(path, node="centre", party="P")
    wall, cpu = time.perf_counter(), time.process_time()
    for number, part in enumerate(parts):
        writer.append_many([part, Step(BEGIN_NS + number * 500_000_000, (writer.last_sequence + 1,))])
    acknowledged = time.perf_counter() - wall
    writer.close()
    sealed = time.perf_counter() - wall
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {
        "rows_s": rows / acknowledged,
        "rows_sealed_s": rows / sealed,
        "rows_cpu_s": rows / (time.process_time() - cpu),
        "bytes_per_plot": size / rows,
    }


def replay(path: Path, rows: int) -> float:
    """Return the CPU seconds in which all entries are read in order."""
    cpu = time.process_time()
    found = sum(e.content.num_rows for e in Journal.open(path).entries() if isinstance(e.content, pa.Table))
    cpu = time.process_time() - cpu
    assert found == rows
    return cpu


def sqlite(path: Path, parts: list[pa.Table]) -> float:
    """Return the rows a second of wall time that SQLite takes, one transaction a batch on the disk."""
    held = [f.name for f in PLOTS if parts[0][f.name].null_count < parts[0].num_rows]
    rows = [_rows(part.select(held)) for part in parts]
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute(f"CREATE TABLE plots ({', '.join(held)})")
    insert = f"INSERT INTO plots VALUES ({', '.join('?' * len(held))})"
    wall = time.perf_counter()
    for batch in rows:
        with base:
            base.executemany(insert, batch)
    wall = time.perf_counter() - wall
    base.close()
    return sum(map(len, rows)) / wall


def _rows(part: pa.Table) -> list[tuple[Any, ...]]:
    columns = [c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c for c in part.columns]
    return list(zip(*(c.to_pylist() for c in columns), strict=True))


def fsync_ms(folder: Path) -> float:
    """Return the median milliseconds in which the disk takes 4 kB: what a batch has to wait for at least."""
    waits = []
    fd = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT)
    for _ in range(50):
        wall = time.perf_counter()
        os.write(fd, b"x" * 4096)
        os.fsync(fd)
        waits.append((time.perf_counter() - wall) * 1e3)
    os.close(fd)
    return statistics.median(waits)


def measure(seed: int, quick: bool, say: Callable[[str], None]) -> dict[str, float]:
    rows, runs, seconds = (1_000_000, 3, 20.0) if quick else (4_000_000, 5, 120.0)
    plots = traffic(seed, rows)
    parts = batches(plots)
    (ROOT / ".cache").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache") as name:
        folder = Path(name)
        say(f"{rows} plots; the disk takes 4 kB in {fsync_ms(folder):.2f} ms")
        found = [append(folder / str(run), parts) for run in range(runs)]
        figures = {key: statistics.median(one[key] for one in found) for key in found[0]}
        small = batches(plots.slice(0, rows // 4), 1_000)
        figures["rows_s_batches_of_1000"] = append(folder / "small", small)["rows_s"]
        simulated = batches(unquantised(plots.slice(0, rows // 4), seed))
        figures["bytes_per_simulated_plot"] = append(folder / "simulated", simulated)["bytes_per_plot"]
        figures["ratio_sqlite"] = figures["rows_s"] / sqlite(folder / "sqlite", parts[: len(parts) // 8])
        figures["replay_x_realtime"] = (
            rows / PLOTS_S / statistics.median(replay(folder / str(run), rows) for run in range(runs))
        )
    killed = kill9(seconds, seed)
    say(f"killed: {killed}")
    return figures | {"kill_lost": killed.lost, "kills": killed.kills}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the traffic and of the moments of kills")
    parser.add_argument("--quick", action="store_true", help="a quarter of the plots, and a minute in all")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    options = parser.parse_args()
    figures = measure(options.seed, options.quick, lambda line: print(line, file=sys.stderr))
    for name, value in figures.items():
        print(f"{name:24} {value:,.1f}")
    if options.json:
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
