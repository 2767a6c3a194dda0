"""System tracks, CAT 062, as columns of TRACKS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from skypact.formats.asterix.records import Records, above_sea, flags
from skypact.tables import COVARIANCE_SIZE, NO_TIME, times, words
from skypact.units import FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_M_S, SECOND_NS

METRES_A_DEGREE = 111_195.0
"""Length of a degree on a sphere of the Earth's mean radius: good to 0.6 %, enough for a standard deviation."""

AGES = ("PSR", "SSR", "MDS", "ADS", "ES", "VDL", "UAT", "LOP", "MLT")
"""Ages of the last detections in I062/290."""

SIMULATED = np.array([0, 1, 0], np.int8)
"""What the flag says, and its absence."""

DIAGONAL = (0, 6, 11, 15, 18, 20)
"""Places of the variances in an upper triangle of six states."""

WHOLE = (
    *("010/SAC+SIC", "040", "060/MODE3A", "070", "080/CNF", "080/CST", "080/SIM", "080/TSE", "135/QNH", "245/CHR"),
    *("380/ADR", "380/ID"),
)
REAL = (
    *("105/LAT", "105/LON", "130", "135/CTB", "136", "185/VX", "185/VY", "220", *(f"290/{age}" for age in AGES)),
    *("500/APC/X", "500/APC/Y", "500/APW/LAT", "500/APW/LON", "500/AGA", "500/ATV/X", "500/ATV/Y", "500/ARC"),
    "500/COV",
)
"""The plain numbers and the quantities that `columns` and the clock read."""


def columns(r: Records, time_ns: NDArray[np.int64]) -> dict[str, Any]:
    """Return the TRACKS columns of system tracks, Part 9.

    Geometric altitudes stand above the ellipsoid in the message and above mean sea level here. A barometric altitude
    with the QNH flag set is above mean sea level; without it, it is a pressure altitude.

    Parameters
    ----------
    r : Records
        Records of category 62.
    time_ns : int64 array, shape (n,)
    """
    latitude, longitude = r.value("105/LAT"), r.value("105/LON")
    altitude = above_sea(latitude, longitude, r.value("130", FOOT_M))
    barometric = r.value("135/CTB", FLIGHT_LEVEL_M)
    corrected = r.number("135/QNH") == 1
    altitude = np.where(np.isnan(altitude) & corrected, barometric, altitude)
    pressure = r.value("136", FLIGHT_LEVEL_M)
    pressure = np.where(np.isnan(pressure) & ~corrected, barometric, pressure)
    return {
        "track": r.integer("040", pa.uint32()),
        "status": words("status", _status(r)),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": altitude,
        "pressure_altitude_m": pressure,
        "velocity_east_m_s": r.quantity("185/VX"),
        "velocity_north_m_s": r.quantity("185/VY"),
        "velocity_up_m_s": r.quantity("220", FOOT_PER_MINUTE_M_S),
        "covariance": _covariance(r, latitude),
        "class": words("class", np.full(len(r), 2, np.int8)),
        "identity": words("identity", np.zeros(len(r), np.int8)),
        "icao24": r.integer("380/ADR", pa.uint32()),
        "mode_3a": r.integer("060/MODE3A", pa.uint16()),
        "callsign": pc.coalesce(r.text("380/ID"), r.text("245/CHR")),
        "last_plot": times(_last_plot(r, time_ns)),
        "simulated": flags(r.look_up("080/SIM", SIMULATED)),
    }


def _status(r: Records) -> NDArray[np.int8]:
    """Return the status of tracks: last report, coasting, tentative, in this order of precedence."""
    status = np.where(r.number("080/CNF") == 1, 0, 1).astype(np.int8)
    status[r.number("080/CST") == 1] = 2
    status[r.number("080/TSE") == 1] = 3
    return status


def _last_plot(r: Records, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the time of the youngest detection a track says it rests on."""
    youngest = np.full(len(r), np.inf)
    for age in AGES:
        if r.has(f"290/{age}"):
            youngest = np.fmin(youngest, r.value(f"290/{age}"))
    known = np.isfinite(youngest) & (time_ns != NO_TIME)
    return np.where(known, time_ns - (np.where(known, youngest, 0.0) * SECOND_NS).astype(np.int64), NO_TIME)


def _covariance(r: Records, latitude: NDArray[np.float64]) -> pa.Array:
    """Return the covariance from the estimated accuracies; entries not said are NaN, null without a position's.

    The covariance component of I062/500 is signed root of the covariance, so that its square is taken back.
    """
    east, north = r.value("500/APC/X"), r.value("500/APC/Y")
    if r.has("500/APW/LAT"):
        from_degrees = METRES_A_DEGREE * r.value("500/APW/LON") * np.cos(np.radians(latitude))
        east = np.where(np.isnan(east), from_degrees, east)
        north = np.where(np.isnan(north), METRES_A_DEGREE * r.value("500/APW/LAT"), north)
    out = np.full((len(r), COVARIANCE_SIZE), np.nan, np.float32)
    sigmas = (
        east,
        north,
        r.value("500/AGA", FOOT_M),
        r.value("500/ATV/X"),
        r.value("500/ATV/Y"),
        r.value("500/ARC", FOOT_PER_MINUTE_M_S),
    )
    for place, sigma in zip(DIAGONAL, sigmas, strict=True):
        out[:, place] = sigma**2
    component = r.value("500/COV")
    out[:, 1] = np.sign(component) * component**2
    values = pa.array(out.reshape(-1), pa.float32())
    return pa.FixedSizeListArray.from_arrays(values, COVARIANCE_SIZE, mask=pa.array(np.isnan(east) | np.isnan(north)))
