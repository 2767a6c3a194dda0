"""Rows of TRACKS as the page wants them: columns of JSON, rounded to what a screen can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from skypact.tables import NO_TIME, STATUSES, codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELDS = (
    *("node", "track", "party", "status", "time_ms", "plot_ms", "latitude_deg", "longitude_deg", "altitude_m"),
    *("pressure_altitude_m", "velocity_east_m_s", "velocity_north_m_s", "velocity_up_m_s", "variance"),
    *("identity", "icao24", "mode_3a", "callsign", "category", "sensors", "existence", "simulated", "picture_number"),
)
"""Fields of a row, in their order. Times are milliseconds since 1970; `variance` is east, east with north, north in m²;
`icao24` and `mode_3a` are hexadecimal and octal digits."""
MILLION = 1_000_000
ENDED = STATUSES.index("ended")

Row: TypeAlias = tuple[Any, ...]
Key: TypeAlias = tuple[str | None, int | None]
"""Node and track."""


def rows(tracks: pa.Table) -> list[Row]:
    """Return a table of `tables.TRACKS` as rows of `FIELDS`."""
    if not tracks.num_rows:
        return []
    covariance = tracks["covariance"].combine_chunks()
    entries = covariance.flatten().to_numpy(zero_copy_only=False) if not covariance.null_count else None
    if entries is None or len(entries) != 21 * len(tracks):
        variance: Iterable[Any] = [None] * len(tracks)
    else:
        kept = np.nan_to_num(entries.reshape(-1, 21)[:, (0, 1, 6)]).round()
        variance = kept.tolist()
    columns: Sequence[Iterable[Any]] = (
        tracks["node"].to_pylist(),
        tracks["track"].to_pylist(),
        tracks["party"].to_pylist(),
        tracks["status"].to_pylist(),
        _milliseconds(tracks["time"]),
        _milliseconds(tracks["last_plot"]),
        _numbers(tracks["latitude_deg"], 6),
        _numbers(tracks["longitude_deg"], 6),
        _numbers(tracks["altitude_m"], 0),
        _numbers(tracks["pressure_altitude_m"], 0),
        _numbers(tracks["velocity_east_m_s"], 1),
        _numbers(tracks["velocity_north_m_s"], 1),
        _numbers(tracks["velocity_up_m_s"], 1),
        variance,
        tracks["identity"].to_pylist(),
        [None if a is None else f"{a:06x}" for a in tracks["icao24"].to_pylist()],
        [None if a is None else f"{a:04o}" for a in tracks["mode_3a"].to_pylist()],
        tracks["callsign"].to_pylist(),
        tracks["category"].to_pylist(),
        tracks["sensors"].to_pylist(),
        _numbers(tracks["existence"], 3),
        tracks["simulated"].to_pylist(),
        tracks["picture_number"].to_pylist(),
    )
    return list(zip(*columns, strict=True))


def ended(tracks: pa.Table) -> NDArray[np.bool_]:
    """Return which rows end their track."""
    return codes(tracks["status"], "status") == ENDED


def columns(some: Iterable[Row]) -> dict[str, list[Any]]:
    """Return rows as columns by name."""
    turned = list(zip(*some, strict=True))
    return {name: list(turned[i]) if turned else [] for i, name in enumerate(FIELDS)}


def _milliseconds(column: pa.ChunkedArray) -> list[int | None]:
    ns = column.cast(pa.int64()).fill_null(NO_TIME).to_numpy()
    return [None if t == NO_TIME else t // MILLION for t in ns.tolist()]


def _numbers(column: pa.ChunkedArray, digits: int) -> list[float | None]:
    values = column.to_numpy().astype(np.float64)
    whole = np.round(values, digits)
    found: list[float | None] = whole.tolist() if digits else np.nan_to_num(whole).astype(np.int64).tolist()
    if column.null_count or not np.isfinite(values).all():
        missing = ~np.isfinite(values)
        return [None if gone else value for value, gone in zip(found, missing.tolist(), strict=True)]
    return found
