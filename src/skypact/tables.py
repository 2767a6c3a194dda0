"""The Arrow schemas of every table that passes between rooms.

Units stand in the column names. Time is UTC nanoseconds. Unknown is null, never zero or minus one. Words with a closed
vocabulary are dictionary columns whose dictionary is the tuple given here, so that a kernel may write the index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s", "adsb", "mlat", "passive", "infrared")
"""What kind of detection a plot is."""
TIME_SOURCES = ("measured", "truncated", "arrival")
"""Whether a plot's time was sent whole, sent in part and completed from the arrival, or is the arrival."""
EMERGENCIES = (
    "none",
    "general",
    "medical",
    "minimum_fuel",
    "no_communications",
    "unlawful_interference",
    "downed",
)
"""Emergency states in the order of ASTERIX I021/200 PS and Mode S BDS 6,1."""
STATUSES = ("tentative", "confirmed", "coasting", "ended")
"""The life of a track."""
CLASSES = ("own_military", "civil", "unknown")
"""What a release rule may ask of a track."""
IDENTITIES = ("pending", "unknown", "assumed_friend", "friend", "neutral", "suspect", "hostile")
"""Identity of a track, STANAG 1241."""
ALERTS = ("raised", "updated", "acknowledged", "cancelled")
"""The life of a warning."""
FORMS = ("track", "alert", "summary")
"""As what a track may be released to a partner."""
DECISIONS = ("released", "withheld")
"""What a release rule decides."""
SERVICE_MESSAGES = (
    "north",
    "sector",
    "geographic_filter",
    "jamming_strobe",
    "solar_storm",
    "ssr_jamming_strobe",
    "mode_s_jamming_strobe",
    "south",
    "start_of_blind_zone",
    "stop_of_blind_zone",
    "status",
    "end_of_batch",
)
"""What a radar tells of itself between its plots."""

COVARIANCE_SIZE = 21
"""Entries of the upper triangle, row by row, of a covariance over six states."""

TIME = pa.timestamp("ns", tz="UTC")


WORD = pa.dictionary(pa.int8(), pa.string())
"""Type of a column that holds words of a closed vocabulary."""

NAME = pa.dictionary(pa.int32(), pa.string())
"""Type of a column of repeated names, such as sensors."""


def _schema(name: str, fields: Sequence[tuple[str, pa.DataType]]) -> pa.Schema:
    return pa.schema([pa.field(n, t) for n, t in fields], metadata={"schema": name})


PLOTS = _schema(
    "plots/1",
    [
        ("time", TIME),
        ("received", TIME),
        ("time_source", WORD),
        ("sensor", NAME),
        ("kind", WORD),
        ("range_m", pa.float64()),
        ("azimuth_deg", pa.float64()),
        ("elevation_deg", pa.float64()),
        ("range_rate_m_s", pa.float64()),
        ("latitude_deg", pa.float64()),
        ("longitude_deg", pa.float64()),
        ("altitude_m", pa.float64()),
        ("pressure_altitude_m", pa.float64()),
        ("velocity_east_m_s", pa.float64()),
        ("velocity_north_m_s", pa.float64()),
        ("velocity_up_m_s", pa.float64()),
        ("sensor_latitude_deg", pa.float64()),
        ("sensor_longitude_deg", pa.float64()),
        ("sensor_altitude_m", pa.float64()),
        ("sensor_track", pa.uint32()),
        ("sigma_range_m", pa.float32()),
        ("sigma_azimuth_deg", pa.float32()),
        ("sigma_elevation_deg", pa.float32()),
        ("sigma_range_rate_m_s", pa.float32()),
        ("sigma_position_m", pa.float32()),
        ("sigma_altitude_m", pa.float32()),
        ("sigma_velocity_m_s", pa.float32()),
        ("icao24", pa.uint32()),
        ("mode_3a", pa.uint16()),
        ("callsign", pa.string()),
        ("code_valid", pa.bool_()),
        ("on_ground", pa.bool_()),
        ("emergency", WORD),
        ("simulated", pa.bool_()),
    ],
)
"""One row per detection by one sensor, in the order of the source."""

SOURCE = pa.struct([("party", pa.string()), ("node", pa.string()), ("track", pa.uint32())])

