"""Tables as ASTERIX: radar plots as CAT048, ADS-B as CAT021, antenna messages as CAT034, tracks as CAT062 and CAT065.

Values are rounded to the steps of the format. What a category cannot carry is left out, such as heights of ballistic
objects; a range or number beyond its bits is an error. Rows keep their order; a new block begins with a new sensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact.earth.geoid import msl_to_ellipsoid
from skypact.errors import MisuseError
from skypact.formats.asterix.encode import LONGEST_BLOCK, encode
from skypact.formats.asterix.services import CAT034, CAT065
from skypact.tables import KINDS, NO_TIME, SERVICE_MESSAGES, codes
from skypact.units import DAY_NS, FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_M_S, NAUTICAL_MILE_M, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.datagrams import Datagrams

TYP_048 = dict(zip(("psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s"), (1, 2, 3, 5, 7), strict=True))
MISSING = -1
HIGHEST_FT = 204_790
"""What 16 bits of 6.25 feet, or feet a minute, reach with a sign."""


def radar_reports(
    plots: pa.Table,
    codes_of: Mapping[str, tuple[int, int]] | None = None,
    *,
    batch: NDArray[np.int64] | None = None,
) -> Datagrams:
    """Return a radar's plots as CAT048 target reports.

    Parameters
    ----------
    plots : pyarrow.Table
        Of the schema `tables.PLOTS`.
    codes_of : mapping of str to (int, int), optional
        SAC and SIC of each sensor; without it the names are read as ``SAC/SIC``.
    batch : int64 array, shape (n,), optional
        Rows with the same number behind each other, such as those of a sector, make one block and nothing else does;
        without it a block ends with the sensor or when it is full.

    Raises
    ------
    MisuseError
        A sensor without codes, or a value the format cannot hold.
    """
    kind = codes(plots["kind"], "kind")
    typ = np.array([TYP_048.get(k, 0) for k in KINDS] + [0], np.int64)[kind]
    simulated = _flag(plots, "simulated")
    invalid = (_flag(plots, "code_valid") == 0).astype(np.int64)
    ground = _flag(plots, "on_ground")
    distance, azimuth = _together(_floats(plots, "range_m"), _floats(plots, "azimuth_deg"))
    level = _within(_floats(plots, "pressure_altitude_m") / FLIGHT_LEVEL_M, 2047)
    columns = _source(plots["sensor"], codes_of) | {
        "140": _time_of_day(plots["time"]),
        "020/TYP": _numbers(typ, True),
        "020/SIM": _numbers(simulated > 0, True),
        "040/RHO": _array(distance / NAUTICAL_MILE_M),
        "040/THETA": _array(_turned(azimuth % 360)),
        "070/V": _numbers(invalid, _known(plots, "mode_3a")),
        "070/MODE3A": _octal(plots["mode_3a"]),
        "090/V": _numbers(invalid, ~np.isnan(level)),
        "090/FL": _array(level),
        "110/3DH": _array(_within(_floats(plots, "altitude_m") / FOOT_M, 204_700)),
        "120/CAL/CAL": _array(_within(_floats(plots, "range_rate_m_s"), 511)),
        "161/TRN": plots["sensor_track"],
        "220": plots["icao24"],
        "240": plots["callsign"],
        "230/STAT": _numbers(ground, ground >= 0),
    }
    return encode(48, _present(columns), **_blocks(plots["sensor"], batch))


def adsb_reports(plots: pa.Table, codes_of: Mapping[str, tuple[int, int]] | None = None) -> Datagrams:
    """Return ADS-B plots as CAT021 target reports; arguments and errors as in `radar_reports`."""
    ground, simulated = _flag(plots, "on_ground"), _flag(plots, "simulated")
    east, north = _floats(plots, "velocity_east_m_s"), _floats(plots, "velocity_north_m_s")
    latitude, longitude = _together(_floats(plots, "latitude_deg"), _floats(plots, "longitude_deg"))
    speed = _within(np.hypot(east, north) / NAUTICAL_MILE_M, 1.9999)
    speed, track = _together(speed, _turned(np.degrees(np.arctan2(east, north)) % 360))
    positioned = ~np.isnan(latitude)
    emergency = codes(plots["emergency"], "emergency").astype(np.int64)
    every = np.ones(len(plots), bool)
    columns = _source(plots["sensor"], codes_of) | {
        "040/ATP": _numbers(np.zeros(len(plots)), every),
        "040/GBS": _numbers(ground, ground >= 0),
        "040/SIM": _numbers(simulated > 0, every),
        "071": _where(_time_of_day(plots["time"]), positioned),
        "077": _where(_time_of_day(plots["time"]), ~positioned),
        "131/LAT": _array(latitude),
        "131/LON": _array(longitude),
        "080": plots["icao24"],
        "140": _array(_within(_ellipsoidal(plots, latitude, longitude) / FOOT_M, HIGHEST_FT)),
        "070/MODE3A": _octal(plots["mode_3a"]),
        "145": _array(_within(_floats(plots, "pressure_altitude_m") / FLIGHT_LEVEL_M, 8191)),
        "157/GVR": _array(_within(_floats(plots, "velocity_up_m_s") / FOOT_PER_MINUTE_M_S, 102_000)),
        "160/GS": _array(speed),
        "160/TA": _array(track),
        "161/TRNUM": plots["sensor_track"],
        "170": plots["callsign"],
        "200/PS": _numbers(emergency, emergency >= 0),
    }
    return encode(21, _present(columns), group=_groups(plots["sensor"]))


def antenna_messages(
    services: pa.Table,
    codes_of: Mapping[str, tuple[int, int]] | None = None,
    *,
    batch: NDArray[np.int64] | None = None,
) -> Datagrams:
    """Return a radar's messages of itself as CAT034; `services` is of the schema `tables.SERVICES`.

    The other arguments and the errors are those of `radar_reports`.
    """
    types = {name: code for code, name in CAT034.items()}
    message = codes(services["message"], "message")
    code = np.array([types.get(m, MISSING) for m in SERVICE_MESSAGES] + [MISSING], np.int64)[message]
    if (code < 0).any():
        raise MisuseError(f"row {int(np.argmax(code < 0))} is no message of CAT034")
    latitude, longitude = _floats(services, "latitude_deg"), _floats(services, "longitude_deg")
    height, latitude, longitude = _together(_ellipsoidal(services, latitude, longitude), latitude, longitude)
    sector = np.floor(_floats(services, "azimuth_deg") / (360 / 256)) % 256 * (360 / 256)
    columns = _source(services["sensor"], codes_of) | {
        "000": pa.array(code),
        "030": _time_of_day(services["time"]),
        "020": _where(_array(sector), code != types["north"]),
        "041": services["rotation_s"],
        "120/HGT": _array(height),
        "120/LAT": _array(latitude),
        "120/LON": _array(longitude),
    }
    return encode(34, _present(columns), **_blocks(services["sensor"], batch))


def system_tracks(tracks: pa.Table, sac: int, sic: int, numbers: TrackNumbers) -> Datagrams:
    """Return tracks as CAT062 under the code of a processing centre.

    Parameters
    ----------
    tracks : pyarrow.Table
        Of the schema `tables.TRACKS`, of one node.
    sac, sic : int
    numbers : TrackNumbers
        Gives each track its 16-bit number; keep it for the next call.
    """
    status = codes(tracks["status"], "status")
    every = np.ones(len(tracks), bool)
    latitude, longitude = _together(_floats(tracks, "latitude_deg"), _floats(tracks, "longitude_deg"))
    east, north = _together(_floats(tracks, "velocity_east_m_s"), _floats(tracks, "velocity_north_m_s"))
    time = _times(tracks["time"])
    number = numbers.of(np.asarray(tracks["track"].fill_null(0).to_numpy(), np.int64), status == 3, time)
    age = (time - _times(tracks["last_plot"])) / SECOND_NS
    aged = _known(tracks, "last_plot") & _known(tracks, "time")
    columns = {
        "010/SAC": pa.array(np.full(len(tracks), sac)),
        "010/SIC": pa.array(np.full(len(tracks), sic)),
        "070": _time_of_day(tracks["time"]),
        "105/LAT": _array(latitude),
        "105/LON": _array(longitude),
        "185/VX": _clipped(east, 8191.75),
        "185/VY": _clipped(north, 8191.75),
        "060/MODE3A": _octal(tracks["mode_3a"]),
        "380/ADR": tracks["icao24"],
        "380/ID": tracks["callsign"],
        "040": pa.array(number),
        "080/CNF": _numbers(status == 0, every),
        "080/SIM": _numbers(_flag(tracks, "simulated") > 0, every),
        "080/TSE": _numbers(status == 3, every),
        "080/CST": _numbers(status == 2, every),
        "290/PSR": _where(_clipped(np.maximum(age, 0), 63.75), aged),
        "136": _array(_within(_floats(tracks, "pressure_altitude_m") / FLIGHT_LEVEL_M, 8191)),
        "130": _array(_within(_ellipsoidal(tracks, latitude, longitude) / FOOT_M, HIGHEST_FT)),
        "220": _array(_within(_floats(tracks, "velocity_up_m_s") / FOOT_PER_MINUTE_M_S, HIGHEST_FT)),
        **_accuracies(tracks),
    }
    return encode(62, _present(columns))


def centre_messages(services: pa.Table, codes_of: Mapping[str, tuple[int, int]] | None = None) -> Datagrams:
    """Return a processing centre's messages of itself as CAT065: ``status`` and ``end_of_batch``."""
    types = {name: code for code, name in reversed(CAT065.items())}
    message = codes(services["message"], "message")
    code = np.array([types.get(m, MISSING) for m in SERVICE_MESSAGES] + [MISSING], np.int64)[message]
    if (code < 0).any():
        raise MisuseError(f"row {int(np.argmax(code < 0))} is no message of CAT065")
    columns = _source(services["sensor"], codes_of) | {
        "000": pa.array(code),
        "015": pa.array(np.zeros(len(code), np.int64)),
        "030": _time_of_day(services["time"]),
        "040/NOGO": _numbers(np.zeros(len(code)), code == types["status"]),
    }
    return encode(65, _present(columns), group=_groups(services["sensor"]))


