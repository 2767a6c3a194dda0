"""Kernels: the life of a track: looks hit and missed, confirmation, coasting, end.

A *look* is one chance of one sensor to see the object: a turn of a radar, five seconds of ADS-B. Looks of the sensors
that have been updating the track count, not seconds, so that a slow radar does not lose its tracks and a fast one does
not keep dead ones; and a look counts by what missing it says, the logarithm of one minus the probability of detection.
"""

from __future__ import annotations

import math

from skypact.compiled import kernel
from skypact.tracking._records import (
    COASTING,
    CONFIRMED,
    EMPTY,
    ENDED,
    SECOND_NS,
    SEED,
    SLOTS,
    TENTATIVE,
    Ints,
    Record,
    Records,
)

SLACK = 0.3
"""Share of a period after which a look that is due counts as missed: the aircraft moves against the beam."""
STALE_LOOKS = 3
"""A sensor that missed this many looks while others saw the track does not reach it any more."""
SEED_LOOKS = 2
"""Weight of looks missed after which an object seen once is forgotten."""
LEAST_PERIOD_S, MOST_PERIOD_S = 0.5, 60.0
"""Intervals outside are not those of a turning antenna."""
HISTORY = 16
SURE = 0.999
"""Bound on the probability of existence."""


@kernel
def note_look(track: Record, hit: bool) -> None:
    """Write a look into a track's history."""
    track.history = ((int(track.history) << 1) | int(hit)) & 0xFFFF
    track.looks = min(HISTORY, track.looks + 1)


@kernel
def recent_hits(track: Record, looks: int) -> int:
    """Return how many of a track's last looks were hits."""
    bits = int(track.history)
    hits = 0
    for _ in range(looks):
        hits += bits & 1
        bits >>= 1
    return hits


@kernel
def hit_existence(existence: float, likelihood: float) -> float:
    """Return the probability of existence after a hit, given the log likelihood ratio of track against false plot.

    The recursion of Musicki, Evans and Stankovic 1994 (IEEE Trans. AC 39, 1237-1241) for one plot, the ratio bounded:
    one plot is never proof.
    """
    ratio = math.exp(min(3.0, max(-1.0, likelihood)))
    return min(SURE, ratio * existence / (1.0 - existence + ratio * existence))


@kernel
def look_due(track: Record, slot: int, sensors: Records, share: float) -> int:
    """Return the time of a sensor's next look at a track, and some share of its period."""
    looks = track.slot_missed[slot] + 1 + share
    return track.slot_ns[slot] + int(looks * sensors[track.slot_sensor[slot]].period_s * SECOND_NS)


@kernel
def next_miss(track: Record, slot: int, sensors: Records, rules: Record) -> int:
    """Return the time from which a sensor's next look at a track may count as missed."""
    if sensors[track.slot_sensor[slot]].turns:
        return look_due(track, slot, sensors, 0.0)
    return look_due(track, slot, sensors, SLACK) + rules.delay_ns


@kernel
def is_missed(track: Record, slot: int, sensors: Records, rules: Record, time_ns: int) -> bool:
    """Whether a sensor's next look at a track has come and gone.

    It has when it is late, and already when the radar has sent plots of later times: the beam is past it. Of an
    aircraft that flies with the beam this may be said a moment too early; its plot then mends all but the history.
    """
    if look_due(track, slot, sensors, SLACK) + rules.delay_ns <= time_ns:
        return True
    sensor = sensors[track.slot_sensor[slot]]
    return sensor.turns and look_due(track, slot, sensors, 0.0) <= min(sensor.last_ns, time_ns)


@kernel
def coasts_from(track: Record, sensors: Records, rules: Record) -> int:
    """Return the time at which a track coasts: when its fastest sensor should have seen it since its last plot."""
    fastest = 1e9
    for slot in range(SLOTS):
        if track.slot_sensor[slot] >= 0 and track.slot_missed[slot] < STALE_LOOKS:
            fastest = min(fastest, sensors[track.slot_sensor[slot]].period_s)
    return track.plot_ns + int((1.0 + SLACK) * fastest * SECOND_NS) + rules.delay_ns


@kernel
def set_due(track: Record, sensors: Records, rules: Record) -> None:
    """Write when something may next happen to a track without a plot."""
    due = track.plot_ns + rules.end_max_ns
    for slot in range(SLOTS):
        if track.slot_sensor[slot] >= 0:
            due = min(due, next_miss(track, slot, sensors, rules))
    if track.status == CONFIRMED:
        due = min(due, coasts_from(track, sensors, rules))
    track.due_ns = due


