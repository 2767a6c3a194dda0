"""Streams of blocks: chunking, garbage, trailers, recorder headers, and batches of any size."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from asterix_bytes import RECORDINGS, blocks, recording, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.formats.asterix import AsterixDecoder, BlockStream, encode
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.formats.detect import detect


def block(category: int, content: bytes) -> bytes:
    return bytes([category]) + (len(content) + 3).to_bytes(2, "big") + content


def cut(stream: bytes, at: list[int]) -> tuple[list[bytes], dict[str, int]]:
    """Return the blocks of a stream fed in chunks cut at some places, and what was counted."""
    cutter = BlockStream()
    edges = [0, *sorted(at), len(stream)]
    found: list[bytes] = []
    for begin, end in pairwise(edges):
        found += [b for run in each(cutter.feed(stream[begin:end])) for b in blocks(run)]
    found += [b for run in each(cutter.finish()) for b in blocks(run)]
    return found, dict(cutter.counts)


def each(datagrams: Datagrams) -> list[bytes]:
    return [datagrams[k] for k in range(len(datagrams))]


def follows(stream: bytes, at: int, known: set[int], category: int | None, doubt: bool, more: int = 1) -> bool:
    """Whether headers that may be believed, or the end, stand at `at` and while in doubt behind the block there."""
    head = stream[at : at + 3]
    size = int.from_bytes(head[1:], "big")
    if at == len(stream):
        return True
    if len(head) < 3 or not 3 <= size <= (LONGEST_RECORD if doubt else 0xFFFF):
        return False
    if head[0] not in known and head[0] != category:
        return False
    return not (doubt and more) or follows(stream, at + size, known, category, doubt, 0)


def record(stream: bytes, at: int, known: set[int]) -> tuple[int, list[bytes]]:
    """Return the octets of a recorder's record and the blocks in it."""
    size = int.from_bytes(stream[at : at + 2], "big")
    for head, tail in ((6, b""), (8, PADDING), (12, PADDING)):
        content = stream[at + head : at + size - len(tail)]
        found = list(blocks(content))
        if size > LONGEST_RECORD or at + size > len(stream) or not found or b"".join(found) != content:
            continue
        behind = stream[at + size : at + size + 7]
        another = len(behind) < 7 or (behind[0] << 8 <= LONGEST_RECORD and behind[6] in known)
        proved = stream[: at + size].endswith(tail) if tail else another
        if proved and content[0] in known and all(b[0] for b in found):
            return size, found
    return 0, []


def plain_cut(stream: bytes, known: set[int]) -> tuple[list[bytes], Counter[str]]:
    """Return the blocks of a whole stream and what is counted: the rule in plain Python."""
    found, counts, p = [], Counter(), 0
    lost, doubt, vouched, torn = False, 0, 0, None
    while p < len(stream):
        if doubt or p == 0 or stream[p] not in known:
            size, inside = record(stream, p, known)
            if size:
                found += inside
                counts["blocks in recorder headers"] += len(inside)
                p, lost, doubt, vouched, torn = p + size, False, 3, 0, None
                continue
        size = int.from_bytes(stream[p + 1 : p + 3], "big") if p + 3 <= len(stream) else 0
        q, category, longest = p + size, stream[p], LONGEST_RECORD if doubt else 0xFFFF
        good = 3 <= size <= longest and category != 0 and q <= len(stream) and (category in known or not lost)
        if good and not vouched and (doubt or category not in known):
            good = follows(stream, q, known, None if lost else category, doubt > 0)
        if good:
            found.append(stream[p:q])
            doubt = max(doubt - (vouched == 0), 0)
            p, lost, vouched, torn = q, False, vouched - 1 if vouched else 2 * (doubt > 0), None
            continue
        if not lost and (p + 3 > len(stream) or (not doubt and category in known and size >= 3)):
            torn = counts["octets skipped between blocks"]
        lost, doubt, vouched = True, 3, 0
        p += 1
        counts["octets skipped between blocks"] += 1
    if torn is not None:
        counts["octets skipped between blocks"] = torn
        counts["blocks cut or of impossible length"] = 1
    return found, counts


