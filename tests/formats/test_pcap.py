"""Captures: real files, a plain Python twin of the dissection, hostile bytes, and our own writer."""

from __future__ import annotations

import ipaddress
import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import mutants
from skypact.formats.datagrams import Datagrams
from skypact.formats.pcap import Packets, PcapReader, address_text, is_pcap, write_pcap
from skypact.tables import NO_TIME

Row = tuple[bytes, int, str, str, int, int]


def rows(packets: Packets) -> list[Row]:
    return [
        (
            packets.payload[i],
            int(packets.payload.received_ns[i]),
            address_text(packets.source[i]),
            address_text(packets.destination[i]),
            int(packets.source_port[i]),
            int(packets.destination_port[i]),
        )
        for i in range(len(packets))
    ]


def read(data: bytes, size: int | None = None) -> tuple[list[Row], PcapReader]:
    reader = PcapReader()
    size = size or len(data) or 1
    found = list(
        itertools.chain.from_iterable(rows(reader.feed(data[i : i + size])) for i in range(0, len(data), size))
    )
    reader.finish()
    return found, reader


# Plain builders: what a capture tool would write.


def udp(payload: bytes, sport: int = 4000, dport: int = 8600) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ipv4(body: bytes, protocol: int = 17, options: bytes = b"", fragment: int = 0) -> bytes:
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(body),
        7,
        fragment,
        1,
        protocol,
        0,
        ipaddress.IPv4Address("192.0.2.9").packed,
        ipaddress.IPv4Address("239.1.2.3").packed,
    )
    return header + options + body


def ipv6(body: bytes, follows: int = 17) -> bytes:
    return (
        struct.pack(">IHBB", 6 << 28, len(body), follows, 1)
        + ipaddress.IPv6Address("2001:db8::9").packed
        + ipaddress.IPv6Address("ff15::42").packed
        + body
    )


