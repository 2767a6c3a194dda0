"""Lines that come late, break, flood, stall and send garbage, all on loopback; no line harms another."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import node_world as world
import numpy as np
import pytest

from skypact.errors import InputError
from skypact.formats.intake import intake
from skypact.node import Node, Source, TcpFeed, UdpFeed, network
from skypact.node.inbox import OVERHEAD, Inbox
from skypact.tables import NO_TIME


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "WAITS_S", (0.05,))
    monkeypatch.setattr(network, "LOOK_S", 0.02)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as reserved:
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])


def serve(listener: socket.socket, parts: list[bytes]) -> None:
    """Give each connection the next part and close it."""
    for part in parts:
        line, _ = listener.accept()
        with line:
            line.sendall(part)


def rows_until(feed: TcpFeed | UdpFeed, enough: int, limit_s: float = 20.0) -> int:
    rows = 0
    end = time.monotonic() + limit_s
    while rows < enough and time.monotonic() < end:
        rows += feed.poll(NO_TIME).decoded.plots.num_rows
        time.sleep(0.02)
    return rows


def tcp(port: int, **more: object) -> TcpFeed:
    return TcpFeed(Source(name="line", address=f"tcp://127.0.0.1:{port}", **more))  # type: ignore[arg-type]


@pytest.fixture
def beast() -> bytes:
    return b"".join(m.octets for m in world.sent() if m.wire == "beast")


def test_a_line_that_breaks_in_a_frame_is_taken_up_again(beast: bytes) -> None:
    expected = intake("beast").feed(beast).plots.num_rows
    half = len(beast) // 2 + 5
    with socket.create_server(("127.0.0.1", 0)) as listener:
        noise = np.random.default_rng(1).bytes(5_000)
        server = threading.Thread(target=serve, args=(listener, [beast[:half], noise, beast[half:]]), daemon=True)
        server.start()
        feed = tcp(listener.getsockname()[1])
        rows = rows_until(feed, expected - 5)
        server.join(5)
        feed.close()
    assert expected - 5 <= rows <= expected + 3
    assert feed.status().lost_connections >= 2
    assert feed.status().octets == len(beast) + 5_000
    assert feed.problems


def test_a_server_that_is_not_there_yet_is_waited_for(beast: bytes) -> None:
    port = free_port()
    feed = tcp(port)
    end = time.monotonic() + 10
    while feed.status().state != "not connected" and time.monotonic() < end:
        time.sleep(0.01)
    assert "refused" in feed.status().why
    assert "not connected (connection refused)" in str(feed.status())
    with socket.create_server(("127.0.0.1", port)) as listener:
        threading.Thread(target=serve, args=(listener, [beast]), daemon=True).start()
        assert rows_until(feed, 100) >= 100
    feed.close()


def test_a_line_that_dies_without_a_word_is_connected_anew(monkeypatch: pytest.MonkeyPatch, beast: bytes) -> None:
    monkeypatch.setattr(network, "DEAD_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        feed = tcp(listener.getsockname()[1])
        first, _ = listener.accept()
        second, _ = listener.accept()
        second.sendall(beast)
        assert rows_until(feed, 100) >= 100
        first.close()
        second.close()
        feed.close()
    assert feed.status().lost_connections >= 1


def test_a_flood_costs_its_own_oldest_octets_and_nothing_else() -> None:
    box = Inbox(1_000)
    for i in range(100):
        box.put(bytes([i]) * 100, i)
    kept = box.drain()
    assert [m[0] for m, _ in kept] == [96, 97, 98, 99]
    assert [t for _, t in kept] == [96, 97, 98, 99]
    assert box.received == 10_000
    assert box.dropped == 9_600
    assert box.drain() == []
    for _ in range(10_000):
        box.put(b"", 0)
    assert len(box.drain()) <= 1_000 // OVERHEAD
    box.put(bytes(5_000), 0)  # larger than all there is room for
    assert box.drain() == []


def test_datagrams_to_an_address_and_to_a_group(tmp_path: Path) -> None:
    radars = [m.octets for m in world.sent() if m.wire == "asterix"]
    expected = sum(1 for _ in radars)
    port, group_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    alone = UdpFeed(Source(name="a", address=f"udp://127.0.0.1:{port}"))
    group = f"udp://239.1.2.3:{group_port}"
    joined = [UdpFeed(Source(name=n, address=group, interface="127.0.0.1")) for n in "bc"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        for message in radars:
            sender.sendto(message, ("127.0.0.1", port))
            sender.sendto(message, ("239.1.2.3", group_port))
        sender.sendto(np.random.default_rng(0).bytes(60_000), ("127.0.0.1", port))
        sender.sendto(b"", ("127.0.0.1", port))
    wanted = intake("asterix")
    rows = sum(wanted.feed(m).plots.num_rows for m in radars)
    for feed in (alone, *joined):
        assert rows_until(feed, rows, 10.0) == rows
    end = time.monotonic() + 5
    while not alone.problems and time.monotonic() < end:
        alone.poll(NO_TIME)
    assert alone.problems
    assert not joined[0].problems
    assert expected > 100
    for feed in (alone, *joined):
        feed.close()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"source x: udp://127.0.0.1:{port} cannot be listened to: address"):
            UdpFeed(Source(name="x", address=f"udp://127.0.0.1:{port}"))
        other = free_port(socket.SOCK_DGRAM)
        sources = [Source(name=n, address=f"udp://127.0.0.1:{p}") for n, p in (("y", other), ("x", port))]
        with pytest.raises(InputError):
            Node(world.config(tmp_path, *sources))
        UdpFeed(sources[0]).close()  # what was opened before is closed again


def test_feeds_that_stop_flood_and_send_garbage_leave_the_others_untouched(tmp_path: Path) -> None:
    """One node with four lines, three of them hostile: the good one's plots are those it has alone."""
    import datetime as dt

    start = dt.datetime.now(dt.UTC)
    radars = [m for m in world.now_at(start) if m.wire == "asterix"][:200]
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    stopped = threading.Event()

    def flood() -> None:
        generator = np.random.default_rng(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stopped.is_set():
                sender.sendto(generator.bytes(int(generator.integers(0, 9_000))), ("127.0.0.1", ports[1]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        sources = [
            Source(name="good", address=f"udp://127.0.0.1:{ports[0]}"),
            Source(name="flood", address=f"udp://127.0.0.1:{ports[1]}", queue_octets=65_536),
            Source(name="garbage", address=f"tcp://127.0.0.1:{listener.getsockname()[1]}", format="sbs"),
            Source(name="nobody", address=f"tcp://127.0.0.1:{free_port()}"),
        ]
        node = Node(world.config(tmp_path, *sources, step_s=0.05, speed=1.0))
        noise = np.random.default_rng(2).bytes(200_000)
        threading.Thread(target=serve, args=(listener, [noise] * 50), daemon=True).start()
        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for m in radars:
                sender.sendto(m.octets, ("127.0.0.1", ports[0]))
        expected = sum(intake("asterix").feed(m.octets).plots.num_rows for m in radars)

        def good(moments: list[world.Moment]) -> int:
            return sum(m.arrived.plots["sensor"].to_pylist().count("251/1") for m in moments)

        found = world.until(node, lambda moments: good(moments) >= expected and len(moments) > 20)
        stopped.set()
        flooding.join(5)
    assert good(found) == expected
    state = {feed.name: feed for feed in node.status.feeds}
    assert state["good"].dropped_octets == 0
    assert state["flood"].octets > 65_536
    assert state["nobody"].state == "not connected"
    assert any(fault.startswith("source nobody: not connected") for fault in node.status.faults())
    assert node.status.health()["ok"]
