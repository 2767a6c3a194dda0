"""What moves in a scenario, whether by a route or as it was recorded: one list of objects with their motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skypact.errors import InputError
from skypact.exercise.aircraft import AIRCRAFT
from skypact.exercise.motion import Motion, Path
from skypact.exercise.replay import Replay, moved
from skypact.exercise.trajectories import read_trajectories
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.exercise.scenario import Flight, Recorded, Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Mover:
    """An object: how it moves, what it says, how large it looks.

    Attributes
    ----------
    id : str
    motion : Motion
    rcs_m2 : float
    icao24, mode_3a : int or None
        Its address; its code, of the octal value.
    callsign : str or None
    adsb : bool
    identity : str or None
        A word of `tables.IDENTITIES`.
    """

    id: str
    motion: Motion
    rcs_m2: float
    icao24: int | None = None
    mode_3a: int | None = None
    callsign: str | None = None
    adsb: bool = False
    identity: str | None = None

    @property
    def answers(self) -> bool:
        """Whether it has a transponder."""
        return self.icao24 is not None or self.mode_3a is not None


def movers(scenario: Scenario) -> tuple[Mover, ...]:
    """Return what moves in a scenario.

    Raises
    ------
    InputError, FormatError
        A recording that cannot be read or in which nothing flies.
    """
    found = [_flight(flight) for flight in scenario.flights]
    for recorded in scenario.recordings:
        found += _recorded(recorded)
    return tuple(found)


def _flight(flight: Flight) -> Mover:
    return Mover(
        flight.id,
        Path(flight),
        flight.rcs_m2 or AIRCRAFT[flight.type].rcs_m2,
        None if flight.icao24 is None else int(flight.icao24, 16),
        None if flight.mode_3a is None else int(flight.mode_3a, 8),
        flight.callsign,
        flight.adsb,
        flight.identity,
    )


def _recorded(recorded: Recorded) -> list[Mover]:
    tracks = read_trajectories(recorded.file, member=recorded.member, altitude_unit=recorded.altitude_unit)
    if recorded.only:
        wanted = {name.lower() for name in recorded.only}
        tracks = [t for t in tracks if t.name.lower() in wanted or (t.icao24 and f"{t.icao24:06x}" in wanted)]
    if tracks and recorded.move_to is not None:
        to = recorded.move_to
        tracks = moved(tracks, to.latitude_deg, to.longitude_deg, to.turn_deg, to.raise_m)
    first = min((int(t.time_ns[0]) for t in tracks), default=0)
    found = []
    for track in tracks:
        try:
            motion = Replay(track, recorded.start_s + (int(track.time_ns[0]) - first) / SECOND_NS)
        except ValueError:
            continue
        found.append(
            Mover(
                f"{recorded.id}-{track.name}",
                motion,
                recorded.rcs_m2 or AIRCRAFT[recorded.type].rcs_m2,
                track.icao24,
                track.mode_3a,
                track.callsign,
                recorded.adsb and track.icao24 is not None,
                recorded.identity,
            )
        )
    if not found:
        hint = "check the names in `only`" if recorded.only else "name a table with positions of flights"
        raise InputError("nothing in it flies", path=recorded.file, hint=hint)
    return found
