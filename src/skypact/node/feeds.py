"""What a node takes its input from, whatever it is: what arrived is polled step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from skypact.formats.decoded import Decoded, joined
from skypact.node.recordings import Recording

if TYPE_CHECKING:
    from skypact.node.pace import Step

State = Literal["waiting", "receiving", "quiet", "not connected", "playing", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How a feed is.

    Attributes
    ----------
    name : str
    state : str
    octets, dropped_octets : int
        Received, and given up because they came faster than they could be read.
    lost_connections : int
    quiet_s : float or None
        Seconds since the last octet, none before the first.
    why : str
        What was the matter the last time.
    """

    name: str
    state: State
    octets: int = 0
    dropped_octets: int = 0
    lost_connections: int = 0
    quiet_s: float | None = None
    why: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.name}: {self.state} ({self.why})" if self.why else f"{self.name}: {self.state}"

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to worry about."""
        return self.state in {"receiving", "playing", "ended"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a feed brought: decoded, and the octets as they came with their arrivals in UTC nanoseconds."""

    decoded: Decoded = field(default_factory=Decoded)
    octets: list[tuple[bytes, int]] = field(default_factory=list)


class Feed(Protocol):
    """A source of input."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""

    def poll(self, until_ns: int) -> Arrival:
        """Return what arrived since the last call; of what is played, up to a time of its own."""

    def status(self) -> FeedStatus:
        """Return how it is."""

    def close(self) -> None:
        """Take in nothing more."""


class PlayedFeed:
    """Steps of input that lie ready, such as a recording's, given out as their time comes.

    Parameters
    ----------
    name : str
    steps : iterable of Step
    recording : Recording, optional
        Where they come from, if it has problems to tell.
    """

    def __init__(self, name: str, steps: Iterable[Step], recording: Recording | None = None) -> None:
        self.name = name
        self.recording = recording
        self._steps: Iterator[Step] = iter(steps)
        self._next: Step | None = next(self._steps, None)

    @property
    def ended(self) -> bool:
        """Whether all was given out."""
        return self._next is None

    @property
    def next_ns(self) -> int | None:
        """When the next step ends, in its own time; none behind the last."""
        return None if self._next is None else self._next.now_ns

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return {} if self.recording is None else self.recording.problems

    def poll(self, until_ns: int) -> Arrival:
        """Return the steps that end up to a time; the octets stay where they come from."""
        parts: list[Decoded] = []
        while self._next is not None and self._next.now_ns <= until_ns:
            parts.append(self._next.arrived)
            self._next = next(self._steps, None)
        return Arrival(joined(parts))

    def status(self) -> FeedStatus:
        """Return how the playing is."""
        cut = None if self.recording is None else self.recording.cut
        return FeedStatus(self.name, "failed" if cut else "ended" if self.ended else "playing", why=cut or "")

    def close(self) -> None:
        """Play nothing more."""
        self._steps, self._next = iter(()), None
