"""Names of sensors and centres by their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Names:
    """Names such as ``25/12`` for SAC 25 and SIC 12, numbered as they are met in one stream."""

    def __init__(self) -> None:
        # The last place is that of a record that tells neither.
        self._place = np.full((1 << 16) + 1, -1, np.int32)
        self._names = pa.array([], pa.string())

    def column(self, identifiers: NDArray[np.int64]) -> pa.DictionaryArray:
        """Return the dictionary column of names for SAC * 256 + SIC, null where negative."""
        place = self._place.take(identifiers)
        unknown = place < 0
        if unknown.any():
            new = np.unique(identifiers[unknown])
            self._learn(new[new >= 0])
            place = self._place.take(identifiers)
            unknown = place < 0
        indices = pa.array(place, pa.int32(), mask=unknown if unknown.any() else None)
        return pa.DictionaryArray.from_arrays(indices, self._names, safe=False)

    def _learn(self, codes: NDArray[np.int64]) -> None:
        self._place[codes] = np.arange(len(self._names), len(self._names) + len(codes), dtype=np.int32)
        names = [f"{code >> 8}/{code & 255}" for code in codes.tolist()]
        self._names = pa.concat_arrays([self._names, pa.array(names, pa.string())])