KNOWN = {1, 2, 10, 20, 21, 34, 48, 62, 65}
PADDING = b"\xa5" * 4
LONGEST_RECORD = 0x10FF


def oradis(*content: bytes) -> bytes:
    """Return blocks as a recorder writes them behind their length and the time."""
    return (sum(map(len, content)) + 6).to_bytes(2, "big") + b"\x02\x9a\x4d\x11" + b"".join(content)


def final(*content: bytes, extra: bytes = b"") -> bytes:
    """Return blocks as a recording in the FINAL format has them; with a sequence number as `extra`."""
    head = extra + b"\x00\x01\x03\x12\x34\x56"
    return (sum(map(len, content)) + 6 + len(head)).to_bytes(2, "big") + head + b"".join(content) + PADDING


CONTENT = st.binary(max_size=12)
WHOLE = st.builds(block, st.sampled_from(sorted(KNOWN)), CONTENT)
PIECE = st.one_of(
    st.builds(oradis, WHOLE),
    st.builds(final, WHOLE, WHOLE),
    st.builds(lambda b: final(b, extra=b"\x00\x00\x01\x02"), WHOLE),
    st.builds(final, st.builds(block, st.sampled_from(sorted(KNOWN)), st.binary(min_size=240, max_size=260))),
    st.builds(block, st.sampled_from(sorted(KNOWN)), CONTENT),
    st.builds(block, st.sampled_from((0, 19, 63, 240)), CONTENT),
    st.binary(max_size=9),
    st.sampled_from((b"\x30", b"\x30\x00", b"\x30\x00\x00", b"\x30\x00\x02", b"\x30\xff\xff", b"\xa5" * 4)),
)


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(PIECE, max_size=12), data=st.data())
def test_chunks_do_not_matter(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    at = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    found, counts = cut(stream, at)
    expected, counted = plain_cut(stream, KNOWN)
    assert found == expected
    assert counts == +counted
    assert (found, counts) == cut(stream, []) == cut(stream, list(range(len(stream))))


def test_a_clean_stream_loses_nothing(shared: Path) -> None:
    datagrams = recording(shared, "cat_034_048")
    every = [b for m in each(datagrams) for b in blocks(m)]
    stream = b"".join(every)
    for size in (1, 2, 3, 7, 100, 5000, 100_000):
        found, counts = cut(stream, list(range(0, len(stream), size)))
        assert (found, counts) == (every, {}), size


def test_a_whole_block_of_a_known_category_waits_for_nothing() -> None:
    cutter = BlockStream()
    one = block(48, bytes(10))
    assert each(cutter.feed(one[:5])) == []
    assert each(cutter.feed(one[5:])) == [one]


def test_other_categories_run_along() -> None:
    stream = [block(48, b"a"), block(240, b"video"), block(240, b"more"), block(63, b"x"), block(48, b"b")]
    # What stands between two other categories cannot be told from garbage: the known block behind it is found again.
    assert cut(b"".join(stream[:3] + stream[4:]), [])[0] == [*stream[:3], stream[4]]
    found, counts = cut(b"".join(stream), [])
    assert (found[0], found[-1]) == (stream[0], stream[-1])
    assert counts["octets skipped between blocks"] == sum(map(len, stream)) - sum(map(len, found))


@settings(max_examples=100, deadline=None)
@given(garbage=st.lists(st.lists(st.integers(0xF0, 0xFF), max_size=40).map(bytes), min_size=1, max_size=6))
def test_blocks_are_found_again_behind_garbage(garbage: list[bytes]) -> None:
    """Octets that can begin no block cost only themselves, where three good blocks follow."""
    trio = [block(48, b"\x80\x01\x02"), block(34, b"\x80\x01\x02"), block(48, b"\x80\x01\x02")]
    found, counts = cut(b"".join(g + b"".join(trio) for g in garbage), [])
    assert found == trio * len(garbage)
    assert counts.get("octets skipped between blocks", 0) == sum(map(len, garbage))


def test_noise_takes_no_memory() -> None:
    rng = np.random.default_rng(5)
    cutter, decoder = BlockStream(), AsterixDecoder()
    for category in sorted(KNOWN):
        # The working tables grow to what the longest block needs.
        decoder.decode(cutter.feed(block(category, bytes(65_532))))
    noise = rng.integers(0, 256, 200_000, np.uint8).tobytes()
    decoder.decode(cutter.feed(noise))
    tracemalloc.start()
    peaks = []
    for _ in range(6):
        tracemalloc.reset_peak()
        for at in range(0, len(noise), 4096):
            decoder.decode(cutter.feed(noise[at : at + 4096]))
        peaks.append(tracemalloc.get_traced_memory()[1])
        noise = rng.integers(0, 256, 200_000, np.uint8).tobytes()
    tracemalloc.stop()
    assert max(peaks) < 80_000_000
    assert len(decoder.counts) < 60
    assert len(decoder.samples) < 60


# --- recorders' files -------------------------------------------------------------------------------------------------


RECORDED = {
    "oradis": oradis,
    "final": final,
    "final with sequence": lambda *content: final(*content, extra=b"\x00\x00\x12\x34"),
}


def real(shared: Path) -> list[list[bytes]]:
    """Return the blocks of real datagrams, some short and some of several hundred octets."""
    datagrams = recording(shared, "cat_034_048")
    every = [list(blocks(m)) for m in each(datagrams)]
    long = block(48, b"".join(b[3:] for m in every[:9] for b in m if b[0] == 48))
    assert 0x100 < len(long) < 0x300  # so that the length begins like the category of plots or services
    return [[long], *every, [long], *every]


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorders_file_is_read(shared: Path, name: str) -> None:
    every = real(shared)
    stream = b"".join(RECORDED[name](*content) for content in every)
    expected = [b for content in every for b in content]
    for size in (len(stream), 1, 100):
        found, counts = cut(stream, list(range(0, len(stream), size)))
        assert found == expected
        assert counts == {"blocks in recorder headers": len(expected)}
    assert detect(stream) == "asterix"
    assert detect(b"".join(RECORDED[name](block(34, b"\x80\x19\x0b")) for _ in range(9))) == "asterix"


@pytest.mark.parametrize("name", RECORDED)
def test_a_damaged_recorders_file_is_read_again_behind_the_damage(shared: Path, name: str) -> None:
    every = [m for m in real(shared) if sum(map(len, m)) > 30]
    parts = [RECORDED[name](*content) for content in every]
    rng = np.random.default_rng(4)
    whole = 0
    for _ in range(200):
        at, size = int(rng.integers(1, len(parts) - 2)), int(rng.integers(1, 30))
        torn = parts[at][:-size] + rng.integers(0, 256, int(rng.integers(size)), np.uint8).tobytes()
        found, counts = cut(b"".join([*parts[:at], torn, *parts[at + 1 :]]), [])
        # A record without padding is proved by the next one only.
        before = [b for content in every[: at - 1] for b in content]
        behind = [b for content in every[at + 1 :] for b in content]
        assert found[: len(before)] == before
        assert counts["octets skipped between blocks"] > 0
        whole += found[-len(behind) :] == behind
    # Now and then octets in what is torn look like three blocks in a row, which take some records with them.
    assert whole >= 195


@pytest.mark.parametrize(
    ("head", "before", "behind"),
    [
        pytest.param(bytes(2200), b"", b"\x00\x00\x07\xd0\x00\x01TTT\x00", id="gps"),
        pytest.param(b"2019-03-05T10:20:30Z" * 2 + bytes(88), b"\x05\x01\x0a\x00SS", b"", id="rff"),
        pytest.param(b"", b"\xde\xad\xbe\xef\x00\x00\x00\x01", b"", id="unknown"),
    ],
)
def test_blocks_in_headers_not_known_are_skipped_and_counted(
    shared: Path, head: bytes, before: bytes, behind: bytes
) -> None:
    """What stands between blocks is not read as one, and such a file is not taken for a stream of blocks."""
    every = [b for m in real(shared) for b in m]
    stream = head
    for i, b in enumerate(every):
        time = (0x354000 + 37 * i).to_bytes(3, "big")
        stream += before.replace(b"SS", len(b).to_bytes(2, "little")) + b + behind.replace(b"TTT", time)
    found, counts = cut(stream, [])
    assert len(found) < 5
    assert set(found) <= set(every)
    assert counts["octets skipped between blocks"] == len(stream) - sum(map(len, found))
    assert detect(stream) is None


def test_a_live_stream_of_short_blocks_waits_only_at_its_beginning() -> None:
    """Lengths of a recorder can begin like CAT 001, 002 or 010: the first fifteen octets show that there is none."""
    cutter = BlockStream()
    mark = block(2, bytes(7))
    assert each(cutter.feed(mark)) == []
    assert each(cutter.feed(mark)) == [mark + mark]
    assert each(cutter.feed(mark)) == [mark]


# --- datagrams --------------------------------------------------------------------------------------------------------


def decode(messages: list[bytes], **options: bool) -> tuple[Decoded, Counter[str]]:
    decoder = AsterixDecoder(**options)
    return decoder.decode(Datagrams.of(messages, 10**18)), decoder.counts


GOOD = block(48, bytes.fromhex("a0" + "19c9" + "a0"))  # a record of two items: 010, 020


def test_trailers_are_skipped_and_counted() -> None:
    found, counts = decode([GOOD + b"\xa5" * 4, GOOD + GOOD + b"\x01", GOOD])
    assert len(found.plots) == 4
    assert counts == {"blocks": 4, "records": 4, "trailers behind blocks": 2, "octets in trailers": 5}


def test_a_block_cut_short_behind_another_of_its_category_is_no_trailer() -> None:
    found, counts = decode([GOOD + GOOD[:-1]])
    assert len(found.plots) == 1
    assert counts == {"blocks": 1, "records": 1, "blocks cut or of impossible length": 1}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x30", "messages cut in a header"),
        (b"\x30\x00", "messages cut in a header"),
        (b"\x30\x00\x02\x00", "blocks cut or of impossible length"),
        (GOOD[:-1], "blocks cut or of impossible length"),
        (b"\x30\xff\xff" + bytes(10), "blocks cut or of impossible length"),
    ],
)
def test_messages_without_a_whole_block_are_counted(message: bytes, reason: str) -> None:
    found, counts = decode([message])
    assert len(found.plots) == 0
    assert counts == {reason: 1}


