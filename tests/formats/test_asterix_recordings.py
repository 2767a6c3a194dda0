"""Real recordings: field by field against a reference decode and two peers, then the tables by value."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from asterix_bytes import blocks, decode, fixtures, recording, rows

from skypact.earth.geoid import ellipsoid_to_msl
from skypact.formats.asterix import AsterixDecoder, spec
from skypact.formats.datagrams import Datagrams

HERE = Path(__file__).parent
NEWEST = {c: spec.editions(c)[-1] for c in spec.CATEGORIES}


def all_blocks(shared: Path, name: str) -> list[bytes]:
    datagrams = recording(shared, name)
    return [b for i in range(len(datagrams)) for b in blocks(datagrams[i])]


def decoded(datagrams: Datagrams, **options: Any) -> tuple[Any, AsterixDecoder]:
    decoder = AsterixDecoder(**options)
    return decoder.decode(datagrams), decoder


# --- the reference decode ---------------------------------------------------------------------------------------------


def reference(shared: Path) -> Iterator[tuple[int, dict[str, tuple[str, list[str]]]]]:
    """Yield category and items of each record: an item's octets in hex, and its values in order."""
    text = gzip.decompress((shared / "asterix" / "cat_034_048_reference_decode.txt.gz").read_bytes()).decode("latin-1")
    for block in re.split(r"^Data Block \d+\n", text, flags=re.MULTILINE)[1:]:
        category = int(re.search(r"^Category: (\d+)", block, re.MULTILINE)[1])
        for record in re.split(r"^Data Record \d+\n", block, flags=re.MULTILINE)[1:]:
            items = {}
            for item in re.split(r"^Item ", record, flags=re.MULTILINE)[1:]:
                octets = re.search(r"^\[ (.*) \]", item, re.MULTILINE)[1].replace(" ", "").lower()
                lines = re.findall(r"^\t(.*?): (.*)", item, re.MULTILINE)
                values = [v for name, v in lines if name != "FX" and not name.startswith("spare")]
                items[item[:3]] = octets, values
            yield category, items


def registers(row: dict[str, Any]) -> list[str]:
    """Return the registers of item 250, seven octets and the register's number each."""
    columns = row["250/MBDATA"], row["250/BDS1"], row["250/BDS2"]
    return [f"{data}{high:x}{low:x}" for data, high, low in zip(*columns, strict=True)]


def as_written(element: spec.Element, value: Any) -> str:
    """Return an element as the reference writes it: plain numbers, octal codes, addresses in hex, padded text."""
    content = element.content
    if "lsb" in content:
        number = round(value / content["lsb"])
        assert number * content["lsb"] == value
        return str(number)
    if content.get("string") == "icao":
        return value.ljust(8)
    return f"{value:06X}" if element.name == "220" else str(value)


def test_field_exact_with_the_reference_decode(shared: Path) -> None:
    found, _ = decoded(recording(shared, "cat_034_048"), raw=True)
    elements = {c: {e.name: e for _, e in spec.edition(c).elements()} for c in (34, 48)}
    mine = {c: iter(rows(found.raw[c])) for c in (34, 48)}
    seen = Counter()
    for category, items in reference(shared):
        row = next(mine[category])
        assert dict.fromkeys(name[:3] for name in row).keys() == items.keys()
        for item, (octets, values) in items.items():
            got = {k: v for k, v in row.items() if k[:3] == item}
            if item == "250":
                assert f"{len(got['250/BDS1']):02x}" + "".join(registers(row)) == octets
            else:
                written = [as_written(elements[category][k], v) for k, v in got.items()]
                # Behind the value the reference puts what it means in brackets.
                assert written == [v.partition(" (")[0] for v in values], (category, item)
            seen[category, item] += 1
    assert [next(m, None) for m in mine.values()] == [None, None]
    assert sum(n for (_, item), n in seen.items() if item == "010") == 162
    assert seen[48, "250"] == 90
    assert len(seen) == 24


