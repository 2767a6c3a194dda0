"""A party's centre: the state of its sensors and tracks, stepped from outside.

Live feeds, replays and exercises all come through `Centre.step`; it opens nothing and reads no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from skypact.errors import FormatError
from skypact.sensors import Catalogue, Learner, Notice, Sensor
from skypact.tables import RELEASES, SERVICES, WARNINGS, empty
from skypact.tracking import Tracker, TrackerSettings


@dataclass(frozen=True, slots=True)
class CentreConfig:
    """What a centre is told before it begins.

    Attributes
    ----------
    catalogue : Catalogue
        The sensors as people wrote them down.
    tracker : TrackerSettings
    exercise : bool
        Whether simulated and live plots may be mixed.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    exercise: bool = False

    def to_json(self) -> bytes:
        """Return the configuration as JSON, to be kept beside what was made under it."""
        return msgspec.json.encode(_Written(list(self.catalogue), asdict(self.tracker), self.exercise))

    @classmethod
    def from_json(cls, text: bytes) -> CentreConfig:
        """Return the configuration that `to_json` wrote.

        Raises
        ------
        FormatError
            Another text, or one of a version that knows other settings.
        """
        try:
            written = msgspec.json.decode(text, type=_Written)
            return cls(Catalogue(written.catalogue), TrackerSettings(**written.tracker), written.exercise)
        except (msgspec.MsgspecError, TypeError, ValueError) as err:
            raise FormatError(f"no configuration of a centre of this version: {err}") from None


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    catalogue: list[Sensor]
    tracker: dict[str, Any]
    exercise: bool


_NO_RELEASES, _NO_WARNINGS = empty(RELEASES), empty(WARNINGS)


@dataclass(frozen=True, slots=True)
class Output:
    """What a step of a centre gives.

    Attributes
    ----------
    tracks : Table of `tables.TRACKS`
        The own tracks that changed, and those of partners that were taken in.
    releases : Table of `tables.RELEASES`
        What was decided to be released to whom.
    released : mapping of str to Table of `tables.TRACKS`
        What each partner is to be sent.
    warnings : Table of `tables.WARNINGS`
        The warnings that were raised or changed.
    notices : tuple of Notice
        What a person should know of sensors, each said once.
    """

    tracks: pa.Table
    releases: pa.Table = field(default_factory=lambda: _NO_RELEASES)
    released: Mapping[str, pa.Table] = field(default_factory=dict)
    warnings: pa.Table = field(default_factory=lambda: _NO_WARNINGS)
    notices: tuple[Notice, ...] = ()

    @property
    def tables(self) -> list[pa.Table]:
        """Those with rows, in the order in which they are kept."""
        return [table for table in (self.tracks, self.releases, self.warnings) if table.num_rows]


SNAPSHOT = b"skypact-centre/1\n"
"""What a snapshot begins with."""


class _State(msgspec.Struct):
    tracker: bytes
    learner: bytes
    simulated: bool | None
    counts: dict[str, int]


class Centre:
    """A centre; a value of its configuration and what came in so far.

    Simulated and live plots do not meet: the first plots decide which of the two a centre takes, and the others are
    left out and counted, unless the configuration says that it is an exercise.

    Parameters
    ----------
    config : CentreConfig, optional
    """

    def __init__(self, config: CentreConfig | None = None) -> None:
        self.config = config or CentreConfig()
        self._learner = Learner(self.config.catalogue)
        self._tracker = Tracker(self.config.tracker, self.config.catalogue)
        self._simulated: bool | None = None
        self._counts: Counter[str] = Counter()

    @property
    def catalogue(self) -> Catalogue:
        """The sensors as written down, completed by what they told of themselves."""
        return self._learner.catalogue

    @property
    def counts(self) -> Mapping[str, int]:
        """Plots by what became of them: ``plots`` in all, ``used``, and those left out by reason."""
        total = Counter(self._tracker.counts)
        total.update(self._counts)
        total["plots"] += self._counts.total()
        return {reason: count for reason, count in total.items() if count}

    @property
    def alive(self) -> Mapping[str, int]:
        """How many own tracks there are now, by status."""
        return self._tracker.alive

    def step(
        self, now_ns: int, plots: pa.Table, *, services: pa.Table | None = None, partners: pa.Table | None = None
    ) -> Output:
        """Take in what arrived and return what changed.

        Parameters
        ----------
        now_ns : int
            The present, UTC nanoseconds.
        plots : Table of `tables.PLOTS`
        services : Table of `tables.SERVICES`, optional
        partners : Table of `tables.TRACKS`, optional
            Tracks of others, such as system tracks received. They stand beside the own ones until pictures are joined.
        """
        said = empty(SERVICES) if services is None else services
        notices = self._learner.services(said) if said.num_rows else []
        taken = plots if self.config.exercise else self._unmixed(plots)
        if taken.num_rows:
            notices += self._learner.plots(taken)
        if self._tracker.catalogue is not self._learner.catalogue:
            self._tracker.catalogue = self._learner.catalogue
        tracks = self._tracker.step(now_ns, taken)
        if partners is not None and partners.num_rows:
            tracks = pa.concat_tables([tracks, partners])
        return Output(tracks, notices=tuple(notices))

    def snapshot(self) -> bytes:
        """Return all there is to know of the centre beside its configuration, to be given to `resume`."""
        parts = _State(self._tracker.snapshot(), self._learner.snapshot(), self._simulated, dict(self._counts))
        return SNAPSHOT + msgspec.msgpack.encode(parts)

    @classmethod
    def resume(cls, snapshot: bytes, config: CentreConfig | None = None) -> Centre:
        """Return the centre that made a snapshot, given the same configuration: it goes on byte for byte.

        Raises
        ------
        FormatError
            The bytes are no snapshot, or one of another version.
        """
        if not snapshot.startswith(SNAPSHOT):
            raise FormatError("no snapshot of a centre of this version", hint="replay the journal from its beginning")
        try:
            parts = msgspec.msgpack.decode(snapshot[len(SNAPSHOT) :], type=_State)
        except msgspec.MsgspecError as err:
            raise FormatError(f"damaged snapshot of a centre: {err}", hint="take an earlier one") from None
        centre = cls(config)
        centre._learner = Learner.resume(parts.learner, centre.config.catalogue)
        centre._tracker = Tracker.resume(parts.tracker, centre.config.tracker, centre._learner.catalogue)
        centre._simulated = parts.simulated
        centre._counts.update(parts.counts)
        return centre

    def _unmixed(self, plots: pa.Table) -> pa.Table:
        """Return the plots that are of this centre's kind, simulated or live."""
        if not plots.num_rows:
            return plots
        column = plots["simulated"]
        if column.null_count == len(column):
            simulated = np.zeros(len(column), bool)
        else:
            simulated = column.fill_null(False).to_numpy() if column.null_count else column.to_numpy()
        count = int(np.count_nonzero(simulated))
        if self._simulated is None:
            self._simulated = count == len(simulated)
        if count == (len(simulated) if self._simulated else 0):
            return plots
        kept = plots.filter(pa.array(simulated if self._simulated else ~simulated))
        self._counts["live among simulated" if self._simulated else "simulated among live"] += (
            plots.num_rows - kept.num_rows
        )
        return kept
