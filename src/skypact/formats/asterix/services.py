"""Service messages of radars and processing centres, CAT 002, 034 and 065, as columns of SERVICES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skypact.formats.asterix.records import Records, above_sea
from skypact.tables import SERVICE_MESSAGES, words

MESSAGE = {name: i for i, name in enumerate(SERVICE_MESSAGES)}

CAT002 = {1: "north", 2: "sector", 3: "south", 8: "start_of_blind_zone", 9: "stop_of_blind_zone"}
CAT034 = {
    1: "north",
    2: "sector",
    3: "geographic_filter",
    4: "jamming_strobe",
    5: "solar_storm",
    6: "ssr_jamming_strobe",
    7: "mode_s_jamming_strobe",
}
CAT065 = {1: "status", 2: "end_of_batch", 3: "status"}


def _messages(value: NDArray[np.int64], names: dict[int, str]) -> NDArray[np.int8]:
    lookup = np.full(257, -1, np.int8)
    for code, name in names.items():
        lookup[code] = MESSAGE[name]
    return lookup[np.where(value < 0, 256, value)]


def _antenna(r: Records, names: dict[int, str]) -> dict[str, Any]:
    message = _messages(r.number("000"), names)
    azimuth = r.value("020")
    return {
        "message": words("message", message),
        "azimuth_deg": np.where(np.isnan(azimuth) & (message == MESSAGE["north"]), 0.0, azimuth),
        "rotation_s": r.value("041"),
    }


def cat002(r: Records) -> dict[str, Any]:
    """Return the columns of monoradar service messages, Part 2b."""
    return _antenna(r, CAT002)


def cat034(r: Records) -> dict[str, Any]:
    """Return the columns of monoradar service messages, Part 2b, next version."""
    latitude, longitude = r.value("120/LAT"), r.value("120/LON")
    return {
        **_antenna(r, CAT034),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("120/HGT")),
    }


def cat065(r: Records) -> dict[str, Any]:
    """Return the columns of processing centres' status messages, Part 15."""
    return {"message": words("message", _messages(r.number("000"), CAT065))}


SERVICES_OF: dict[int, Callable[[Records], dict[str, Any]]] = {2: cat002, 34: cat034, 65: cat065}
"""What makes SERVICES columns of the records of a category."""

ITEMS: dict[int, tuple[str, ...]] = {
    2: ("010", "000", "020", "030", "041"),
    34: ("010", "000", "020", "030", "041", "120"),
    65: ("010", "000", "030"),
}
"""The items these functions and the clock read, by category."""