def ethernet(ip: bytes, tags: tuple[int, ...] = ()) -> bytes:
    kind = b"\x86\xdd" if ip[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + b"".join(struct.pack(">HH", t, 5) for t in tags) + kind + ip


def pcap(packets: list[bytes], link: int = 1, magic: int = 0xA1B2C3D4, order: str = "<") -> bytes:
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(
        struct.pack(order + "IIII", 1_700_000_000 + i, 500 + i, len(p), len(p)) + extra + p
        for i, p in enumerate(packets)
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, order: str = "<", resolution: int | None = None, offset_s: int | None = None) -> bytes:
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHB3x", 9, 1, resolution)
    if offset_s is not None:
        options += struct.pack(order + "HHq", 14, 8, offset_s)
    return block(1, struct.pack(order + "HHI", link, 0, 0) + options + bytes(4), order)


def enhanced(packet: bytes, ticks: int, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
    return block(6, head + packet, order)


EXPECTED = ("192.0.2.9", "239.1.2.3", 4000, 8600)


@pytest.mark.parametrize(
    ("name", "count", "first", "group"),
    [
        ("asterix.pcap", 100, (1210855665_763759000, "3e0037bb3d42", 55), ("225.1.0.1", 20402)),
        ("cat_001_002.pcap", 1, (1393332226_414938000, "004e02bb4035", 223), ("233.1.1.31", 21131)),
        ("cat_034_048.pcap", 100, (1462433756_508910000, "300030fdf702", 48), ("232.2.1.31", 22131)),
        ("cat_062_065.pcap", 1, (1393332227_401501000, "3e00a1bf", 173), ("227.0.6.1", 10001)),
    ],
)
def test_recordings(shared: Path, name: str, count: int, first: tuple[int, str, int], group: tuple[str, int]) -> None:
    data = (shared / "asterix" / name).read_bytes()
    assert is_pcap(data)
    found, reader = read(data)
    assert (len(found), reader.rejects, reader.ended) == (count, {}, None)
    assert found[0][1] == first[0]
    assert found[0][0].startswith(bytes.fromhex(first[1]))
    assert len(found[0][0]) == first[2]
    assert (found[0][3], found[0][5]) == group


def test_recordings_whatever_the_chunks(shared: Path) -> None:
    data = (shared / "asterix" / "cat_034_048.pcap").read_bytes()
    whole, _ = read(data)
    for size in (1, 7, 100, 4096):
        assert read(data, size)[0] == whole


def test_cut_in_the_middle(shared: Path) -> None:
    data = (shared / "asterix" / "cat_034_048.pcap").read_bytes()
    whole, _ = read(data)
    found, reader = read(data[: len(data) // 2])
    assert 40 < len(found) < 60
    assert found == whole[: len(found)]
    assert reader.rejects == {"truncated": 1}
    assert reader.ended is None


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "unit_ns"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)])
def test_magics(magic: int, unit_ns: int, order: str) -> None:
    found, reader = read(pcap([ethernet(ipv4(udp(b"abc")))] * 2, magic=magic, order=order))
    times = [1_700_000_000_000_000_000 + 500 * unit_ns, 1_700_000_001_000_000_000 + 501 * unit_ns]
    assert found == [(b"abc", t, *EXPECTED) for t in times]
    assert reader.rejects == {}


@pytest.mark.parametrize(
    ("link", "packet"),
    [
        (1, ethernet(ipv4(udp(b"abc")))),
        (1, ethernet(ipv4(udp(b"abc"))) + bytes(18)),  # padded to the shortest frame
        (1, ethernet(ipv4(udp(b"abc")), (0x8100,))),
        (1, ethernet(ipv4(udp(b"abc")), (0x88A8, 0x8100))),
        (1, ethernet(ipv4(udp(b"abc"), options=bytes(8)))),
        (113, struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + ipv4(udp(b"abc"))),
        (113, struct.pack(">HHH8sHHH", 0, 1, 6, bytes(8), 0x8100, 5, 0x0800) + ipv4(udp(b"abc"))),
        (276, struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8)) + ipv4(udp(b"abc"))),
        (0, b"\x02\0\0\0" + ipv4(udp(b"abc"))),
        (108, b"\0\0\0\x02" + ipv4(udp(b"abc"))),
        (101, ipv4(udp(b"abc"))),
        (12, ipv4(udp(b"abc"))),
        (228, ipv4(udp(b"abc"))),
    ],
)
def test_links(link: int, packet: bytes) -> None:
    found, reader = read(pcap([packet], link))
    assert [r[:1] + r[2:] for r in found] == [(b"abc", *EXPECTED)]
    assert reader.rejects == {}


@pytest.mark.parametrize(
    "packet",
    [
        ipv6(udp(b"abc")),
        ipv6(bytes([17, 0]) + bytes(6) + udp(b"abc"), 0),
        ipv6(bytes([60, 0]) + bytes(6) + bytes([17, 1]) + bytes(14) + udp(b"abc"), 0),
        ipv6(bytes([17, 0]) + bytes(6) + udp(b"abc"), 44),  # an atomic fragment is whole (RFC 6946)
        ipv6(bytes([17, 4]) + bytes(22) + udp(b"abc"), 51),
    ],
)
def test_ipv6(packet: bytes) -> None:
    for capture in (pcap([ethernet(packet)]), pcap([packet], 229)):
        found, reader = read(capture)
        assert [r[:1] + r[2:] for r in found] == [(b"abc", "2001:db8::9", "ff15::42", 4000, 8600)]
        assert reader.rejects == {}


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (ethernet(ipv4(udp(b"abc"), protocol=6)), "tcp"),
        (ethernet(ipv4(udp(b"abc"), protocol=2)), "not_udp"),
        (ethernet(ipv4(udp(b"abc"), fragment=0x2000)), "fragment"),
        (ethernet(ipv4(udp(b"abc"), fragment=0x0001)), "fragment"),
        (ethernet(ipv6(bytes([17, 0, 0, 1]) + bytes(4) + udp(b"abc"), 44)), "fragment"),
        (ethernet(ipv4(udp(b"abc")))[:40], "snapped"),
        (ethernet(ipv4(b"")), "udp_header"),
        (ethernet(ipv4(udp(b"abc")[:-1])), "udp_header"),
        (ethernet(b"\x41" + ipv4(udp(b"abc"))[1:]), "ip_header"),
        (bytes(12) + b"\x08\x06" + bytes(28), "not_ip"),
        (bytes(12) + b"\x00\x26" + bytes(38), "not_ip"),
        (bytes(5), "snapped"),
        (b"", "snapped"),
    ],
)
def test_rejects(packet: bytes, reason: str) -> None:
    found, reader = read(pcap([packet, ethernet(ipv4(udp(b"next")))]))
    assert reader.rejects == {reason: 1}
    assert [r[0] for r in found] == [b"next"]
    assert reader.ended is None


