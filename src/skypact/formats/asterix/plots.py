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

from skypact.formats.asterix.records import ABSENT, Records, above_sea, flags
from skypact.tables import KINDS, words
from skypact.units import FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_M_S, NAUTICAL_MILE_M

Columns = dict[str, Any]

KIND = {name: i for i, name in enumerate(KINDS)}
NM_S = NAUTICAL_MILE_M
"""Nautical miles a second, in metres a second."""
HIGHEST_M = 2048 * FLIGHT_LEVEL_M
"""What 14 bits of a quarter of a flight level reach with a sign."""


def _table(*values: int, absent: int = -1) -> NDArray[np.int8]:
    """Return a table for `Records.look_up`."""
    return np.array([*values, absent], np.int8)


def _kinds(*names: str | None) -> NDArray[np.int8]:
    """Return the table from codes to kinds of detection."""
    return _table(*(-1 if n is None else KIND[n] for n in names))


FLAG = _table(0, 1, absent=0)
"""A flag that is not sent is not set."""
GARBLED = _table(0, 1, 1, 1)
"""The bits V (not validated) and G (garbled) in front of a code."""
GROUND = _table(0, 1, 0, 1, -1, -1, -1, -1)
"""On ground by the flight status of Mode S: 0 and 2 airborne, 1 and 3 on the ground, else not said."""
SAID = _table(0, 1)
"""A flag that is null if it is not sent."""


def _valid(*garbled: NDArray[np.int8]) -> pa.Array:
    """Return whether every code and height of the row is validated and not garbled; null without any."""
    worst = np.maximum.reduce(garbled)
    return flags(np.where(worst < 0, worst, 1 - worst))


def _emergency(mode_3a: NDArray[np.int64], garbled: NDArray[np.int8]) -> pa.Array | None:
    """Return what the codes 7500, 7600 and 7700 say, where they are validated and not garbled."""
    special = (mode_3a >= 0o7500) & (garbled <= 0)
    if not special.any():
        return None
    code = np.full(len(mode_3a), -1, np.int8)
    code[special & (mode_3a == 0o7500)] = 5
    code[special & (mode_3a == 0o7600)] = 4
    code[special & (mode_3a == 0o7700)] = 1
    return words("emergency", code)


def _simulated(r: Records) -> pa.Array:
    return flags(r.look_up("020/SIM", FLAG) | r.look_up("020/TST", FLAG))


def _polar(r: Records) -> Columns:
    """Return range and azimuth of radar plots."""
    return {"range_m": r.quantity("040/RHO", NAUTICAL_MILE_M), "azimuth_deg": r.quantity("040/THETA")}


def _codes(r: Records, item: str, height: str) -> Columns:
    """Return the columns of Mode 3/A and Mode C, which share their layout over categories."""
    code, level = r.number(f"{item}/MODE3A"), r.value(height, FLIGHT_LEVEL_M)
    # Editions of CAT048 before 1.32 give the level no sign, but radars have always sent one.
    beyond = level >= HIGHEST_M
    if beyond.any():
        level[beyond] -= 2 * HIGHEST_M
    code_garbled, height_garbled = r.look_up(f"{item}/V+G", GARBLED), r.look_up("090/V+G", GARBLED)
    return {
        "mode_3a": r.integer(f"{item}/MODE3A", pa.uint16()),
        "pressure_altitude_m": level,
        "code_valid": _valid(code_garbled, height_garbled),
        "emergency": _emergency(code, code_garbled),
    }


KINDS_001 = _kinds(None, "psr", "ssr", "psr_ssr")
KINDS_010 = _kinds("mlat", "mlat", "adsb", "psr", None, "mlat", None, None)
KINDS_020 = _table(KIND["mlat"], KIND["mlat"])
KINDS_048 = _kinds(None, "psr", "ssr", "psr_ssr", "mode_s", "mode_s", "psr_mode_s", "psr_mode_s")


