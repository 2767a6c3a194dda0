"""The readers of bytes by name."""

from __future__ import annotations

from collections.abc import Mapping

from soaking.radars import AsterixDatagrams, AsterixStream, Captures
from soaking.receivers import Avr, Beast, Csv, Lines, Sbs, Squitters, Traces
from soaking.soaked import Soaked

SOAKED: Mapping[str, type[Soaked]] = {
    "asterix": AsterixDatagrams,
    "asterix stream": AsterixStream,
    "pcap": Captures,
    "beast": Beast,
    "avr": Avr,
    "jsonl": Lines,
    "csv": Csv,
    "sbs": Sbs,
    "readsb": Traces,
    "mode s": Squitters,
}
"""By name, as `--only` takes it."""
