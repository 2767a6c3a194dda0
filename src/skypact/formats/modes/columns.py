"""Columns of PLOTS that Mode S and BaseStation messages share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact.tables import EMERGENCIES, NAME, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMERGENCY_CODES = {
    0o7500: EMERGENCIES.index("unlawful_interference"),
    0o7600: EMERGENCIES.index("no_communications"),
    0o7700: EMERGENCIES.index("general"),
}
"""What these Mode A codes say (ICAO Annex 10 IV 2.1.4.1)."""


def repeated(name: str, n: int) -> pa.DictionaryArray:
    """Return a column of `n` times the same name."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([name])).cast(NAME)


def ascii_text(characters: NDArray[np.uint8]) -> pa.StringArray:
    """Return rows of ASCII characters, shape (n, width), as strings."""
    n, width = characters.shape
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, pa.py_buffer(characters.tobytes())])
    return fixed.cast(pa.binary()).cast(pa.string())


def callsigns(packed: NDArray[np.uint64]) -> pa.Array:
    """Return eight characters packed in an integer, first highest, without the blanks around them; null for zero."""
    text = ascii_text(packed.astype(">u8").view(np.uint8).reshape(-1, 8))
    return pc.if_else(pa.array(packed != 0), pc.utf8_trim_whitespace(text), pa.scalar(None, pa.string()))


def unsigned(values: NDArray[np.integer]) -> pa.Array:
    """Return numbers as a column, null where negative."""
    return pa.array(values, mask=values < 0)


def flags(values: NDArray[np.int8]) -> pa.Array:
    """Return ones and zeros as booleans, null where negative."""
    return pa.array(values > 0, mask=values < 0)


def emergencies(states: NDArray[np.int8], mode_3a: NDArray[np.int16]) -> pa.DictionaryArray:
    """Return emergency states; where none or only a general one is said, what the Mode A code says."""
    found = states.copy()
    for code, word in EMERGENCY_CODES.items():
        found[(mode_3a == code) & (states <= EMERGENCIES.index("general"))] = word
    return words("emergency", found)
