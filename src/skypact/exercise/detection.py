"""How likely a sensor detects what is in its sight: closed forms, for arrays.

A Swerling 1 target, whose echo fluctuates from turn to turn with an exponential power, is detected with the
probability ``false_alarm ** (1 / (1 + snr))`` (P. Swerling, RAND RM-1217, 1954; Skolnik, Introduction to Radar Systems,
3rd edition, section 2.8). The ratio of signal to noise follows the radar equation: it goes with the radar cross section
and with the inverse fourth power of the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def swerling_1(snr: ArrayLike, false_alarm: float) -> NDArray[np.float64]:
    """Return the probability of detection in one look at a ratio of signal to noise (not in decibels)."""
    return np.power(false_alarm, 1.0 / (1.0 + np.asarray(snr, np.float64)))


def swerling_1_snr(pd: float, false_alarm: float) -> float:
    """Return the ratio of signal to noise that gives a probability of detection: the inverse of `swerling_1`."""
    if pd >= 1.0:
        return float("inf")
    return max(float(np.log(false_alarm) / np.log(pd)) - 1.0, 0.0)


def primary(
    range_m: NDArray[np.float64],
    rcs_m2: float,
    *,
    pd: float,
    reach_m: float,
    reference_rcs_m2: float | None,
    false_alarm: float,
) -> NDArray[np.float64]:
    """Return the probability that a primary radar detects an object in its sight.

    Parameters
    ----------
    range_m : float array
        Slant range.
    rcs_m2 : float
        Mean radar cross section.
    pd : float
        Probability of detection of `reference_rcs_m2` at `reach_m`; without a reference, of everything.
    reach_m : float
        Beyond it nothing is seen.
    reference_rcs_m2 : float or None
    false_alarm : float
    """
    if reference_rcs_m2 is None:
        return np.where(range_m <= reach_m, pd, 0.0)
    with np.errstate(divide="ignore"):
        stronger = rcs_m2 / reference_rcs_m2 * (reach_m / range_m) ** 4
    return np.where(range_m <= reach_m, swerling_1(swerling_1_snr(pd, false_alarm) * stronger, false_alarm), 0.0)


def reception(range_m: NDArray[np.float64], *, pd: float, reach_m: float) -> NDArray[np.float64]:
    """Return the probability that a receiver decodes a squitter sent in its sight.

    Power goes with the inverse square of the range; with Rayleigh fading it stays above what is needed with the
    probability ``exp(-needed / mean)``. At half the reach 84 % of the strong ones are left, at `reach_m` half; beyond
    it none is taken.

    Parameters
    ----------
    range_m : float array
    pd : float
        Of a strong signal: what is lost to interference is missing.
    reach_m : float
    """
    return np.where(range_m <= reach_m, pd * 0.5 ** (range_m / reach_m) ** 2, 0.0)
