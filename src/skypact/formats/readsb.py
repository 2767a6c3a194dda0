"""Traces of readsb, as tar1090 serves and aggregators archive them: one aircraft's day in one JSON document.

Source: README-json.md of readsb, section "trace jsons".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from skypact.earth.geoid import ellipsoid_to_msl
from skypact.formats.decoded import Decoded
from skypact.formats.modes._decode import ACCURACY_NS
from skypact.formats.modes._fields import NAC_P_SIGMA_M, NAC_V_SIGMA_M_S
from skypact.formats.modes.columns import emergencies, flags, repeated, unsigned
from skypact.tables import KINDS, NO_TIME, PLOTS, TIME_SOURCES, build, times, words
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LARGEST = 1 << 24
"""Octets of a document that is read: a day of one aircraft is seldom over 2 MB."""
LATEST_S = 1 << 32
SHORTEST = 9
"""Elements of a point, up to the object with details; newer programs append more."""

STALE, GEOMETRIC = 1, 8
"""Flags of a point: nothing was heard for a while before it; its altitude is geometric."""

ADSB = KINDS.index("adsb")
KIND_OF = {
    "adsb_icao": ADSB,
    "adsb_icao_nt": ADSB,
    "adsb_other": ADSB,
    "mlat": KINDS.index("mlat"),
    None: ADSB,  # older traces do not say it
}
"""What kind of detection a type of position is; none for those not listed."""
REBROADCAST = ("adsr_", "tisb_")
"""How types begin that repeat what other sensors saw."""
EMERGENCY_OF = {
    word: code for code, word in enumerate(("none", "general", "lifeguard", "minfuel", "nordo", "unlawful", "downed"))
}
"""readsb's words in the order of `tables.EMERGENCIES`."""

ADDRESS = re.compile(r"~?[0-9a-fA-F]{6}")
CALLSIGN = re.compile(r"[A-Z0-9 ]{1,8}")
SQUAWK = re.compile(r"[0-7]{4}")

ROW = np.dtype(
    [
        ("time", np.int64),
        ("kind", np.int8),
        ("latitude", np.float64),
        ("longitude", np.float64),
        ("pressure_altitude", np.float64),
        ("height", np.float64),
        ("east", np.float64),
        ("north", np.float64),
        ("up", np.float64),
        ("sigma_position", np.float64),
        ("sigma_velocity", np.float64),
        ("mode_3a", np.int16),
        ("on_ground", np.int8),
        ("emergency", np.int8),
    ]
)
"""What a point gives; -1 and NaN are null. `height` is above the ellipsoid."""


class _Trace(msgspec.Struct):
    icao: str
    timestamp: float
    trace: list[Any]


