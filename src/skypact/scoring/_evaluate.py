"""Tracks against truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.scoring._consistency import consistency
from skypact.scoring._matching import Matches, match
from skypact.scoring._measures import gospa, partners, purity, runs, siap, swaps
from skypact.scoring._picture import Picture
from skypact.scoring._truth import Truth
from skypact.scoring.result import Score, Spread
from skypact.scoring.settings import ScoringSettings
from skypact.sensors import Catalogue
from skypact.tables import NO_TIME, TIME
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def score(
    tracks: pa.Table,
    truth: pa.Table,
    settings: ScoringSettings | None = None,
    *,
    sensors: Catalogue | None = None,
    reported_ns: NDArray[np.int64] | None = None,
) -> Score:
    """Return how good tracks are.

    Every `every_s` seconds the confirmed and coasting tracks are carried forward from their last row, at constant
    velocity and without a look ahead, and compared with the objects there are. An object counts when it existed
    `settle_s` before and was trackable; other objects may be matched at no gain and no loss.

    Parameters
    ----------
    tracks : Table of `tables.TRACKS`
        Of one node or of several.
    truth : Table of `tables.TRUTH`
        In any order. For a reference instead of truth see :func:`truth_of`.
    settings : ScoringSettings, optional
    sensors : Catalogue, optional
        Says what is trackable where truth does not; without it all is.
    reported_ns : int64 array, shape (rows of tracks,), optional
        When each row was given out, UTC nanoseconds; a row is not used before. Without it, at the time of its state.

    Raises
    ------
    MisuseError
        A table of another schema, truth without a usable row, or one that ends before the evaluation begins.
    """
    settings = settings or ScoringSettings()
    known = Truth(truth, settings, sensors or Catalogue())
    picture = Picture(tracks, settings, reported_ns)
    matches = match(picture, known, settings)
    due = matches.pairs[matches.pairs["due"]]
    epochs = matches.epochs
    counted = int(epochs["objects"].sum())
    hours = counted * settings.every_s / 3600.0
    measured, at_times = gospa(matches, settings)
    pure, numbers = purity(matches.pairs)
    by_object = _by_object(matches, due, picture, known, settings.every_s)
    position_nees, state_nees = consistency(tracks, picture, known, due)
    age_ns = epochs["time_ns"][due["epoch"]] - picture.last_plot_ns[due["row"]]
    return Score(
        objects=int(np.count_nonzero(matches.counted)),
        tracks=picture.numbers,
        object_hours=hours,
        gospa=measured,
        completeness=1.0 - int(epochs["missed"].sum()) / max(1, counted),
        false_tracks=float(epochs["false"].mean()),
        false_share=int(epochs["false"].sum()) / max(1, int(epochs["tracks"].sum())),
        swaps_per_hour=swaps(matches.pairs) / hours if hours else 0.0,
        purity=pure,
        numbers_per_object=numbers,
        never_tracked=int(np.count_nonzero(by_object["tracked_s"].to_numpy() == 0.0)),
        siap=siap(matches, settings.every_s),
        position_m=Spread.of(due["distance_m"]),
        velocity_m_s=Spread.of(due["speed_m_s"]),
        height_m=Spread.of(np.abs(due["height_m"])),
        initiation_s=Spread.of(by_object["initiation_s"].to_numpy(zero_copy_only=False)),
        age_s=Spread.of(_seconds(age_ns, picture.last_plot_ns[due["row"]] != NO_TIME)),
        report_s=None if reported_ns is None else _report_s(picture),
        position_nees=position_nees,
        state_nees=state_nees,
        by_time=pa.table(
            {
                "time": pa.array(epochs["time_ns"]).view(TIME),
                "gospa_m": at_times,
                **{name: epochs[name] for name in ("objects", "missed", "tracks", "false")},
            }
        ),
        by_object=by_object,
    )


def _by_object(matches: Matches, due: NDArray[np.void], picture: Picture, truth: Truth, every_s: float) -> pa.Table:
    """Return a row per object that counted."""
    size = len(matches.counted)
    owner, _, first, last = runs(due)
    longest = np.zeros(size, np.int64)
    np.maximum.at(longest, owner, last - first + 1)
    # The first match of each object; pairs stand in the order of epochs.
    found, place = np.unique(matches.pairs["object"], return_index=True)
    begun_ns = np.full(size, NO_TIME)
    begun_ns[found] = picture.first_shown_ns()[matches.pairs["track"][place]]
    seen_ns = truth.first_trackable_ns()
    delay_s = _seconds(np.maximum(begun_ns - seen_ns, 0), (begun_ns != NO_TIME) & (seen_ns != NO_TIME))
    kept = np.flatnonzero(matches.counted)
    columns = {
        "counted_s": matches.counted * every_s,
        "tracked_s": np.bincount(due["object"], minlength=size) * every_s,
        "longest_s": longest * every_s,
        "numbers": np.bincount(partners(matches.pairs)[0], minlength=size),
    }
    names = pa.array([truth.objects[k] for k in kept.tolist()], pa.string())
    return pa.table(
        {
            "object": names,
            **{name: values[kept] for name, values in columns.items()},
            "initiation_s": pa.array(delay_s[kept], from_pandas=True),
        }
    )


def _report_s(picture: Picture) -> Spread | None:
    """Return the spread of times from plot to report, over the rows that a plot updated."""
    updated = picture.shown & (picture.last_plot_ns == picture.time_ns)
    return Spread.of(_seconds(picture.known_ns - picture.last_plot_ns, updated & (picture.time_ns != NO_TIME)))


def _seconds(span_ns: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return spans in seconds, NaN where not known."""
    return np.where(known, span_ns / SECOND_NS, np.nan)