class TrackNumbers:
    """Sixteen-bit track numbers for CAT062: a number rests for a while after its track ended before it is used again.

    Parameters
    ----------
    quarantine_s : float
        How long a number rests.
    """

    def __init__(self, quarantine_s: float = 300.0) -> None:
        self._quarantine_ns = int(quarantine_s * SECOND_NS)
        self._number: dict[int, int] = {}
        self._rest: dict[int, int] = {}
        self._next = 0

    def of(self, tracks: NDArray[np.int64], ended: NDArray[np.bool_], time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a number for each track, freeing those of tracks that ended.

        Raises
        ------
        MisuseError
            More tracks, resting numbers included, than 16 bits can number.
        """
        out = np.empty(len(tracks), np.int64)
        for i, (track, over, time) in enumerate(zip(tracks.tolist(), ended.tolist(), time_ns.tolist(), strict=True)):
            number = self._number.get(track)
            if number is None:
                number = self._number[track] = self._free(time)
            out[i] = number
            if over:
                self._rest[number] = time
                del self._number[track]
        return out

    def _free(self, time_ns: int) -> int:
        if self._next < 1 << 16:
            self._next += 1
            return self._next - 1
        # Numbers are freed in the order of time, so the first of the dictionary has rested longest.
        number = next(iter(self._rest), None)
        if number is None or time_ns - self._rest[number] < self._quarantine_ns:
            raise MisuseError("more tracks at once than CAT062 can number")
        del self._rest[number]
        return number


def _times(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), NO_TIME).to_numpy())


def _time_of_day(column: pa.ChunkedArray) -> pa.Array:
    """Return seconds since midnight UTC in steps of 1/128 s."""
    time = _times(column)
    step = np.floor_divide((time % DAY_NS) * 128 + SECOND_NS // 2, SECOND_NS) % (86_400 * 128)
    return pa.array(np.where(time == NO_TIME, np.nan, step / 128), from_pandas=True)


def _known(table: pa.Table, name: str) -> NDArray[np.bool_]:
    return np.asarray(table[name].is_valid().to_numpy())


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].cast(pa.float64()).fill_null(np.nan).to_numpy())


def _flag(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(table[name].cast(pa.int8()).fill_null(-1).to_numpy(), np.int64)


def _array(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _together(*values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return columns that share an item, NaN where one of them is: what is not given would be sent as zero."""
    unknown = np.isnan(values).any(axis=0)
    return tuple(np.where(unknown, np.nan, v) for v in values)


def _within(values: NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    """Return values with NaN for those an item cannot hold."""
    return np.where(np.abs(values) <= bound, values, np.nan)


def _clipped(values: NDArray[np.float64], bound: float) -> pa.Array:
    return _array(np.clip(values, -bound, bound))


def _turned(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles that round to a whole turn as zero."""
    return np.where(angle >= 360 * (1 - 0.5 / 65536), 0.0, angle)


def _numbers(values: NDArray[Any], known: NDArray[np.bool_] | bool) -> pa.Array:
    mask = ~np.broadcast_to(known, values.shape)
    return pa.array(np.asarray(values, np.int64), mask=mask)


def _where(column: pa.Array, keep: NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(keep), column, pa.scalar(None, column.type))


def _octal(column: pa.ChunkedArray) -> pa.Array:
    value = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy())
    digits = (value[:, None] >> np.array([9, 6, 3, 0])) % 8 + ord("0")
    text = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(4), len(value), [None, pa.py_buffer(digits.astype(np.uint8))]
    ).cast(pa.binary())
    known = np.asarray(column.is_valid().to_numpy())
    return _where(text.cast(pa.string()), known)


def _ellipsoidal(table: pa.Table, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return geometric altitudes as metres above the ellipsoid, NaN without a position."""
    altitude = _floats(table, "altitude_m")
    known = ~(np.isnan(altitude) | np.isnan(latitude) | np.isnan(longitude))
    out = np.full(len(altitude), np.nan)
    if known.any():
        out[known] = msl_to_ellipsoid(latitude[known], longitude[known], altitude[known])
    return out


def _accuracies(tracks: pa.Table) -> dict[str, pa.Array]:
    """Return the estimated accuracies of I062/500 from covariances."""
    column = pa.chunked_array(tracks["covariance"]).combine_chunks()
    size = column.type.list_size
    values = column.values.slice(column.offset * size, len(column) * size).fill_null(np.nan)
    matrix = np.asarray(values.to_numpy(zero_copy_only=False), np.float64).reshape(-1, size)
    matrix = np.where(_known(tracks, "covariance")[:, None], matrix, np.nan)
    sigma = np.sqrt(np.where(matrix >= 0, matrix, np.nan))
    component = np.sign(matrix[:, 1]) * np.sqrt(np.abs(matrix[:, 1]))
    east, north = _together(sigma[:, 0], sigma[:, 6])
    velocity_east, velocity_north = _together(sigma[:, 15], sigma[:, 18])
    return {
        "500/APC/X": _clipped(east, 32_767),
        "500/APC/Y": _clipped(north, 32_767),
        "500/COV": _clipped(component, 16_383),
        "500/AGA": _clipped(sigma[:, 11] / FOOT_M, 1_593),
        "500/ATV/X": _clipped(velocity_east, 63),
        "500/ATV/Y": _clipped(velocity_north, 63),
        "500/ARC": _clipped(sigma[:, 20] / FOOT_PER_MINUTE_M_S, 1_593),
    }


def _source(sensor: pa.ChunkedArray, codes_of: Mapping[str, tuple[int, int]] | None) -> dict[str, pa.Array]:
    """Return SAC and SIC of each row."""
    encoded = sensor if pa.types.is_dictionary(sensor.type) else sensor.dictionary_encode()
    encoded = encoded.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    if encoded.null_count:
        raise MisuseError("rows without a sensor cannot be sent as ASTERIX")
    pairs = np.array([_pair(name, codes_of) for name in encoded.dictionary.to_pylist()], np.int64).reshape(-1, 2)
    chosen = pairs[encoded.indices.to_numpy()]
    return {"010/SAC": pa.array(chosen[:, 0]), "010/SIC": pa.array(chosen[:, 1])}


def _pair(name: str, codes_of: Mapping[str, tuple[int, int]] | None) -> tuple[int, int]:
    if codes_of is not None and name in codes_of:
        return codes_of[name]
    sac, _, sic = name.partition("/")
    if sac.isdecimal() and sic.isdecimal() and int(sac) < 256 and int(sic) < 256:
        return int(sac), int(sic)
    raise MisuseError(f"sensor {name!r} has no SAC and SIC; add sac = and sic = to its entry in the catalogue")


def _blocks(sensor: pa.ChunkedArray, batch: NDArray[np.int64] | None) -> dict[str, Any]:
    """Return the arguments of `encode` that say where blocks begin."""
    return {"group": _groups(sensor)} if batch is None else {"group": batch, "longest": LONGEST_BLOCK}


def _groups(sensor: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(sensor.cast(pa.string()).combine_chunks().dictionary_encode().indices.to_numpy(), np.int64)


def _present(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the columns that hold something."""
    return {name: column for name, column in columns.items() if column.null_count < len(column)}
