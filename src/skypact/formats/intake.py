"""One way to read any of the formats: bytes in as they come, decoded tables out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from skypact.errors import MisuseError
from skypact.formats.asterix import AsterixDecoder, BlockStream
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded, joined
from skypact.formats.detect import HEAD, detect
from skypact.formats.modes import AvrReader, BeastReader, CsvReader, Frames, JsonlReader, ModesDecoder
from skypact.formats.pcap import PcapReader
from skypact.formats.readsb import TraceReader
from skypact.formats.sbs import SbsReader
from skypact.tables import NO_TIME

FORMATS = ("asterix", "pcap", "beast", "avr", "sbs", "jsonl", "csv", "readsb")
"""Formats that `intake` reads."""

GOOD = frozenset({"blocks", "records", "blocks in recorder headers"})
"""What a decoder counts that is no fault."""

PACKETS = {
    "link_type": "packets of an unknown link type",
    "not_ip": "packets that are not IP",
    "ip_header": "packets with a broken IP header",
    "fragment": "IP fragments",
    "tcp": "TCP packets",
    "not_udp": "IP packets that are neither UDP nor TCP",
    "udp_header": "packets with a broken UDP header",
    "snapped": "packets of which the capture kept only the beginning",
    "interface": "packets of interfaces not described",
}
"""What the reasons of `PcapReader` mean; those not named here are said by its `ended`."""
FRAMES = {
    "mode_ac": "Mode A/C replies",
    "length": "frames shorter than their format",
    "format": "frames of formats not decoded",
    "parity": "frames with broken parity",
    "unconfirmed": "replies from addresses heard nowhere else",
    "rebroadcast": "rebroadcasts (TIS-B, ADS-R)",
    "no_content": "squitters with nothing for a plot",
    "callsign": "unreadable callsigns",
    "position_jump": "positions too far from the last",
}
"""What the reasons of `ModesDecoder` mean."""
LINES = {
    "long": "lines too long",
    "json": "lines that are no JSON with a frame",
    "frame": "lines without a frame",
    "other": "lines other than MSG",
    "fields": "lines with too few fields",
    "address": "lines with a bad address",
    "number": "lines with a bad number",
    "time": "lines with a bad time",
    "range": "positions off the globe",
    "empty": "lines that say nothing of an aircraft",
}
"""What the reasons of `JsonlReader`, `CsvReader` and `SbsReader` mean."""
FRAMINGS = {
    "beast": {"garbage": "octets between frames", "cut": "frames cut short", "type": "frames of unknown type"},
    "avr": {
        "garbage": "characters between frames",
        "digits": "frames with other than hexadecimal digits",
        "length": "frames of a wrong length",
    },
    "jsonl": LINES,
    "csv": LINES,
}
"""What the reasons of the readers of frames mean."""
LINE_READERS: Mapping[str, type[JsonlReader | CsvReader]] = {"jsonl": JsonlReader, "csv": CsvReader}
POINTS = {"point": "malformed points", "rebroadcast": "rebroadcasts (TIS-B, ADS-R)"}
"""What the reasons of `TraceReader` mean."""


class Intake(Protocol):
    """Reads one stream."""

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        """Return what the next bytes of the stream complete."""

    def finish(self) -> Decoded:
        """Return what can still be read after the last byte."""

    def pieces(self, chunks: Sequence[bytes], received_ns: Sequence[int]) -> Decoded:
        """Return what the next pieces of the stream complete; the same as feeding them one by one."""
        return joined([self.feed(chunk, at) for chunk, at in zip(chunks, received_ns, strict=True)])

    def take(self, datagrams: Datagrams) -> Decoded:
        """Return what datagrams hold, each of which begins anew where the format allows it."""
        return self.pieces([datagrams[i] for i in range(len(datagrams))], datagrams.received_ns.tolist())

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""

    @property
    def ended(self) -> str | None:
        """Why the rest of the stream, or all of it, cannot be read; none if it can."""
        return None

    @property
    def undated(self) -> bool:
        """Whether times stand on 1970-01-01, or all are missing, for want of a date and of arrivals."""
        return False

    @property
    def counted(self) -> bool:
        """Whether times count from the first message, for want of a clock that tells the time of day."""
        return False

    @property
    def editions(self) -> Mapping[int, str]:
        """The ASTERIX edition in use by category."""
        return {}


def intake(
    wire: str,
    *,
    sensor: str = "receiver",
    date: dt.date | None = None,
    editions: Mapping[int, str] | None = None,
    raw: bool = False,
    reference: tuple[float, float] | None = None,
    clock: Literal["counter", "day"] = "counter",
    utc_offset_s: int = 0,
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
    clock : {"counter", "day"}
        What the stamps of Beast and AVR are: a free counter, or time of day as GPS receivers and `encode_beast` write.
    utc_offset_s : int
        How far the clock of SBS lines is ahead of UTC.
    simulated : bool
        What is said of messages that cannot say it themselves (all but ASTERIX).

    Raises
    ------
    MisuseError
        A format, category or edition that is not known.
    """
    if wire not in FORMATS:
        raise MisuseError(f"no format {wire!r}; known are {', '.join(FORMATS)}")
    if wire in {"asterix", "pcap"}:
        decoder = AsterixDecoder(editions=editions, date=date, raw=raw)
        return _Asterix(decoder) if wire == "asterix" else _Pcap(decoder)
    if wire == "sbs":
        return _Sbs(SbsReader(sensor, utc_offset_s=utc_offset_s, simulated=simulated))
    if wire == "readsb":
        return _Trace(TraceReader(sensor, simulated=simulated))
    reader = BeastReader(clock) if wire == "beast" else AvrReader(clock) if wire == "avr" else LINE_READERS[wire]()
    return _Modes(reader, FRAMINGS[wire], ModesDecoder(sensor, reference=reference, date=date, simulated=simulated))


