"""Target reports of CAT 001, 010, 020, 021 and 048 as columns of PLOTS.

Each function takes the records of one category and returns the columns it knows; the rest of the row is null.
Accuracy indicators of ADS-B are 95 % bounds (RTCA DO-260B), that is 2.448 sigma of a circular normal distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skypact.formats.asterix.records import MISSING, Records, above_sea, flags, unsigned
from skypact.tables import KINDS, words
from skypact.units import FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_M_S, NAUTICAL_MILE_M

Columns = dict[str, Any]

KIND = {name: i for i, name in enumerate(KINDS)}
NM_S = NAUTICAL_MILE_M
"""Nautical miles a second, in metres a second."""
HIGHEST_M = 2048 * FLIGHT_LEVEL_M
"""What 14 bits of a quarter of a flight level reach with a sign."""


def _kinds(value: NDArray[np.int64], names: tuple[str | None, ...]) -> pa.DictionaryArray:
    """Return kinds of detection by a code; null where the code is absent or has no kind."""
    lookup = np.array([-1 if n is None else KIND[n] for n in (*names, None)], np.int8)
    place = np.where((value < 0) | (value >= len(names)), len(names), value)
    return words("kind", lookup[place])


def _valid(*validated_garbled: NDArray[np.int64]) -> pa.Array:
    """Return whether every code and height of the row is validated and not garbled; null without any.

    Each argument holds the two bits V and G that stand in front of a code.
    """
    bad = np.zeros(len(validated_garbled[0]), bool)
    some = np.zeros(len(bad), bool)
    for value in validated_garbled:
        some |= value >= 0
        bad |= value > 0
    return flags(np.where(some, (~bad).astype(np.int64), -1))


def _emergency(mode_3a: NDArray[np.int64], garbled: NDArray[np.int64]) -> pa.DictionaryArray:
    """Return what the codes 7500, 7600 and 7700 say, where they are validated and not garbled."""
    code = np.full(len(mode_3a), -1, np.int8)
    special = (mode_3a >= 0o7500) & (garbled <= 0)
    if special.any():
        code[special & (mode_3a == 0o7500)] = 5
        code[special & (mode_3a == 0o7600)] = 4
        code[special & (mode_3a == 0o7700)] = 1
    return words("emergency", code)


def _ground(status: NDArray[np.int64]) -> pa.Array:
    """Return on-ground from the flight status of Mode S: 0 and 2 airborne, 1 and 3 on the ground, else not said."""
    return flags(np.array([0, 1, 0, 1, -1, -1, -1, -1, -1])[np.where(status < 0, 8, status)])


def _or(*bits: NDArray[np.int64]) -> pa.Array:
    """Return whether one of the flags is set; absent counts as not."""
    found = bits[0] > 0
    for value in bits[1:]:
        found = found | (value > 0)
    return flags(found.astype(np.int64))


def _polar(r: Records) -> Columns:
    unit = 1.0 if r.program.edition.category == 10 else NAUTICAL_MILE_M
    angle = "040/TH" if r.program.edition.category == 10 else "040/THETA"
    return {"range_m": r.value("040/RHO", unit), "azimuth_deg": r.value(angle)}


def _codes(r: Records, height: str) -> Columns:
    """Return the columns of Mode 3/A (item 070 or 060) and Mode C, which share their layout over categories."""
    item = "060" if r.program.edition.category == 10 else "070"
    code, level = r.number(f"{item}/MODE3A"), r.value(height, FLIGHT_LEVEL_M)
    # Editions of CAT048 before 1.32 give the level no sign, but radars have always sent one.
    beyond = level >= HIGHEST_M
    if beyond.any():
        level[beyond] -= 2 * HIGHEST_M
    code_flags, height_flags = r.bits(f"{item}/V", 2), r.bits("090/V", 2)
    return {
        "mode_3a": unsigned(code, pa.uint16()),
        "pressure_altitude_m": level,
        "code_valid": _valid(code_flags, height_flags),
        "emergency": _emergency(code, code_flags),
    }


def cat001(r: Records) -> Columns:
    """Return the columns of monoradar target reports, plots and tracks, Part 2a."""
    return {
        **_polar(r),
        **_codes(r, "090/HGT"),
        "kind": _kinds(r.number("020/SSRPSR"), (None, "psr", "ssr", "psr_ssr")),
        "simulated": _or(r.number("020/SIM"), r.number("020/TST")),
        "range_rate_m_s": r.value("120", NM_S),
        "sensor_track": unsigned(r.number("161"), pa.uint32()),
    }


def cat048(r: Records) -> Columns:
    """Return the columns of monoradar target reports, Part 4."""
    kinds = (None, "psr", "ssr", "psr_ssr", "mode_s", "mode_s", "psr_mode_s", "psr_mode_s")
    return {
        **_polar(r),
        **_codes(r, "090/FL"),
        "kind": _kinds(r.number("020/TYP"), kinds),
        "simulated": _or(r.number("020/SIM"), r.number("020/TST")),
        "altitude_m": r.value("110/3DH", FOOT_M),
        "range_rate_m_s": r.value("120/CAL/CAL"),
        "sensor_track": unsigned(r.number("161/TRN"), pa.uint32()),
        "icao24": unsigned(r.number("220"), pa.uint32()),
        "callsign": r.text("240"),
        "on_ground": _ground(r.number("230/STAT")),
    }


def cat010(r: Records) -> Columns:
    """Return the columns of surface movement reports, Part 7."""
    kinds = ("mlat", "mlat", "adsb", "psr", None, "mlat", None, None)
    east, north = r.value("202/VX"), r.value("202/VY")
    if r.has("200/GSP"):
        speed, heading = r.value("200/GSP", NM_S), np.radians(r.value("200/TRA"))
        east = np.where(np.isnan(east), speed * np.sin(heading), east)
        north = np.where(np.isnan(north), speed * np.cos(heading), north)
    return {
        **_polar(r),
        **_codes(r, "090/FL"),
        "kind": _kinds(r.number("020/TYP"), kinds),
        "simulated": _or(r.number("020/SIM"), r.number("020/TST")),
        "latitude_deg": r.value("041/LAT"),
        "longitude_deg": r.value("041/LON"),
        "velocity_east_m_s": east,
        "velocity_north_m_s": north,
        "sensor_track": unsigned(r.number("161/TRK"), pa.uint32()),
        "sigma_position_m": np.sqrt((r.value("500/DEVX") ** 2 + r.value("500/DEVY") ** 2) / 2).astype(np.float32),
        "icao24": unsigned(r.number("220"), pa.uint32()),
        "callsign": r.text("245/CHR"),
        "on_ground": flags(r.number("020/GBS")),
    }


def cat020(r: Records) -> Columns:
    """Return the columns of multilateration reports, Part 14."""
    latitude, longitude = r.value("041/LAT"), r.value("041/LON")
    kind = np.where(r.number("020/SSR") >= 0, KIND["mlat"], -1).astype(np.int8)
    return {
        **_codes(r, "090/FL"),
        "kind": words("kind", kind),
        "simulated": _or(r.number("020/SIM"), r.number("020/TST")),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("105", FOOT_M)),
        "velocity_east_m_s": r.value("202/VX"),
        "velocity_north_m_s": r.value("202/VY"),
        "sensor_track": unsigned(r.number("161/TRN"), pa.uint32()),
        "sigma_position_m": np.sqrt((r.value("500/SDP/X") ** 2 + r.value("500/SDP/Y") ** 2) / 2).astype(np.float32),
        "sigma_altitude_m": r.value("500/SDH").astype(np.float32),
        "icao24": unsigned(r.number("220"), pa.uint32()),
        "callsign": r.text("245/CHR"),
        "on_ground": flags(r.number("020/GBS")),
    }


NACP_95_M = np.array([np.nan, 18520, 7408, 3704, 1852, 926, 555.6, 185.2, 92.6, 30, 10, 3] + [np.nan] * 4)
"""95 % horizontal position bound by NACp."""
NUCP_95_M = np.array([np.nan, 18520, 9260, 1852, 926, 463, 185.2, 92.6, 10, 3] + [np.nan] * 6)
"""95 % horizontal position bound by NUCp of version 0 transponders."""
NACV_95_M_S = np.array([np.nan, 10, 3, 1, 0.3] + [np.nan] * 3)
"""95 % horizontal velocity bound by NACv."""
SIGMA_95 = 2.4477
"""Radius in sigmas that holds 95 % of a circular normal distribution."""


def _by_code(table: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.float64]:
    padded = np.append(table, np.nan)
    return padded[np.where((code < 0) | (code >= len(table)), len(table), code)] / SIGMA_95


def cat021(r: Records) -> Columns:
    """Return the columns of ADS-B reports, Part 12, editions 0.2x and 2.x."""
    latitude, longitude = r.value("130/LAT"), r.value("130/LON")
    if r.has("131/LAT"):
        fine = r.value("131/LAT"), r.value("131/LON")
        latitude = np.where(np.isnan(fine[0]), latitude, fine[0])
        longitude = np.where(np.isnan(fine[1]), longitude, fine[1])
    track = np.radians(r.value("160/TA"))
    speed = r.value("160/GS", NM_S)
    geometric, barometric = ("157/GVR", "155/BVR") if r.knows("157/GVR") else ("157", "155")
    up = r.value(geometric, FOOT_PER_MINUTE_M_S)
    up = np.where(np.isnan(up), r.value(barometric, FOOT_PER_MINUTE_M_S), up)
    code = r.number("070/MODE3A")
    code_flags = r.bits("070/V", 2)
    state = r.number("200/PS" if r.knows("200/PS") else "200")
    sigma = _by_code(NACP_95_M, r.number("090/NACP"))
    first = _by_code(NUCP_95_M, np.where(r.number("210/VN") == 0, r.number("090/NUCPNIC"), MISSING))
    return {
        "kind": words("kind", np.full(len(r), KIND["adsb"], np.int8)),
        "simulated": _or(r.number("040/SIM"), r.number("040/TST")),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("140", FOOT_M)),
        "pressure_altitude_m": r.value("145", FLIGHT_LEVEL_M),
        "velocity_east_m_s": speed * np.sin(track),
        "velocity_north_m_s": speed * np.cos(track),
        "velocity_up_m_s": up,
        "sensor_track": unsigned(r.number("161/TRNUM"), pa.uint32()),
        "sigma_position_m": np.where(np.isnan(sigma), first, sigma).astype(np.float32),
        "sigma_velocity_m_s": _by_code(NACV_95_M_S, r.number("090/NUCRNACV")).astype(np.float32),
        "icao24": unsigned(r.number("080"), pa.uint32()),
        "mode_3a": unsigned(code, pa.uint16()),
        "callsign": r.text("170"),
        "code_valid": _valid(code_flags),
        "on_ground": flags(r.number("040/GBS")),
        "emergency": words("emergency", np.where((state < 0) | (state > 6), -1, state).astype(np.int8)),
    }


PLOTS_OF: dict[int, Callable[[Records], Columns]] = {1: cat001, 10: cat010, 20: cat020, 21: cat021, 48: cat048}
"""What makes PLOTS columns of the records of a category."""

ITEMS: dict[int, tuple[str, ...]] = {
    1: ("010", "020", "040", "070", "090", "120", "141", "161"),
    10: ("010", "020", "040", "041", "060", "090", "140", "161", "200", "202", "220", "245", "500"),
    20: (
        *("010", "020", "041", "070", "090", "105", "140", "161", "202", "220", "245"),
        *("500", "500/SDP", "500/SDH"),
    ),
    21: (
        *("010", "030", "040", "070", "071", "072", "073", "075", "077", "080", "090", "130", "131", "140", "145"),
        *("155", "157", "160", "161", "170", "200", "210"),
    ),
    48: ("010", "020", "040", "070", "090", "110", "120", "120/CAL", "140", "161", "220", "230", "240"),
}
"""The items these functions and the clock read, by category."""