def test_unknown_link_is_counted() -> None:
    assert read(pcap([bytes(60)] * 3, link=147))[1].rejects == {"link_type": 3}


@pytest.mark.parametrize("order", "<>")
def test_pcapng(order: str) -> None:
    packet = ethernet(ipv4(udp(b"abc")))
    old = struct.pack(order + "HHIIII", 0, 0, 1_700_000_000_000_000 >> 32, 1_700_000_000_000_000 & 0xFFFFFFFF, 45, 45)
    data = (
        section(order)
        + interface(1, order)
        + interface(101, order, resolution=9, offset_s=100)
        + interface(1, order, resolution=0x80 | 20, offset_s=-5)
        + block(0xBAD, bytes(400), order)
        + enhanced(packet, 1_700_000_000_123_456, 0, order)
        + enhanced(ipv4(udp(b"raw")), 1_700_000_000_123_456_789, 1, order)
        + enhanced(packet, (1_700_000_000 << 20) + (1 << 19), 2, order)
        + enhanced(packet, 0, 3, order)
        + block(2, old + packet, order)
        + block(3, struct.pack(order + "I", len(packet)) + packet, order)
        + section("<" if order == ">" else ">")
        + interface(1, "<" if order == ">" else ">", resolution=3)
        + enhanced(packet, 1_700_000_000_123, 0, "<" if order == ">" else ">")
    )
    expected = [
        (b"abc", 1_700_000_000_123_456_000),
        (b"raw", 1_700_000_100_123_456_789),
        (b"abc", 1_699_999_995_500_000_000),
        (b"abc", 1_700_000_000_000_000_000),
        (b"abc", NO_TIME),
        (b"abc", 1_700_000_000_123_000_000),
    ]
    for size in (1, 5, None):
        found, reader = read(data, size)
        assert found == [(*e, *EXPECTED) for e in expected]
        assert reader.rejects == {"interface": 1}
        assert reader.ended is None
    assert is_pcap(data)


@settings(deadline=None)
@given(
    resolution=st.one_of(st.integers(0, 19), st.integers(128, 191), st.sampled_from([20, 127, 192, 255])),
    ticks=st.integers(0, 2**64 - 1),
    offset_s=st.sampled_from([0, 7, -7]),
)
def test_pcapng_times_are_exact(resolution: int, ticks: int, offset_s: int) -> None:
    packet = ipv4(udp(b"abc"))
    data = section() + interface(101, resolution=resolution, offset_s=offset_s) + enhanced(packet, ticks)
    (row,), _ = read(data)
    power = resolution & 0x7F
    if power > (63 if resolution & 0x80 else 19):
        assert row[1] == NO_TIME
        return
    per_second = 2**power if resolution & 0x80 else 10**power
    seconds = ticks // per_second
    if seconds <= 9_000_000_000 and abs(seconds + offset_s) <= 9_000_000_000:
        exact = (ticks % per_second) * 10**9 // per_second
        cut = 1 if resolution & 0x80 and power > 30 else 0
        assert exact - cut <= row[1] - (seconds + offset_s) * 10**9 <= exact
    else:
        assert row[1] == NO_TIME


