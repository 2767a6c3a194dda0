"""Columns of tables of trajectories, found by the names their makers give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact.errors import FormatError
from skypact.units import FOOT_M, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("timestamp", "time", "datetime", "date_time", "utc", "last_position"),
    "latitude": ("latitude", "latitude_deg", "lat"),
    "longitude": ("longitude", "longitude_deg", "lon", "long", "lng"),
    "icao24": ("icao24", "hex", "icao", "address"),
    "callsign": ("callsign", "flight", "ident"),
    "squawk": ("squawk", "mode_3a"),
    "ground": ("onground", "on_ground"),
    "flight": ("flight_id", "object", "track_id"),
}
"""Names a column may go by, the first found that can be used."""
ALTITUDES: tuple[tuple[str, Literal["ft", "m"]], ...] = (
    ("baroaltitude", "m"),
    ("altitude_m", "m"),
    ("altitude (m)", "m"),
    ("altitude_ft", "ft"),
    ("altitude (ft)", "ft"),
    ("alt_baro", "ft"),
    ("altitude", "ft"),
    ("geoaltitude", "ft"),
)
"""Columns of altitudes and their units: `baroaltitude` is OpenSky's, `altitude` and `geoaltitude` are traffic's."""
TEXTS = tuple(name for what in ("icao24", "callsign", "squawk", "flight") for name in NAMES[what])
"""Columns that are text whatever they look like."""
USED = frozenset(name for names in NAMES.values() for name in names) | {name for name, _ in ALTITUDES}
"""All names looked for."""
EPOCHS: tuple[tuple[float, int], ...] = ((1e11, SECOND_NS), (1e14, 1_000_000), (1e17, 1_000), (np.inf, 1))
"""What numbers of time since 1970 below a bound count, in nanoseconds: seconds, milli-, micro-, nanoseconds."""
LATEST_NS = 2.0**62
EARLIEST = 1e8
"""Numbers below it count from somewhere else than 1970."""


class Columns:
    """The columns of a table by what they mean."""

    def __init__(self, table: pa.Table, path: Path) -> None:
        self._by_name = {name.strip().lower(): table.column(i) for i, name in enumerate(table.column_names)}
        self._rows = table.num_rows
        self._path = path

    def _lacks(self, what: str, names: tuple[str, ...]) -> FormatError:
        shown = ", ".join(list(self._by_name)[:12])
        return FormatError(f"has no {what} (columns: {shown})", path=self._path, hint=f"name one {' or '.join(names)}")

    def numbers(self, what: str) -> NDArray[np.float64]:
        found = next((self._by_name[n] for n in NAMES[what] if n in self._by_name), None)
        values = None if found is None else _floats(found)
        if values is None:
            raise self._lacks(what, NAMES[what])
        return values

    def altitudes(self, unit: Literal["ft", "m"] | None) -> NDArray[np.float64]:
        for name, usual in ALTITUDES:
            values = _floats(self._by_name[name]) if name in self._by_name else None
            if values is not None and not np.isnan(values).all():
                # OpenSky has both in metres.
                found = unit or ("m" if "baroaltitude" in self._by_name else usual)
                return values * (FOOT_M if found == "ft" else 1.0)
        raise self._lacks("altitude", tuple(name for name, _ in ALTITUDES))

    def times(self) -> NDArray[np.int64]:
        for name in NAMES["time"]:
            found = _times(self._by_name[name]) if name in self._by_name else None
            if found is not None:
                return found
        raise self._lacks("UTC time", NAMES["time"])

    def texts(self, what: str) -> list[str]:
        for name in NAMES[what]:
            if name in self._by_name:
                column = self._by_name[name]
                if pa.types.is_floating(column.type):
                    whole = pc.cast(column, pa.int64(), safe=False)
                    column = pc.if_else(pc.is_finite(column), whole, pa.scalar(None, pa.int64()))
                return [(v or "").strip() for v in pc.cast(column, pa.string()).to_pylist()]
        return [""] * self._rows

    def flags(self, what: str) -> NDArray[np.bool_]:
        for name in NAMES[what]:
            if name in self._by_name:
                column = pc.cast(self._by_name[name], pa.string())
                return np.asarray(pc.is_in(pc.utf8_lower(column), pa.array(["true", "1"])).to_numpy())
        return np.zeros(self._rows, bool)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64] | None:
    """Return a column as numbers with NaN for null, None if it is no column of numbers."""
    try:
        return np.asarray(pc.cast(column, pa.float64(), safe=False).fill_null(np.nan).to_numpy())
    except pa.ArrowException:
        return None


def _times(column: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """Return a column as UTC nanoseconds, -1 for null; None if it tells no time since 1970."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        numbers = _floats(column)
        if numbers is None:
            try:
                column = pc.cast(column, pa.timestamp("ns", tz="UTC"))
            except pa.ArrowException:
                try:
                    column = pc.cast(column, pa.timestamp("ns"))
                except pa.ArrowException:
                    return None
    if pa.types.is_timestamp(column.type):
        try:
            exact = pc.cast(column, pa.timestamp("ns", tz=column.type.tz))
            return np.asarray(pc.cast(exact, pa.int64()).fill_null(-1).to_numpy())
        except pa.ArrowException:
            return None
    numbers = _floats(column)
    if numbers is None or not np.isfinite(numbers).any():
        return None
    usual = np.median(numbers[np.isfinite(numbers)])
    if usual < EARLIEST:
        return None
    scale = next(ns for bound, ns in EPOCHS if usual < bound)
    inside = (numbers >= 0) & (numbers < LATEST_NS / scale)
    if pa.types.is_integer(column.type):
        whole = np.where(inside, np.asarray(column.fill_null(0).to_numpy()), 0).astype(np.int64)
        part = np.zeros(len(whole), np.int64)
    else:
        kept = np.where(inside, numbers, 0.0)
        whole = np.floor(kept).astype(np.int64)
        part = np.rint((kept - whole) * scale).astype(np.int64)
    return np.where(inside, whole * scale + part, -1)