def cat001(r: Records) -> Columns:
    """Return the columns of monoradar target reports, plots and tracks, Part 2a."""
    return {
        **_polar(r),
        **_codes(r, "070", "090/HGT"),
        "kind": words("kind", r.look_up("020/SSRPSR", KINDS_001)),
        "simulated": _simulated(r),
        "range_rate_m_s": r.quantity("120", NM_S),
        "sensor_track": r.integer("161", pa.uint32()),
    }


def cat048(r: Records) -> Columns:
    """Return the columns of monoradar target reports, Part 4."""
    return {
        **_polar(r),
        **_codes(r, "070", "090/FL"),
        "kind": words("kind", r.look_up("020/TYP", KINDS_048)),
        "simulated": _simulated(r),
        "altitude_m": r.quantity("110/3DH", FOOT_M),
        "range_rate_m_s": r.quantity("120/CAL/CAL"),
        "sensor_track": r.integer("161/TRN", pa.uint32()),
        "icao24": r.integer("220", pa.uint32()),
        "callsign": r.text("240"),
        "on_ground": flags(r.look_up("230/STAT", GROUND)),
    }


def cat010(r: Records) -> Columns:
    """Return the columns of surface movement reports, Part 7."""
    east, north = r.value("202/VX"), r.value("202/VY")
    if r.has("200/GSP"):
        speed, heading = r.value("200/GSP", NM_S), np.radians(r.value("200/TRA"))
        east = np.where(np.isnan(east), speed * np.sin(heading), east)
        north = np.where(np.isnan(north), speed * np.cos(heading), north)
    return {
        **_codes(r, "060", "090/FL"),
        "range_m": r.quantity("040/RHO"),
        "azimuth_deg": r.quantity("040/TH"),
        "kind": words("kind", r.look_up("020/TYP", KINDS_010)),
        "simulated": _simulated(r),
        "latitude_deg": r.value("041/LAT"),
        "longitude_deg": r.value("041/LON"),
        "velocity_east_m_s": east,
        "velocity_north_m_s": north,
        "sensor_track": r.integer("161/TRK", pa.uint32()),
        "sigma_position_m": _mean(r.value("500/DEVX"), r.value("500/DEVY")),
        "icao24": r.integer("220", pa.uint32()),
        "callsign": r.text("245/CHR"),
        "on_ground": flags(r.look_up("020/GBS", SAID)),
    }


