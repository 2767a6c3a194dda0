"""Service messages of radars and processing centres, CAT 002, 034 and 065, as columns of SERVICES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skypact.formats.asterix.records import Records, above_sea
from skypact.tables import SERVICE_MESSAGES, words

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
"""The messages of a category by the value of its item 000."""


def _messages(names: dict[int, str]) -> NDArray[np.int8]:
    """Return the table for `Records.look_up` from message types to words."""
    return np.array([SERVICE_MESSAGES.index(names[code]) if code in names else -1 for code in range(257)], np.int8)


MESSAGES_002, MESSAGES_034, MESSAGES_065 = map(_messages, (CAT002, CAT034, CAT065))
NORTH = SERVICE_MESSAGES.index("north")


def _antenna(r: Records, messages: NDArray[np.int8]) -> dict[str, Any]:
    message = r.look_up("000", messages)
    azimuth = r.value("020")
    return {
        "message": words("message", message),
        "azimuth_deg": np.where(np.isnan(azimuth) & (message == NORTH), 0.0, azimuth),
        "rotation_s": r.quantity("041"),
    }


def cat002(r: Records) -> dict[str, Any]:
    """Return the columns of monoradar service messages, Part 2b."""
    return _antenna(r, MESSAGES_002)


def cat034(r: Records) -> dict[str, Any]:
    """Return the columns of monoradar service messages, Part 2b, next version."""
    latitude, longitude = r.value("120/LAT"), r.value("120/LON")
    return {
        **_antenna(r, MESSAGES_034),
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "altitude_m": above_sea(latitude, longitude, r.value("120/HGT")),
    }


def cat065(r: Records) -> dict[str, Any]:
    """Return the columns of processing centres' status messages, Part 15."""
    return {"message": words("message", r.look_up("000", MESSAGES_065))}


SERVICES_OF: dict[int, Callable[[Records], dict[str, Any]]] = {2: cat002, 34: cat034, 65: cat065}
"""What makes SERVICES columns of the records of a category."""

WHOLE: dict[int, tuple[str, ...]] = {
    2: ("010/SAC+SIC", "000", "030"),
    34: ("010/SAC+SIC", "000", "030"),
    65: ("010/SAC+SIC", "000", "030"),
}
REAL: dict[int, tuple[str, ...]] = {2: ("020", "041"), 34: ("020", "041", "120/HGT", "120/LAT", "120/LON"), 65: ()}
"""The plain numbers and the quantities these functions and the clock read, by category."""
