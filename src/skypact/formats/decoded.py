"""What a decoder makes of a batch of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from skypact.tables import PLOTS, SERVICES, TRACKS, empty


@dataclass(frozen=True, slots=True)
class Decoded:
    """The tables of one batch.

    Attributes
    ----------
    plots, tracks, services : pyarrow.Table
        Of the schemas `tables.PLOTS`, `tables.TRACKS` and `tables.SERVICES`, in the order of the stream.
    raw : mapping of int to pyarrow.Table
        Every item by ASTERIX category, if it was asked for.
    """

    plots: pa.Table = field(default_factory=lambda: empty(PLOTS))
    tracks: pa.Table = field(default_factory=lambda: empty(TRACKS))
    services: pa.Table = field(default_factory=lambda: empty(SERVICES))
    raw: Mapping[int, pa.Table] = field(default_factory=dict)
