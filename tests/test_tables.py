"""The tables that pass between rooms: vocabularies, nulls, times, and tables taken from elsewhere."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import tables
from skypact.tables import NO_TIME, PLOTS, SERVICES, TRACKS, TRUTH, VOCABULARY


@given(st.sampled_from(sorted(VOCABULARY)), st.data())
def test_words_and_codes_are_inverse(name: str, data: st.DataObject) -> None:
    codes = np.array(data.draw(st.lists(st.integers(-1, len(VOCABULARY[name]) - 1))), np.int8)
    column = tables.words(name, codes)
    assert column.to_pylist() == [None if c < 0 else VOCABULARY[name][c] for c in codes]
    assert tables.codes(column, name).tolist() == codes.tolist()
    plain = pa.chunked_array([column.cast(pa.string())])
    assert tables.codes(plain, name).tolist() == codes.tolist()
    if len(codes):
        some = pa.chunked_array([column.slice(1), plain.chunk(0).dictionary_encode().cast(column.type)])
        assert tables.codes(some, name).tolist() == [*codes[1:], *codes]


@pytest.mark.parametrize("schema", [PLOTS, TRACKS, SERVICES, TRUTH], ids=lambda s: s.metadata[b"schema"].decode())
@pytest.mark.parametrize("rows", [0, 1, 1000, tables.SHARED_NULLS + 5])
def test_what_is_not_given_is_null(schema: pa.Schema, rows: int) -> None:
    table = tables.build(schema, rows, {"latitude_deg": np.full(rows, np.nan)})
    assert table.schema.equals(schema, check_metadata=True)
    assert table.num_rows == rows
    assert all(column.null_count == rows for column in table.columns)
    table.validate(full=True)
    assert tables.empty(schema).schema.equals(schema)


def test_columns_keep_their_values_and_nan_is_null() -> None:
    table = tables.build(PLOTS, 3, {"range_m": np.array([1.0, np.nan, 3.0]), "icao24": pa.array([1, None, 2**24 - 1])})
    assert table["range_m"].to_pylist() == [1.0, None, 3.0]
    assert table["icao24"].to_pylist() == [1, None, 2**24 - 1]
    with pytest.raises(KeyError, match="altitude_ft"):
        tables.build(PLOTS, 1, {"altitude_ft": np.zeros(1)})


def test_times() -> None:
    column = tables.times(np.array([0, NO_TIME, 1_780_279_200_123_456_789]))
    assert column.type == tables.TIME
    assert column.cast(pa.int64()).to_pylist() == [0, None, 1_780_279_200_123_456_789]


def test_tables_from_elsewhere_are_taken_if_they_can_be() -> None:
    other = pa.table({"kind": ["psr", None, "adsb"], "range_m": pa.array([1, 2, None]), "of_no_schema": [1, 2, 3]})
    found = tables.conform(other, PLOTS)
    assert found.schema.equals(PLOTS)
    assert found["kind"].to_pylist() == ["psr", None, "adsb"]
    assert found["range_m"].to_pylist() == [1.0, 2.0, None]
    with pytest.raises(ValueError, match="kind holds 'radar'"):
        tables.conform(pa.table({"kind": ["radar"]}), PLOTS)
