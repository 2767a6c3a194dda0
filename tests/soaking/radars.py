"""ASTERIX and captures under hostile bytes: what they are fed, and the account that must balance after each batch."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skypact.formats.asterix import CATEGORIES, AsterixDecoder, BlockStream, editions
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.formats.pcap import PcapReader
from skypact.tables import NO_TIME
from soaking import accounts, seeds
from soaking.accounts import agree, difference
from soaking.soaked import Read, Soaked, every, sound

PACKET_REASONS = ("magic", "record_length", "truncated")
"""Reasons of a capture that are of no single packet."""


class AsterixDatagrams(Soaked):
    """Datagrams with hostile arrivals through three decoders: one for the whole run, and two that are made anew.

    Those two are told the same random editions; one returns the items of every record.
    """

    unit = "blocks"
    make = staticmethod(seeds.asterix)

    def __init__(self, shared: Path | None, generator: np.random.Generator) -> None:
        super().__init__(shared, generator)
        self._long, self._batches = AsterixDecoder(), 0

    def take(self, messages: Datagrams) -> Read:
        if self._batches % 8 == 0:
            chosen = {c: editions(c)[self.generator.integers(len(editions(c)))] for c in CATEGORIES}
            self._pair = [AsterixDecoder(editions=chosen, raw=raw) for raw in (False, True)]
        self._batches += 1
        wild = self.generator.integers(-(1 << 63), (1 << 63) - 1, len(messages))
        kind = self.generator.integers(20, size=len(messages))
        received = np.where(kind == 0, wild, np.where(kind == 1, NO_TIME, messages.received_ns))
        batch = Datagrams(messages.data, messages.start, messages.length, received)
        framing, blocks = accounts.asterix_framing(every(messages))
        plain, items = (self._decode(decoder, batch, framing, blocks) for decoder in self._pair)
        agree("records with their items", sum(map(len, items[0].raw.values())), items[1]["records"])
        agree("what is counted without items", plain[1], items[1])
        agree("plots without items", plain[0].plots.equals(items[0].plots), True)
        _, counted = self._decode(self._long, batch, framing, blocks)
        agree("samples kept", len(self._long.samples) <= 20 * len(CATEGORIES), True)
        refused = sum(n for name, n in counted.items() if " refused: " in name or name.endswith(", not decoded"))
        return blocks.total() - refused, refused + framing["blocks cut or of impossible length"]

    @staticmethod
    def _decode(
        decoder: AsterixDecoder, batch: Datagrams, framing: Counter[str], blocks: Counter[int]
    ) -> tuple[Decoded, Counter[str]]:
        before = decoder.counts.copy()
        tables = sound(decoder.decode(batch))
        counted = difference(decoder.counts, before)
        agree("framing", {name: counted[name] for name in framing}, dict(framing))
        agree("blocks", counted["blocks"], sum(blocks[c] for c in CATEGORIES))
        for category in set(blocks) - set(CATEGORIES):
            agree("other blocks", counted[f"blocks of category {category:03d}, not decoded"], blocks[category])
        rows = len(tables.plots) + len(tables.tracks) + len(tables.services)
        if any("set aside" in name for name in counted):
            agree("rows beside those set aside", rows < counted["records"], True)
        else:
            agree("rows", rows, counted["records"])
        for category in CATEGORIES:
            refused = sum(n for name, n in counted.items() if name.startswith(f"blocks of category {category:03d} ref"))
            agree("refused of all", refused <= blocks[category], True)
        return tables, counted


class AsterixStream(Soaked):
    """A bare stream of blocks in chunks of any size."""

    wire = "asterix"
    unit = "octets"
    make = staticmethod(seeds.asterix)

    def __init__(self, shared: Path | None, generator: np.random.Generator) -> None:
        super().__init__(shared, generator)
        self._decoder = AsterixDecoder()

    def take(self, messages: Datagrams) -> Read:
        stream = messages.data.tobytes()
        cutter, whole = BlockStream(), BlockStream()
        found = [*(cutter.feed(chunk, 10**18) for chunk in self.chunks(stream)), cutter.finish(10**18)]
        at_once = [whole.feed(stream, 10**18), whole.finish(10**18)]
        octets = [b"".join(every(part)) for part in found]
        agree("blocks in chunks", b"".join(octets) == b"".join(b"".join(every(p)) for p in at_once), True)
        agree("counts in chunks", cutter.counts, whole.counts)
        for part in found:
            sound(self._decoder.decode(part))
        skipped = cutter.counts["octets skipped between blocks"]
        rest = len(stream) - sum(map(len, octets)) - skipped
        headers = 16 * cutter.counts["blocks in recorder headers"]
        cut = 0xFFFF * cutter.counts["blocks cut or of impossible length"]
        agree("octets neither read nor skipped", 0 <= rest <= headers + cut, True)
        return len(stream) - skipped - rest, skipped + rest


class Captures(Soaked):
    """Captures: damaged packets in sound records in one batch, damaged captures of ten packets in the next."""

    wire = "pcap"
    unit = "packets"
    make = staticmethod(seeds.packets)

    def __init__(self, shared: Path | None, generator: np.random.Generator) -> None:
        super().__init__(shared, generator)
        self.packets: dict[int, list[bytes]] = {}
        for link, packet in seeds.packets(shared):
            self.packets.setdefault(link, []).append(packet)
        self._turn = 0
        self.seeds = self._next()

    def _next(self) -> list[bytes]:
        """Return what the next batch is made of."""
        links = list(self.packets)
        self._turn += 1
        self._link = links[self._turn // 2 % len(links)]
        mine = self.packets[self._link]
        if self._turn % 2:
            return mine
        groups = [random.Random(i).choices(mine, k=10) for i in range(40)]
        return [CAPTURES[i % len(CAPTURES)](group, self._link) for i, group in enumerate(groups)]

    def take(self, messages: Datagrams) -> Read:
        given = every(messages)
        read = self._packets(given) if self._turn % 2 else self._captures(given)
        self.seeds = self._next()
        return read

    def _packets(self, packets: list[bytes]) -> Read:
        capture = CAPTURES[self._turn // 2 % len(CAPTURES)](packets, self._link)
        reader, decoder = PcapReader(), AsterixDecoder()
        read = 0
        for chunk in self.chunks(capture):
            found = reader.feed(chunk)
            read += len(found)
            sound(decoder.decode(found.payload))
        reader.finish()
        agree("end of a sound capture", reader.ended, None)
        agree("packets", read + sum(reader.rejects.values()), len(packets))
        return read, len(packets) - read

    def _captures(self, captures: list[bytes]) -> Read:
        read = refused = 0
        for capture in captures:
            reader = PcapReader()
            found = len(reader.feed(capture))
            reader.finish()
            whole = {reason: n for reason, n in reader.rejects.items() if reason in PACKET_REASONS}
            mine = sum(reader.rejects.values()) - sum(whole.values())
            if capture[:4] != b"\x0a\x0d\x0d\x0a":
                records, end = accounts.pcap_records(capture)
                agree("packets of a capture", found + mine, records)
                agree("its end", whole, {} if end is None else {end: 1})
            read, refused = read + found, refused + mine + sum(whole.values())
        return read, refused


def pcap(packets: list[bytes], link: int, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    """Return a capture of packets."""
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link)
    stamps = (struct.pack(order + "IIII", 1_700_000_000 + i, 7, len(p), len(p)) for i, p in enumerate(packets))
    return head + b"".join(s + extra + p for s, p in zip(stamps, packets, strict=True))


def pcapng(packets: list[bytes], link: int, order: str = "<") -> bytes:
    """Return a capture of packets in blocks of the newer format."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + size + body + size

    head = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    head += block(1, struct.pack(order + "HHI", link, 0, 0)) + block(5, bytes(32))
    stamps = (struct.pack(order + "IIIII", 0, 396_000, i, len(p), len(p)) for i, p in enumerate(packets))
    return head + b"".join(block(6, s + p) for s, p in zip(stamps, packets, strict=True))


CAPTURES: tuple[Callable[[list[bytes], int], bytes], ...] = (
    pcap,
    lambda p, link: pcap(p, link, ">"),
    lambda p, link: pcap(p, link, "<", 0xA1B23C4D),
    lambda p, link: pcap(p, link, ">", 0xA1B2CD34),
    pcapng,
    lambda p, link: pcapng(p, link, ">"),
)
