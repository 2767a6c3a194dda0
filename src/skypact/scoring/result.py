"""What scoring says."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread: count, root mean square and percentiles."""

    count: int
    rms: float
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Spread | None:
        """Return the spread of values, NaN left out; None where nothing is left."""
        known = values[np.isfinite(values)]
        if not len(known):
            return None
        p50, p95, p99 = np.percentile(known, (50, 95, 99)).tolist()
        return cls(len(known), float(np.sqrt(np.mean(np.square(known)))), p50, p95, p99)


@dataclass(frozen=True, slots=True)
class Gospa:
    """Generalised optimal sub-pattern assignment, metres.

    Attributes
    ----------
    mean_m : float
        Mean over the times of evaluation.
    per_object_m : float
        p-th root of the sum of p-th powers over all times, per object and time.
    localisation_m, missed_m, false_m : float
        Its parts: their p-th powers add up to that of `per_object_m`.
    """

    mean_m: float
    per_object_m: float
    localisation_m: float
    missed_m: float
    false_m: float


@dataclass(frozen=True, slots=True)
class Siap:
    """Attributes of a single integrated air picture, each track counted with the nearest object within the cut-off.

    Attributes
    ----------
    completeness : float
        Share of objects that have a track.
    ambiguity : float or None
        Tracks per object that has one; 1 is best.
    spuriousness : float or None
        Share of tracks without an object.
    position_m, velocity_m_s : float or None
        Mean errors of tracks with an object.
    longest_segment : float
        The longest time an object was held by one track without a break, over the time it existed; all objects.
    number_changes_per_hour : float or None
        Track segments needed to cover the time an object was held, beyond the first, per hour held; all objects.
    """

    completeness: float
    ambiguity: float | None
    spuriousness: float | None
    position_m: float | None
    velocity_m_s: float | None
    longest_segment: float
    number_changes_per_hour: float | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """Whether covariances say how large errors are.

    Attributes
    ----------
    count : int
        Rows compared.
    nees : float
        Normalised estimation error squared over its degrees of freedom: 1 is consistent, above it too sure.
    within_95 : float
        Share of errors inside the ellipse that should hold 95 %.
    """

    count: int
    nees: float
    within_95: float


@dataclass(frozen=True, slots=True)
class Score:
    """How good tracks are.

    What cannot be measured is None: no covariance, no times of report, nothing that counted.

    Attributes
    ----------
    objects : int
        Objects that counted at some time.
    tracks : int
        Tracks shown at some time.
    object_hours : float
        Time for which objects counted, summed.
    gospa : Gospa
    completeness : float
        Share of objects with a track of their own, one-to-one.
    false_tracks : float
        Mean number of tracks without an object of their own.
    false_share : float
        Their share of all tracks.
    swaps_per_hour : float
        How often an object's track is another than before, per object hour.
    purity : float or None
        Share of a track's matches that are with its most frequent object, over all tracks.
    numbers_per_object : float or None
        Distinct track numbers of an object that had one.
    never_tracked : int
        Objects that counted and never had a track of their own.
    siap : Siap
    position_m, velocity_m_s, height_m : Spread or None
        Errors over ground, of horizontal velocity, and of altitude (its size), at the times of evaluation.
    initiation_s : Spread or None
        From the time a sensor could first see an object to the first report of the track that first was its own.
    age_s : Spread or None
        Age of the last plot of a track that had an object, at the times of evaluation.
    report_s : Spread or None
        From a plot to the report of the track it updated.
    position_nees : Consistency or None
        Of the two horizontal coordinates, at the times of the rows.
    state_nees : Consistency or None
        Of position and velocity, horizontal.
    by_time : Table
        A row per time of evaluation: time, gospa_m, objects, missed, tracks, false.
    by_object : Table
        A row per object that counted: object, counted_s, tracked_s, longest_s, numbers, initiation_s.
    """

    objects: int
    tracks: int
    object_hours: float
    gospa: Gospa
    completeness: float
    false_tracks: float
    false_share: float
    swaps_per_hour: float
    purity: float | None
    numbers_per_object: float | None
    never_tracked: int
    siap: Siap
    position_m: Spread | None
    velocity_m_s: Spread | None
    height_m: Spread | None
    initiation_s: Spread | None
    age_s: Spread | None
    report_s: Spread | None
    position_nees: Consistency | None
    state_nees: Consistency | None
    by_time: pa.Table
    by_object: pa.Table

    def to_dict(self) -> dict[str, Any]:
        """Return all but the tables as plain numbers; what could not be measured is left out."""
        found: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                found[field.name] = {k: v for k, v in dataclasses.asdict(value).items() if v is not None}
            elif value is not None and not isinstance(value, pa.Table):
                found[field.name] = value
        return found

    def __str__(self) -> str:
        """Return the figures as lines for people."""
        g, s = self.gospa, self.siap
        lines = [
            f"{self.objects:,} objects for {self.object_hours:,.1f} hours in all, {self.tracks:,} tracks, "
            f"{len(self.by_time):,} times",
            f"GOSPA          {g.per_object_m:,.0f} m per object: localisation {g.localisation_m:,.0f}, missed "
            f"{g.missed_m:,.0f}, false {g.false_m:,.0f}; mean {g.mean_m:,.0f} m",
            f"one-to-one     complete {self.completeness:.1%}, false {self.false_share:.1%} "
            f"({self.false_tracks:.2f} at a time), never tracked {self.never_tracked}",
            f"numbers        {self.swaps_per_hour:.2f} swaps an hour, {_said(self.numbers_per_object, '.2f')} per "
            f"object, purity {_said(self.purity, '.3f')}",
            f"SIAP           completeness {s.completeness:.3f}, ambiguity {_said(s.ambiguity, '.3f')}, spuriousness "
            f"{_said(s.spuriousness, '.3f')}",
            f"               longest segment {s.longest_segment:.3f}, {_said(s.number_changes_per_hour, '.2f')} number "
            f"changes an hour, error {_said(s.position_m, ',.0f')} m, {_said(s.velocity_m_s, '.1f')} m/s",
        ]
        for name, spread, unit in (
            ("position", self.position_m, "m"),
            ("velocity", self.velocity_m_s, "m/s"),
            ("height", self.height_m, "m"),
            ("initiation", self.initiation_s, "s"),
            ("age of plot", self.age_s, "s"),
            ("plot to report", self.report_s, "s"),
        ):
            if spread is not None:
                lines.append(
                    f"{name:14} rms {spread.rms:.4g}, half below {spread.p50:.4g}, 95 % below {spread.p95:.4g}, "
                    f"99 % below {spread.p99:.4g} {unit}"
                )
        for name, nees in (("position", self.position_nees), ("state", self.state_nees)):
            if nees is not None:
                lines.append(f"NEES {name:9} {nees.nees:.2f} per degree of freedom, {nees.within_95:.1%} within 95 %")
        return "\n".join(lines)


def _said(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
