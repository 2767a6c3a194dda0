"""What a decoder makes of a batch of bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def __repr__(self) -> str:
        """Return how much there is of each, as a notebook shows it."""
        names = ("plots", "tracks", "services")
        counts = [f"{getattr(self, name).num_rows:,} {name}" for name in names]
        if self.raw:
            counts.append(f"raw items of {', '.join(f'CAT{category:03d}' for category in sorted(self.raw))}")
        return f"Decoded({', '.join(counts)})"

    def whole(self) -> Decoded:
        """Return the same with each table in one piece, as it is read again from a journal."""
        return Decoded(_whole(self.plots), _whole(self.tracks), _whole(self.services), self.raw)


def _whole(table: pa.Table) -> pa.Table:
    pieces = table.column(0).num_chunks
    return table if pieces < 2 else table.unify_dictionaries().combine_chunks()


def joined(parts: Sequence[Decoded]) -> Decoded:
    """Return the tables of several batches, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Decoded()
    categories = sorted({c for p in parts for c in p.raw})
    return Decoded(
        pa.concat_tables([p.plots for p in parts]),
        pa.concat_tables([p.tracks for p in parts]),
        pa.concat_tables([p.services for p in parts]),
        {c: pa.concat_tables([p.raw[c] for p in parts if c in p.raw], promote_options="default") for c in categories},
    )