@pytest.mark.parametrize(
    ("data", "reason", "kept"),
    [
        (b"not a capture at all", "magic", 0),
        (pcap([ethernet(ipv4(udp(b"abc")))]) + b"\xff" * 40, "record_length", 1),
        (section() + interface(1) + enhanced(ethernet(ipv4(udp(b"a"))), 0) + b"\x06\0\0\0\x0b\0\0\0" * 9, "block", 1),
        (section() + interface(1) + b"\x06\0\0\0\xf0\xff\xff\x7f" + bytes(40), "record_length", 0),
        (section()[:8] + bytes(40), "block", 0),
        (section() + block(1, b"")[:8] + bytes(40), "block", 0),
    ],
)
def test_nonsense_ends_reading_with_a_reason(data: bytes, reason: str, kept: int) -> None:
    for size in (3, None):
        found, reader = read(data, size)
        assert len(found) == kept
        assert reader.rejects == {reason: 1}
        assert reader.ended
        assert not len(reader.feed(pcap([ethernet(ipv4(udp(b"abc")))])))
        assert reader.rejects == {reason: 1}


def test_an_unknown_block_of_gigabytes_is_skipped_without_being_kept() -> None:
    reader = PcapReader()
    reader.feed(section() + struct.pack("<II", 0xBAD, 0x7FFFFFF0))
    for _ in range(100):
        assert not len(reader.feed(bytes(1 << 20)))
        assert len(reader._carry) == 0
    reader.finish()
    assert reader.rejects == {"truncated": 1}


def test_empty_file() -> None:
    assert read(b"")[1].rejects == {}
    assert read(b"\xd4\xc3")[1].rejects == {"truncated": 1}


# The twin: the same dissection written the slow way, over bytes and struct.


def twin(packet: bytes) -> tuple[str, tuple[bytes, str, str, int, int] | None]:
    if len(packet) < 14:
        return "snapped", None
    at = 12
    kind = int.from_bytes(packet[12:14])
    while kind in {0x8100, 0x88A8, 0x9100, 0x9200}:
        at += 4
        if len(packet) < at + 2:
            return "snapped", None
        kind = int.from_bytes(packet[at : at + 2])
    if kind not in {0x0800, 0x86DD}:
        return "not_ip", None
    ip = packet[at + 2 :]
    if not ip:
        return "snapped", None
    if ip[0] >> 4 == 4:
        return twin_ipv4(ip)
    return twin_ipv6(ip) if ip[0] >> 4 == 6 else ("not_ip", None)


def twin_ipv4(ip: bytes) -> tuple[str, tuple[bytes, str, str, int, int] | None]:
    if len(ip) < 20:
        return "snapped", None
    first, _, total, _, fragment, _, protocol, _, source, destination = struct.unpack(">BBHHHBBH4s4s", ip[:20])
    header = (first & 15) * 4
    total = total or len(ip)
    if header < 20 or total < header:
        return "ip_header", None
    if total > len(ip):
        return "snapped", None
    if fragment & 0x3FFF:
        return "fragment", None
    return twin_udp(
        ip[header:total], protocol, str(ipaddress.ip_address(source)), str(ipaddress.ip_address(destination))
    )


def twin_ipv6(ip: bytes) -> tuple[str, tuple[bytes, str, str, int, int] | None]:
    if len(ip) < 40:
        return "snapped", None
    size = int.from_bytes(ip[4:6]) or len(ip) - 40
    if 40 + size > len(ip):
        return "snapped", None
    source, destination = (
        str(a.ipv4_mapped or a) for a in (ipaddress.IPv6Address(ip[8:24]), ipaddress.IPv6Address(ip[24:40]))
    )
    follows, rest = ip[6], ip[40 : 40 + size]
    while follows in {0, 43, 44, 51, 60}:
        if len(rest) < 8:
            return "ip_header", None
        if follows == 44 and int.from_bytes(rest[2:4]) & 0xFFF9:
            return "fragment", None
        step = {44: 8, 51: (rest[1] + 2) * 4}.get(follows, (rest[1] + 1) * 8)
        follows, rest = rest[0], rest[step:]
    return twin_udp(rest, follows, source, destination)


