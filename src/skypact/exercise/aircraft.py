"""What kinds of aircraft can do, and how large they look to a radar: stated assumptions, no type by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GRAVITY_M_S2 = 9.80665
"""Standard gravity."""

AircraftType = Literal["airliner", "turboprop", "light", "glider", "helicopter", "drone", "fast"]


@dataclass(frozen=True, slots=True)
class Performance:
    """How a kind of aircraft flies in ordinary service.

    Attributes
    ----------
    cruise_m_s, approach_m_s, lift_off_m_s : float
        Ground speeds in cruise, at touchdown and at lift-off; zero for what rises and lands on the spot.
    acceleration_m_s2 : float
        Of speed changes in the air.
    roll_m_s2 : float
        Of the take-off run, and of braking after touchdown.
    climb_m_s, descent_m_s : float
        Rates of climb and descent.
    vertical_m_s2 : float
        How fast those rates build up.
    bank_deg : float
        Angle of bank in turns.
    turn_deg_s : float
        Most rate of turn; 3 is rate one, in which instrument flights turn (ICAO Doc 8168). The wider turn is flown.
    rcs_m2 : float
        Mean radar cross section.
    """

    cruise_m_s: float
    approach_m_s: float
    lift_off_m_s: float
    acceleration_m_s2: float
    roll_m_s2: float
    climb_m_s: float
    descent_m_s: float
    vertical_m_s2: float
    bank_deg: float
    turn_deg_s: float
    rcs_m2: float


AIRCRAFT: Mapping[AircraftType, Performance] = {
    "airliner": Performance(235, 70, 75, 0.4, 2.0, 12, 10, 0.5, 25, 3, 20),
    "turboprop": Performance(140, 55, 55, 0.4, 2.0, 7, 7, 0.5, 25, 3, 8),
    "light": Performance(60, 30, 30, 0.5, 1.5, 4, 4, 0.5, 20, 3, 1),
    "glider": Performance(28, 22, 25, 0.5, 1.0, 2, 1.5, 0.5, 35, 15, 0.5),
    "helicopter": Performance(60, 0, 0, 1.0, 1.0, 6, 5, 0.5, 20, 6, 3),
    "drone": Performance(30, 0, 0, 1.0, 1.0, 4, 3, 0.5, 30, 20, 0.05),
    "fast": Performance(250, 75, 80, 3.0, 3.0, 60, 50, 3.0, 60, 20, 2),
}
"""Assumed figures, round, of the order of the class.

Cross sections of airliner, light aircraft, helicopter and fast aircraft are the round figures of Skolnik, Introduction
to Radar Systems, 3rd edition, table 2.2 (a medium airliner, a small single-engine aircraft, a helicopter, a small
fighter); those of turboprop, glider and drone are assumed between and below them.
"""
