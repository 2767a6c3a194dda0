"""What a network line brought and nobody has read yet: bounded, so that a flood costs only the line that sends it."""

from __future__ import annotations

import threading
import time
from collections import deque

OVERHEAD = 128
"""Octets that a waiting message costs beside its content, so that a flood of empty ones is bounded too."""


class Inbox:
    """Messages that wait to be read, bounded in octets; the oldest give way.

    Parameters
    ----------
    most_octets : int

    Attributes
    ----------
    received, dropped : int
        Octets taken in, and octets of them that gave way.
    last : float
        Monotonic time of the last message, minus infinity before the first.
    """

    def __init__(self, most_octets: int) -> None:
        self._most = most_octets
        self._messages: deque[tuple[bytes, int]] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self.received = self.dropped = 0
        self.last = float("-inf")

    def put(self, message: bytes, received_ns: int) -> None:
        """Add a message."""
        with self._lock:
            self._messages.append((message, received_ns))
            self._waiting += len(message) + OVERHEAD
            self.received += len(message)
            self.last = time.monotonic()
            while self._waiting > self._most and self._messages:
                old, _ = self._messages.popleft()
                self._waiting -= len(old) + OVERHEAD
                self.dropped += len(old)

    def drain(self) -> list[tuple[bytes, int]]:
        """Return all messages and forget them."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
            self._waiting = 0
        return messages