def twin_udp(
    body: bytes, protocol: int, source: str, destination: str
) -> tuple[str, tuple[bytes, str, str, int, int] | None]:
    if protocol != 17:
        return "tcp" if protocol == 6 else "not_udp", None
    if len(body) < 8:
        return "udp_header", None
    sport, dport, length, _ = struct.unpack(">HHHH", body[:8])
    length = length or len(body)
    if not 8 <= length <= len(body):
        return "udp_header", None
    return "", (body[8:length], source, destination, sport, dport)


PACKETS = [
    ethernet(ipv4(udp(b"abc"))),
    ethernet(ipv4(udp(bytes(30)), options=bytes(4)), (0x88A8, 0x8100)),
    ethernet(ipv6(bytes([60, 0]) + bytes(6) + bytes([17, 1]) + bytes(14) + udp(b"abc"), 0)),
    ethernet(ipv6(bytes([17, 0]) + bytes(6) + udp(b"abc"), 44)),
]


def test_the_dissection_agrees_with_its_twin_on_mutants() -> None:
    packets = [m for i, p in enumerate(PACKETS) for m in mutants(p, 1000, seed=i)]
    results = [twin(p) for p in packets]
    found, reader = read(pcap(packets))
    assert [r[:1] + r[2:] for r in found] == [r for _, r in results if r]
    reasons = [reason for reason, _ in results if reason]
    assert reader.rejects == {r: reasons.count(r) for r in set(reasons)}
    assert len(reader.rejects) >= 6


def fuzz(seed_bytes: bytes, n: int, seed: int) -> int:
    """Read `n` mutants of a capture whole and in chunks; return packets read. Raises if one misbehaves."""
    total = 0
    for i, data in enumerate(mutants(seed_bytes, n, seed)):
        found, reader = read(data)
        total += len(found)
        assert all(r[0] in data for r in found[:2])
        if i % 16 == 0:
            again, second = read(data, 37)
            assert again == found
            assert second.rejects == reader.rejects
        assert len(reader._carry) == 0
    return total


def test_mutants(shared: Path) -> None:
    seed_bytes = (shared / "asterix" / "cat_034_048.pcap").read_bytes()[:900]
    assert fuzz(seed_bytes, 2000, seed=1) > 2000
    ng = section() + interface(1) + interface(101, resolution=9)
    ng += b"".join(enhanced(ethernet(ipv4(udp(b"abc"))), i) for i in range(4)) + block(5, bytes(32))
    assert fuzz(ng, 2000, seed=2) > 1000


@settings(max_examples=50, deadline=None)
@given(
    payloads=st.lists(st.binary(max_size=60), max_size=8),
    start=st.integers(0, 4_294_967_200 * 10**9),
    size=st.integers(1, 300),
)
def test_what_we_write_we_read(payloads: list[bytes], start: int, size: int) -> None:
    batch = Datagrams.of(payloads, [start + i for i in range(len(payloads))])
    data = write_pcap(batch, source="10.0.0.1", destination="239.192.0.7", port=8601)
    found, reader = read(data, size)
    assert found == [(p, start + i, "10.0.0.1", "239.192.0.7", 8601, 8601) for i, p in enumerate(payloads)]
    assert reader.rejects == {}


def test_what_we_write_has_good_headers() -> None:
    data = write_pcap(Datagrams.of([b"", b"xy" * 700], NO_TIME), destination="239.255.1.2")
    at = 24
    for size in (0, 1400):
        assert data[at : at + 8] == bytes(8)
        frame = data[at + 16 : at + 58 + size]
        words = struct.unpack(">10H", frame[14:34])
        total = sum(words)
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 1071: a good header sums to all ones
        assert frame[:6] == bytes.fromhex("01005e7f0102")  # RFC 1112: the low 23 bits of the group
        assert struct.unpack(">H", frame[16:18])[0] == 28 + size
        at += 58 + size
    assert at == len(data)
    assert read(write_pcap(Datagrams.of([b"a"]), destination="192.0.2.4"))[0][0][3] == "192.0.2.4"
    with pytest.raises(ValueError, match="does not fit"):
        write_pcap(Datagrams.of([bytes(65508)]))
    assert len(read(write_pcap(Datagrams.of([bytes(65507)])))[0]) == 1
