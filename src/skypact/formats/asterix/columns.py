"""Elements of many records as columns: where their bits lie, what they mean, the Arrow columns they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import _read_kernels as kernels
from skypact.formats.asterix import spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = kernels.MISSING
"""What an integer column holds where an element is absent."""

ICAO_LETTERS = np.full(64, ord("?"), np.uint8)
ICAO_LETTERS[1:27] = np.arange(ord("A"), ord("Z") + 1)
ICAO_LETTERS[[0, 32]] = ord(" ")
ICAO_LETTERS[48:58] = np.arange(ord("0"), ord("9") + 1)
"""Six-bit characters, ICAO Annex 10 volume IV table 3-9; other codes become a question mark, but zero pads."""

OCTAL_LETTERS = np.arange(ord("0"), ord("8"), dtype=np.uint8)
ASCII_LETTERS = np.where((np.arange(256) >= 32) & (np.arange(256) < 127), np.arange(256), ord("?")).astype(np.uint8)
ASCII_LETTERS[0] = ord(" ")
"""Eight-bit characters; a zero octet pads like a space."""

STRINGS = {"icao": (6, ICAO_LETTERS), "octal": (3, OCTAL_LETTERS), "ascii": (8, ASCII_LETTERS)}
"""Bits a character and the table of letters, by the name the specification gives a string."""


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """How to read one element.

    Attributes
    ----------
    unit : spec.Unit
    element : spec.Element
    octet, octets : int
        Where its octets lie in the unit.
    shift, mask, sign : int
        What cuts it out of them.
    sizes : int32 array
        Sizes of the unit's parts.
    """

    unit: spec.Unit
    element: spec.Element
    octet: int
    octets: int
    shift: int
    mask: int
    sign: int
    sizes: NDArray[np.int32]

    @classmethod
    def of(cls, unit: spec.Unit, element: spec.Element) -> Reader:
        """Work out how to read `element` of `unit`."""
        octet = element.bit // 8
        octets = -(-(element.bit + element.bits) // 8) - octet
        shift = 8 * (octet + octets) - element.bit - element.bits
        signed = element.content.get("signed") or element.content.get("integer")
        bits = min(element.bits, 62)
        sizes = np.array(unit.parts or (0,), np.int32)
        return cls(unit, element, octet, octets, shift, (1 << bits) - 1, 1 << (bits - 1) if signed else 0, sizes)

    def integers(self, data: NDArray[np.uint8], offset: NDArray[np.int64], absent: int = MISSING) -> NDArray[np.int64]:
        """Return the element's plain number of each record."""
        return self._read(data, offset, 1, absent, np.empty(len(offset), np.int64))

    def floats(self, data: NDArray[np.uint8], offset: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
        """Return the element's number times `scale`, NaN where absent."""
        return self._read(data, offset, scale, np.nan, np.empty(len(offset), np.float64))

    def _read(self, data: NDArray[np.uint8], offset: NDArray[np.int64], scale: float, absent: float, out: Any) -> Any:
        cut = self.octet, self.shift, self.mask, self.sign, self.element.part, self.sizes
        kernels.reader(self.octets)(data, offset, *cut, scale, absent, out)
        return out


def is_bytes(element: spec.Element) -> bool:
    """Whether an element is kept as octets: registers, and plain bits too long for a number."""
    content = element.content
    return "bds" in content or "bytes" in content or (not content and element.bits > 32)


def integer_type(element: spec.Element) -> pa.DataType:
    """Return the smallest integer type that holds an element."""
    width = next(w for w in (8, 16, 32, 64) if element.bits <= w)
    return getattr(pa, f"{'int' if element.content.get('integer') else 'uint'}{width}")()


def strings(value: NDArray[np.int64], bits: int, kind: str, blank: bool = True) -> pa.StringArray:
    """Return packed characters as strings without trailing spaces, null where negative.

    Parameters
    ----------
    value : int64 array, shape (n,)
    bits : int
        Length of the element.
    kind : str
        A key of `STRINGS`.
    blank : bool
        Whether a blank string is one; else it is null.
    """
    width, letters = STRINGS[kind]
    count = bits // width
    edge = np.empty(len(value) + 1, np.int32)
    out = np.empty(len(value) * count, np.uint8)
    used = kernels.writer(count, width)(value, letters, edge, out)
    valid = value >= 0 if blank else np.diff(edge) > 0
    return pa.StringArray.from_buffers(len(value), pa.py_buffer(edge), pa.py_buffer(out[:used]), bitmap(valid))


def bitmap(valid: NDArray[np.bool_]) -> pa.Buffer | None:
    """Return Arrow's validity buffer, none if all are valid."""
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


def floats(value: NDArray[np.float64]) -> pa.Array:
    """Return numbers as an Arrow column without copying them, null where NaN."""
    return pa.Array.from_buffers(pa.float64(), len(value), [bitmap(~np.isnan(value)), pa.py_buffer(value)])


class Presence:
    """Which of some records, or repetitions, have a unit, and each part of it.

    Parameters
    ----------
    unit : spec.Unit
    data : uint8 array
    offset : int64 array, shape (n,)
        Where the unit starts, -1 where absent.
    """

    def __init__(self, unit: spec.Unit, data: NDArray[np.uint8], offset: NDArray[np.int64]) -> None:
        self.offset = offset
        self._unit = unit
        self._data = data
        self._parts: dict[int, tuple[pa.Buffer | None, int]] = {}

    def of(self, part: int) -> tuple[pa.Buffer | None, int]:
        """Return Arrow's validity buffer of a part, and how many do not have it."""
        if part not in self._parts:
            there = self.offset >= 0
            if part:
                kernels.reach(self._data, self.offset, part, np.array(self._unit.parts, np.int32), there)
            absent = len(there) - int(np.count_nonzero(there))
            self._parts[part] = bitmap(there) if absent else None, absent
        return self._parts[part]

    def array(self, kind: pa.DataType, part: int, *buffers: NDArray[Any]) -> pa.Array:
        """Return an Arrow column of an element of a part: `buffers` are those behind the validity."""
        valid, absent = self.of(part)
        return pa.Array.from_buffers(kind, len(self.offset), [valid, *map(pa.py_buffer, buffers)], absent)


def arrow(
    reader: Reader, data: NDArray[np.uint8], presence: Presence, depends: NDArray[np.int64] | None = None
) -> pa.Array:
    """Return one element of every record as an Arrow column in the unit of the specification.

    Parameters
    ----------
    reader : Reader
    data : uint8 array
    presence : Presence
        Of the element's unit.
    depends : int64 array, optional
        Value of the element on which the meaning depends.
    """
    element, offset = reader.element, presence.offset
    content = element.content
    if is_bytes(element):
        size = element.bits // 8
        out = np.zeros((len(offset), size), np.uint8)
        kernels.octets(data, offset, element.bit // 8, size, out)
        return presence.array(pa.binary(size), element.part, out)
    if "cases" in content:
        factor = np.full(len(offset), content["default"].get("lsb", 1.0))
        for key, case in content["cases"]:
            factor[depends == key[0]] = case["lsb"]
        return presence.array(pa.float64(), element.part, reader.floats(data, offset, 1.0) * factor)
    if "lsb" in content:
        return presence.array(pa.float64(), element.part, reader.floats(data, offset, content["lsb"]))
    if "string" in content:
        return strings(reader.integers(data, offset), element.bits, content["string"])
    kind = integer_type(element)
    return presence.array(kind, element.part, reader.integers(data, offset).astype(kind.to_pandas_dtype()))


def explicit(data: NDArray[np.uint8], presence: Presence) -> pa.Array:
    """Return the octets behind the length of an explicit item."""
    offset = presence.offset
    edge = np.empty(len(offset) + 1, np.int32)
    kernels.explicit(data, offset, edge, np.empty(0, np.uint8))
    out = np.empty(edge[-1], np.uint8)
    if len(out):
        kernels.explicit(data, offset, edge, out)
    return presence.array(pa.binary(), 0, edge, out)


def metadata(element: spec.Element) -> dict[str, str]:
    """Return what a reader of the table should know of a column: title, unit, words."""
    content: dict[str, Any] = element.content
    found = {"title": element.title}
    if "unit" in content:
        found["unit"] = content["unit"]
    if "cases" in content:
        found["unit"] = ", ".join(f"{c['unit']} if {content['on'][0]} = {k[0]}" for k, c in content["cases"])
    if "table" in content:
        found["words"] = "; ".join(f"{k}: {v}" for k, v in content["table"].items())
    return found
