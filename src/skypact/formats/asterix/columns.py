"""Elements of many records as columns: where their bits lie, what they mean, the Arrow columns they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import _kernels as kernels
from skypact.formats.asterix import spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    def integers(self, data: NDArray[np.uint8], offset: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the element's plain number of each record, `_kernels.MISSING` where absent."""
        out = np.empty(len(offset), np.int64)
        kernels.integers(
            data, offset, self.octet, self.octets, self.shift, self.mask, self.sign, self.element.part, self.sizes, out
        )
        return out

    def floats(self, data: NDArray[np.uint8], offset: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
        """Return the element's number times `scale`, NaN where absent."""
        out = np.empty(len(offset), np.float64)
        kernels.floats(
            data,
            offset,
            self.octet,
            self.octets,
            self.shift,
            self.mask,
            self.sign,
            self.element.part,
            self.sizes,
            scale,
            out,
        )
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
    """Return packed characters as strings without trailing spaces, null where `_kernels.MISSING`.

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
    used = kernels.characters(value, count, width, letters, edge, out)
    valid = value != kernels.MISSING if blank else np.diff(edge) > 0
    return pa.StringArray.from_buffers(len(value), pa.py_buffer(edge), pa.py_buffer(out[:used]), bitmap(valid))


def bitmap(valid: NDArray[np.bool_]) -> pa.Buffer | None:
    """Return Arrow's validity buffer, none if all are valid."""
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


def arrow(
    reader: Reader, data: NDArray[np.uint8], offset: NDArray[np.int64], depends: NDArray[np.int64] | None = None
) -> pa.Array:
    """Return one element of every record as an Arrow column in the unit of the specification.

    Parameters
    ----------
    reader : Reader
    data : uint8 array
    offset : int64 array, shape (n,)
        Where the element's unit (or one repetition of it) starts, -1 where absent.
    depends : int64 array, optional
        Value of the element on which the meaning depends.
    """
    element = reader.element
    content = element.content
    if is_bytes(element):
        size = element.bits // 8
        out = np.zeros((len(offset), size), np.uint8)
        kernels.octets(data, offset, element.bit // 8, size, out)
        buffers = [bitmap(offset >= 0), pa.py_buffer(out)]
        return pa.Array.from_buffers(pa.binary(size), len(offset), buffers)
    if "cases" in content:
        scale = dict.fromkeys((-1,), content["default"].get("lsb", 1.0))
        scale |= {key[0]: case["lsb"] for key, case in content["cases"]}
        keys = np.array(list(scale), np.int64)
        factors = np.array(list(scale.values()))
        factor = np.full(len(offset), factors[0])
        for key, value in zip(keys[1:], factors[1:], strict=True):
            factor[depends == key] = value
        values = reader.floats(data, offset, 1.0) * factor
        return pa.array(values, pa.float64(), from_pandas=True)
    if "lsb" in content:
        return pa.array(reader.floats(data, offset, content["lsb"]), pa.float64(), from_pandas=True)
    value = reader.integers(data, offset)
    if "string" in content:
        return strings(value, element.bits, content["string"])
    absent = value == kernels.MISSING
    kind = integer_type(element)
    return pa.Array.from_buffers(
        kind, len(value), [bitmap(~absent), pa.py_buffer(value.astype(kind.to_pandas_dtype()))]
    )


def explicit(data: NDArray[np.uint8], offset: NDArray[np.int64]) -> pa.Array:
    """Return the octets behind the length of an explicit item."""
    edge = np.empty(len(offset) + 1, np.int32)
    kernels.explicit(data, offset, edge, np.empty(0, np.uint8))
    out = np.empty(edge[-1], np.uint8)
    if len(out):
        kernels.explicit(data, offset, edge, out)
    return pa.Array.from_buffers(pa.binary(), len(offset), [bitmap(offset >= 0), pa.py_buffer(edge), pa.py_buffer(out)])


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
