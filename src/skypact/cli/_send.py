"""A simulation sent over sockets at its pace."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skypact.cli import _say
from skypact.errors import MisuseError

if TYPE_CHECKING:
    from skypact.exercise import Simulation


@dataclass(slots=True)
class Sent:
    """How much was sent."""

    datagrams: int = 0
    pieces: int = 0
    octets: int = 0


def sending(
    simulation: Simulation, to: str | None, serve: int | None, speed: float, seconds: float | None = None
) -> Sent:
    """Send all messages of a simulation, each when its time has come, until Ctrl-C or the end.

    Raises
    ------
    InputError, MisuseError
        A port in use, an address that simulated messages must not go to.
    """
    from skypact.cli._watch import stopped_by_signals
    from skypact.exercise.sending import DatagramSender, StreamServer, close_all
    from skypact.node import Pace
    from skypact.units import SECOND_NS, to_ns

    opened: list[DatagramSender | StreamServer] = []
    lines: dict[str, DatagramSender | StreamServer] = {}
    sent = Sent()
    try:
        if to is not None:
            radars = DatagramSender(*_address(to))
            opened.append(radars)
            lines |= {s.id: radars for s in simulation.scenario.sensors if s.is_radar}
        receivers = [s for s in simulation.scenario.sensors if not s.is_radar] if serve is not None else []
        for i, sensor in enumerate(receivers):
            server = StreamServer((serve or 0) + i)
            opened.append(server)
            lines[sensor.id] = server
            _say.warn(f"{sensor.id}: Beast with the time of day (--clock day) on tcp://127.0.0.1:{server.port}")
        messages = simulation.messages(s for s in simulation.scenario.sensors if s.id in lines)
        begin_ns = to_ns(simulation.scenario.start)
        pace = Pace(speed)
        begun = time.monotonic()
        with stopped_by_signals() as stop:
            ahead = begin_ns / SECOND_NS - time.time()
            stop.wait(ahead if 0 < ahead < 60 else 0.0)
            pace.wait_s(begin_ns)
            for message in messages:
                wait = pace.wait_s(message.time_ns)
                if (wait > 0 and stop.wait(wait)) or stop.is_set():
                    break
                if seconds is not None and time.monotonic() - begun >= seconds:
                    break
                line = lines[message.sensor]
                line.send(message.octets)
                sent.octets += len(message.octets)
                if isinstance(line, DatagramSender):
                    sent.datagrams += 1
                else:
                    sent.pieces += 1
    finally:
        close_all(opened)
    return sent


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or urlsplit(url).scheme != "udp":
        raise MisuseError(f"--to {url}: write it as udp://ADDRESS:PORT, such as udp://239.0.0.1:8600")
    return host, port