TRACKS = _schema(
    "tracks/1",
    [
        ("time", TIME),
        ("node", NAME),
        ("party", NAME),
        ("track", pa.uint32()),
        ("picture_number", pa.string()),
        ("status", WORD),
        ("latitude_deg", pa.float64()),
        ("longitude_deg", pa.float64()),
        ("altitude_m", pa.float64()),
        ("pressure_altitude_m", pa.float64()),
        ("velocity_east_m_s", pa.float64()),
        ("velocity_north_m_s", pa.float64()),
        ("velocity_up_m_s", pa.float64()),
        ("covariance", pa.list_(pa.float32(), COVARIANCE_SIZE)),
        ("existence", pa.float32()),
        ("class", WORD),
        ("identity", WORD),
        ("icao24", pa.uint32()),
        ("mode_3a", pa.uint16()),
        ("callsign", pa.string()),
        ("category", pa.string()),
        ("sensors", pa.list_(pa.string())),
        ("last_plot", TIME),
        ("sources", pa.list_(SOURCE)),
        ("contains_yours", pa.bool_()),
        ("lineage", pa.list_(pa.binary())),
        ("bound_m", pa.float32()),
        ("released_by", pa.string()),
        ("simulated", pa.bool_()),
    ],
)
"""One row per track that changed; the picture at a time is the last row per (node, track) up to it."""

SERVICES = _schema(
    "services/1",
    [
        ("time", TIME),
        ("received", TIME),
        ("time_source", WORD),
        ("sensor", NAME),
        ("message", WORD),
        ("azimuth_deg", pa.float64()),
        ("rotation_s", pa.float64()),
        ("latitude_deg", pa.float64()),
        ("longitude_deg", pa.float64()),
        ("altitude_m", pa.float64()),
        ("simulated", pa.bool_()),
    ],
)
"""What sensors say of themselves: north and sector crossings, rotation period, position (CAT 034, 002)."""

TRUTH = _schema(
    "truth/1",
    [
        ("time", TIME),
        ("object", NAME),
        ("latitude_deg", pa.float64()),
        ("longitude_deg", pa.float64()),
        ("altitude_m", pa.float64()),
        ("velocity_east_m_s", pa.float64()),
        ("velocity_north_m_s", pa.float64()),
        ("velocity_up_m_s", pa.float64()),
        ("icao24", pa.uint32()),
        ("mode_3a", pa.uint16()),
        ("callsign", pa.string()),
        ("identity", WORD),
        ("trackable", pa.bool_()),
    ],
)
"""Where objects really were: a row per object and time, at least every 30 s while it exists, for exercises and scoring.

`identity` and the identification data are what the object is and says, not what anybody made of it. `trackable` says
whether any sensor could see it at that time (range, horizon, terrain; not chance); null leaves it to the scorer."""

WARNINGS = _schema(
    "warnings/1",
    [
        ("time", TIME),
        ("warning", pa.uint32()),
        ("kind", NAME),
        ("track", pa.uint32()),
        ("facility", NAME),
        ("probability", pa.float32()),
        ("eta_s", pa.float32()),
        ("eta_low_s", pa.float32()),
        ("eta_high_s", pa.float32()),
        ("closest_m", pa.float32()),
        ("alert", WORD),
        ("actor", pa.string()),
        ("sources", pa.list_(SOURCE)),
        ("reason", pa.string()),
    ],
)
"""One row per warning that was raised or changed."""

RELEASES = _schema(
    "releases/1",
    [
        ("time", TIME),
        ("pact", NAME),
        ("version", NAME),
        ("rule", NAME),
        ("from_party", NAME),
        ("to_party", NAME),
        ("form", WORD),
        ("decision", WORD),
        ("count", pa.uint32()),
    ],
)
"""What was decided to be released to whom: one row per second, rule and form."""

VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "time_source": TIME_SOURCES,
    "kind": KINDS,
    "emergency": EMERGENCIES,
    "status": STATUSES,
    "class": CLASSES,
    "identity": IDENTITIES,
    "message": SERVICE_MESSAGES,
    "alert": ALERTS,
    "form": FORMS,
    "decision": DECISIONS,
}
"""The words of each closed dictionary column, by column name."""

_WORDS = {name: pa.array(vocabulary, pa.string()) for name, vocabulary in VOCABULARY.items()}


def words(name: str, codes: NDArray[np.int8]) -> pa.DictionaryArray:
    """Return the dictionary column `name` from indices into its vocabulary; a negative index is null.

    Parameters
    ----------
    name : str
        A key of `VOCABULARY`.
    codes : int8 array, shape (n,)
    """
    mask = codes < 0
    indices = pa.array(codes, mask=mask if mask.any() else None)
    return pa.DictionaryArray.from_arrays(indices, _WORDS[name])


