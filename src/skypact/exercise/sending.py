"""Simulated sensors on real sockets of this machine: datagrams from radars, streams from receivers.

What is simulated must not be taken for live elsewhere: it is sent to loopback and to multicast groups that do not leave
the machine, nowhere else.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address

from skypact.errors import InputError, MisuseError

LOOPBACK = "127.0.0.1"
LISTENERS = 16
"""Most clients of one stream."""
STALLED_S = 1.0
"""A client that takes nothing for so long is let go."""


class DatagramSender:
    """Sends datagrams to a port of this machine or to a multicast group on its loopback.

    Parameters
    ----------
    host : str
        A loopback address, or an IPv4 multicast group.
    port : int

    Raises
    ------
    MisuseError
        Another address.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            address = ip_address(host)
        except ValueError:
            raise MisuseError(f"{host}: no address; write one such as 239.0.0.1 or {LOOPBACK}") from None
        if address.version != 4 or not (address.is_loopback or address.is_multicast):
            raise MisuseError(f"{host}: simulated messages go to loopback and to multicast groups on it alone")
        self._to = (host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))

    def send(self, octets: bytes) -> None:
        """Send a datagram; nobody need be there to take it."""
        with contextlib.suppress(ConnectionRefusedError):
            self._socket.sendto(octets, self._to)

    def close(self) -> None:
        """Send no more."""
        self._socket.close()


class StreamServer:
    """Serves a stream to whoever connects on loopback; a client gets what is sent from then on.

    Parameters
    ----------
    port : int
        0 for any free one.

    Attributes
    ----------
    port : int

    Raises
    ------
    InputError
        The port is in use.
    """

    def __init__(self, port: int) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((LOOPBACK, port))
        except OSError as err:
            self._listener.close()
            what = f"{LOOPBACK}:{port} cannot be listened to: {(err.strerror or str(err)).lower()}"
            raise InputError(what, hint="choose another port") from None
        self._listener.listen(LISTENERS)
        self.port = int(self._listener.getsockname()[1])
        self._clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name=f"stream-{self.port}", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> int:
        """How many are connected."""
        with self._lock:
            return len(self._clients)

    def send(self, octets: bytes) -> None:
        """Send octets to all clients; one that is gone or takes nothing is let go."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            try:
                client.sendall(octets)
            except OSError:
                with self._lock:
                    self._clients.remove(client)
                client.close()

    def close(self) -> None:
        """Send no more and let all clients go."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(2.0)
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(STALLED_S)
            with self._lock:
                if len(self._clients) < LISTENERS:
                    self._clients.append(client)
                else:
                    client.close()


def close_all(senders: Sequence[DatagramSender | StreamServer]) -> None:
    """Close all of them."""
    for one in senders:
        one.close()