class TraceReader:
    """Read a trace, fed in chunks of any size and decoded when it is whole: one row per point.

    The time is the trace's own. Altitude is pressure altitude where the point does not call it geometric; geometric
    heights become altitudes above mean sea level. What stands in the object with details, as callsign, Mode A code and
    emergency, is given where it stands; its NACp and NACv speak for 60 s.

    A trace repeats what was heard last: of a point flagged stale (after silence) velocity and geometric height are left
    out; on the ground, where nothing sends them, climb and geometric height. There the direction is the heading.

    Parameters
    ----------
    sensor : str
        Name of the source, for the column `sensor`.
    simulated : bool
        What the column `simulated` says.

    Attributes
    ----------
    rejects : Counter
        Points without a row: malformed ``point``, ``rebroadcast`` (TIS-B, ADS-R).
    ended : str or None
        Why nothing was read.
    """

    def __init__(self, sensor: str, *, simulated: bool = False) -> None:
        self._sensor = sensor
        self._simulated = simulated
        self._text = bytearray()
        self.rejects: Counter[str] = Counter()
        self.ended: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the document."""
        if self.ended is None:
            self._text += chunk
            if len(self._text) > LARGEST:
                self.ended = f"is no trace of a day: over {LARGEST >> 20} MiB"
                self._text.clear()

    def finish(self) -> Decoded:
        """Return the plots of the document."""
        if self.ended is not None:
            return Decoded()
        try:
            trace = msgspec.json.decode(self._text, type=_Trace)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            self.ended = f"is no trace of readsb: {str(err).splitlines()[0].lower()}"
            return Decoded()
        finally:
            self._text = bytearray()
        if not (ADDRESS.fullmatch(trace.icao) and 0 <= trace.timestamp < LATEST_S):
            self.ended = f"is no trace of readsb: address {trace.icao!r:.20}, timestamp {trace.timestamp}"
            return Decoded()
        return self._decode(trace)

    def _decode(self, trace: _Trace) -> Decoded:
        rows = np.zeros(len(trace.trace), ROW)
        callsigns: list[str | None] = []
        start_ns = round(trace.timestamp * 1000) * (SECOND_NS // 1000)
        accuracy = _Accuracy()
        for point in trace.trace:
            row = rows[len(callsigns)]
            reason = _read(point, start_ns, row)
            if reason is not None:
                self.rejects[reason] += 1
                continue
            details = _details(point)
            accuracy.complete(row, details)
            callsign = details.get("flight")
            known = isinstance(callsign, str) and CALLSIGN.fullmatch(callsign.upper()) and not callsign.isspace()
            callsigns.append(callsign.upper().strip() if known else None)  # type: ignore[union-attr]
        icao24 = -1 if trace.icao.startswith("~") else int(trace.icao, 16)
        return Decoded(plots=self._plots(rows[: len(callsigns)], callsigns, icao24))

    def _plots(self, rows: NDArray[np.void], callsigns: list[str | None], icao24: int) -> pa.Table:
        n = len(rows)
        coded = rows["mode_3a"] >= 0
        return build(
            PLOTS,
            n,
            {
                "time": times(rows["time"].copy()),
                "time_source": words("time_source", np.full(n, TIME_SOURCES.index("measured"), np.int8)),
                "sensor": repeated(self._sensor, n),
                "kind": words("kind", rows["kind"].copy()),
                "latitude_deg": rows["latitude"],
                "longitude_deg": rows["longitude"],
                "altitude_m": ellipsoid_to_msl(rows["latitude"], rows["longitude"], rows["height"]),
                "pressure_altitude_m": rows["pressure_altitude"],
                "velocity_east_m_s": rows["east"],
                "velocity_north_m_s": rows["north"],
                "velocity_up_m_s": rows["up"],
                "sigma_position_m": rows["sigma_position"],
                "sigma_velocity_m_s": rows["sigma_velocity"],
                "icao24": unsigned(np.full(n, icao24)),
                "mode_3a": unsigned(rows["mode_3a"]),
                "callsign": pa.array(callsigns, pa.string()),
                "code_valid": pa.array(coded, mask=~coded),
                "on_ground": flags(rows["on_ground"]),
                "emergency": emergencies(rows["emergency"], rows["mode_3a"]),
                "simulated": np.full(n, self._simulated),
            },
        )


class _Accuracy:
    """NACp and NACv as said last, and when."""

    def __init__(self) -> None:
        self._time = NO_TIME
        self._position = self._velocity = math.nan

    def complete(self, row: NDArray[np.void], details: Mapping[str, Any]) -> None:
        """Write the sigmas of a row."""
        if "nac_p" in details:
            self._time = int(row["time"])
            self._position = NAC_P_SIGMA_M[_whole(details["nac_p"], 15)]
            self._velocity = NAC_V_SIGMA_M_S[_whole(details.get("nac_v"), 7)]
        if row["kind"] == ADSB and self._time != NO_TIME and abs(int(row["time"]) - self._time) <= ACCURACY_NS:
            row["sigma_position"] = self._position
            if not math.isnan(row["east"]):
                row["sigma_velocity"] = self._velocity


def _read(point: Any, start_ns: int, row: NDArray[np.void]) -> str | None:
    """Fill a row from a point of a trace; return why there is none, if so."""
    if not isinstance(point, list) or len(point) < SHORTEST:
        return "point"
    offset = _number(point[0], 0, LATEST_S)
    latitude, longitude = _number(point[1], -90, 90), _number(point[2], -180, 180)
    if math.isnan(offset + latitude + longitude):
        return "point"
    details = _details(point)
    kind = point[9] if len(point) > 9 else details.get("type")
    if isinstance(kind, str) and kind.startswith(REBROADCAST):
        return "rebroadcast"
    marks = _whole(point[6], 15)
    altitude = FOOT_M * _number(point[3], -5_000, 250_000)
    height = FOOT_M * _number(point[10] if len(point) > 10 else details.get("alt_geom"), -5_000, 250_000)
    speed = KNOT_M_S * _number(point[4], 0, 5_000)
    track = math.radians(_number(point[5], 0, 360))
    climb = FOOT_PER_MINUTE_M_S * _number(point[7], -65_536, 65_536)
    on_ground = point[3] == "ground"
    if marks & STALE:
        speed = math.nan
    if marks & STALE or on_ground:
        climb = height = math.nan
    geometric = bool(marks & GEOMETRIC)
    squawk = details.get("squawk")
    row["time"] = start_ns + round(offset * 1000) * (SECOND_NS // 1000)
    row["kind"] = KIND_OF.get(kind, -1) if kind is None or isinstance(kind, str) else -1
    row["latitude"], row["longitude"] = latitude, longitude
    row["pressure_altitude"] = math.nan if geometric else altitude
    row["height"] = altitude if geometric else height
    row["east"], row["north"], row["up"] = speed * math.sin(track), speed * math.cos(track), climb
    row["sigma_position"] = row["sigma_velocity"] = math.nan
    row["mode_3a"] = int(squawk, 8) if isinstance(squawk, str) and SQUAWK.fullmatch(squawk) else -1
    row["on_ground"] = 1 if on_ground else -1 if math.isnan(altitude) else 0
    emergency = details.get("emergency")
    row["emergency"] = EMERGENCY_OF.get(emergency, -1) if isinstance(emergency, str) else -1
    return None


def _details(point: list[Any]) -> Mapping[str, Any]:
    return point[8] if isinstance(point[8], dict) else {}


def _number(value: Any, low: float, high: float) -> float:
    """Return a number of JSON, NaN for anything else and for what lies outside the bounds."""
    return float(value) if type(value) in {int, float} and low <= value <= high else math.nan


def _whole(value: Any, highest: int) -> int:
    """Return a small whole number of JSON, 0 for anything else."""
    return value if type(value) is int and 0 <= value <= highest else 0
