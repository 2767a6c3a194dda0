"""BaseStation lines, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact.formats.decoded import Decoded
from skypact.formats.modes.columns import ascii_text, callsigns, emergencies, flags, repeated, unsigned
from skypact.formats.sbs import _kernels as k
from skypact.tables import KINDS, NO_TIME, PLOTS, TIME_SOURCES, build, times, words
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST = 27
"""Bytes of the smallest line that may give a row: 21 commas, MSG, a type, a digit of address, something said."""


class SbsReader:
    """Read BaseStation lines fed in chunks of any size: one row per ``MSG`` line that says anything.

    Messages of types 1 to 4 (extended squitters) are of kind ``adsb``, 5 to 8 (replies) of kind ``mode_s``. The time is
    the one the line was generated at; a line without one has its arrival. The altitude is pressure altitude.

    Parameters
    ----------
    sensor : str
        Name of the receiver, for the column `sensor`.
    utc_offset_s : int
        How far the clock of the lines is ahead of UTC: the format does not say, and many programs write local time.
    simulated : bool
        What the column `simulated` says.

    Attributes
    ----------
    rejects : dict
        Lines without a row, by reason: too ``long`` (over 1 KiB), ``other`` (no MSG line), too few ``fields``, a bad
        ``address``, ``number`` or ``time``, a position out of ``range``, ``empty`` (nothing said of the aircraft).
    """

    def __init__(self, sensor: str, *, utc_offset_s: int = 0, simulated: bool = False) -> None:
        self._sensor = sensor
        self._offset_ns = utc_offset_s * SECOND_NS
        self._simulated = simulated
        self._carry = b""
        self._skipping = False
        self._counts = np.zeros(len(k.REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """Lines left out so far, by reason."""
        return {r: int(n) for r, n in zip(k.REASONS, self._counts, strict=True) if n}

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        """Return the plots of the lines this chunk completes."""
        buffer = self._carry + chunk
        if self._skipping:
            _, found, buffer = buffer.partition(b"\n")
            self._skipping = not found
        rows = np.empty(len(buffer) // SMALLEST + 1, k.ROW)
        at, n = k.scan(np.frombuffer(buffer, np.uint8), rows, self._counts)
        self._carry = buffer[at:]
        if len(self._carry) > k.LONGEST:
            self._counts[k.LONG] += 1
            self._carry = b""
            self._skipping = True
        return Decoded(plots=self._plots(rows[:n], received_ns))

    def finish(self, received_ns: int = NO_TIME) -> Decoded:
        """Say that no more bytes come; return the plot of a last line without an end."""
        return self.feed(b"\n", received_ns)

    def _plots(self, rows: NDArray[np.void], received_ns: int) -> pa.Table:
        n = len(rows)
        stamped = rows["time"] != NO_TIME
        time = np.where(stamped, rows["time"] - self._offset_ns * stamped, received_ns)
        source = np.where(stamped, TIME_SOURCES.index("measured"), TIME_SOURCES.index("arrival"))
        source[time == NO_TIME] = -1
        speed, track = rows["speed_kt"] * KNOT_M_S, np.radians(rows["track_deg"])
        coded = rows["squawk"] >= 0
        return build(
            PLOTS,
            n,
            {
                "time": times(time),
                "received": times(np.full(n, received_ns, np.int64)),
                "time_source": words("time_source", source.astype(np.int8)),
                "sensor": repeated(self._sensor, n),
                "kind": words(
                    "kind", np.where(rows["kind"] <= 4, KINDS.index("adsb"), KINDS.index("mode_s")).astype(np.int8)
                ),
                "latitude_deg": rows["latitude_deg"],
                "longitude_deg": rows["longitude_deg"],
                "pressure_altitude_m": rows["altitude_ft"] * FOOT_M,
                "velocity_east_m_s": speed * np.sin(track),
                "velocity_north_m_s": speed * np.cos(track),
                "velocity_up_m_s": rows["climb_ft_min"] * FOOT_PER_MINUTE_M_S,
                "icao24": unsigned(rows["address"]),
                "mode_3a": unsigned(rows["squawk"]),
                "callsign": callsigns(rows["callsign"]),
                "code_valid": pa.array(coded, mask=~coded),
                "on_ground": flags(rows["on_ground"]),
                "emergency": emergencies(rows["emergency"], rows["squawk"]),
                "simulated": np.full(n, self._simulated),
            },
        )


def _text(values: pa.Array) -> pa.Array:
    """Return values as text, empty where null."""
    return pc.fill_null(values.cast(pa.string()), "")


def _rounded(values: NDArray[np.float64], places: int) -> pa.Array:
    """Return numbers as decimal text of at most so many places, empty for NaN."""
    kept = np.round(values, places)
    numbers = kept if places else np.where(np.isnan(kept), 0, kept).astype(np.int64)
    return _text(pa.array(numbers, mask=np.isnan(kept)))


def _places(values: pa.Array, places: int, bits: int) -> pa.StringArray:
    """Return unsigned numbers with that many digits of that many bits each, leading zeros kept."""
    shifts = np.arange(places - 1, -1, -1) * bits
    digits = values.to_numpy()[:, None].astype(np.int64) >> shifts & (1 << bits) - 1
    return ascii_text(np.frombuffer(b"0123456789ABCDEF", np.uint8)[digits])


def encode_sbs(plots: pa.Table) -> bytes:
    """Return plots as ``MSG`` lines in UTC; rows without a 24-bit address or a time are left out.

    A line has the fields that the row has. Its type is that of the message such content comes in: 2 position on the
    ground, 3 position in the air, 1 identification, 4 velocity, 6 Mode A code, 5 altitude, 8 none of these. Altitude is
    rounded to 1 ft, speed and track to 0.1, position to 0.00001 deg, climb to 1 ft/min, time to 1 ms.
    """
    plots = plots.filter(pc.and_(plots["icao24"].is_valid(), plots["time"].is_valid())).combine_chunks()
    if not len(plots):
        return b""

    def column(name: str) -> pa.Array:
        return plots[name].combine_chunks()

    def number(name: str) -> NDArray[np.float64]:
        values: NDArray[np.float64] = plots[name].to_numpy()
        return values

    east, north, up = (number(f"velocity_{axis}_m_s") for axis in ("east", "north", "up"))
    speed = np.hypot(east, north) / KNOT_M_S
    track = np.where(np.isnan(speed), np.nan, np.degrees(np.arctan2(east, north)) % 360)
    position = ~np.isnan(number("latitude_deg") + number("longitude_deg"))
    ground = pc.fill_null(column("on_ground"), False).to_numpy(zero_copy_only=False)
    kind = np.select(
        [
            position & ground,
            position,
            column("callsign").is_valid().to_numpy(zero_copy_only=False),
            ~np.isnan(speed + up),
            column("mode_3a").is_valid().to_numpy(zero_copy_only=False),
            ~np.isnan(number("pressure_altitude_m")),
        ],
        [2, 3, 1, 4, 6, 5],
        8,
    )
    stamp = pc.strftime(column("time").cast(pa.timestamp("ms"), safe=False), format="%Y/%m/%d,%H:%M:%S")
    address = _places(column("icao24"), 6, 4)
    squawk = _places(pc.fill_null(column("mode_3a"), 0), 4, 3)
    emergency = column("emergency").cast(pa.string())
    lines = pc.binary_join_element_wise(
        "MSG",
        _text(pa.array(kind)),
        "1,1",
        address,
        "1",
        stamp,
        stamp,
        _text(column("callsign")),
        _rounded(number("pressure_altitude_m") / FOOT_M, 0),
        _rounded(speed, 1),
        _rounded(track, 1),
        _rounded(np.where(position, number("latitude_deg"), np.nan), 5),
        _rounded(np.where(position, number("longitude_deg"), np.nan), 5),
        _rounded(up / FOOT_PER_MINUTE_M_S, 0),
        pc.if_else(column("mode_3a").is_valid(), squawk, ""),
        "",
        pc.fill_null(pc.if_else(pc.equal(emergency, "none"), "0", "-1"), ""),
        "",
        pc.fill_null(pc.if_else(column("on_ground"), "-1", "0"), ""),
        ",",
    )
    return ("\r\n".join(lines.to_pylist()) + "\r\n").encode()
