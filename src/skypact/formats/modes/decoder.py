"""Mode S and ADS-B frames to PLOTS."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth.geoid import ellipsoid_to_msl
from skypact.formats.decoded import Decoded
from skypact.formats.modes import _decode
from skypact.formats.modes.clock import ReceiverClock
from skypact.formats.modes.columns import callsigns, emergencies, flags, repeated, unsigned
from skypact.tables import NO_TIME, PLOTS, build, times, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.modes.frames import Frames


class ModesDecoder:
    """Decode the frames of one receiver, batch after batch; the result does not depend on how they are cut.

    One row per message that says something of an aircraft, holding what that message says and nothing remembered:

    - kind ``adsb`` (DF17, and DF18 from devices that are no transponders): position messages, with the position once it
      is unambiguous; identification; emergency state and Mode A code; altitude without position.
    - kind ``mode_s``: surveillance, Comm-B, air-to-air and all-call replies (DF 0, 4, 5, 11, 16, 20, 21): altitude,
      Mode A code, on-ground state, identification when the reply carries register 2,0. Never a position.

    Three things pass from one message to another, because the standard sends them apart: the other half of a position
    (even and odd CPR, then the last position); velocity, vertical rate and the difference of GNSS height from pressure
    altitude, which complete the positions of the next 2 s; and version and NACp, which give positions their sigma for
    60 s. A position with a geometric height has `altitude_m` above mean sea level (EGM2008).

    Extended squitters count only with their parity whole. Other replies carry the address inside the parity, where any
    noise makes some address: they count only if a whole squitter or all-call reply named it within 60 s, or if the
    recording vouches for it. TIS-B and ADS-R (DF18, CF 2 to 7) repeat on the ground what other sensors saw and are left
    out. A position further from the last one than an aircraft flies is left out; three in a row start the search anew.

    Parameters
    ----------
    sensor : str
        Name of the receiver, for the column `sensor`.
    reference : (float, float), optional
        Latitude and longitude of the receiver in degrees: aircraft on the ground that were not followed there are
        found only with it, and first positions further than 850 km from it are refused.
    date : datetime.date, optional
        Date of the first frame, for stamps without a date and frames without arrival; 1970-01-01 otherwise.
    simulated : bool
        What the column `simulated` says: Mode S has no such bit.

    Attributes
    ----------
    rejects : dict
        Frames that gave no row, by reason: ``mode_ac`` (Mode A/C replies), ``length``, ``format`` (not decoded),
        ``parity``, ``unconfirmed`` (address heard nowhere else), ``rebroadcast``, ``no_content``,
        ``callsign``; and ``position_jump``, rows that lost an impossible position.
    """

    def __init__(
        self,
        sensor: str,
        *,
        reference: tuple[float, float] | None = None,
        date: dt.date | None = None,
        simulated: bool = False,
    ) -> None:
        self._sensor = sensor
        self._reference = np.array(reference if reference is not None else (np.nan, np.nan), np.float64)
        self._clock = ReceiverClock(date)
        self._simulated = simulated
        self._aircraft = _decode.new_aircraft()
        self._counts = np.zeros(len(_decode.REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """What was left out so far, by reason."""
        return {r: int(n) for r, n in zip(_decode.REASONS, self._counts, strict=True) if n}

    @property
    def undated(self) -> bool:
        """Whether times stand on 1970-01-01, or are missing, for want of a date and of arrivals."""
        return self._clock.undated

    @property
    def counted(self) -> bool:
        """Whether times count from the first frame, as a receiver's free counter tells no time of day."""
        return self._clock.counted

    def decode(self, frames: Frames) -> Decoded:
        """Return the plots of the next frames."""
        time, source = self._clock.resolve(frames)
        rows = np.empty(len(frames), _decode.ROW)
        vouched = np.zeros(len(frames), np.bool_) if frames.vouched is None else frames.vouched
        n = _decode.decode(
            frames.data,
            frames.length,
            np.where(time == NO_TIME, 0, time),
            vouched,
            self._reference,
            self._aircraft,
            rows,
            self._counts,
        )
        rows = rows[:n]
        frame = rows["frame"]
        return Decoded(plots=self._plots(rows, time[frame], frames.received_ns[frame], source[frame]))

    def _plots(
        self,
        rows: NDArray[np.void],
        time: NDArray[np.int64],
        received: NDArray[np.int64],
        source: NDArray[np.int8],
    ) -> pa.Table:
        n = len(rows)
        coded = rows["mode_3a"] >= 0
        return build(
            PLOTS,
            n,
            {
                "time": times(time),
                "received": times(received),
                "time_source": words("time_source", source),
                "sensor": repeated(self._sensor, n),
                "kind": words("kind", rows["kind"].copy()),
                "latitude_deg": rows["latitude"],
                "longitude_deg": rows["longitude"],
                "altitude_m": ellipsoid_to_msl(rows["latitude"], rows["longitude"], rows["height"]),
                "pressure_altitude_m": rows["pressure_altitude"],
                "velocity_east_m_s": rows["east"],
                "velocity_north_m_s": rows["north"],
                "velocity_up_m_s": rows["up"],
                "sigma_position_m": rows["sigma_position"],
                "sigma_velocity_m_s": rows["sigma_velocity"],
                "icao24": unsigned(rows["icao24"]),
                "mode_3a": unsigned(rows["mode_3a"]),
                "callsign": callsigns(rows["callsign"]),
                "code_valid": pa.array(coded, mask=~coded),
                "on_ground": flags(rows["on_ground"]),
                "emergency": emergencies(rows["emergency"], rows["mode_3a"]),
                "simulated": np.full(n, self._simulated),
            },
        )