class _Asterix(Intake):
    """A bare stream of data blocks."""

    def __init__(self, decoder: AsterixDecoder) -> None:
        self._stream = BlockStream()
        self._decoder = decoder

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._decoder.decode(self._stream.feed(chunk, received_ns))

    def pieces(self, chunks: Sequence[bytes], received_ns: Sequence[int]) -> Decoded:
        runs = [self._stream.feed(chunk, at) for chunk, at in zip(chunks, received_ns, strict=True)]
        blocks = [(run[i], int(run.received_ns[i])) for run in runs for i in range(len(run))]
        return self._decoder.decode(Datagrams.of([block for block, _ in blocks], [at for _, at in blocks]))

    def take(self, datagrams: Datagrams) -> Decoded:
        return self._decoder.decode(datagrams)

    def finish(self) -> Decoded:
        return self._decoder.decode(self._stream.finish())

    @property
    def problems(self) -> Mapping[str, int]:
        return _good(self._stream.counts) + _good(self._decoder.counts)

    @property
    def undated(self) -> bool:
        return self._decoder.undated

    @property
    def editions(self) -> Mapping[int, str]:
        return self._decoder.editions


class _Pcap(Intake):
    """ASTERIX in the UDP datagrams of a capture."""

    def __init__(self, decoder: AsterixDecoder) -> None:
        self._reader = PcapReader()
        self._decoder = decoder
        self._sample = b""
        self._ended: str | None = None

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        payload = self._reader.feed(chunk).payload
        self._sample = _begin(self._sample, payload)
        return self._decoder.decode(payload)

    def finish(self) -> Decoded:
        cut = self._reader.rejects.get("truncated", 0)
        self._reader.finish()
        if self._reader.rejects.get("truncated", 0) > cut:
            self._ended = "ends in the middle of a packet"
        elif not self._decoder.counts["records"]:
            other = detect(self._sample)
            if other is not None and other != "asterix":
                self._ended = f"its datagrams carry {other}, not ASTERIX: record the stream itself, without packets"
            elif not self._sample and self._reader.rejects.get("tcp"):
                self._ended = "its packets are TCP, which is not put together: record the stream itself"
        return Decoded()

    @property
    def problems(self) -> Mapping[str, int]:
        return _said(PACKETS, self._reader.rejects) + _good(self._decoder.counts)

    @property
    def ended(self) -> str | None:
        return self._reader.ended or self._ended

    @property
    def undated(self) -> bool:
        return self._decoder.undated

    @property
    def editions(self) -> Mapping[int, str]:
        return self._decoder.editions


class _Modes(Intake):
    """Frames of a Mode S receiver."""

    def __init__(
        self,
        reader: BeastReader | AvrReader | JsonlReader | CsvReader,
        reasons: Mapping[str, str],
        decoder: ModesDecoder,
    ) -> None:
        self._reader = reader
        self._reasons = reasons
        self._decoder = decoder

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._decode(self._reader.feed(chunk, received_ns))

    def pieces(self, chunks: Sequence[bytes], received_ns: Sequence[int]) -> Decoded:
        if chunks and isinstance(self._reader, BeastReader | AvrReader):
            return self._decode(self._reader.pieces(chunks, received_ns))
        return super().pieces(chunks, received_ns)

    def finish(self) -> Decoded:
        rest = self._reader.finish()
        return Decoded() if rest is None else self._decode(rest)

    def _decode(self, frames: Frames) -> Decoded:
        return self._decoder.decode(frames) if len(frames) else Decoded()

    @property
    def problems(self) -> Mapping[str, int]:
        return _said(self._reasons, self._reader.rejects) + _said(FRAMES, self._decoder.rejects)

    @property
    def undated(self) -> bool:
        return self._decoder.undated

    @property
    def counted(self) -> bool:
        return self._decoder.counted


class _Sbs(Intake):
    """Lines of BaseStation text, which carry their date."""

    def __init__(self, reader: SbsReader) -> None:
        self._reader = reader

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        return self._reader.feed(chunk, received_ns)

    def finish(self) -> Decoded:
        return self._reader.finish()

    @property
    def problems(self) -> Mapping[str, int]:
        return _said(LINES, self._reader.rejects)


class _Trace(Intake):
    """A trace, which is one document."""

    def __init__(self, reader: TraceReader) -> None:
        self._reader = reader

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Decoded:
        self._reader.feed(chunk)
        return Decoded()

    def finish(self) -> Decoded:
        return self._reader.finish()

    @property
    def problems(self) -> Mapping[str, int]:
        return _said(POINTS, self._reader.rejects)

    @property
    def ended(self) -> str | None:
        return self._reader.ended


def _begin(sample: bytes, payload: Datagrams) -> bytes:
    """Return the first `HEAD` octets of all datagrams so far."""
    for i in np.flatnonzero(payload.length)[:HEAD]:
        if len(sample) >= HEAD:
            break
        sample += payload[int(i)]
    return sample[:HEAD]


def _good(counts: Mapping[str, int]) -> Counter[str]:
    return Counter({name: count for name, count in counts.items() if name not in GOOD})


def _said(words: Mapping[str, str], counts: Mapping[str, int]) -> Counter[str]:
    return Counter({words[reason]: count for reason, count in counts.items() if reason in words})