def codes(column: pa.ChunkedArray | pa.Array, name: str) -> NDArray[np.int8]:
    """Return indices into the vocabulary `name` for a column of words, -1 where null: the inverse of `words`."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    indices = column.indices if column.null_count == 0 else column.indices.fill_null(-1)
    place = indices.to_numpy(zero_copy_only=False)
    if column.dictionary.equals(_WORDS[name]):
        return place.astype(np.int8)
    known = {w: i for i, w in enumerate(VOCABULARY[name])}
    lookup = np.array([known[w] for w in column.dictionary.to_pylist()] + [-1], np.int8)
    return lookup[place]


def times(time_ns: NDArray[np.int64]) -> pa.Array:
    """Return a time column from nanoseconds since 1970-01-01 UTC; `NO_TIME` is null."""
    mask = time_ns == NO_TIME
    return pa.array(time_ns, mask=mask if mask.any() else None).view(TIME)


NO_TIME = np.iinfo(np.int64).min
"""The nanosecond value that stands for an unknown time inside kernels."""


def build(schema: pa.Schema, rows: int, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of `schema`: the given columns, null elsewhere.

    Parameters
    ----------
    schema : pyarrow.Schema
        One of the schemas of this module.
    rows : int
        Length of every column.
    columns : mapping of str to array
        Arrow arrays are taken as they are; NumPy floats have NaN as null, other NumPy arrays are taken whole.

    Raises
    ------
    KeyError
        A column the schema does not have.
    """
    layout = _layout(schema)
    unknown = columns.keys() - layout.keys()
    if unknown:
        raise KeyError(f"no column {sorted(unknown)} in {schema.metadata[b'schema'].decode()}")
    arrays = []
    for name, (kind, nulls) in layout.items():
        value = columns.get(name)
        if value is None:
            arrays.append(nulls.slice(0, rows) if rows <= SHARED_NULLS else _nulls(name, kind, rows))
        elif isinstance(value, np.ndarray):
            arrays.append(_column(value, kind))
        else:
            arrays.append(value if value.type.equals(kind) else value.cast(kind))
    return pa.Table.from_arrays(arrays, schema=schema)


_SAME = {
    np.dtype(np.float64): pa.float64(),
    np.dtype(np.float32): pa.float32(),
    np.dtype(np.uint32): pa.uint32(),
}


def _column(value: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a NumPy array as a column, NaN as null; one that has none is taken as it lies."""
    if _SAME.get(value.dtype) == kind and value.flags.c_contiguous:
        missing = value.dtype.kind == "f" and bool(np.isnan(value).any())
        if not missing:
            return pa.Array.from_buffers(kind, len(value), [None, pa.py_buffer(value)], 0)
    return pa.array(value, kind, from_pandas=True)


def conform(table: pa.Table | pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Return a table read from a file or a peer as one of `schema`, with its own dictionaries.

    Columns the schema does not have are left out, those it has and the table lacks are null.

    Raises
    ------
    ValueError
        A column of another type, or a word that is none of its vocabulary.
    """
    columns: dict[str, Any] = {}
    for field in schema:
        if field.name not in table.schema.names:
            continue
        column = table[field.name]
        if field.name in VOCABULARY:
            try:
                columns[field.name] = words(field.name, codes(column, field.name))
            except KeyError as err:
                raise ValueError(f"{field.name} holds {err.args[0]!r}") from None
        elif column.type != field.type:
            columns[field.name] = column.cast(field.type)
        else:
            columns[field.name] = column
    return build(schema, table.num_rows, columns)


SHARED_NULLS = 1 << 16
"""Most rows of null columns that are made once and shared."""


def _nulls(name: str, kind: pa.DataType, rows: int) -> pa.Array:
    if name in VOCABULARY:
        return words(name, np.full(rows, -1, np.int8))
    return pa.nulls(rows, kind)


_LAYOUTS: dict[int, tuple[pa.Schema, dict[str, tuple[pa.DataType, pa.Array]]]] = {}


def _layout(schema: pa.Schema) -> dict[str, tuple[pa.DataType, pa.Array]]:
    """Return type and shared nulls of each column, kept by identity: to hash a schema costs as much as a table."""
    found = _LAYOUTS.get(id(schema))
    if found is None or found[0] is not schema:
        if len(_LAYOUTS) > 64:
            _LAYOUTS.clear()
        layout = {field.name: (field.type, _nulls(field.name, field.type, SHARED_NULLS)) for field in schema}
        _LAYOUTS[id(schema)] = found = schema, layout
    return found[1]


_EMPTY: dict[int, tuple[pa.Schema, pa.Table]] = {}


def empty(schema: pa.Schema) -> pa.Table:
    """Return a table of `schema` without rows."""
    found = _EMPTY.get(id(schema))
    if found is None or found[0] is not schema:
        if len(_EMPTY) > 64:
            _EMPTY.clear()
        _EMPTY[id(schema)] = found = schema, schema.empty_table()
    return found[1]