def test_empty_messages_and_blocks() -> None:
    found, counts = decode([b"", block(48, b""), GOOD])
    assert len(found.plots) == 1
    assert counts == {"blocks": 2, "records": 1}


def test_padding_and_records_without_a_field_are_passed_over() -> None:
    padded = block(48, GOOD[3:] + b"\x00\x00" + GOOD[3:] + b"\x01\x00")
    found, counts = decode([padded])
    assert len(found.plots) == 2
    assert counts == {"blocks": 1, "records": 2, "records without a field in category 048": 3}


def test_a_recorders_header_is_taken_off() -> None:
    wrapped = b"".join((len(b) + 6).to_bytes(2, "big") + b"\x01\x02\x03\x04" + b for b in (GOOD, GOOD))
    found, counts = decode([wrapped])
    assert len(found.plots) == 2
    assert counts == {"blocks": 2, "records": 2, "blocks in recorder headers": 2}


def test_a_recorders_header_may_hold_several_blocks_or_long_ones() -> None:
    long = block(48, GOOD[3:] * 70)
    assert len(long) > 0x100
    found, counts = decode([oradis(GOOD, GOOD) + oradis(long) + oradis(GOOD), oradis(long)])
    assert len(found.plots) == 3 + 2 * 70
    assert counts == {"blocks": 5, "records": 143, "blocks in recorder headers": 5}