@kernel
def note_sensor(track: Record, sensor: int, time_ns: int, sensors: Records) -> None:
    """Write a plot of a sensor into a track's slots; learn the sensor's period where nobody said it."""
    found = -1
    for slot in range(SLOTS):
        if track.slot_sensor[slot] == sensor:
            found = slot
        elif track.slot_sensor[slot] >= 0 and track.slot_missed[slot] >= STALE_LOOKS:
            track.slot_sensor[slot] = -1
    if found >= 0:
        last_ns = track.slot_ns[found]
        if not sensors[sensor].stated:
            learn_period(sensors, sensor, (time_ns - last_ns) / SECOND_NS)
        track.slot_ns[found] = max(time_ns, last_ns)
    else:
        found = 0
        for slot in range(SLOTS):
            if track.slot_sensor[slot] < 0:
                found = slot
                break
            if track.slot_ns[slot] < track.slot_ns[found]:
                found = slot
        track.slot_sensor[found] = sensor
        track.slot_ns[found] = time_ns
    track.slot_missed[found] = 0


@kernel
def learn_period(sensors: Records, sensor: int, interval: float) -> None:
    """Move a sensor's period towards an interval between two of its plots of one track, by 5 % at most.

    So it settles at the median interval, which looks missed now and then do not shift.
    """
    if LEAST_PERIOD_S < interval < MOST_PERIOD_S:
        period = sensors[sensor].period_s
        sensors[sensor].period_s = min(period * 1.05, max(period / 1.05, interval))


@kernel
def seen_this_turn(track: Record, sensor: int, time_ns: int, sensors: Records) -> bool:
    """Whether a rotating sensor has already given a track its plot of this turn."""
    for slot in range(SLOTS):
        if track.slot_sensor[slot] == sensor:
            period = sensors[sensor].period_s if sensors[sensor].stated else 2.0 * LEAST_PERIOD_S
            return abs(time_ns - track.slot_ns[slot]) < 0.5 * period * SECOND_NS
    return False


@kernel
def age(tracks: Records, free: Ints, books: Records, time_ns: int, sensors: Records, rules: Record) -> None:
    """Count the looks missed up to a time; let tracks coast and end, and forget seeds."""
    for i in range(books[0].used):
        track = tracks[i]
        if track.status == EMPTY or track.status == ENDED or track.due_ns > time_ns:
            continue
        for slot in range(SLOTS):
            if track.slot_sensor[slot] < 0:
                continue
            sensor = sensors[track.slot_sensor[slot]]
            while track.slot_missed[slot] < HISTORY and is_missed(track, slot, sensors, rules, time_ns):
                track.slot_missed[slot] += 1
                track.missed += sensor.weight
                note_look(track, False)
                left = track.existence * (1.0 - sensor.detection)
                track.existence = left / (1.0 - track.existence + left)
            if track.slot_missed[slot] >= HISTORY:
                track.slot_sensor[slot] = -1
        quiet = time_ns - track.plot_ns
        if track.status == SEED:
            if track.missed >= SEED_LOOKS or quiet >= rules.end_max_ns:
                release(tracks, i, free, books)
                continue
        elif track.status == TENTATIVE:
            window = min(rules.looks, track.looks)
            if window - recent_hits(track, window) > rules.looks - rules.hits or quiet >= rules.end_max_ns:
                track.status = ENDED
                track.changed = True
                continue
        elif quiet >= rules.end_max_ns or (track.missed >= rules.end_looks and quiet >= rules.end_min_ns):
            track.status = ENDED
            track.changed = True
            continue
        elif track.status == CONFIRMED and coasts_from(track, sensors, rules) <= time_ns:
            track.status = COASTING
            track.changed = True
        set_due(track, sensors, rules)
        if track.missed >= rules.end_looks:
            track.due_ns = min(track.due_ns, track.plot_ns + rules.end_min_ns)


@kernel
def take(free: Ints, books: Records) -> int:
    """Return a free place, -1 where there is none."""
    book = books[0]
    if book.free == 0:
        return -1
    book.free -= 1
    place = free[book.free]
    book.used = max(book.used, place + 1)
    return place


@kernel
def release(tracks: Records, place: int, free: Ints, books: Records) -> None:
    """Free a place."""
    tracks[place].status = EMPTY
    free[books[0].free] = place
    books[0].free += 1
