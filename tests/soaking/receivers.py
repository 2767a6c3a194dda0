"""Readers of Mode S and of text under hostile bytes: what they are fed, and the account that must balance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from skypact.formats.datagrams import Datagrams
from skypact.formats.modes import AvrReader, BeastReader, CsvReader, Frames, JsonlReader, ModesDecoder
from skypact.formats.modes._kernels import append_parity
from skypact.formats.readsb import TraceReader
from skypact.formats.sbs import SbsReader
from soaking import accounts, seeds
from soaking.accounts import agree, difference
from soaking.soaked import Read, Soaked, every, sound

BLANK = b" \t\n\r\x0b\f"


class Framed(Soaked):
    """Frames of Mode S in some framing, and what the decoder makes of them."""

    unit = "frames"

    def __init__(self, shared: Path | None, generator: np.random.Generator) -> None:
        super().__init__(shared, generator)
        self._modes = ModesDecoder("here", reference=(43.6, 74.4))

    def frames(self, frames: Frames) -> int:
        """Decode frames; return the number of plots."""
        if not len(frames):
            return 0
        before = self._modes.rejects
        rows = len(sound(self._modes.decode(frames)).plots)
        lost = difference(self._modes.rejects, before)
        told = accounts.silent_frames(frames)
        agree("frames decoded", rows + lost.total() - lost["position_jump"] + told, len(frames))
        return rows


class Beast(Framed):
    """Frames in Beast framing."""

    wire = "beast"
    make = staticmethod(seeds.beast)
    reader: Callable[[], Any] = BeastReader
    account = staticmethod(accounts.beast)

    def take(self, messages: Datagrams) -> Read:
        stream = messages.data.tobytes()
        reader = type(self).reader()
        parts = [reader.feed(chunk, 10**18) for chunk in self.chunks(stream, 20_000)]
        reader.finish()
        frames, counts = self.account(stream)
        agree("frames", [h for part in parts for h in part.hex()] == frames, True)
        agree("rejects", reader.rejects, dict(counts))
        for part in parts:
            self.frames(part)
        lost = sum(n for reason, n in counts.items() if reason != "garbage")
        return len(frames), lost


class Avr(Beast):
    """Frames in AVR text."""

    wire = "avr"
    make = staticmethod(seeds.avr)
    reader = AvrReader
    account = staticmethod(accounts.avr)


class Lines(Framed):
    """Frames in lines of JSON."""

    wire = "jsonl"
    unit = "lines"
    make = staticmethod(seeds.jsonl)
    reader: Callable[[], Any] = JsonlReader
    head = b""
    blank = BLANK

    def take(self, messages: Datagrams) -> Read:
        stream = b"\n".join(every(messages))
        reader = type(self).reader()
        parts = [reader.feed(chunk, 10**18) for chunk in [self.head, *self.chunks(stream)]]
        parts.append(reader.finish())
        read = sum(map(len, parts))
        given = accounts.lines(stream, self.blank)
        agree("lines", read + sum(reader.rejects.values()), given)
        for part in parts:
            self.frames(part)
        return read, given - read


class Csv(Lines):
    """Frames in separated values; the first line may be a header and is not counted."""

    wire = "csv"
    make = staticmethod(seeds.csv)
    reader = CsvReader
    head = b"time,frame,address\n"
    blank = bytes(range(33))


class Sbs(Soaked):
    """Lines of BaseStation text."""

    wire = "sbs"
    make = staticmethod(seeds.sbs)

    def take(self, messages: Datagrams) -> Read:
        stream = b"\n".join(every(messages))
        reader, read = SbsReader("here"), 0
        for chunk in self.chunks(stream):
            read += len(sound(reader.feed(chunk, 10**18)).plots)
        read += len(sound(reader.finish()).plots)
        given = accounts.lines(stream)
        agree("lines", read + sum(reader.rejects.values()), given)
        return read, given - read


class Traces(Soaked):
    """Traces of readsb: points that are JSON all in one document, each other one in a document of its own."""

    wire = "readsb"
    unit = "points"
    make = staticmethod(seeds.points)

    def take(self, messages: Datagrams) -> Read:
        whole: list[bytes] = []
        read = refused = 0
        for point in every(messages):
            try:
                msgspec.json.decode(point)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                a, b = self._document([self.seeds[0], point])
                read, refused = read + a, refused + b
            else:
                whole.append(point)
        a, b = self._document(whole)
        agree("documents of points that are JSON", a + b, len(whole))
        return read + a, refused + b

    def _document(self, points: list[bytes]) -> Read:
        text = b'{"icao":"ac671b","timestamp": 1738703622.619,"trace":[' + b",\n".join(points) + b"]}"
        reader = TraceReader("here")
        for chunk in self.chunks(text):
            reader.feed(chunk)
        found = reader.finish()
        if reader.ended is not None:
            agree("rows of a document refused", len(found.plots), 0)
            return 0, 1
        rows = len(sound(found).plots)
        agree("points", rows + reader.rejects.total(), len(msgspec.json.decode(text)["trace"]))
        return rows, reader.rejects.total()


class Squitters(Framed):
    """Damaged frames whose parity is made whole again, so that what they hold is read."""

    make = staticmethod(lambda shared: [bytes.fromhex(h) for h in seeds.frames(shared).hex()])

    def take(self, messages: Datagrams) -> Read:
        data = np.zeros((len(messages), 14), np.uint8)
        within = np.arange(14) < messages.length[:, None]
        data[within] = messages.data[(messages.start[:, None] + np.arange(14))[within]]
        append_parity(data)
        step = int(10 ** self.generator.uniform(3, 11))
        frames = Frames.of(data, 10**18 + np.cumsum(self.generator.integers(-step, 2 * step, len(data))))
        rows = self.frames(frames)
        return rows, len(messages) - rows
