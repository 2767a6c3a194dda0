"""From settings to the numbers that the kernels want."""

from __future__ import annotations

import math

import numpy as np

from skypact.tracking._records import RULES, SECOND_NS, Records
from skypact.tracking.settings import TrackerSettings

STANDARD_QNH_HPA = 1013.25
UNKNOWN_QNH_HPA = 10.0
UNKNOWN_ISA_DEVIATION_K = 8.0
"""Standard deviations over all weathers, where nobody says."""
METRES_PER_HPA = 8.3
"""Near sea level."""
STRETCH_PER_K = 3.8e-3
"""Share by which an air column is taller per kelvin above the standard atmosphere: 3.6e-3 at 3 km, 3.9e-3 at 10 km."""


def gate(rows: int, probability: float) -> float:
    """Return the chi-square quantile of 1 to 4 degrees of freedom.

    The closed forms of the distribution function (Abramowitz and Stegun 26.4.4 and 26.4.5), inverted by bisection.
    """
    low, high = 0.0, 1e3
    for _ in range(80):
        middle = 0.5 * (low + high)
        half = 0.5 * middle
        tail = math.erfc(math.sqrt(half)) if rows % 2 else math.exp(-half)
        if rows == 3:
            tail += 2.0 * math.sqrt(half / math.pi) * math.exp(-half)
        elif rows == 4:
            tail += half * math.exp(-half)
        low, high = (middle, high) if tail > 1.0 - probability else (low, middle)
    return middle


def sea_level_offset(qnh_hpa: float) -> float:
    """Return by how much geometric altitude exceeds pressure altitude at sea level (ICAO Doc 7488)."""
    return 44_330.77 * ((qnh_hpa / STANDARD_QNH_HPA) ** 0.190263 - 1.0)


def rules_of(settings: TrackerSettings) -> Records:
    """Return the one record of `RULES` that follows from settings."""
    qnh, deviation = settings.qnh_hpa, settings.isa_deviation_k
    sigma_qnh = UNKNOWN_QNH_HPA if qnh is None else settings.sigma_qnh_hpa
    sigma_deviation = UNKNOWN_ISA_DEVIATION_K if deviation is None else settings.sigma_isa_deviation_k
    records = np.zeros(1, RULES)
    rules = records[0]
    rules["noise"] = settings.process_noise_m2_s3
    rules["climb_noise"] = settings.vertical_noise_m2_s3
    rules["max_speed"] = settings.max_speed_m_s
    rules["max_acceleration"] = settings.max_acceleration_m_s2
    rules["start_var"] = settings.start_speed_m_s**2
    rules["false_plots"] = settings.false_plots_per_turn
    rules["gates"][0] = math.inf
    for rows in range(1, 5):
        rules["gates"][rows] = gate(rows, settings.gate_probability)
    rules["atmosphere"][0] = 0.0 if qnh is None else sea_level_offset(qnh)
    rules["atmosphere"][1] = 0.0 if deviation is None else STRETCH_PER_K * deviation
    rules["atmosphere"][2] = (METRES_PER_HPA * sigma_qnh) ** 2
    rules["atmosphere"][3] = (STRETCH_PER_K * sigma_deviation) ** 2
    for name in ("group", "delay", "end_min", "end_max"):
        rules[f"{name}_ns"] = int(getattr(settings, f"{name}_s") * SECOND_NS)
    rules["last_number"] = settings.first_track + settings.block_size - 1
    rules["hits"] = settings.confirm_hits
    rules["looks"] = settings.confirm_looks
    rules["end_looks"] = settings.end_looks
    return records
