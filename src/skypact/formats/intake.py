"""One way to read any of the formats: bytes in as they come, decoded tables out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from skypact.formats.asterix import AsterixDecoder, BlockStream
from skypact.formats.decoded import Decoded
from skypact.formats.modes import AvrReader, BeastReader, Frames, JsonlReader, ModesDecoder
from skypact.formats.pcap import PcapReader
from skypact.formats.sbs import SbsReader
from skypact.tables import NO_TIME

FORMATS = ("asterix", "pcap", "beast", "avr", "sbs", "jsonl")
"""Formats that `intake` reads."""

GOOD = frozenset({"blocks", "records", "blocks in recorder headers"})
"""What a decoder counts that is no fault."""


class Intake(Protocol):
    """Reads one stream."""

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        """Return what the next bytes of the stream complete."""

    def finish(self) -> Decoded:
        """Return what can still be read after the last byte."""

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""

    @property
    def undated(self) -> bool:
        """Whether times stand on 1970-01-01 for want of a date."""


def intake(
    wire: str,
    *,
    sensor: str = "receiver",
    date: dt.date | None = None,
    editions: Mapping[int, str] | None = None,
    raw: bool = False,
    reference: tuple[float, float] | None = None,
    simulated: bool = False,
) -> Intake:
    """Return what reads a format.

    Parameters
    ----------
    wire : str
        One of `FORMATS`.
    sensor : str
        Name of the receiver of formats that do not tell it (all but ASTERIX).
    date : datetime.date, optional
        Date of the first message, for formats that do not tell it.
    editions : mapping of int to str, optional
        ASTERIX edition by category, else guessed.
    raw : bool
        Whether ASTERIX items are returned as they are, too.
    reference : (float, float), optional
        Latitude and longitude of a Mode S receiver in degrees.
    simulated : bool
        What is said of messages that cannot say it themselves (all but ASTERIX).
    """
    if wire in {"asterix", "pcap"}:
        decoder = AsterixDecoder(editions=editions, date=date, raw=raw)
        return _Asterix(decoder) if wire == "asterix" else _Pcap(decoder)
    if wire == "sbs":
        return _Sbs(SbsReader(sensor, simulated=simulated))
    readers = {"beast": BeastReader, "avr": AvrReader, "jsonl": JsonlReader}
    return _Modes(readers[wire](), ModesDecoder(sensor, reference=reference, date=date, simulated=simulated))


class _Asterix:
    """A bare stream of data blocks."""

    def __init__(self, decoder: AsterixDecoder) -> None:
        self._stream = BlockStream()
        self._decoder = decoder

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._decoder.decode(self._stream.feed(chunk, received_ns))

    def finish(self) -> Decoded:
        return self._decoder.decode(self._stream.finish())

    @property
    def problems(self) -> Mapping[str, int]:
        return _faults(self._stream.counts, self._decoder.counts)

    @property
    def undated(self) -> bool:
        return self._decoder.undated


class _Pcap:
    """ASTERIX in the UDP datagrams of a capture."""

    def __init__(self, decoder: AsterixDecoder) -> None:
        self._reader = PcapReader()
        self._decoder = decoder

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:  # noqa: ARG002
        return self._decoder.decode(self._reader.feed(chunk).payload)

    def finish(self) -> Decoded:
        self._reader.finish()
        return Decoded()

    @property
    def problems(self) -> Mapping[str, int]:
        packets = {f"packets: {reason}": count for reason, count in self._reader.rejects.items()}
        return _faults(packets, self._decoder.counts)

    @property
    def undated(self) -> bool:
        return self._decoder.undated


class _Modes:
    """Frames of a Mode S receiver."""

    def __init__(self, reader: BeastReader | AvrReader | JsonlReader, decoder: ModesDecoder) -> None:
        self._reader = reader
        self._decoder = decoder

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._decode(self._reader.feed(chunk, received_ns))

    def finish(self) -> Decoded:
        rest = self._reader.finish()
        return Decoded() if rest is None else self._decode(rest)

    def _decode(self, frames: Frames) -> Decoded:
        return self._decoder.decode(frames) if len(frames) else Decoded()

    @property
    def problems(self) -> Mapping[str, int]:
        return _faults(self._reader.rejects, self._decoder.rejects)

    @property
    def undated(self) -> bool:
        return self._decoder.undated


class _Sbs:
    """Lines of BaseStation text, which carry their date."""

    undated = False

    def __init__(self, reader: SbsReader) -> None:
        self._reader = reader

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._reader.feed(chunk, received_ns)

    def finish(self) -> Decoded:
        return self._reader.finish()

    @property
    def problems(self) -> Mapping[str, int]:
        return _faults(self._reader.rejects)


def _faults(*counts: Mapping[str, int]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update({name: count for name, count in one.items() if name not in GOOD})
    return total
