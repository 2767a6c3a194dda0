"""A feed over TCP that comes late, breaks, comes back and sends garbage; all on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skypact.errors import MisuseError
from skypact.formats.intake import intake
from skypact.node import TcpFeed, address, tcp


def serve(listener: socket.socket, parts: list[bytes]) -> None:
    """Give each connection the next part and close it."""
    for part in parts:
        line, _ = listener.accept()
        with line:
            line.sendall(part)


def read_until(feed: TcpFeed, enough: Callable[[int], bool], limit_s: float = 20.0) -> int:
    rows = 0
    begun = time.monotonic()
    for step in feed:
        rows += step.arrived.plots.num_rows
        if enough(rows) or time.monotonic() - begun > limit_s:
            return rows
    return rows


@pytest.fixture
def beast(shared: Path) -> bytes:
    return (shared / "modes" / "sample_dump1090.bin").read_bytes()


def test_a_line_that_breaks_in_a_frame_is_taken_up_again(beast: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "WAITS_S", (0.05,))
    whole = intake("beast")
    expected = whole.feed(beast).plots.num_rows
    half = len(beast) // 2 + 5
    with socket.create_server(("127.0.0.1", 0)) as listener:
        noise = np.random.default_rng(1).bytes(5_000)
        server = threading.Thread(target=serve, args=(listener, [beast[:half], noise, beast[half:]]), daemon=True)
        server.start()
        feed = TcpFeed("127.0.0.1", listener.getsockname()[1], intake("beast"))
        rows = read_until(feed, lambda n: n >= expected - 3)
        server.join(5)
    assert expected - 3 <= rows <= expected + 3
    assert feed.lost >= 2
    assert feed.received == len(beast) + 5_000
    assert not feed.connected


def test_a_server_that_is_not_there_yet_is_waited_for(beast: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "WAITS_S", (0.05,))
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    feed = TcpFeed("127.0.0.1", port, intake("beast"))
    found = iter(feed)
    assert next(found).arrived.plots.num_rows == 0
    assert "refused" in feed.why
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = threading.Thread(target=serve, args=(listener, [beast]), daemon=True)
        server.start()
        rows = 0
        for _ in range(20):
            rows += next(found).arrived.plots.num_rows
            if rows:
                break
        server.join(5)
    assert rows > 100


def test_addresses() -> None:
    assert address("tcp://127.0.0.1:30005") == ("127.0.0.1", 30005)
    assert address("tcp://[::1]:30005") == ("::1", 30005)
    for wrong in ("127.0.0.1:30005", "tcp://host", "udp://h:1", "tcp://h:99999", "tcp://:1", "tcp://h:1/x"):
        with pytest.raises(MisuseError, match="tcp://HOST:PORT"):
            address(wrong)
