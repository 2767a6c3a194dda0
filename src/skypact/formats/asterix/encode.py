"""Columns back to ASTERIX data blocks: the inverse of `raw.table`, with the same names and units.

A unit is sent in a record when one of its elements is not null there; elements of it that are null are sent as zero. An
extended unit is sent up to the last part that holds something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.errors import MisuseError
from skypact.formats.asterix import _encode_kernels as kernels
from skypact.formats.asterix import spec
from skypact.formats.asterix.columns import STRINGS, Reader, is_bytes
from skypact.formats.asterix.program import Program, program
from skypact.formats.datagrams import Datagrams
from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_BLOCK = 65_535


def encode(
    category: int,
    columns: Mapping[str, pa.Array | pa.ChunkedArray] | pa.Table,
    *,
    edition: str | None = None,
    group: NDArray[np.int64] | None = None,
    longest: int = 1400,
) -> Datagrams:
    """Return data blocks, one a message, holding a record a row in the order of the rows.

    Parameters
    ----------
    category : int
    columns : table or mapping of str to array
        Elements by path, as `raw.table` returns them; columns that are no element of the category are an error.
    edition : str, optional
        The newest if not given.
    group : int64 array, shape (n,), optional
        A new block begins where it changes, so that a block is of one sensor or one instant.
    longest : int
        Most octets of a block with several records; the default fits an Ethernet frame.

    Raises
    ------
    MisuseError
        An unknown column, a value its bits cannot hold, or a category whose profile depends on the record.
    """
    tables = program(category, edition)
    if len(tables.edition.uaps) > 1:
        raise MisuseError(f"CAT{category:03d} is only decoded, not encoded")
    given = {n: _flat(columns[n]) for n in (columns.column_names if isinstance(columns, pa.Table) else columns)}
    rows = len(next(iter(given.values()))) if given else 0
    if any(len(column) != rows for column in given.values()) or (group is not None and len(group) != rows):
        raise MisuseError("columns to be encoded, and the group, must have equal lengths")
    known = {e.name for _, e in tables.edition.elements()}
    if given.keys() - known:
        raise MisuseError(f"CAT{category:03d} edition {tables.edition.edition} has no {sorted(given.keys() - known)}")
    nothing = np.zeros(rows, np.int32)
    try:
        units = [_Unit(u, given, rows, nothing) for u in tables.edition.units]
    except pa.ArrowException as error:
        raise MisuseError(f"CAT{category:03d}: a column of the wrong type: {error}") from error
    for number in reversed(range(len(units))):
        _compound(tables, units, number, rows)
    return _lay_out(tables, units, rows, group, min(longest, LONGEST_BLOCK))


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


class _Unit:
    """A unit's presence, length and content in every record."""

    def __init__(self, unit: spec.Unit, given: Mapping[str, pa.Array], rows: int, nothing: NDArray[np.int32]) -> None:
        self.unit = unit
        self.sent = False
        self.size = self.last = nothing
        self.edge: NDArray[np.int32] | None = None
        self.values: list[tuple[Reader, NDArray[np.int64]]] = []
        self.octets: list[tuple[int, NDArray[np.uint8], NDArray[np.int64]]] = []
        mine = [(e, given[e.name]) for e in unit.elements if e.name in given]
        if not mine or rows == 0:
            return
        self.sent = True
        if unit.kind == spec.EXPLICIT:
            self._explicit(mine[0][1])
            return
        present = np.zeros(rows, bool)
        if unit.kind in (spec.REPETITIVE, spec.CHAINED):
            if not all(pa.types.is_list(column.type) for _, column in mine):
                raise MisuseError(f"{unit.name}: the elements of a repeated unit must be lists")
            self.edge = _edges(mine[0][1])
            for element, column in mine:
                if not np.array_equal(_edges(column), self.edge):
                    raise MisuseError(f"{element.name}: lists of a repeated unit must have equal lengths")
                self._add(element, column.flatten())
            count = np.diff(self.edge)
            present = _valid(mine[0][1])
            if unit.kind == spec.CHAINED and (present & (count == 0)).any():
                raise MisuseError(f"{unit.name}: a list that ends by its own bits cannot be empty")
            if unit.count_size and (count >= 1 << 8 * unit.count_size).any():
                raise MisuseError(f"{unit.name}: more repetitions than its count can hold")
            self.size = np.where(present, unit.count_size + unit.size * count, 0).astype(np.int32)
            return
        self.last = np.zeros(rows, np.int32)
        for element, column in mine:
            valid = _valid(column)
            present |= valid
            if element.part:
                np.maximum(self.last, np.where(valid, element.part, 0), out=self.last)
            self._add(element, column)
        if unit.kind == spec.EXTENDED:
            ends = np.cumsum(unit.parts).astype(np.int32)
            self.size = np.where(present, ends[self.last], 0).astype(np.int32)
        else:
            self.size = np.where(present, unit.size, 0).astype(np.int32)

    def _add(self, element: spec.Element, column: pa.Array) -> None:
        if is_bytes(element):
            size = element.bits // 8
            values = column.cast(pa.binary(size)).fill_null(bytes(size))
            content = np.frombuffer(values.buffers()[1] or b"", np.uint8)
            begin = values.offset * size
            edge = np.arange(len(values) + 1, dtype=np.int64) * size
            self.octets.append((element.bit // 8, content[begin : begin + len(values) * size], edge))
            return
        reader = Reader.of(self.unit, element)
        self.values.append((reader, _numbers(element, column, self)))

    def _explicit(self, column: pa.Array) -> None:
        values = column.cast(pa.large_binary())
        edge = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
        length = np.diff(edge)
        if (length > 254).any():
            raise MisuseError(f"{self.unit.name}: more than 254 octets")
        content = np.frombuffer(values.buffers()[2] or b"", np.uint8)
        present = _valid(values)
        self.size = np.where(present, 1 + length, 0).astype(np.int32)
        self.octets.append((1, content, np.asarray(edge)))


def _numbers(element: spec.Element, column: pa.Array, owner: _Unit) -> NDArray[np.int64]:
    """Return the plain numbers that stand for a column's values, zero for null.

    Raises
    ------
    MisuseError
        A value that the element's bits cannot hold, with its row.
    """
    content = element.content
    valid = _valid(column)
    if "string" in content:
        value = _packed(element, column)
    elif "lsb" in content or "cases" in content:
        plain = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
        step = np.full(len(plain), content.get("lsb", 1.0))
        if "cases" in content:
            # An element that is not given is sent as zero.
            depends = next((v for r, v in owner.values if r.element.name == content["on"][0]), np.zeros(len(plain)))
            for key, case in content["cases"]:
                step[depends == key[0]] = case["lsb"]
        scaled = np.rint(plain / step)
        bad = ~(np.abs(scaled) < 2.0**62)
        if bad.any():
            raise MisuseError(f"{element.name}: row {int(np.argmax(bad))} is not a number that can be sent")
        value = scaled.astype(np.int64)
    else:
        value = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    signed = content.get("signed") or content.get("integer")
    low, high = (-(1 << element.bits - 1), (1 << element.bits - 1) - 1) if signed else (0, (1 << element.bits) - 1)
    off = ((value < low) | (value > high)) & valid
    if off.any():
        row = int(np.argmax(off))
        raise MisuseError(f"{element.name}: row {row} holds {column[row].as_py()}, beyond its {element.bits} bits")
    return np.where(valid, value, 0)


def _packed(element: spec.Element, column: pa.Array) -> NDArray[np.int64]:
    width, letters = STRINGS[element.content["string"]]
    code = np.full(256, -1, np.int64)
    # Several codes may read as one letter (a question mark, a space): the last assignment is the one written.
    code[letters[::-1]] = np.arange(len(letters))[::-1]
    if width == 6:
        code[ord(" ")] = 32
    elif width == 8:
        printable = np.arange(32, 127)
        code[printable] = printable
    text = column.cast(pa.large_string()).fill_null("")
    edge = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
    out = np.empty(len(text), np.int64)
    pad = code[ord("0")] if width == 3 else code[ord(" ")]
    octets = np.frombuffer(text.buffers()[2] or b"", np.uint8)
    bad = kernels.pack(octets, edge, element.bits // width, width, code, pad, out)
    if bad >= 0:
        raise MisuseError(f"{element.name}: row {bad} holds {text[bad].as_py()!r}, which cannot be written there")
    return out


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    if column.null_count == 0:
        return np.ones(len(column), bool)
    return column.is_valid().to_numpy(zero_copy_only=False)


def _edges(column: pa.Array) -> NDArray[np.int32]:
    length = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return np.concatenate(([0], np.cumsum(length))).astype(np.int32)


def _compound(tables: Program, units: list[_Unit], number: int, rows: int) -> None:
    """Work out presence and length of a compound unit from its children."""
    children = tables.edition.units[number].children
    unit = units[number]
    unit.sent = unit.sent or any(c >= 0 and units[c].sent for c in children)
    if not children or not unit.sent:
        return
    unit.size = np.zeros(rows, np.int32)
    highest = np.full(rows, -1, np.int32)
    for place, child in enumerate(children):
        if child >= 0 and units[child].sent:
            size = units[child].size
            unit.size += size
            np.maximum(highest, np.where(size > 0, place, -1), out=highest)
    unit.last = highest
    unit.size = np.where(highest >= 0, unit.size + highest // 7 + 1, 0).astype(np.int32)


def _lay_out(
    tables: Program, units: list[_Unit], rows: int, group: NDArray[np.int64] | None, longest: int
) -> Datagrams:
    """Place records into blocks, then write field specifications and content."""
    frns = tables.edition.uaps[0]
    length = np.zeros(rows, np.int64)
    highest = np.full(rows, -1, np.int64)
    for place, number in enumerate(frns):
        if number >= 0 and units[number].sent:
            size = units[number].size
            length += size
            np.maximum(highest, np.where(size > 0, place, -1), out=highest)
    if (highest < 0).any():
        raise MisuseError(f"row {int(np.argmax(highest < 0))} has nothing to send")
    length += highest // 7 + 1
    if rows and length.max() + 3 > LONGEST_BLOCK:
        raise MisuseError(f"row {int(length.argmax())} is longer than a data block")
    begin = np.empty(rows, np.int64)
    block = np.empty(rows + 1, np.int64)
    groups = np.zeros(rows, np.int64) if group is None else np.asarray(group, np.int64)
    blocks, total = kernels.place(length, groups, longest, begin, block)
    data = np.zeros(total, np.uint8)
    kernels.headers(data, block[: blocks + 1], tables.edition.category)
    position = begin + highest // 7 + 1
    for place, number in enumerate(frns):
        if number >= 0 and units[number].sent:
            present = units[number].size > 0
            kernels.announce(data, begin, present, place, highest)
            _write(tables, units, number, np.where(present, position, -1), data)
            position = position + units[number].size
    received = np.full(blocks, NO_TIME)
    return Datagrams(data, block[:blocks].copy(), np.diff(block[: blocks + 1]), received)


def _write(
    tables: Program, units: list[_Unit], number: int, position: NDArray[np.int64], data: NDArray[np.uint8]
) -> None:
    """Write one unit of every record at its position."""
    mine = units[number]
    unit = mine.unit
    if unit.kind == spec.COMPOUND:
        inside = position + mine.last // 7 + 1
        for place, child in enumerate(unit.children):
            if child >= 0 and units[child].sent:
                present = (units[child].size > 0) & (position >= 0)
                kernels.announce(data, position, present, place, mine.last.astype(np.int64))
                _write(tables, units, child, np.where(present, inside, -1), data)
                inside = inside + units[child].size
        return
    if mine.edge is not None:
        spread = np.empty(mine.edge[-1], np.int64)
        kernels.spread(data, position, unit.size, unit.count_size, mine.edge, spread)
        position = spread
    for reader, value in mine.values:
        kernels.deposit(data, position, reader.octet, reader.octets, reader.shift, reader.mask, value)
    for octet, content, edge in mine.octets:
        kernels.copy(data, position, octet, content, edge)
    if unit.kind == spec.EXPLICIT:
        kernels.deposit(data, position, 0, 1, 0, 255, mine.size.astype(np.int64))
    if unit.kind == spec.EXTENDED:
        kernels.extend(data, position, np.array(unit.parts, np.int64), mine.last)
