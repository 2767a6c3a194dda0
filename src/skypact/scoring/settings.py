"""What is chosen before tracks are scored, with the reason of each default."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from skypact.errors import MisuseError


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Settings of :func:`score`.

    Attributes
    ----------
    cutoff_m : float
        c of GOSPA: a track farther from an object than this is not of it.
    order : float
        p of GOSPA, at least 1: how much large errors weigh.
    alpha : float
        alpha of GOSPA, in (0, 2]. At 2 each object missed and each false track costs c^p / 2, and the sum falls into
        localisation, missed and false.
    warm_up_s : float
        Time after the first row of truth before the first evaluation: a tracker may begin.
    every_s : float
        Period of evaluation.
    settle_s : float
        An object counts as missed only when it existed this long ago: a track needs some plots.
    gap_s : float
        Truth is interpolated between rows that are not farther apart; in a longer gap the object does not exist.
    stale_s : float
        A track without a row for longer is not in the picture, although nobody said that it ended.
    edge_m, cone_m : float
        Where truth does not say whether an object was trackable: it was within reach of a sensor, nearer than the
        sensor's range by `edge_m` and, if the sensor turns, outside the cone of silence of radius `cone_m`.
    start_ns, stop_ns : int or None
        Evaluate from `start_ns` + `warm_up_s` on, before `stop_ns`, UTC nanoseconds; None is the first and the last
        row of truth.
    """

    cutoff_m: float = 2_000.0
    order: float = 2.0
    alpha: float = 2.0
    warm_up_s: float = 60.0
    every_s: float = 4.0
    settle_s: float = 20.0
    gap_s: float = 30.0
    stale_s: float = 60.0
    edge_m: float = 3_000.0
    cone_m: float = 13_000.0
    start_ns: int | None = None
    stop_ns: int | None = None

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        MisuseError
            A number that is not finite or below its least value.
        """
        may_be_zero = {"warm_up_s", "settle_s", "edge_m", "cone_m"}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in {"start_ns", "stop_ns"}:
                continue
            if not (math.isfinite(value) and (value > 0 or (value == 0 and field.name in may_be_zero))):
                raise MisuseError(f"scoring setting {field.name} = {value}: must be above zero")
        if self.order < 1:
            raise MisuseError(f"scoring setting order = {self.order}: must be at least 1")
        if self.alpha > 2:
            raise MisuseError(f"scoring setting alpha = {self.alpha}: must not exceed 2")
