"""What is appended is read again exactly: from logs, from Parquet, by us and by others, whole or in part."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kill9 import content, equal

from skypact.errors import JournalError, MisuseError
from skypact.journal import RAW, Journal, Snapshot, Step, Writer, raw
from skypact.tables import NAME, NO_TIME, PLOTS, SERVICES, TIME, TRACKS, WORD, build, empty, times, words

S = 1_000_000_000


def writer(path: Path, **settings: float) -> Writer:
    return Writer(path, node="bishkek", party="KG", **settings)


def fill(path: Path, last: int, **settings: float) -> None:
    with writer(path, **settings) as journal:
        journal.append_many(content(i) for i in range(1, last // 2))
        for i in range(last // 2, last + 1):
            assert journal.append(content(i)) == i


def plots(second: int, rows: int, sensor: str = "25/1") -> pa.Table:
    sensors = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [sensor])
    columns = {"time": times(second * S + np.arange(rows)), "sensor": sensors, "range_m": np.arange(rows) * 1.0}
    return build(PLOTS, rows, columns)


SCALARS: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.float64(): st.floats(allow_nan=False),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.uint16(): st.integers(0, 2**16 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(max_size=5),
    pa.binary(): st.binary(max_size=5),
    TIME: st.integers(-(2**63) + 1, 2**63 - 1),
    pa.list_(pa.float32(), 3): st.lists(st.floats(width=32, allow_nan=False), min_size=3, max_size=3),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=3), max_size=3),
    pa.list_(pa.struct([("a", pa.string()), ("b", pa.uint32())])): st.lists(
        st.fixed_dictionaries({"a": st.none() | st.text(max_size=3), "b": st.none() | st.integers(0, 9)}), max_size=2
    ),
}


@st.composite
def columns(draw: st.DrawFn, type_: pa.DataType, rows: int) -> pa.Array:
    if pa.types.is_dictionary(type_):
        dictionary = draw(st.lists(st.text(max_size=4), min_size=1, max_size=5, unique=True))
        index = draw(st.lists(st.none() | st.integers(0, len(dictionary) - 1), min_size=rows, max_size=rows))
        return pa.DictionaryArray.from_arrays(pa.array(index, type_.index_type), dictionary)
    if draw(st.booleans()):
        return pa.nulls(rows, type_)
    return pa.array(draw(st.lists(st.none() | SCALARS[type_], min_size=rows, max_size=rows)), type_)


@st.composite
def batches(draw: st.DrawFn) -> list[pa.Table]:
    """Return batches of one to three tables; those of a table have one schema."""
    types = st.sampled_from([*SCALARS, WORD, NAME])
    schemas = [
        pa.schema([(f"c{i}", t) for i, t in enumerate(draw(st.lists(types, min_size=1, max_size=6)))], {"schema": name})
        for name in ("one/1", "two/1", "three/7")[: draw(st.integers(1, 3))]
    ]
    tables = []
    for _ in range(draw(st.integers(1, 8))):
        schema, rows = draw(st.sampled_from(schemas)), draw(st.integers(0, 6))
        tables.append(pa.table([draw(columns(field.type, rows)) for field in schema], schema=schema))
    return tables


@given(appended=batches(), group_rows=st.sampled_from([1, 5, 1 << 17]), segment=st.sampled_from([1, 3000, 1 << 20]))
@settings(max_examples=40)
def test_batches_come_back_exactly(appended: list[pa.Table], group_rows: int, segment: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("skypact.journal._parquet.ROW_GROUP_ROWS", group_rows)
        with writer(Path(folder), segment_bytes=segment) as journal:
            for batch in appended:
                journal.append(batch)
            before = [entry.content for entry in journal.journal.entries()]
        after = [entry.content for entry in Journal.open(folder).entries()]
        for found in (before, after):
            assert len(found) == len(appended)
            assert all(a.equals(b, check_metadata=True) for a, b in zip(found, appended, strict=True))
        for name in ("one", "two", "three"):
            own = [t for t in appended if t.schema.metadata[b"schema"].startswith(name.encode()) and t.num_rows]
            pieces = list(Journal.open(folder).read(name))
            assert sum(p.num_rows for p in pieces) == sum(t.num_rows for t in own)
            assert [r for p in pieces for r in p.to_pylist()] == [r for t in own for r in t.to_pylist()]


def test_zeros_keep_their_sign_and_unknown_stays_apart_from_nan(tmp_path: Path) -> None:
    values = pa.array([0.0, -0.0, float("nan"), None, 0.0] * 3)
    with writer(tmp_path) as journal:
        journal.append(pa.table({"x": values}).replace_schema_metadata({"schema": "x/1"}))
    (table,) = Journal.open(tmp_path).read("x")
    found = table["x"].combine_chunks()
    assert found.null_count == 3
    np.testing.assert_array_equal(np.signbit(found.to_numpy(zero_copy_only=False)[:2]), [False, True])
    assert pc.sum(pc.is_nan(found)).as_py() == 3


def test_the_tables_of_the_house_come_back_with_their_schema(tmp_path: Path) -> None:
    covariance = pa.array([list(map(float, range(21))), None], TRACKS.field("covariance").type)
    tracks = {
        "node": pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), ["bishkek"]),
        "status": words("status", np.array([1, 3], np.int8)),
        "covariance": covariance,
        "sensors": pa.array([["25/1", "25/2"], None], TRACKS.field("sensors").type),
        "sources": pa.array([[{"party": "KZ", "node": "n", "track": 3}], []], TRACKS.field("sources").type),
        "lineage": pa.array([[b"\0\1"], None], TRACKS.field("lineage").type),
    }
    appended = [plots(1, 3), build(TRACKS, 2, tracks), build(SERVICES, 4, {}), empty(PLOTS), plots(2, 1, "25/2")]
    with writer(tmp_path) as journal:
        assert journal.append_many(appended) == [1, 2, 3, 4, 5]
    found = list(Journal.open(tmp_path).entries())
    assert [e.kind for e in found] == ["plots", "tracks", "services", "plots", "plots"]
    assert all(e.content.equals(t, check_metadata=True) for e, t in zip(found, appended, strict=True))


def test_bytes_as_received(tmp_path: Path) -> None:
    table = raw("udp 239.0.0.1:8600", [b"\x30\0\3", b""], [1, 2])
    assert table.schema.equals(RAW, check_metadata=True)
    with writer(tmp_path) as journal:
        journal.append(table)
        journal.append(raw("tcp host:30005", [b"abc"], 5))
    found = list(Journal.open(tmp_path).read("raw", from_ns=2))
    assert [row["data"] for piece in found for row in piece.to_pylist()] == [b"", b"abc"]
    assert next(iter(Journal.open(tmp_path).entries())).content.equals(table)


def test_order_over_all_tables_and_segments(tmp_path: Path) -> None:
    fill(tmp_path, 200, segment_bytes=30_000)
    journal = Journal.open(tmp_path)
    assert len(list((tmp_path / "sealed").iterdir())) > 5
    entries = list(journal.entries())
    assert [e.sequence for e in entries] == list(range(1, 201))
    assert all(equal(e.content, content(e.sequence)) for e in entries)
    assert {e.kind for e in entries} == {"plots", "steps", "snapshots"}
    some = [e.sequence for e in journal.entries(from_sequence=37, to_sequence=141, tables=["steps", "plots"])]
    assert some == [i for i in range(37, 141) if not isinstance(content(i), Snapshot)]
    assert (journal.first_sequence, journal.last_sequence) == (1, 200)
    assert [e.sequence for e in journal.entries(from_sequence=0, to_sequence=2)] == [1]
    assert list(journal.entries(from_sequence=201)) == []


@pytest.mark.parametrize("sealed", [True, False])
def test_parts_of_a_table(tmp_path: Path, sealed: bool) -> None:
    path = tmp_path / "journal"
    last = 60
    held = writer(path, segment_bytes=20_000 if sealed else 1 << 30)
    for i in range(1, last + 1):
        held.append(content(i))
    if sealed:
        held.close()
    journal = Journal.open(path)
    rows = [(i, t, r) for i in range(1, last + 1) if isinstance(content(i), pa.Table) for t, r in _rows(content(i))]
    for ends in [(None, None), (7, 44), (13, 14), (50, None), (None, 3)]:
        for from_ns, to_ns in [(None, None), (11 * S, 40 * S + 3), (13 * S + 5, 13 * S + 9), (None, 0), (59 * S, None)]:
            found = journal.read(
                "plots",
                from_sequence=ends[0],
                to_sequence=ends[1],
                from_ns=from_ns,
                to_ns=to_ns,
                columns=["range_m", "sequence"],
            )
            expected = [
                (i, r)
                for i, t, r in rows
                if (ends[0] or 1) <= i < (ends[1] or 999)
                and (from_ns is None or t >= from_ns)
                and (to_ns is None or t < to_ns)
            ]
            pieces = list(found)
            assert all(p.column_names == ["range_m", "sequence"] and p.num_rows for p in pieces)
            assert [(r["sequence"], r["range_m"]) for p in pieces for r in p.to_pylist()] == expected
    with pytest.raises(MisuseError, match="no column height"):
        list(journal.read("plots", columns=["height"]))
    assert list(journal.read("tracks")) == []
    if not sealed:
        held.close()


def _rows(table: pa.Table) -> list[tuple[int, float]]:
    return list(zip(table["time"].cast(pa.int64()).to_pylist(), table["range_m"].to_pylist(), strict=True))


def test_times_of_a_table_without_them(tmp_path: Path) -> None:
    with writer(tmp_path) as journal:
        journal.append(pa.table({"x": [1]}).replace_schema_metadata({"schema": "x/1"}))
    with pytest.raises(MisuseError, match="no column of times"):
        list(Journal.open(tmp_path).read("x", from_ns=0))


@pytest.mark.parametrize("segment", [1, 400, 1 << 30])
def test_the_last_snapshot_before(tmp_path: Path, segment: int) -> None:
    at = {2: 10, 4: 20, 5: 15, 9: 30}  # the clock was set back at sequence 5
    with writer(tmp_path, segment_bytes=segment) as held:
        assert held.journal.at(99) is None
        for sequence in range(1, 11):
            held.append(Snapshot(at[sequence] * S, sequence - 1, b"x") if sequence in at else plots(sequence, 1))
        for _ in ("log", "sealed"):
            journal = Journal.open(tmp_path)
            for second, expected in [(9, None), (10, 2), (14, 2), (15, 5), (29, 5), (30, 9), (99, 9)]:
                found = journal.at(second * S)
                assert (found and found.sequence) == expected
            for sequence, expected in [(1, None), (2, 2), (4, 4), (8, 5), (9, 9), (99, 9)]:
                found = journal.at(sequence=sequence)
                assert (found and found.sequence) == expected
            assert journal.at(12 * S).content == Snapshot(10 * S, 1, b"x")
            held.seal()


def test_usage(tmp_path: Path) -> None:
    with writer(tmp_path) as held:
        assert held.journal.usage().rows == {}
        assert held.journal.usage().first_ns == NO_TIME
        held.append(plots(5, 7))
        held.seal()
        held.append(plots(3, 2))
        usage = held.journal.usage()
    assert usage.rows == {"plots": 9}
    assert (usage.first_sequence, usage.last_sequence) == (1, 2)
    assert (usage.first_ns, usage.last_ns) == (3 * S, 5 * S + 6)
    files = [*tmp_path.glob("plots/*"), *tmp_path.glob("sealed/*")]
    closed = Journal.open(tmp_path).usage()
    assert (closed.sealed_bytes, closed.log_bytes) == (sum(f.stat().st_size for f in files), 0)
    assert usage.log_bytes > 0


def test_the_same_calls_make_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with writer(tmp_path / name, segment_bytes=40_000, segment_s=30) as held:
            for i in range(1, 120):
                entry = content(i)
                if name == "b" and isinstance(entry, pa.Table):  # the same content at another place in the memory
                    entry = pa.concat_tables([content(i), entry]).combine_chunks().slice(entry.num_rows)
                held.append(entry)
                if name == "b" and i == 60:
                    _ = list(held.journal.entries())
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*") if p.is_file())
    assert len(files) > 15
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_segments_end_by_size_and_by_the_time_of_steps(tmp_path: Path) -> None:
    with writer(tmp_path, segment_s=10) as held:
        for second in [0, 4, 9, 10, 11, 20, 21, 3, 4]:  # the clock is set back at the end
            held.append(Step(second * S))
        held.seal()
    expected = [f"{first:020}-{last:020}.parquet" for first, last in [(1, 4), (5, 7), (8, 9)]]
    assert sorted(p.name for p in (tmp_path / "steps").iterdir()) == expected


def test_the_memory_is_flat(tmp_path: Path) -> None:
    with writer(tmp_path, segment_bytes=500_000) as held:
        for i in range(200):
            held.append(plots(i, 2_000))
    assert len(list((tmp_path / "sealed").iterdir())) > 15
    floor = pa.total_allocated_bytes()
    highest = max(pa.total_allocated_bytes() for _ in Journal.open(tmp_path).entries()) - floor
    assert highest < 20 * 500_000
    assert sum(p.nbytes for p in Journal.open(tmp_path).read("plots")) > 4 * highest


def test_reading_while_it_is_written(tmp_path: Path) -> None:
    held = writer(tmp_path, segment_bytes=15_000)
    last = 400
    thread = threading.Thread(target=lambda: [held.append(content(i)) for i in range(1, last + 1)])
    thread.start()
    journal, position = Journal.open(tmp_path), 1
    while position <= last:
        alive = thread.is_alive()
        for entry in journal.entries(from_sequence=position):
            assert entry.sequence == position
            assert equal(entry.content, content(position))
            position += 1
        journal.at(10**12 * S)
        journal.usage()
        assert journal.last_sequence >= position - 1
        assert alive or position > last
    thread.join()
    held.close()


def test_several_threads_append(tmp_path: Path) -> None:
    with writer(tmp_path, segment_bytes=20_000) as held:
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.extend(held.append(plots(1, 5)) for _ in range(40))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(1, 161))
    assert [e.sequence for e in Journal.open(tmp_path).entries()] == sorted(found)


def test_two_versions_of_a_table(tmp_path: Path) -> None:
    old, new = (
        pa.table({name: [1]}).replace_schema_metadata({"schema": v}) for name, v in [("x", "t/1"), ("y", "t/2")]
    )
    with writer(tmp_path) as held:
        for table in (old, new, new, old):
            held.append(table)
        with pytest.raises(MisuseError, match="two schemas"):
            held.append_many([old, new])
    assert [e.content.column_names for e in Journal.open(tmp_path).entries()] == [["x"], ["y"], ["y"], ["x"]]


def named(name: str, column: str, values: pa.Array) -> pa.Table:
    return pa.table({column: values}).replace_schema_metadata({"schema": name})


NOT_UTF8 = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"x": [1]}), "'' is no name"),
        (named("../etc/1", "x", pa.array([1])), "no name"),
        (named("log/1", "x", pa.array([1])), "no name"),
        (named("x/1", "sequence", pa.array([1])), "sequence"),
        (named("x/1", "a.b", pa.array([1])), "cannot be kept"),
        (named("x/1", "x", pa.array([1], pa.time32("s"))), "cannot be kept"),
        (named("x/1", "x", pa.array([1]).dictionary_encode()), "cannot be kept"),
        (named("x/1", "x", NOT_UTF8), "UTF8"),
    ],
)
def test_what_could_not_be_read_again_is_refused(tmp_path: Path, table: pa.Table, message: str) -> None:
    with writer(tmp_path) as held:
        with pytest.raises(MisuseError, match=message):
            held.append(table)
        assert held.append(plots(1, 1)) == 1


def test_other_readers(tmp_path: Path) -> None:
    fill(tmp_path, 100, segment_bytes=60_000)
    expected = [(i, *row) for i in range(1, 101) if isinstance(content(i), pa.Table) for row in _rows(content(i))]
    glob = sorted((tmp_path / "plots").glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(p) for p in glob], promote_options="permissive")
    assert table["sequence"].to_pylist() == [i for i, _, _ in expected]
    frame = pd.concat([pd.read_parquet(p) for p in glob])
    assert frame["range_m"].tolist() == [r for _, _, r in expected]
    assert str(frame["time"].dtype) == "datetime64[ns, UTC]"


def test_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    fill(tmp_path, 100, segment_bytes=60_000)
    query = f"SELECT sequence, sensor, sum(range_m) FROM '{tmp_path}/plots/*.parquet' GROUP BY ALL ORDER BY ALL"
    found = {(sequence, sensor): total for sequence, sensor, total in duckdb.sql(query).fetchall()}
    assert found == pytest.approx(_sums(tmp_path))
    steps = duckdb.sql(f"SELECT sequence, consumed FROM '{tmp_path}/steps/*.parquet' ORDER BY 1").fetchall()
    assert steps == [(i, list(c.consumed)) for i in range(1, 101) if isinstance(c := content(i), Step)]


def test_polars(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    fill(tmp_path, 100, segment_bytes=60_000)
    lazy = polars.scan_parquet(tmp_path / "plots" / "*.parquet").with_columns(polars.col("sensor").cast(polars.String))
    sums = lazy.group_by("sequence", "sensor").agg(polars.col("range_m").sum()).collect().rows()
    assert {(sequence, sensor): total for sequence, sensor, total in sums} == pytest.approx(_sums(tmp_path))


def _sums(path: Path) -> dict[tuple[int, str], float]:
    sums: dict[tuple[int, str], float] = {}
    for piece in Journal.open(path).read("plots", columns=["sequence", "sensor", "range_m"]):
        for row in piece.to_pylist():
            key = row["sequence"], row["sensor"]
            sums[key] = sums.get(key, 0.0) + row["range_m"]
    return sums


def test_sequences_that_are_no_longer_kept(tmp_path: Path) -> None:
    fill(tmp_path, 40, segment_bytes=1)
    for old in sorted(p for p in tmp_path.rglob("*-*") if int(p.stem.partition("-")[2]) <= 19):
        old.unlink()
    journal = Journal.open(tmp_path)
    first = journal.first_sequence
    assert first == 20
    assert next(iter(journal.entries())).sequence == first
    with pytest.raises(
        JournalError, match=f"sequences 3 to {first - 1} are missing; read on with from_sequence={first}"
    ):
        list(journal.entries(from_sequence=3))
