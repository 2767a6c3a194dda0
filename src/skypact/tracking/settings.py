"""What a user may choose of the tracker, with the reason of each default."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from skypact.errors import MisuseError

MAX_TRACK = 2**32 - 1


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Settings of a :class:`Tracker`.

    Attributes
    ----------
    node, party : str
        Written into every row.
    first_track, block_size : int
        The block of track numbers leased to the party: `first_track` .. `first_track + block_size - 1`. A number is
        never used twice; when the block is used up no new track is made, and that is counted.
    max_tracks : int
        Most objects held at once, seeds included; beyond it plots start nothing, and that is counted.
    process_noise_m2_s3, vertical_noise_m2_s3 : float
        Power spectral density of the white acceleration noise, horizontal (each axis) and vertical. 200 lets one
        constant-velocity model follow turns of 2 g and costs little in cruise.
    max_speed_m_s, max_acceleration_m_s2 : float
        What no aircraft exceeds. The speed bounds what two plots may join; the acceleration bounds how far a plot of
        the same ICAO address may lie outside the gate.
    start_speed_m_s : float
        One-sigma speed, each axis, of an object seen once.
    gate_probability : float
        Share of an object's own plots inside its gate.
    confirm_hits, confirm_looks : int
        M of N: a track is confirmed when it was hit at M of its last N looks (at most 16).
    end_looks : float
        Looks missed in a row, over all sensors that were updating it, after which a confirmed track ends: looks of a
        sensor that detects nine times in ten. One of a worse sensor counts less: 0.7 at 0.8.
    end_min_s, end_max_s : float
        Bounds on the time without a plot: a confirmed track never ends before the first, always by the second.
    coast_report_s : float
        Period at which a coasting track is reported again with its predicted position.
    group_s : float
        Plots of one sensor within such a slot of time are associated together.
    late_s : float
        A plot measured this much before the last one processed is still used, the less the later; an older one is
        counted and left out.
    delay_s : float
        Longest time that a plot usually takes to arrive; a look counts as missed only after it, unless its radar has
        already sent plots of later times.
    future_s : float
        A plot measured this much after `now` is counted and left out: its clock is wrong.
    false_plots_per_turn : float
        Expected false plots of a sensor in one look at its whole area; sets the price of leaving a plot unassigned.
    qnh_hpa : float or None
        Sea-level pressure. With it pressure altitudes become `altitude_m`; without it the standard atmosphere serves
        the slant geometry only.
    isa_deviation_k : float or None
        Air temperature above the standard atmosphere.
    sigma_qnh_hpa, sigma_isa_deviation_k : float
        How well each is known when given. When not given 10 hPa and 8 K stand for all weathers.
    """

    node: str = "node"
    party: str = "party"
    first_track: int = 1
    block_size: int = 1 << 20
    max_tracks: int = 20_000
    process_noise_m2_s3: float = 200.0
    vertical_noise_m2_s3: float = 4.0
    max_speed_m_s: float = 700.0
    max_acceleration_m_s2: float = 60.0
    start_speed_m_s: float = 200.0
    gate_probability: float = 0.9999
    confirm_hits: int = 3
    confirm_looks: int = 5
    end_looks: float = 4.0
    end_min_s: float = 8.0
    end_max_s: float = 60.0
    coast_report_s: float = 4.0
    group_s: float = 0.25
    late_s: float = 10.0
    delay_s: float = 1.0
    future_s: float = 5.0
    false_plots_per_turn: float = 50.0
    qnh_hpa: float | None = None
    isa_deviation_k: float | None = None
    sigma_qnh_hpa: float = 1.0
    sigma_isa_deviation_k: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises
        ------
        MisuseError
            A number that is not finite or not above zero, M above N, or a block outside uint32.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            signed = field.name == "isa_deviation_k"
            if isinstance(value, (int, float)) and not (math.isfinite(value) and (value > 0 or signed)):
                raise MisuseError(f"tracker setting {field.name} = {value}: must be above zero")
        if self.gate_probability >= 1:
            raise MisuseError(f"tracker setting gate_probability = {self.gate_probability}: must be below 1")
        if not 2 <= self.confirm_hits <= self.confirm_looks <= 16:
            raise MisuseError("tracker settings: 2 <= confirm_hits <= confirm_looks <= 16 must hold")
        if self.first_track + self.block_size - 1 > MAX_TRACK:
            raise MisuseError("tracker settings: the block of track numbers must end below 2**32")
        if self.end_min_s > self.end_max_s:
            raise MisuseError("tracker settings: end_min_s must not exceed end_max_s")
        if self.qnh_hpa is not None and not 850 <= self.qnh_hpa <= 1100:
            raise MisuseError(f"tracker setting qnh_hpa = {self.qnh_hpa}: must be 850 to 1100")
        if self.isa_deviation_k is not None and not -60 <= self.isa_deviation_k <= 60:
            raise MisuseError(f"tracker setting isa_deviation_k = {self.isa_deviation_k}: must be -60 to 60")