def _mean(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the quadratic mean of the standard deviations of both directions."""
    return np.sqrt((east**2 + north**2) / 2).astype(np.float32)


def cat020(r: Records) -> Columns:
    """Return the columns of multilateration reports, Part 14."""
    latitude, longitude = r.value("041/LAT"), r.value("041/LON")
    return {
        **_codes(r, "070", "090/FL"),
        "kind": words("kind", r.look_up("020/SSR", KINDS_020)),
        "simulated": _simulated(r),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("105", FOOT_M)),
        "velocity_east_m_s": r.quantity("202/VX"),
        "velocity_north_m_s": r.quantity("202/VY"),
        "sensor_track": r.integer("161/TRN", pa.uint32()),
        "sigma_position_m": _mean(r.value("500/SDP/X"), r.value("500/SDP/Y")),
        "sigma_altitude_m": r.value("500/SDH").astype(np.float32),
        "icao24": r.integer("220", pa.uint32()),
        "callsign": r.text("245/CHR"),
        "on_ground": flags(r.look_up("020/GBS", SAID)),
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
    """Return the standard deviation that a code stands for."""
    return np.append(table, np.nan)[code] / SIGMA_95


EMERGENCIES_021 = _table(*range(7), -1)
EMERGENCIES_021_0 = _table(*range(7), *[-1] * 249)
"""The same words in three bits of editions 2.x and the octet of editions 0.x."""


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
    if r.has(barometric):
        up = np.where(np.isnan(up), r.value(barometric, FOOT_PER_MINUTE_M_S), up)
    said = r.look_up("200/PS", EMERGENCIES_021) if r.knows("200/PS") else r.look_up("200", EMERGENCIES_021_0)
    sigma = _by_code(NACP_95_M, r.number("090/NACP"))
    first = _by_code(NUCP_95_M, np.where(r.number("210/VN") == 0, r.number("090/NUCPNIC"), ABSENT))
    return {
        "kind": words("kind", np.full(len(r), KIND["adsb"], np.int8)),
        "simulated": flags(r.look_up("040/SIM", FLAG) | r.look_up("040/TST", FLAG)),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("140", FOOT_M)),
        "pressure_altitude_m": r.quantity("145", FLIGHT_LEVEL_M),
        "velocity_east_m_s": speed * np.sin(track),
        "velocity_north_m_s": speed * np.cos(track),
        "velocity_up_m_s": up,
        "sensor_track": r.integer("161/TRNUM", pa.uint32()),
        "sigma_position_m": np.where(np.isnan(sigma), first, sigma).astype(np.float32),
        "sigma_velocity_m_s": _by_code(NACV_95_M_S, r.number("090/NUCRNACV")).astype(np.float32),
        "icao24": r.integer("080", pa.uint32()),
        "mode_3a": r.integer("070/MODE3A", pa.uint16()),
        "callsign": r.text("170"),
        "code_valid": _valid(r.look_up("070/V+G", GARBLED)),
        "on_ground": flags(r.look_up("040/GBS", SAID)),
        "emergency": words("emergency", said),
    }


PLOTS_OF: dict[int, Callable[[Records], Columns]] = {1: cat001, 10: cat010, 20: cat020, 21: cat021, 48: cat048}
"""What makes PLOTS columns of the records of a category."""

WHOLE: dict[int, tuple[str, ...]] = {
    1: ("010/SAC+SIC", "020/SSRPSR", "020/SIM", "020/TST", "070/V+G", "070/MODE3A", "090/V+G", "141", "161"),
    10: (
        *("010/SAC+SIC", "020/TYP", "020/SIM", "020/TST", "020/GBS", "060/V+G", "060/MODE3A", "090/V+G", "140"),
        *("161/TRK", "220", "245/CHR"),
    ),
    20: (
        *("010/SAC+SIC", "020/SSR", "020/SIM", "020/TST", "020/GBS", "070/V+G", "070/MODE3A", "090/V+G", "140"),
        *("161/TRN", "220", "245/CHR"),
    ),
    21: (
        *("010/SAC+SIC", "030", "040/SIM", "040/TST", "040/GBS", "070/V+G", "070/MODE3A", "071", "072", "073", "075"),
        *("077", "080", "090/NACP", "090/NUCPNIC", "090/NUCRNACV", "161/TRNUM", "170", "200", "200/PS", "210/VN"),
    ),
    48: (
        *("010/SAC+SIC", "020/TYP", "020/SIM", "020/TST", "070/V+G", "070/MODE3A", "090/V+G", "140", "161/TRN"),
        *("220", "230/STAT", "240"),
    ),
}
REAL: dict[int, tuple[str, ...]] = {
    1: ("040/RHO", "040/THETA", "090/HGT", "120"),
    10: (
        *("040/RHO", "040/TH", "041/LAT", "041/LON", "090/FL", "200/GSP", "200/TRA", "202/VX", "202/VY"),
        *("500/DEVX", "500/DEVY"),
    ),
    20: (*("041/LAT", "041/LON", "090/FL", "105", "202/VX", "202/VY", "500/SDP/X", "500/SDP/Y", "500/SDH"),),
    21: (
        *("130/LAT", "130/LON", "131/LAT", "131/LON", "140", "145", "155", "155/BVR", "157", "157/GVR", "160/GS"),
        "160/TA",
    ),
    48: ("040/RHO", "040/THETA", "090/FL", "110/3DH", "120/CAL/CAL"),
}
"""The plain numbers and the quantities these functions and the clock read, by category."""
