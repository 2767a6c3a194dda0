"""Two that are closer than a radar resolves: one echo, and replies that garble each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skypact.exercise.radar import NONE, PSR, PSR_SSR, Echoes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.instruments import SimulatedSensor


def merged(echoes: Echoes, sensor: SimulatedSensor, turn_s: float) -> Echoes:
    """Return what a radar can tell apart of what it detects, in the order of time.

    Transponders that are asked by their addresses answer one by one and stay apart. Of all else that is chained by
    steps smaller than the resolution in range and azimuth, one plot remains in the middle: echoes alone give an echo,
    and are lost beside a reply; replies give one whose code has the bits of all and is not validated.
    """
    groups = _groups(echoes, sensor, turn_s)
    if not groups:
        return echoes
    keep = np.ones(len(echoes.time_s), bool)
    out = echoes[keep]
    for group in groups:
        rest = group[out.icao24[group] == NONE]
        if not len(rest):
            continue
        replies = rest[out.kind[rest] != PSR]
        one = replies if len(replies) else rest
        if not len(replies) and len(rest) < len(group):
            keep[rest] = False
            continue
        keep[rest] = False
        first = one[0]
        keep[first] = True
        turned = (out.azimuth_deg[one] - out.azimuth_deg[first] + 180) % 360 - 180
        out.time_s[first] = out.time_s[one].mean()
        out.range_m[first] = out.range_m[one].mean()
        out.azimuth_deg[first] = (out.azimuth_deg[first] + turned.mean()) % 360
        if len(replies):
            out.kind[first] = PSR_SSR if (out.kind[rest] != out.kind[first]).any() else out.kind[first]
            if len(replies) > 1:
                codes = out.mode_3a[replies]
                out.mode_3a[first] = np.bitwise_or.reduce(codes[codes >= 0]) if (codes >= 0).any() else NONE
                out.valid[first] = False
    left = out[keep]
    return left[np.argsort(left.time_s, kind="stable")]


def _groups(echoes: Echoes, sensor: SimulatedSensor, turn_s: float) -> list[NDArray[np.int64]]:
    """Return the rows that lie within the resolution of each other, in groups of two and more."""
    count = len(echoes.time_s)
    window = sensor.resolution_azimuth_deg / 360 * turn_s
    pairs: list[NDArray[np.int64]] = []
    for ahead in range(1, count):
        soon = np.flatnonzero(echoes.time_s[ahead:] - echoes.time_s[:-ahead] <= window)
        if not len(soon):
            break
        later = soon + ahead
        aside = np.abs((echoes.azimuth_deg[later] - echoes.azimuth_deg[soon] + 180) % 360 - 180)
        away = np.abs(echoes.range_m[later] - echoes.range_m[soon])
        close = (aside < sensor.resolution_azimuth_deg) & (away < sensor.resolution_range_m)
        pairs.append(np.stack([soon[close], later[close]]))
    if not pairs:
        return []
    first, second = np.concatenate(pairs, axis=1)
    label = np.arange(count)
    while True:
        least = np.minimum(label[first], label[second])
        if np.array_equal(least, label[first]) and np.array_equal(least, label[second]):
            break
        np.minimum.at(label, first, least)
        np.minimum.at(label, second, least)
    members = np.unique(np.concatenate([first, second]))
    order = members[np.argsort(label[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return [part for part in np.split(order, cuts) if len(part)]