# --- the peers --------------------------------------------------------------------------------------------------------


def by_libasterix(peer: Callable[..., Any], folder: Path, found: list[bytes], editions: dict[int, str]) -> list[Any]:
    """Return what libasterix makes of each block: a list of records or why it refuses."""
    path = folder / "blocks.jsonl"
    path.write_text("\n".join(json.dumps([b[0], editions[b[0]], b.hex()]) for b in found))
    return peer("libasterix", HERE / "asterix_libasterix.py", "decode", path)


def by_asterix_decoder(peer: Callable[..., Any], folder: Path, found: list[bytes]) -> list[Any]:
    path = folder / "blocks.txt"
    path.write_text("\n".join(b.hex() for b in found))
    return peer("asterix-decoder", HERE / "asterix_croatia.py", path)


def raw_by_block(found: list[bytes], editions: dict[int, str]) -> list[list[dict[str, Any]] | str]:
    """Return what we make of each block alone: its records or the first reason why not."""
    out: list[list[dict[str, Any]] | str] = []
    for block in found:
        table, decoder = decode([block], raw=True, editions=editions)
        reasons = [r for r in decoder.counts if "refused" in r or "impossible" in r]
        out.append(reasons[0] if reasons else [r for t in table.raw.values() for r in rows(t)])
    return out


ACCEPTED = {"asterix": (100, 28), "cat_001_002": (6, 6), "cat_034_048": (120, 120), "cat_062_065": (2, 2)}
"""Blocks of each recording, and those that current editions accept."""


def test_every_item_as_libasterix_reads_it(shared: Path, peer: Callable[..., Any], tmp_path: Path) -> None:
    found = [(name, block) for name in ACCEPTED for block in all_blocks(shared, name)]
    theirs = by_libasterix(peer, tmp_path, [block for _, block in found], NEWEST)
    accepted = dict.fromkeys(ACCEPTED, (0, 0))
    for (name, block), they in zip(found, theirs, strict=True):
        [we] = raw_by_block([block], {block[0]: NEWEST[block[0]]})
        if isinstance(they, str):
            assert isinstance(we, str), (block.hex(), they)
        else:
            # A record without a field is one to libasterix; we count it and pass over.
            assert we == [r for r in they if r], block.hex()
        accepted[name] = accepted[name][0] + 1, accepted[name][1] + (not isinstance(they, str))
    assert accepted == ACCEPTED


UNITS = {
    (1, "200/GSP"): 0.22 * 16_384,  # it takes 2^-14 NM/s for 0.22 kt
    (48, "200/GSP"): 3600.0,
    (62, "136"): 100.0,
    (62, "135/CTB"): 100.0,
    (34, "041"): 1.0,
}
"""Our unit in that of asterix-decoder, where they differ."""


def as_asterix_decoder(category: int, name: str, value: Any) -> Any:
    if isinstance(value, float):
        return value * UNITS.get((category, name), 1.0)
    if name in {"220", "380/ADR"}:
        return f"{value:06X}"
    return value


