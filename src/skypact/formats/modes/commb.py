"""Comm-B registers (DF20, DF21) as a table, through rs1090.

A Comm-B reply does not say which register it carries; rs1090 tries each and keeps those whose content is possible
(ICAO Doc 9871 for the registers). A message may fit several: each is a row, and `candidates` says how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import rs1090

from skypact.tables import NAME, TIME, times
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skypact.formats.modes.frames import Frames

FIELDS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "40": {
        "selected_mcp": ("selected_altitude_m", FOOT_M),
        "selected_fms": ("selected_altitude_fms_m", FOOT_M),
        "barometric_setting": ("barometric_setting_hpa", 1.0),
    },
    "44": {
        "wind_speed": ("wind_speed_m_s", KNOT_M_S),
        "wind_direction": ("wind_direction_deg", 1.0),
        "temperature": ("temperature_c", 1.0),
        "pressure": ("pressure_hpa", 1.0),
        "humidity": ("humidity_percent", 1.0),
    },
    "45": {
        "static_temperature": ("temperature_c", 1.0),
        "static_pressure": ("pressure_hpa", 1.0),
    },
    "50": {
        "roll": ("roll_deg", 1.0),
        "track": ("track_deg", 1.0),
        "groundspeed": ("ground_speed_m_s", KNOT_M_S),
        "track_rate": ("track_rate_deg_s", 1.0),
        "TAS": ("true_airspeed_m_s", KNOT_M_S),
    },
    "60": {
        "heading": ("magnetic_heading_deg", 1.0),
        "IAS": ("indicated_airspeed_m_s", KNOT_M_S),
        "Mach": ("mach", 1.0),
        "vrate_barometric": ("barometric_rate_m_s", FOOT_PER_MINUTE_M_S),
        "vrate_inertial": ("inertial_rate_m_s", FOOT_PER_MINUTE_M_S),
    },
}
"""By register, what rs1090 calls a field, its column here and the factor between them."""

TEXTS = {"20": ("callsign", "callsign"), "21": ("registration", "registration")}
NUMBERS = tuple(dict.fromkeys(column for fields in FIELDS.values() for column, _ in fields.values()))

COMM_B = pa.schema(
    [
        pa.field("time", TIME),
        pa.field("icao24", pa.uint32()),
        pa.field("bds", NAME),
        pa.field("candidates", pa.uint8()),
        pa.field("callsign", pa.string()),
        pa.field("registration", pa.string()),
        *(pa.field(name, pa.float64()) for name in NUMBERS),
    ],
    metadata={"schema": "comm_b/1"},
)
"""One row per message and register it may carry; registers without columns of their own (1,0, 1,7, 3,0) are named only.

The address comes out of the parity: it means something if it is known from elsewhere, as in PLOTS.
"""


@dataclass(frozen=True, slots=True)
class CommB:
    """Registers read from a batch of frames.

    Attributes
    ----------
    registers : pyarrow.Table
        Of the schema `COMM_B`.
    rejects : dict
        Frames without a row: ``not_comm_b``, ``no_register`` (none is possible), ``panic`` (rs1090 gave up).
    """

    registers: pa.Table
    rejects: dict[str, int]


def decode_commb(frames: Frames) -> CommB:
    """Return the registers that the Comm-B replies among `frames` may carry, in their order."""
    replies = frames[(frames.length == 14) & np.isin(frames.data[:, 0] >> 3, (20, 21))]
    rejects = {"not_comm_b": len(frames) - len(replies), "no_register": 0, "panic": 0}
    time_ns = replies.clock_ns if replies.clock == "utc" else replies.received_ns
    columns: dict[str, list[Any]] = {name: [] for name in COMM_B.names}
    row_frame = columns["time"]
    for message in _rs1090(replies.hex(), 0, rejects):
        registers = {k[3:]: v for k, v in message.items() if k.startswith("bds") and v is not None}
        if "#" in ((registers.get("21") or {}).get("registration") or ""):
            del registers["21"]  # characters that the alphabet does not have: no registration
        if not registers:
            rejects["no_register"] += 1
        for bds, content in registers.items():
            row_frame.append(int(message["timestamp"]))
            columns["icao24"].append(int(message["icao24"], 16))
            columns["bds"].append(bds)
            columns["candidates"].append(len(registers))
            values = {c: content[n] * f for n, (c, f) in FIELDS.get(bds, {}).items() if content.get(n) is not None}
            if bds in TEXTS:
                name, column = TEXTS[bds]
                values[column] = content.get(name)
            for column in COMM_B.names[4:]:
                columns[column].append(values.get(column))
    columns["time"] = times(time_ns[np.array(row_frame, np.int64)])
    columns["bds"] = pa.array(columns["bds"], pa.string()).cast(NAME)
    return CommB(pa.table(columns, schema=COMM_B), {r: n for r, n in rejects.items() if n})


def _rs1090(messages: Sequence[str], first: int, rejects: dict[str, int]) -> list[Mapping[str, Any]]:
    """Return what rs1090 makes of messages of known digits and length; `timestamp` is the place of each.

    Its panics are exceptions outside `Exception`; the message at fault is found by halving and counted.
    """
    try:
        found: Any = rs1090.decode(list(messages), [float(first + i) for i in range(len(messages))])
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        if len(messages) == 1:
            rejects["panic"] += 1
            return []
        half = len(messages) // 2
        return _rs1090(messages[:half], first, rejects) + _rs1090(messages[half:], first + half, rejects)
    rejects["no_register"] += len(messages) - len(found)
    return list(found)