def test_a_message_of_64_kilobytes() -> None:
    records = 65_000 // 4
    found, counts = decode([block(48, GOOD[3:] * records)])
    assert len(found.plots) == counts["records"] == records


def test_more_blocks_than_one_looks_for_at_first() -> None:
    """Short blocks outnumber what a message of that length is expected to hold; nothing is counted twice."""
    tiny = block(63, b"")
    found, counts = decode([tiny * 5000 + GOOD, b"\x30"])
    assert len(found.plots) == 1
    expected = {"blocks of category 063, not decoded": 5000, "blocks": 1, "records": 1, "messages cut in a header": 1}
    assert counts == expected


def test_every_octet_may_be_a_category() -> None:
    messages = [block(c, b"\x80\x01") for c in range(256)]
    _, counts = decode(messages)
    others = [k for k in counts if k.endswith("not decoded")]
    assert len(others) == 256 - len(KNOWN)
    assert counts["blocks"] == len(KNOWN)


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in RECORDINGS if n != "asterix"])
@pytest.mark.parametrize("size", [1, 3, 17])
def test_small_batches_give_the_same_tables(shared: Path, name: str, size: int) -> None:
    datagrams = recording(shared, name)
    whole_decoder = AsterixDecoder(raw=True)
    whole = whole_decoder.decode(datagrams)
    decoder, parts = AsterixDecoder(raw=True), []
    for at in range(0, len(datagrams), size):
        part = slice(at, at + size)
        columns = datagrams.start[part], datagrams.length[part], datagrams.received_ns[part]
        parts.append(decoder.decode(Datagrams(datagrams.data, *columns)))
    for table in ("plots", "tracks", "services"):
        joined = pa.concat_tables([getattr(p, table) for p in parts])
        assert joined.to_pylist() == getattr(whole, table).to_pylist()
    for category, table in whole.raw.items():
        mine = [r for p in parts if category in p.raw for r in p.raw[category].to_pylist()]
        known = [{k: v for k, v in r.items() if v is not None} for r in mine]
        assert known == [{k: v for k, v in r.items() if v is not None} for r in table.to_pylist()]
    assert decoder.counts == whole_decoder.counts
    assert decoder.editions == whole_decoder.editions


def test_tables_outlive_the_next_batch() -> None:
    """The decoder uses its working tables again; what it returned before must not change."""
    rng = np.random.default_rng(3)
    decoder, kept = AsterixDecoder(raw=True), []
    for _ in range(5):
        n = int(rng.integers(10, 200))
        columns = {"161/TRN": pa.array(rng.integers(0, 4096, n)), "040/RHO": pa.array(rng.integers(0, 256, n) * 1.0)}
        found = decoder.decode(encode(48, columns))
        kept.append((found, json.dumps([found.plots.to_pylist(), rows(found.raw[48])], default=str)))
    for found, then in kept:
        assert json.dumps([found.plots.to_pylist(), rows(found.raw[48])], default=str) == then


def test_categories_keep_the_order_of_the_stream() -> None:
    """Rows of one table come in the order of the records, whatever their categories."""
    messages, expected = [], []
    for k in range(300):
        category, item = ((48, "161/TRN"), (21, "161/TRNUM"), (20, "161/TRN"))[k % 7 % 3]
        blocks_ = encode(category, {item: pa.array([k])})
        messages.append(blocks_[0])
        expected.append(k)
    found, _ = decode(messages)
    assert found.plots["sensor_track"].to_pylist() == expected
