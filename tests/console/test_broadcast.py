"""The picture to all who watch: no gap and no double, whoever lags, comes back or finds another server."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skypact.console import Broadcast, Served, Server, broadcast, make_app, missed, past
from skypact.errors import InputError
from skypact.journal import Journal, Step, Writer, picture
from skypact.tables import STATUSES, TRACKS, build, times, words

T0 = 1_780_279_200_000_000_000
S = 10**9


def tracks(number: int, *status: str, now_ns: int = T0) -> pa.Table:
    count = len(status)
    return build(
        TRACKS,
        count,
        {
            "time": times(np.full(count, now_ns)),
            "node": pa.array(["n"] * count).dictionary_encode(),
            "party": pa.array(["KG"] * count).dictionary_encode(),
            "track": pa.array(range(number, number + count), pa.uint32()),
            "status": words("status", np.array([STATUSES.index(s) for s in status], np.int8)),
            "latitude_deg": np.arange(count) + 40.1234567,
            "longitude_deg": np.arange(count) + 70.5,
            "icao24": pa.array([0xABC] * count, pa.uint32()),
            "mode_3a": pa.array([0o21] * count, pa.uint16()),
        },
    )


def parsed(octets: bytes) -> list[tuple[str, int | None, Any]]:
    found = []
    for block in octets.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            number = int(lines["id"]) if "id" in lines else None
            found.append((lines["event"], number, json.loads(lines["data"])))
    return found


def take(shown: Broadcast, last: int | None, pieces: int) -> list[tuple[str, int | None, Any]]:
    async def run() -> bytes:
        octets = b""
        following = shown.follow(last)
        for _ in range(pieces):
            octets += await asyncio.wait_for(anext(following), 5)
        await following.aclose()  # type: ignore[attr-defined]
        return octets

    return parsed(asyncio.run(run()))


def test_a_newcomer_gets_the_whole_picture_and_then_what_changes() -> None:
    shown = Broadcast()
    shown.publish(3, T0, tracks(1, "confirmed", "tentative"))
    shown.publish(6, T0 + S, tracks(2, "ended"))
    ((kind, number, data),) = take(shown, None, 1)
    assert (kind, number, data["now_ms"]) == ("picture", 6, (T0 + S) // 10**6)
    assert data["tracks"]["track"] == [1]
    assert data["tracks"]["latitude_deg"] == [40.123457]
    assert data["tracks"]["icao24"] == ["000abc"]
    assert data["tracks"]["mode_3a"] == ["0021"]
    assert data["tracks"]["altitude_m"] == [None]
    assert [e[1] for e in take(shown, 3, 1)] == [6]
    assert [e[1] for e in take(shown, 0, 1)] == [3, 6]
    assert shown.clients == 0


def test_nothing_is_left_out_while_the_journal_cannot_be_written() -> None:
    shown = Broadcast()
    for i in range(5):
        shown.publish(7, T0 + i * S, tracks(i, "confirmed"))
    assert [e[2]["tracks"]["track"] for e in take(shown, 0, 1)] == [[0], [1], [2], [3], [4]]


def test_who_is_too_slow_or_unknown_gets_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "KEPT_OCTETS", 2_000)
    shown = Broadcast()
    for i in range(1, 50):
        shown.publish(i, T0 + i * S, tracks(i, "confirmed"))
    for last in (1, 1_000):
        (reset, _, _), (whole, number, data) = take(shown, last, 2)
        assert (reset, whole, number) == ("reset", "picture", 49)
        assert data["tracks"]["track"] == list(range(1, 50))

    async def lag() -> bytes:
        following = shown.follow(None)
        octets = await anext(following)
        for i in range(50, 90):
            shown.publish(i, T0 + i * S, tracks(i, "confirmed"))
        for _ in range(2):
            octets += await asyncio.wait_for(anext(following), 5)
        return octets

    assert [e[0] for e in parsed(asyncio.run(lag()))] == ["picture", "reset", "picture"]


def test_a_quiet_line_is_told_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "HEARTBEAT_S", 0.01)
    assert [e[0] for e in take(Broadcast(), None, 3)] == ["picture"]


def steps(path: Path, first: int, last: int) -> None:
    with Writer(path, node="n", party="KG") as writer:
        for i in range(first, last):
            table = tracks(i, "confirmed", now_ns=T0 + i * S)
            at = writer.last_sequence + 1
            writer.append_many([table, Step(T0 + i * S, (), (at,))])


def test_what_was_missed_comes_from_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(tmp_path, 0, 10)
    journal = Journal.open(tmp_path)
    shown = Broadcast(lambda last: missed(journal, last))
    shown.restore(journal.last_sequence, T0 + 9 * S, picture(journal))
    shown.publish(22, T0 + 10 * S, tracks(10, "confirmed"))
    found = take(shown, 8, 7)
    assert [e[1] for e in found] == [10, 12, 14, 16, 18, 20, 22]
    assert [e[2]["tracks"]["track"][0] for e in found] == list(range(4, 11))
    assert take(shown, None, 1)[0][2]["tracks"]["track"] == list(range(11))
    monkeypatch.setattr(past, "MOST_MISSED", 5)
    assert [e[0] for e in take(shown, 8, 2)] == ["reset", "picture"]


def lines(answer: HTTPResponse, wanted: int) -> Iterator[tuple[str, int | None, Any]]:
    block = b""
    found = 0
    while found < wanted:
        line = answer.readline()
        block += line
        if line == b"\n":
            for event in parsed(block):
                found += 1
                yield event
            block = b""


def test_over_http(tmp_path: Path) -> None:
    shown = Broadcast()
    shown.publish(1, T0, tracks(1, "confirmed"))
    healthy = {"ok": False, "faults": ["source x: quiet"]}
    with Server(make_app(Served(lambda: healthy, lambda: b"figure 1\n", shown)), "127.0.0.1", 0) as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{server.address}/healthz", timeout=5)
        assert caught.value.code == 503
        assert json.load(caught.value) == healthy
        caught.value.close()
        with urllib.request.urlopen(f"{server.address}/metrics", timeout=5) as answer:
            assert answer.read() == b"figure 1\n"
        asked = urllib.request.Request(f"{server.address}/events", headers={"Last-Event-ID": "0"})
        with urllib.request.urlopen(asked, timeout=5) as answer:
            stream = lines(answer, 3)
            assert next(stream)[1] == 1
            threading.Timer(0.2, shown.publish, (2, T0 + S, tracks(2, "confirmed"))).start()
            assert next(stream)[1] == 2
            shown.publish(3, T0 + 2 * S, tracks(1, "ended"))
            assert next(stream)[2]["tracks"]["status"] == ["ended"]
        for wrong in ("x", "-1", "99999999999999999999", "²"):
            asked = urllib.request.Request(f"{server.address}/events?from={urllib.parse.quote(wrong)}")
            with urllib.request.urlopen(asked, timeout=5) as answer:
                assert next(lines(answer, 1))[0] == "picture"
        port = int(server.address.rpartition(":")[2])
        with pytest.raises(InputError, match=f"127.0.0.1:{port} cannot be listened to: address already in use"):
            Server(make_app(Served(lambda: healthy, lambda: b"", shown)), "127.0.0.1", port)