@pytest.mark.parametrize("name", ["cat_001_002", "cat_034_048", "cat_062_065"])
def test_every_item_as_asterix_decoder_reads_it(
    shared: Path, peer: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    found = all_blocks(shared, name)
    theirs = by_asterix_decoder(peer, tmp_path, found)
    ours = raw_by_block(found, {b[0]: NEWEST[b[0]] for b in found})
    compared = 0
    for block, we, they in zip(found, ours, theirs, strict=True):
        for mine, other in zip(we, they, strict=True):
            assert dict.fromkeys(k[:3] for k in mine).keys() == other.keys()
            for item, values in other.items():
                got = [(k, v) for k, v in mine.items() if k[:3] == item]
                compared += 1
                if item == "250":
                    # It decodes registers; we keep them, the register's number in the last octet.
                    assert [b[-2:] for b in registers(mine)] == [v[-1] for v in values]
                elif item == "210" and block[0] == 1:
                    assert [[v] for v in got[0][1]] == values
                else:
                    flat = [as_asterix_decoder(block[0], k, v) for k, v in got]
                    text = [v.rstrip() if isinstance(v, str) else v for v in values]
                    assert flat == pytest.approx(text, rel=1e-6) if numeric(flat) else flat == text, (item, mine)
    assert compared == {"cat_001_002": 74, "cat_034_048": 1940, "cat_062_065": 43}[name]


def numeric(values: list[Any]) -> bool:
    return all(isinstance(v, int | float) for v in values)


MADE_UP = {"010Report": 1, "020_1": 1, "034_1": 0, "048_1": 1, "065": 1, "021_1": 0}
"""Records of the made-up blocks; those of wrong length have none."""


def test_made_up_records_as_libasterix_reads_them(shared: Path, peer: Callable[..., Any], tmp_path: Path) -> None:
    made_up = {name: fixtures(shared)[f"test_data_cat{name}"] for name in MADE_UP}
    tried = [(name, block, edition) for name, block in made_up.items() for edition in spec.editions(block[0])]
    path = tmp_path / "blocks.jsonl"
    path.write_text("\n".join(json.dumps([block[0], edition, block.hex()]) for _, block, edition in tried))
    theirs = peer("libasterix", HERE / "asterix_libasterix.py", "decode", path)
    accepted = Counter()
    for (name, block, edition), they in zip(tried, theirs, strict=True):
        [we] = raw_by_block([block], {block[0]: edition})
        if isinstance(they, str):
            assert isinstance(we, str), (name, edition, they)
        else:
            assert we == they, (name, edition)
            accepted[name] += 1
    assert {name: min(accepted[name], 1) for name in MADE_UP} == MADE_UP


def test_made_up_records_that_declare_wrong_lengths(shared: Path) -> None:
    made_up = fixtures(shared)
    wrong = [n for n, b in made_up.items() if int.from_bytes(b[1:3], "big") != len(b)]
    assert sorted(wrong) == ["test_data_cat011Status", "test_data_cat021_1", "test_data_cat034_1"]
    for name in wrong:
        table, decoder = decode([made_up[name]], raw=True)
        assert decoder.counts == {"blocks cut or of impossible length": 1}
        assert table.raw == {} and len(table.plots) == 0


# --- tables of the recordings -----------------------------------------------------------------------------------------


DAY = np.datetime64("2016-05-05", "ns")


def seconds(table: pa.Table, day: np.datetime64, column: str = "time") -> list[float]:
    """Return times as seconds of a day; nanoseconds are exact in a double."""
    since = table[column].cast(pa.int64()).to_numpy() - day.astype(np.int64)
    return (since / 1e9).tolist()


def first_number(text: str) -> int:
    return int(text.partition(" ")[0])


def test_plots_of_eight_datagram_streams(shared: Path) -> None:
    """Every PLOTS row of the real recording, worked out from the reference's text by hand."""
    found, decoder = decoded(recording(shared, "cat_034_048"))
    assert decoder.counts == {"blocks": 120, "records": 162}
    assert decoder.editions == {34: "1.29", 48: "1.32"}
    assert not decoder.undated
    expected = [items for category, items in reference(shared) if category == 48]
    plots = found.plots.to_pylist()
    assert len(plots) == len(expected) == 128
    kinds = {"1": "psr", "2": "ssr", "3": "psr_ssr", "4": "mode_s", "5": "mode_s", "6": "psr_mode_s", "7": "psr_mode_s"}
    for plot, seconds_of_day, items in zip(plots, seconds(found.plots, DAY), expected, strict=True):
        values = {item: v for item, (_, v) in items.items()}
        assert plot["sensor"] == "/".join(values["010"])
        assert seconds_of_day == first_number(values["140"][0]) / 128
        assert plot["time_source"] == "measured"
        assert plot["kind"] == kinds.get(values["020"][0].partition(" ")[0])
        assert plot["simulated"] is False
        assert plot["sensor_track"] == int(values["161"][0])
        if "040" in values:
            rho, theta = map(first_number, values["040"])
            assert plot["range_m"] == rho / 256 * 1852
            assert plot["azimuth_deg"] == theta * 360 / 65_536
        else:
            assert plot["range_m"] is None and plot["azimuth_deg"] is None
        assert plot["icao24"] == (int(values["220"][0], 16) if "220" in values else None)
        assert plot["callsign"] == (values["240"][0].strip() or None if "240" in values else None)
        assert plot["mode_3a"] == (int(values["070"][-1], 8) if "070" in values else None)
        bad = [v for item in ("070", "090") for v in values.get(item, ["0", "0"])[:2] if not v.startswith("0")]
        assert plot["code_valid"] == (not bad if "070" in values or "090" in values else None)
        level = first_number(values["090"][-1]) if "090" in values else None
        assert plot["pressure_altitude_m"] == (None if level is None else pytest.approx(level / 4 * 30.48, abs=1e-9))
        height = first_number(values["110"][0]) if "110" in values else None
        assert plot["altitude_m"] == (None if height is None else pytest.approx(height * 25 * 0.3048, abs=1e-9))
        assert plot["on_ground"] == ({"0": False, "1": True}[values["230"][1]] if "230" in values else None)
        assert plot["emergency"] is None and plot["latitude_deg"] is None
    sensors = Counter(p["sensor"] for p in plots)
    assert sensors == {"25/11": 8, "25/12": 38, "25/13": 16, "25/14": 4, "25/201": 28, "25/204": 28, "25/205": 6}


def test_services_of_the_radars(shared: Path) -> None:
    found, _ = decoded(recording(shared, "cat_034_048"))
    expected = [items for category, items in reference(shared) if category == 34]
    services = found.services.to_pylist()
    assert len(services) == len(expected) == 34
    for row, seconds_of_day, items in zip(services, seconds(found.services, DAY), expected, strict=True):
        values = {item: v for item, (_, v) in items.items()}
        assert row["sensor"] == "/".join(values["010"])
        assert seconds_of_day == first_number(values["030"][0]) / 128
        north = first_number(values["000"][0]) == 1
        assert row["message"] == ("north" if north else "sector")
        assert row["azimuth_deg"] == (0.0 if north else first_number(values["020"][0]) * 360 / 256)
        assert row["rotation_s"] == (first_number(values["041"][0]) / 128 if "041" in values else None)
        if "120" in values:
            height, latitude, longitude = map(first_number, values["120"])
            assert row["latitude_deg"] == latitude * 180 / 2**23
            assert row["longitude_deg"] == longitude * 180 / 2**23
            # The height of a radar is sent above the ellipsoid, and kept above mean sea level.
            msl = ellipsoid_to_msl(row["latitude_deg"], row["longitude_deg"], height)
            assert row["altitude_m"] == pytest.approx(float(msl), abs=1e-9)
        else:
            assert row["latitude_deg"] is None and row["altitude_m"] is None
    assert sum(r["latitude_deg"] is not None for r in services) == 2


def test_plots_with_truncated_times(shared: Path) -> None:
    """Times of 512 s stand beside a whole time of another category: they start again at midnight."""
    found, decoder = decoded(recording(shared, "cat_001_002"))
    assert decoder.counts == {"blocks": 6, "records": 8, "blocks in recorder headers": 6}
    day = np.datetime64("2014-02-25", "ns")
    truncated = [256.1015625, 256.15625, 256.171875, 256.265625, 256.3125, 256.4375, 256.4609375]
    assert seconds(found.plots, day) == [89 * 512 + t for t in truncated]
    assert seconds(found.services, day) == [45_826.1796875]
    assert found.plots["time_source"].to_pylist() == ["truncated"] * 7
    assert found.plots["sensor"].to_pylist() == ["25/201"] * 7
    assert found.plots["kind"].to_pylist() == ["ssr", *["psr_ssr"] * 4, "ssr", "psr_ssr"]
    assert found.plots["sensor_track"].to_pylist() == [3762, 3957, 3530, 3432, 3297, 3088, 3853]
    assert found.plots["mode_3a"].to_pylist() == [0o1464, 0o7122, 0o7060, 0o0112, 0o5304, 0o2636, 0o2645]
    ranges = [236.9921875, 195.84375, 211.734375, 185.0625, 230.6796875, 162.59375, 111.984375]
    assert found.plots["range_m"].to_pylist() == [1852 * r for r in ranges]
    levels = [370, 340, 390, 310, 360, 150.5, 360]
    assert found.plots["pressure_altitude_m"].to_pylist() == pytest.approx([30.48 * v for v in levels])
    assert found.services.select(["sensor", "message", "azimuth_deg"]).to_pylist() == [
        {"sensor": "25/201", "message": "sector", "azimuth_deg": 112.5}
    ]


def test_system_tracks(shared: Path) -> None:
    found, decoder = decoded(recording(shared, "cat_062_065"))
    assert decoder.counts == {"blocks": 2, "records": 3}
    assert (len(found.plots), len(found.tracks), len(found.services)) == (0, 2, 1)
    first, second = found.tracks.to_pylist()
    day = np.datetime64("2014-02-25", "ns")
    assert seconds(found.tracks, day) == [45_827.3984375] * 2
    assert seconds(found.tracks, day, "last_plot") == [45_827.3984375 - 3.25, 45_827.3984375 - 4.0]
    assert (first["node"], first["track"], first["callsign"]) == ("25/100", 4713, "RYR174C")
    assert first["status"] == second["status"] == "confirmed"
    assert (second["track"], second["icao24"], second["mode_3a"]) == (6831, 0x4CAC7F, 0o4175)
    assert (first["latitude_deg"], first["longitude_deg"]) == (41.167123317718506, 15.708866715431213)
    assert (first["velocity_east_m_s"], first["velocity_north_m_s"], first["velocity_up_m_s"]) == (228.75, -47.25, 0.0)
    assert first["pressure_altitude_m"] == pytest.approx(390 * 30.48)
    msl = float(ellipsoid_to_msl(first["latitude_deg"], first["longitude_deg"], 36_481.25 * 0.3048))
    assert first["altitude_m"] == pytest.approx(msl)
    assert first["covariance"] is None
    assert first["simulated"] is False
    assert found.services["message"].to_pylist() == ["end_of_batch"]


@pytest.mark.parametrize("raw", [True, False])
def test_an_edition_nobody_knows_is_refused_and_not_believed(shared: Path, raw: bool) -> None:
    """A recording of 2008: current editions refuse 72 blocks; what they accept in the others is by chance."""
    found, decoder = decoded(recording(shared, "asterix"), raw=raw)
    refused = {k: n for k, n in decoder.counts.items() if "refused:" in k}
    assert refused == {
        "blocks of category 062 refused: record runs past its block": 43,
        "blocks of category 062 refused: spare field announced": 17,
        "blocks of category 062 refused: field specification too long": 12,
    }
    assert sum(refused.values()) == 72
    assert decoder.counts["blocks of category 062 set aside: most are refused, and these read oddly"] == 28
    assert decoder.counts["blocks"] == 100
    assert (len(found.plots), len(found.tracks), len(found.services)) == (0, 0, 0)
    assert not raw or len(found.raw[62]) == 28
    assert refused.keys() == decoder.samples.keys()
    assert all(sample[0] == 62 and len(sample) <= 64 for sample in decoder.samples.values())


def test_only_radars_with_a_state_message_say_where_they_stand(shared: Path) -> None:
    found, _ = decoded(recording(shared, "cat_034_048"))
    placed = found.services.filter(pc.is_valid(found.services["latitude_deg"]))
    assert set(placed["sensor"].to_pylist()) == {"25/12"}
