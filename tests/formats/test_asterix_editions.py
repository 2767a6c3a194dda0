"""Editions: guessed from what they refuse and read oddly, or named by the user."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skypact.errors import MisuseError
from skypact.formats.asterix import AsterixDecoder, editions, encode, source, spec
from skypact.formats.asterix.decoder import REAL, WHOLE
from skypact.formats.asterix.elements import elements
from skypact.formats.asterix.plots import PLOTS_OF
from skypact.formats.asterix.program import program
from skypact.formats.asterix.records import Records, Room, walk
from skypact.formats.asterix.services import SERVICES_OF
from skypact.formats.asterix.system_tracks import columns as track_columns
from skypact.formats.asterix.timing import TIME_OF_DAY
from skypact.formats.datagrams import Datagrams

RECORDS = 40


def adsb(edition: str, n: int = RECORDS) -> tuple[dict[str, pa.Array], dict[str, np.ndarray]]:
    """Return plausible ADS-B reports for an edition, and what PLOTS must hold."""
    rng = np.random.default_rng(21)
    latitude, longitude = rng.uniform(36, 45, n), rng.uniform(66, 84, n)
    level, speed = np.round(rng.uniform(0, 450, n)), rng.uniform(0.05, 0.15, n)
    icao = rng.integers(1, 1 << 24, n)
    names = np.array([f"KGA{k}" for k in rng.integers(1, 9999, n)])
    columns = {
        "010/SAC": np.full(n, 100),
        "010/SIC": np.full(n, 7),
        "080": icao,
        "145": level,
        "170": names,
        "160/GS": speed,
        "160/TA": rng.uniform(0, 359, n),
        "140": np.round(level * 100 / 6.25) * 6.25,
        "130/LAT": latitude,
        "130/LON": longitude,
    }
    if edition.startswith("0"):
        columns |= {
            "040/ATP": np.ones(n),
            "040/ARC": np.ones(n),
            "030": 43_200 + np.arange(n) / 8,
            "020": np.full(n, 3),
        }
        columns |= {"090/PA": np.full(n, 6), "157": np.zeros(n), "210/MDS": np.ones(n), "200": np.zeros(n)}
    else:
        columns |= {"040/ATP": np.zeros(n), "040/ARC": np.ones(n), "040/GBS": np.zeros(n)}
        columns |= {"071": 43_200 + np.arange(n) / 8, "073": 43_200 + np.arange(n) / 8, "161/TRNUM": np.arange(n)}
        columns |= {"131/LAT": latitude, "131/LON": longitude}
        columns |= {"090/NACP": np.full(n, 9), "090/NUCPNIC": np.full(n, 8)}
        columns |= {"157/GVR": np.zeros(n), "210/VN": np.full(n, 2), "210/LTT": np.full(n, 2), "200/PS": np.zeros(n)}
    expected = {
        "icao24": icao,
        "latitude_deg": latitude,
        "longitude_deg": longitude,
        "pressure_altitude_m": level * 30.48,
    }
    kinds = {e.name: e for _, e in spec.edition(21, edition).elements()}
    plain = {
        k: v.astype(np.int64) if v.dtype.kind == "f" and "lsb" not in kinds[k].content else v
        for k, v in columns.items()
    }
    return {k: pa.array(v) for k, v in plain.items()}, expected


@pytest.mark.parametrize("edition", ["0.23", "0.24", "0.26", "2.1", "2.2", "2.4", "2.6", "2.7"])
@pytest.mark.parametrize("together", [True, False])
def test_adsb_reports_of_any_edition_come_back_right(edition: str, together: bool) -> None:
    """Editions 0.x and 2.x share no layout; 0.23 has shorter positions than 0.24."""
    columns, expected = adsb(edition)
    messages = encode(21, columns, edition=edition, longest=1400 if together else 1)
    decoder = AsterixDecoder()
    if together:
        plots = decoder.decode(messages).plots
    else:
        parts = []
        for k in range(len(messages)):
            part = slice(k, k + 1)
            parts.append(
                Datagrams(messages.data, messages.start[part], messages.length[part], messages.received_ns[part])
            )
        plots = pa.concat_tables([decoder.decode(p).plots for p in parts])
    assert decoder.counts == {"blocks": len(messages), "records": RECORDS}
    assert decoder.editions[21].partition(".")[0] == edition.partition(".")[0]
    for name, values in expected.items():
        np.testing.assert_allclose(plots[name].to_numpy(), values, atol=2.2e-5, err_msg=name)
    assert plots["callsign"].to_pylist() == columns["170"].to_pylist()
    speed = np.hypot(plots["velocity_east_m_s"], plots["velocity_north_m_s"])
    np.testing.assert_allclose(speed, np.asarray(columns["160/GS"]) * 1852, atol=0.06)


def test_the_newest_of_those_that_fit_is_taken() -> None:
    for category in spec.CATEGORIES:
        item = {1: "161", 2: "000", 10: "161/TRK", 20: "161/TRN", 21: "080", 34: "000", 65: "000"}.get(
            category, "010/SAC"
        )
        if category == 1:
            continue
        blocks = encode(category, {item: pa.array([1]), "010/SIC": pa.array([2])})
        decoder = AsterixDecoder()
        decoder.decode(blocks)
        assert decoder.editions == {category: editions(category)[-1]}


def test_an_edition_named_by_the_user_is_kept() -> None:
    columns, expected = adsb("0.26")
    messages = encode(21, columns, edition="0.26")
    right = AsterixDecoder(editions={21: "0.26"})
    np.testing.assert_allclose(
        right.decode(messages).plots["latitude_deg"].to_numpy(), expected["latitude_deg"], atol=1e-5
    )
    wrong = AsterixDecoder(editions={21: "2.1"})
    found = wrong.decode(messages)
    assert wrong.editions == {21: "2.1"}
    assert not np.allclose(found.plots["icao24"].to_numpy(), expected["icao24"])


def test_a_level_below_the_standard_pressure() -> None:
    """Editions up to 1.30 of CAT048 say that levels have no sign; every radar sends it all the same."""
    for edition in ("1.27", "1.32"):
        block = encode(48, {"090/FL": pa.array([-3.0])}, edition="1.32")
        decoder = AsterixDecoder(editions={48: edition})
        assert decoder.decode(block).plots["pressure_altitude_m"].to_pylist() == [pytest.approx(-3 * 30.48)]


@pytest.mark.parametrize(("category", "edition"), [(48, "9.9"), (48, ""), (3, "1.0"), (256, "1.0"), (-1, "1.0")])
def test_an_edition_nobody_knows_is_misuse(category: int, edition: str) -> None:
    with pytest.raises(MisuseError, match="known are"):
        AsterixDecoder(editions={category: edition})
    with pytest.raises(MisuseError, match="known are"):
        encode(category, {}, edition=edition)
    assert editions(3) == ()


def test_the_tables_say_where_they_come_from() -> None:
    found = source()
    assert found["package"] == "libasterix 0.36.3"
    assert found["licence"] == "MIT"
    assert len(found["sha256"]) == 64


@pytest.mark.parametrize("category", spec.CATEGORIES)
def test_the_tables_are_sound(category: int) -> None:
    """What the kernels take for granted: no compound item in another, octets filled, reading never past a unit."""
    for name in editions(category):
        edition = spec.edition(category, name)
        paths = [e.name for _, e in edition.elements()]
        assert len(paths) == len(set(paths))
        for unit in edition.units:
            assert unit.kind != spec.COMPOUND or all(
                edition.units[c].kind != spec.COMPOUND for c in unit.children if c >= 0
            )
            size = sum(unit.parts) if unit.kind == spec.EXTENDED else unit.size
            assert size > 0 or unit.kind in (spec.EXPLICIT, spec.COMPOUND)
            for element in (*unit.elements, *unit.spares):
                if unit.kind != spec.EXPLICIT:
                    first, last = element.bit // 8, (element.bit + element.bits - 1) // 8
                    assert last < size
                    # An element lies within its part, so that no more than the part needs to be there.
                    begin = sum(unit.parts[: element.part])
                    assert begin <= first
                    assert not unit.parts or last < begin + unit.parts[element.part]
        tables = program(category, name)
        assert tables.uaps.max() < len(edition.units)
        assert all(len(u) <= 56 for u in edition.uaps)


class Spy:
    """Stands for `Records` and keeps the paths that are asked for."""

    def __init__(self, records: Records) -> None:
        self.records, self.asked = records, set()
        self.program = records.program

    def __len__(self) -> int:
        return len(self.records)

    def __getattr__(self, name: str) -> Any:
        def ask(path: str, *rest: Any) -> Any:
            self.asked.add(path)
            # As if every record had everything, so that nothing is passed over.
            return name == "has" or getattr(self.records, name)(path, *rest)

        return ask


@pytest.mark.parametrize("category", spec.CATEGORIES)
def test_every_path_a_table_reads_is_an_element(category: int) -> None:
    """A path misspelt in the column maps, or missing among the elements read, would be null for ever."""
    listed, asked, known = {*WHOLE[category], *REAL[category]}, set(TIME_OF_DAY[category]), set()
    for name in editions(category):
        tables = program(category, name)
        found = elements(tables, WHOLE[category], REAL[category])
        known |= {*found.whole, *found.real}
        nothing = np.zeros(0, np.int64)
        no_octets = np.zeros(0, np.uint8)
        records, _, _ = walk(tables, found, Room(), no_octets, nothing, nothing, nothing, kept=False)
        # One record without anything.
        whole, real = np.full((len(found.whole), 1), -1), np.full((len(found.real), 1), np.nan)
        spy = Spy(replace(records, whole=whole, real=real, block=np.zeros(1, np.int32)))
        if category == 62:
            track_columns(spy, np.zeros(1, np.int64))
        else:
            (PLOTS_OF | SERVICES_OF)[category](spy)
        asked |= spy.asked
    assert known == listed
    assert asked | {"010/SAC+SIC"} == listed
