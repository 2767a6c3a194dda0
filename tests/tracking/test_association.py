"""The likelihood that a plot is of a track, and the life of a track, piece by piece."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tracking_world import SECOND, T0

from skypact.tracking import _association, _geometry, _lifecycle
from skypact.tracking._records import (
    BOOK,
    CONFIRMED,
    HEIGHT_GEOMETRIC,
    PLOT,
    POSITION,
    ROOM,
    SEED,
    SENSOR,
    TENTATIVE,
    TRACK,
)
from skypact.tracking._rules import rules_of
from skypact.tracking.settings import TrackerSettings


def a_track() -> np.ndarray:
    track = np.zeros(1, TRACK)
    position, frame = np.zeros(3), np.zeros(5)
    _geometry.set_axes(math.radians(43.0), math.radians(74.0), 9_000.0, frame, position)
    track["position"], track["frame"] = position, frame
    track["time_ns"] = track["plot_ns"] = T0
    track["height_source"] = HEIGHT_GEOMETRIC
    track["covariance"][0, [0, 1, 6, 11, 15, 18, 20]] = 150.0**2, 3_000.0, 200.0**2, 50.0**2, 100.0, 120.0, 4.0
    track["velocity"] = 100.0, 50.0, 0.0
    track["icao24"] = track["mode_3a"] = -1
    track["slot_sensor"] = -1
    return track


def a_plot(east: float, north: float, height: float, seconds: float) -> np.ndarray:
    track = a_track()[0]
    plot = np.zeros(1, PLOT)
    plot["time_ns"] = T0 + int(seconds * SECOND)
    plot["form"], plot["direct"] = POSITION, True
    away = _geometry.to_earth(east, north, 0.0, track["frame"])
    frame, place = np.zeros(5), track["position"] + away
    _geometry.set_frame(*place, frame)
    up = np.array(_geometry.to_earth(0.0, 0.0, 1.0, frame))
    plot["ground"] = place - frame[4] * up
    plot["place"] = plot["ground"] + height * up
    plot["altitude"], plot["pressure"], plot["elevation"] = height, np.nan, np.nan
    plot["var_position"], plot["var_altitude"] = 80.0**2, 30.0**2
    plot["radius"], plot["log_clutter"] = 500.0, -20.0
    plot["icao24"] = plot["mode_3a"] = -1
    return plot


def fit(track: np.ndarray, plot: np.ndarray) -> tuple[bool, float]:
    return tuple(_association.fit(track[0], plot[0], rules_of(TrackerSettings())[0], np.zeros(1, ROOM)[0]))


@pytest.mark.parametrize("seconds", [0.0, 4.0, 12.0])
def test_the_likelihood_is_the_normal_density(seconds: float) -> None:
    track = a_track()
    plot = a_plot(100 * seconds + 120, 50 * seconds - 90, 9_040.0, seconds)
    fits, ratio = fit(track, plot)
    noise = np.diag([200.0, 200.0, 4.0]) * seconds**3 / 3
    p = np.array([[150.0**2, 3_000.0, 0], [3_000.0, 200.0**2, 0], [0, 0, 50.0**2]])
    p = p + seconds**2 * np.diag([100.0, 120.0, 4.0]) + noise + np.diag([80.0**2, 80.0**2, 30.0**2])
    wanted = multivariate_normal([0, 0, 0], p).logpdf([120, -90, 40])
    assert fits
    assert ratio == pytest.approx(wanted + 20.0, abs=2e-3)


def test_what_lies_outside_the_gate_or_beyond_the_speed_limit_does_not_fit() -> None:
    assert not fit(a_track(), a_plot(1_500, 0, 9_000.0, 0.0))[0]
    assert not fit(a_track(), a_plot(0, 0, 9_600.0, 0.0))[0]
    wide = a_track()
    wide["covariance"][0, [15, 18]] = 1e8
    assert fit(wide, a_plot(2_500, 0, 9_000.0, 4.0))[0]
    assert not fit(wide, a_plot(6_500, 0, 9_000.0, 4.0))[0]


@pytest.mark.parametrize(
    ("track_says", "plot_says", "ratio"),
    [
        ({}, {}, 0.0),
        ({"icao24": 5}, {}, 0.0),
        ({"icao24": 5}, {"icao24": 5}, _association.ICAO_EQUAL),
        ({"icao24": 5}, {"icao24": 6}, _association.ICAO_DIFFERENT),
        ({"mode_3a": 0o4321}, {"mode_3a": 0o4321}, _association.CODE_EQUAL),
        ({"mode_3a": 0o4321}, {"mode_3a": 0o1234}, _association.CODE_DIFFERENT),
        ({"mode_3a": 0o2000}, {"mode_3a": 0o2000}, 0.0),
        ({"icao24": 5, "mode_3a": 1}, {"icao24": 5, "mode_3a": 2}, _association.ICAO_EQUAL),
    ],
)
def test_identification_is_evidence(track_says: dict[str, int], plot_says: dict[str, int], ratio: float) -> None:
    track, plot = a_track(), a_plot(10, 10, 9_000.0, 0.0)
    without = fit(track, plot)[1]
    for name, value in track_says.items():
        track[name] = value
    for name, value in plot_says.items():
        plot[name] = value
    assert fit(track, plot)[1] - without == pytest.approx(ratio)


def test_an_address_reaches_beyond_the_gate_but_not_beyond_what_can_fly() -> None:
    track = a_track()
    track["icao24"] = 5
    track["plot_ns"] = T0 - 8 * SECOND
    near, far = a_plot(1_500, 0, 9_000.0, 0.0), a_plot(9_000, 0, 9_000.0, 0.0)
    near["icao24"] = far["icao24"] = 5
    far["radius"] = 1e5  # out of the way of the speed limit
    assert fit(track, near)[0]
    far["radius"] = 500.0
    assert not fit(track, far)[0]


def test_learned_periods_settle_at_the_median() -> None:
    sensors = np.zeros(1, SENSOR)
    sensors["period_s"] = 10.0
    rng = np.random.default_rng(1)
    for _ in range(300):
        looks = 1 + (rng.random() < 0.2)
        _lifecycle.learn_period(sensors, 0, 4.8 * looks + rng.normal(0, 0.05))
    assert sensors["period_s"][0] == pytest.approx(4.8, rel=0.06)
    before = sensors["period_s"][0]
    for strange in (0.0, 0.1, 1e6, -3.0, math.nan):
        _lifecycle.learn_period(sensors, 0, strange)
    assert sensors["period_s"][0] == before


def test_existence_follows_bayes() -> None:
    assert _lifecycle.hit_existence(0.2, 2.0) == pytest.approx(0.2 * math.e**2 / (0.8 + 0.2 * math.e**2))
    assert _lifecycle.hit_existence(0.2, 50.0) < 0.9  # one plot is never proof
    value = 0.2
    for _ in range(50):
        value = _lifecycle.hit_existence(value, 5.0)
    assert value == _lifecycle.SURE


def aged(status: int, seconds: float, **settings: float) -> np.ndarray:
    """Return a track with one sensor of four seconds and Pd 0.9, some time after its last plot."""
    track = a_track()
    track["status"] = status
    track["existence"] = 0.99
    track["history"], track["looks"] = 0b111, 3
    track["slot_sensor"][0, 0] = 0
    track["slot_ns"][0, 0] = T0
    sensors = np.zeros(1, SENSOR)
    sensors["period_s"], sensors["detection"], sensors["weight"] = 4.0, 0.9, 1.0
    books = np.zeros(1, BOOK)
    books["used"] = 1
    rules = rules_of(TrackerSettings(**settings))[0]  # type: ignore[arg-type]
    for second in np.arange(0, seconds + 0.01, 1.0):
        _lifecycle.age(track, np.zeros(1, np.int32), books, T0 + int(second * SECOND), sensors, rules)
    return track


def test_a_look_is_missed_when_the_beam_has_surely_passed() -> None:
    assert aged(CONFIRMED, 6.0)["missed"][0] == 0  # 4 s * 1.3 and a second of delay
    late = aged(CONFIRMED, 7.0)
    assert late["missed"][0] == 1
    assert late["existence"][0] == pytest.approx(0.099 / (0.01 + 0.099))


@pytest.mark.parametrize(
    ("status", "seconds", "then"),
    [
        (CONFIRMED, 6.0, CONFIRMED),
        (CONFIRMED, 7.0, 2),
        (CONFIRMED, 18.0, 2),
        (CONFIRMED, 19.0, 3),
        (TENTATIVE, 11.0, TENTATIVE),
        (TENTATIVE, 15.0, 3),
        (SEED, 10.0, SEED),
        (SEED, 11.0, -2),
    ],
)
def test_the_end_comes_by_looks(status: int, seconds: float, then: int) -> None:
    assert aged(status, seconds)["status"][0] == then


def test_the_end_is_bounded_by_seconds() -> None:
    assert aged(CONFIRMED, 9.0, end_looks=1.0)["status"][0] == 3
    assert aged(CONFIRMED, 7.0, end_looks=1.0)["status"][0] == 2
    assert aged(CONFIRMED, 29.0, end_looks=50.0, end_max_s=30.0)["status"][0] == 2
    assert aged(CONFIRMED, 30.0, end_looks=50.0, end_max_s=30.0)["status"][0] == 3
