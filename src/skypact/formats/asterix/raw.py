"""Every item of every record as one wide table: a column an element, in the units of the specification.

A column is named by its path, ``"040/RHO"``. Elements of repeated units are lists. BDS registers, special purpose and
reserved expansion fields are kept as octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import _read_kernels as kernels
from skypact.formats.asterix import spec
from skypact.formats.asterix.columns import Presence, Reader, arrow, explicit, metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.asterix.program import Program


def table(program: Program, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> pa.Table:
    """Return the elements of records whose units were found.

    Parameters
    ----------
    program : Program
        The edition that was walked.
    data : uint8 array
    offsets : int64 array, shape (units, n)
        Where each unit of each record starts, -1 where absent: the walk with a slot for every unit.

    Returns
    -------
    pyarrow.Table
        A column an element that occurs in some record; the fields' metadata give title, unit and words.
    """
    names: list[str] = []
    arrays: list[pa.Array] = []
    fields: list[pa.Field] = []
    for number, unit in enumerate(program.edition.units):
        offset = offsets[number]
        if unit.kind == spec.COMPOUND or not (offset >= 0).any():
            continue
        for element, column in _unit(unit, data, offset):
            if column.null_count == len(column):
                continue
            names.append(element.name)
            arrays.append(column)
            fields.append(pa.field(element.name, column.type, metadata=metadata(element)))
    if not arrays:
        return pa.table({})
    return pa.table(arrays, schema=pa.schema(fields))


def _unit(unit: spec.Unit, data: NDArray[np.uint8], offset: NDArray[np.int64]) -> list[tuple[spec.Element, pa.Array]]:
    """Return the columns of one unit."""
    presence = Presence(unit, data, offset)
    if unit.kind == spec.EXPLICIT:
        return [(unit.elements[0], explicit(data, presence))]
    if unit.kind not in (spec.REPETITIVE, spec.CHAINED):
        return _elements(unit, data, presence)
    edge = np.empty(len(offset) + 1, np.int32)
    kernels.repetitions(data, offset, unit.size, unit.count_size, edge)
    position = np.empty(edge[-1], np.int64)
    kernels.spread(offset, unit.size, unit.count_size, edge, position)
    valid, absent = presence.of(0)
    return [
        (
            element,
            pa.Array.from_buffers(
                pa.list_(values.type), len(offset), [valid, pa.py_buffer(edge)], absent, children=[values]
            ),
        )
        for element, values in _elements(unit, data, Presence(unit, data, position))
    ]


def _elements(unit: spec.Unit, data: NDArray[np.uint8], presence: Presence) -> list[tuple[spec.Element, pa.Array]]:
    """Return the elements of units, or repetitions of one."""
    out = []
    for element in unit.elements:
        depends = None
        if "cases" in element.content:
            key = next(e for e in unit.elements if e.name == element.content["on"][0])
            depends = Reader.of(unit, key).integers(data, presence.offset)
        out.append((element, arrow(Reader.of(unit, element), data, presence, depends)))
    return out
