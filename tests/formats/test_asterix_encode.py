"""Encoding: the inverse of decoding for any table, canonical on real bytes, and strict about what bits can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from asterix_bytes import RECORDINGS, blocks, decode, items, recording, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.errors import MisuseError
from skypact.formats.asterix import AsterixDecoder, encode, spec
from skypact.formats.asterix.columns import integer_type, is_bytes

ENCODED = (21, 34, 48, 62, 65)
ALPHABET = {"icao": " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "ascii": "".join(map(chr, range(32, 127)))}


def values(element: spec.Element) -> st.SearchStrategy[Any]:
    """Return what an element may hold; of a quantity the number of steps."""
    content, bits = element.content, element.bits
    if is_bytes(element):
        return st.binary(min_size=bits // 8, max_size=bits // 8)
    if "string" in content:
        kind = content["string"]
        if kind == "octal":
            return st.text("01234567", min_size=bits // 3, max_size=bits // 3)
        return st.text(ALPHABET[kind], max_size=bits // {"icao": 6, "ascii": 8}[kind]).map(lambda s: s.rstrip(" "))
    if content.get("signed") or content.get("integer"):
        return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
    return st.integers(0, (1 << bits) - 1)


@st.composite
def contents(draw: st.DrawFn, unit: spec.Unit) -> dict[str, Any]:
    """Return the elements of a unit that is sent, as a raw table holds them."""
    if unit.kind == spec.EXPLICIT:
        return {unit.name: draw(st.binary(max_size=20))}
    parts = draw(st.integers(1, max(1, len(unit.parts))))
    mine = [e for e in unit.elements if e.part < parts]
    if unit.kind in (spec.REPETITIVE, spec.CHAINED):
        count = draw(st.integers(unit.kind == spec.CHAINED, 3))
        repeated = [{e.name: draw(values(e)) for e in mine} for _ in range(count)]
        return {e.name: [scaled(unit, e, r) for r in repeated] for e in mine}
    found = {e.name: draw(values(e)) for e in mine}
    return {e.name: scaled(unit, e, found) for e in mine}


def scaled(unit: spec.Unit, element: spec.Element, found: dict[str, Any]) -> Any:
    content, value = element.content, found[element.name]
    if "cases" in content:
        steps = {key[0]: case["lsb"] for key, case in content["cases"]}
        return value * steps.get(found[content["on"][0]], content["default"].get("lsb", 1.0))
    return value * content["lsb"] if "lsb" in content else value


@st.composite
def tables(draw: st.DrawFn, category: int, name: str) -> list[dict[str, Any]]:
    """Return some records with some units each."""
    units = [u for u in spec.edition(category, name).units if u.kind != spec.COMPOUND]
    record = st.lists(st.sampled_from(units), min_size=1, max_size=6, unique_by=lambda u: u.name)
    records = []
    for chosen in draw(st.lists(record, min_size=1, max_size=4)):
        found: dict[str, Any] = {}
        for unit in chosen:
            found |= draw(contents(unit))
        records.append(found)
    return records


def arrow_type(unit: spec.Unit, element: spec.Element) -> pa.DataType:
    content = element.content
    if unit.kind == spec.EXPLICIT:
        return pa.binary()
    if is_bytes(element):
        kind = pa.binary(element.bits // 8)
    elif "string" in content:
        kind = pa.string()
    else:
        kind = pa.float64() if "lsb" in content or "cases" in content else integer_type(element)
    return pa.list_(kind) if unit.kind in (spec.REPETITIVE, spec.CHAINED) else kind


def table(category: int, name: str, records: list[dict[str, Any]]) -> pa.Table:
    """Return records as a raw table: the columns that some record has, in the order of the edition."""
    known = spec.edition(category, name)
    columns = {
        e.name: pa.array([r.get(e.name) for r in records], arrow_type(known.units[u], e))
        for u, e in known.elements()
        if any(e.name in r for r in records)
    }
    return pa.table(columns)


def again(category: int, name: str, given_table: pa.Table, **options: Any) -> pa.Table:
    """Return a table encoded and decoded."""
    decoder = AsterixDecoder(editions={category: name}, raw=True)
    found = decoder.decode(encode(category, given_table, edition=name, **options))
    assert decoder.counts["records"] == len(given_table)
    assert not [reason for reason in decoder.counts if "refused" in reason]
    return items(found.raw[category])


@pytest.mark.parametrize("category", ENCODED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_decoding_what_was_encoded_is_the_identity(category: int, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(spec.editions(category)))
    records = data.draw(tables(category, name))
    before = table(category, name, records)
    after = again(category, name, before, longest=data.draw(st.sampled_from((1, 100, 1400))))
    assert after.cast(before.schema).equals(before)


@pytest.mark.parametrize("name", RECORDINGS)
def test_real_bytes_come_back(shared: Path, name: str) -> None:
    """What real radars send is canonical but for spare bits and blank callsigns of zeros."""
    datagrams = recording(shared, name)
    tried = same = 0
    for block in [b for i in range(len(datagrams)) for b in blocks(datagrams[i])]:
        if block[0] not in ENCODED or name == "asterix":
            continue
        found, _ = decode([block], raw=True)
        whole = encode(block[0], items(found.raw[block[0]]), longest=65_535)
        assert len(whole) == 1
        tried += 1
        if whole[0] == block:
            same += 1
        else:
            blank = bytes(6), bytes.fromhex("820820820820")
            assert whole[0].replace(blank[1], blank[0]) == block
    assert (tried, same) == {"cat_034_048": (120, 118), "cat_062_065": (2, 2)}.get(name, (0, 0))


# --- presence ---------------------------------------------------------------------------------------------------------


def test_a_unit_is_sent_when_one_of_its_elements_is_known() -> None:
    given_table = pa.table({"010/SAC": pa.array([1, None]), "010/SIC": pa.array([None, 2]), "161/TRN": [None, 7]})
    found = rows(again(48, "1.32", given_table))
    assert found == [{"010/SAC": 1, "010/SIC": 0}, {"010/SAC": 0, "010/SIC": 2, "161/TRN": 7}]


def test_an_extended_unit_goes_on_to_the_last_part_that_holds_something() -> None:
    given_table = pa.table({"020/TYP": pa.array([5, 5, None]), "020/TST": pa.array([None, 1, None]), "220": [1, 2, 3]})
    found = again(48, "1.32", given_table)
    assert found["020/TYP"].to_pylist() == [5, 5, None]
    assert found["020/TST"].to_pylist() == [None, 1, None]
    assert found["020/SIM"].to_pylist() == [0, 0, None]


def test_a_list_may_be_empty_where_a_count_says_so() -> None:
    given_table = pa.table({"010/SAC": [1, 1], "250/BDS1": pa.array([[], None], pa.list_(pa.uint8()))})
    message = encode(48, given_table)[0]
    assert message.hex() == "30000b" + "8120" + "0100" + "00" + "80" + "0100"
    assert rows(again(48, "1.32", given_table))[0]["250/MBDATA"] == []
    with pytest.raises(MisuseError, match="030: a list that ends by its own bits cannot be empty"):
        encode(48, pa.table({"030": pa.array([[]], pa.list_(pa.uint8()))}))


def test_values_that_depend_on_another_element() -> None:
    """I021/150: the step of the air speed is 2^-14 NM/s, or 0.001 Mach if IM says so; an IM not given is zero."""
    speed = pa.table({"150/IM": [0, 1], "150/AS": [0.125, 0.82]})
    assert again(21, "2.7", speed)["150/AS"].to_pylist() == pytest.approx([0.125, 0.82])
    alone = pa.table({"150/AS": [0.125]})
    assert again(21, "2.7", alone).to_pylist() == [{"150/IM": 0, "150/AS": 0.125}]


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_blocks_are_as_long_as_allowed_and_begin_anew_with_a_group() -> None:
    count = 1000
    columns = {"010/SAC": pa.array(np.full(count, 9)), "161/TRN": pa.array(np.arange(count))}
    whole = encode(48, columns, longest=100)
    assert whole.length.max() <= 100
    assert whole.length[:-1].min() > 100 - 6
    alone = encode(48, columns, longest=1)
    assert len(alone) == count
    grouped = encode(48, columns, group=np.arange(count) // 7, longest=10_000)
    assert len(grouped) == -(-count // 7)
    together = encode(48, columns, longest=10**9)
    assert together.length.tolist() == [3 + 6 * count]
    for messages in (whole, alone, grouped, together):
        found = AsterixDecoder(raw=True).decode(messages).raw[48]
        assert found["161/TRN"].to_pylist() == list(range(count))


def test_a_block_is_never_longer_than_its_length_can_say() -> None:
    rows_ = 400
    big = pa.table({"SP": pa.array([bytes(254)] * rows_, pa.binary())})
    messages = encode(48, big, longest=10**9)
    assert messages.length.max() <= 65_535
    assert len(AsterixDecoder(raw=True).decode(messages).raw[48]) == rows_


def test_nothing_to_send() -> None:
    assert len(encode(48, {})) == 0
    assert len(encode(48, pa.table({"220": pa.array([], pa.uint32())}))) == 0
    with pytest.raises(MisuseError, match="row 1 has nothing to send"):
        encode(48, pa.table({"220": pa.array([1, None])}))


# --- misuse -----------------------------------------------------------------------------------------------------------

LIST = pa.list_(pa.uint8())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"041/RHO": [1.0]}, "CAT048 edition 1.32 has no .'041/RHO'."),
        ({"040/RHO": [256.1]}, "040/RHO: row 0 holds 256.1, beyond its 16 bits"),
        ({"040/RHO": [float("nan")]}, "040/RHO: row 0 is not a number"),
        ({"040/RHO": [float("inf")]}, "040/RHO: row 0 is not a number"),
        ({"040/RHO": [-0.1]}, "040/RHO: row 0 holds -0.1"),
        ({"090/FL": [0.0, -2048.2]}, "090/FL: row 1 holds -2048.2"),
        ({"220": [1 << 24]}, "220: row 0 holds 16777216"),
        ({"220": pa.array([2**64 - 1], pa.uint64())}, "wrong type"),
        ({"220": [1.5]}, "wrong type"),
        ({"220": ["A"]}, "wrong type"),
        ({"240": ["LONGERTHAN8"]}, "240: row 0 holds 'LONGERTHAN8'"),
        ({"240": ["lower"]}, "240: row 0 holds 'lower'"),
        ({"240": ["Ö"]}, "240: row 0"),
        ({"070/MODE3A": ["7778"]}, "070/MODE3A: row 0"),
        ({"SP": pa.array([bytes(255)], pa.binary())}, "SP: more than 254 octets"),
        ({"250/MBDATA": pa.array([[b"short"]], pa.list_(pa.binary()))}, "wrong type"),
        ({"250/BDS1": [1]}, "250: the elements of a repeated unit must be lists"),
        ({"250/BDS1": pa.array([[1]], LIST), "250/BDS2": pa.array([[1, 2]], LIST)}, "equal lengths"),
        ({"250/BDS1": pa.array([[1] * 256], LIST)}, "250: more repetitions than its count can hold"),
        ({"220": [1], "161/TRN": [1, 2]}, "equal lengths"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_names_it(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(MisuseError, match=message):
        encode(48, {k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in columns.items()})


def test_a_group_of_another_length_is_an_error() -> None:
    with pytest.raises(MisuseError, match="equal lengths"):
        encode(48, {"220": pa.array([1, 2])}, group=np.zeros(1, np.int64))


def test_profiles_that_depend_on_the_record_are_not_encoded() -> None:
    with pytest.raises(MisuseError, match="CAT001 is only decoded"):
        encode(1, {"161": pa.array([1])})


def test_a_record_longer_than_a_block() -> None:
    with pytest.raises(MisuseError, match="row 1 is longer than a data block"):
        encode(48, {"030": pa.array([[1], [1] * 70_000], LIST)})


def test_slices_and_chunks_are_encoded_as_what_they_show() -> None:
    whole = pa.table(
        {
            "220": pa.array(range(10), pa.uint32()),
            "240": pa.array([f"N{i}" if i % 3 else None for i in range(10)]),
            "250/MBDATA": pa.array([[bytes([i] * 7)] * (i % 3) for i in range(10)], pa.list_(pa.binary(7))),
            "SP": pa.array([bytes([i]) * i for i in range(10)], pa.binary()),
        }
    )
    part = whole.slice(3, 5)
    chunked = pa.concat_tables([whole.slice(3, 2), whole.slice(5, 3)])
    expected = rows(again(48, "1.32", pa.table(part.to_pydict(), schema=part.schema)))
    assert rows(again(48, "1.32", part)) == rows(again(48, "1.32", chunked)) == expected
    assert [r.get("240") for r in expected] == [None, "N4", "N5", None, "N7"]
