"""Probabilities of detection against a Monte Carlo of the model they stand for, and against published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.exercise import detection


def test_swerling_1_is_what_fluctuating_echoes_over_a_threshold_give() -> None:
    rng = np.random.default_rng(3)
    false_alarm, snr = 1e-4, 20.0
    # Behind a square-law detector noise alone has exponential power, and with a Rayleigh echo 1 + snr times it.
    threshold = -np.log(false_alarm)
    power = rng.exponential(1 + snr, 400_000)
    assert detection.swerling_1(snr, false_alarm) == pytest.approx((power > threshold).mean(), abs=2e-3)


def test_published_figures() -> None:
    # Skolnik, Introduction to Radar Systems, 3rd edition, figure 2.22 and the like: Swerling 1, Pd 0.9, Pfa 1e-6 ask
    # for 21.1 dB, Pd 0.5 for 12.8 dB.
    for pd, decibels in ((0.9, 21.1), (0.5, 12.8)):
        assert 10 * np.log10(detection.swerling_1_snr(pd, 1e-6)) == pytest.approx(decibels, abs=0.05)


@given(st.floats(0.01, 0.999), st.sampled_from([1e-3, 1e-6, 1e-8]))
def test_snr_and_probability_are_inverse(pd: float, false_alarm: float) -> None:
    assert detection.swerling_1(detection.swerling_1_snr(pd, false_alarm), false_alarm) == pytest.approx(pd)


def test_range_goes_with_the_fourth_root_of_the_cross_section() -> None:
    def pd(range_m: float, rcs: float) -> float:
        return float(
            detection.primary(np.array([range_m]), rcs, pd=0.8, reach_m=100e3, reference_rcs_m2=2.0, false_alarm=1e-6)[
                0
            ]
        )

    assert pd(100e3, 2.0) == pytest.approx(0.8)
    assert pd(50e3, 2.0 / 16) == pytest.approx(0.8)
    assert pd(100e3 * (40 / 2) ** 0.25, 40.0) == 0.0  # beyond the instrumented range
    assert pd(0.0, 0.01) == pytest.approx(1.0)
    assert pd(90e3, 0.01) < 0.05


def test_without_a_reference_everything_in_reach_is_alike() -> None:
    found = detection.primary(
        np.array([1.0, 9e4, 1.1e5]), 1e-3, pd=0.9, reach_m=1e5, reference_rcs_m2=None, false_alarm=1e-6
    )
    assert found.tolist() == [0.9, 0.9, 0.0]


def test_reception_is_a_fading_signal_over_what_is_needed() -> None:
    rng = np.random.default_rng(4)
    range_m, reach_m = 150e3, 300e3
    mean = (reach_m / range_m) ** 2 / np.log(2)  # in units of what is needed: half are decoded at the reach
    power = rng.exponential(mean, 400_000)
    found = detection.reception(np.array([range_m, reach_m, 1.01 * reach_m]), pd=0.9, reach_m=reach_m)
    assert found[0] == pytest.approx(0.9 * (power > 1).mean(), abs=2e-3)
    assert found[1] == pytest.approx(0.45)
    assert found[2] == 0.0
