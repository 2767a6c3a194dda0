"""Comm-B registers through rs1090: labelled sets, golden values, and what happens when rs1090 gives up."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skypact.formats.modes import COMM_B, Frames, ModesDecoder, commb, decode_commb
from skypact.formats.modes import _kernels as kernels
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS


def labelled(shared: Path, name: str) -> tuple[Frames, list[int]]:
    with (shared / "modes" / name).open(encoding="utf-8-sig") as file:
        lines = list(csv.reader(file))
    return Frames.of_hex([x[2] for x in lines], [int(x[0]) * SECOND_NS for x in lines]), [int(x[1], 16) for x in lines]


@pytest.mark.parametrize(
    ("name", "wrong", "found"),
    [
        ("sample_data_commb_df20.csv", {1495353603: 1, 1495353613: 1, 1495353615: 1}, 4_975),
        ("sample_data_commb_df21.csv", {}, 4_980),
    ],
)
def test_sets_match_their_labels(shared: Path, name: str, wrong: dict[int, int], found: int) -> None:
    frames, labels = labelled(shared, name)
    assert len(frames) == 5_000
    ours = [int(kernels.remainder(frames.data, i, 14)) for i in range(len(frames))]
    differ = [i for i, (a, b) in enumerate(zip(ours, labels, strict=True)) if a != b]
    # Three frames are damaged: with bits turned the parity gives another address, in rs1090 as here.
    assert Counter((frames.clock_ns[differ] // SECOND_NS).tolist()) == wrong
    result = decode_commb(frames)
    assert result.rejects == {"no_register": 5_000 - found}
    assert result.registers.schema.equals(COMM_B, check_metadata=True)
    named = set(result.registers["icao24"].unique().to_pylist())
    assert named <= set(ours)
    assert len(named - set(labels)) <= len(differ)
    # Each register is named with the time of its message, and a message has as many rows as candidates.
    rows = result.registers.select(["time", "icao24", "candidates"]).to_pylist()
    assert {(r["time"].value // SECOND_NS, r["icao24"]) for r in rows} <= set(
        zip((frames.clock_ns // SECOND_NS).tolist(), ours, strict=True)
    )
    assert sum(1 / r["candidates"] for r in rows) == pytest.approx(found)


def test_addresses_from_parity_alone_are_no_plots(shared: Path) -> None:
    frames, _ = labelled(shared, "sample_data_commb_df20.csv")
    decoder = ModesDecoder("s")
    assert len(decoder.decode(frames).plots) == 0
    assert decoder.rejects == {"unconfirmed": 5_000}


VALUES = {
    "selected_altitude_mcp": ("40", "selected_altitude_m", FOOT_M, 50),
    "selected_altitude_fms": ("40", "selected_altitude_fms_m", FOOT_M, 80),
    "baro_pressure_setting": ("40", "barometric_setting_hpa", 1.0, 0),
    "roll": ("50", "roll_deg", 1.0, 0),
    "true_track": ("50", "track_deg", 1.0, 0),
    "groundspeed": ("50", "ground_speed_m_s", KNOT_M_S, 0),
    "track_rate": ("50", "track_rate_deg_s", 1.0, 0),
    "true_airspeed": ("50", "true_airspeed_m_s", KNOT_M_S, 0),
    "magnetic_heading": ("60", "magnetic_heading_deg", 1.0, 0),
    "indicated_airspeed": ("60", "indicated_airspeed_m_s", KNOT_M_S, 0),
    "mach": ("60", "mach", 1.0, 0),
    "baro_vertical_rate": ("60", "barometric_rate_m_s", FOOT_PER_MINUTE_M_S, 32),
    "inertial_vertical_rate": ("60", "inertial_rate_m_s", FOOT_PER_MINUTE_M_S, 32),
}
"""What the golden file calls a value: register, our column, its unit, and by how much rs1090 differs on purpose.

rs1090 rounds selected altitudes to hundreds of feet where the golden values keep steps of 16 ft, and reads a vertical
rate whose bits are all ones as 0 where they read -32 ft/min.
"""


def test_golden_values(shared: Path) -> None:
    golden = json.loads((shared / "modes" / "golden_v2.json").read_text())
    replies = {h: v for h, v in golden.items() if v["df"] in {20, 21}}
    assert len(replies) == 400
    result = decode_commb(Frames.of_hex(list(replies), np.arange(400) * SECOND_NS))
    assert result.rejects == {}
    found: list[dict[str, Any]] = [{} for _ in replies]
    for row in result.registers.to_pylist():
        found[row["time"].value // SECOND_NS][row["bds"]] = row
    same = 0
    compared: Counter[str] = Counter()
    absent: Counter[str] = Counter()
    for value, rows in zip(replies.values(), found, strict=True):
        assert {r["icao24"] for r in rows.values()} == {int(value["icao"], 16)}
        labels = set(value["bds"].replace("BDS", "").split(",")) if "bds" in value else set()
        same += labels == set(rows)
        # Where they differ one of them allows a register more: rs1090 a 2,1 or 6,0, pyModeS a 4,5 or 6,0.
        assert not labels or labels & set(rows)
        assert labels ^ set(rows) <= {"21", "45", "60", "05"}
        if "callsign" in value:
            assert rows["20"]["callsign"] == value["callsign"].rstrip("_")
        for name, expected in value.items():
            if name in VALUES:
                bds, column, unit, slack = VALUES[name]
                ours = rows[bds][column]
                if ours is None:
                    absent[name] += 1
                else:
                    assert abs(ours / unit - expected) <= slack + 1e-9
                    compared[name] += 1
    assert same == 365  # 91 % of the messages have the same set of possible registers
    assert sum(compared.values()) == 1_473
    assert absent == {"track_rate": 40}  # rs1090 gives none when the sign and all other bits are ones: -1/32 deg/s


def test_a_panic_costs_one_message(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, _ = labelled(shared, "sample_data_commb_df21.csv")
    frames = frames[:100]
    whole = decode_commb(frames)
    decode = commb.rs1090.decode
    victim = frames.hex()[37]

    class PanicException(BaseException):
        pass

    def fragile(messages: list[str], timestamps: list[float]) -> Any:
        if victim in messages:
            raise PanicException
        return decode(messages, timestamps)

    monkeypatch.setattr(commb.rs1090, "decode", fragile)
    result = decode_commb(frames)
    assert result.rejects == {"panic": 1}
    assert len(whole.registers) - len(result.registers) == 1

    def interrupted(messages: list[str], timestamps: list[float]) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(commb.rs1090, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_commb(frames)


def test_other_frames_and_none() -> None:
    assert len(decode_commb(Frames.of_hex([])).registers) == 0
    result = decode_commb(Frames.of_hex(["7700", "02e99619facdae", "8d406b902015a678d4d220aa4bda"]))
    assert result.rejects == {"not_comm_b": 3}


def test_any_bytes() -> None:
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, (20_000, 14), np.uint8)
    data[:, 0] = rng.choice([0xA0, 0xA8, 0xA7, 0xAF], len(data))
    data[: len(data) // 2, 4] = rng.choice([0x10, 0x20, 0x30], len(data) // 2)
    result = decode_commb(Frames.of(data))
    found = sum(1 / n for n in result.registers["candidates"].to_pylist())
    assert found + result.rejects["no_register"] == pytest.approx(len(data))
    result.registers.validate(full=True)
