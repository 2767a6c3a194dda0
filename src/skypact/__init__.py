"""Joint regional air defence as open software: the few verbs a notebook needs.

>>> import skypact as sp
>>> found = sp.read("radar.pcap")
>>> tracks = sp.track(found.plots, sensors="sensors.toml")

Tables are Arrow tables of the schemas in `skypact.tables`; ``.to_pandas()`` and ``polars.from_arrow`` take them on.
Nothing is imported before a verb is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa

    from skypact.formats.decoded import Decoded
    from skypact.sensors import Catalogue

__all__ = ["read", "track"]


def read(path: str | PathLike[str], **options: Any) -> Decoded:
    """Return what a recording holds: plots, system tracks, and what radars say of themselves.

    Parameters
    ----------
    path : path
        A pcap, ASTERIX, Beast, AVR, SBS or JSON-lines recording, packed or not, or plots as Parquet.
    **options
        Those of `skypact.node.Recording`: `wire`, `date`, `editions`, `raw`, `reference`.

    Raises
    ------
    InputError, FormatError, MisuseError
        The file or an option cannot be used; the message says what to do.
    """
    from pathlib import Path

    from skypact.formats.decoded import joined
    from skypact.node import Recording

    return joined(list(Recording(Path(path), **options)))


def track(
    plots: pa.Table,
    sensors: str | PathLike[str] | Catalogue | None = None,
    *,
    services: pa.Table | None = None,
    qnh_hpa: float | None = None,
) -> pa.Table:
    """Return the tracks of plots: a row per track and time it changed.

    Parameters
    ----------
    plots : Table of `tables.PLOTS`
        In any order.
    sensors : path or Catalogue, optional
        Where radars stand; plots with positions of their own need none.
    services : Table of `tables.SERVICES`, optional
        What radars said of themselves: rotation, and position where the catalogue has none.
    qnh_hpa : float, optional
        Sea-level pressure; with it heights above mean sea level are given.

    Raises
    ------
    ConfigError
        The catalogue cannot be read.
    """
    import pyarrow as pa

    from skypact.centre import Centre, CentreConfig
    from skypact.formats.decoded import Decoded
    from skypact.node import steps
    from skypact.sensors import Catalogue
    from skypact.tables import SERVICES, TRACKS, empty
    from skypact.tracking import TrackerSettings

    known = sensors if isinstance(sensors, Catalogue) else Catalogue() if sensors is None else Catalogue.read(sensors)
    centre = Centre(CentreConfig(catalogue=known, tracker=TrackerSettings(qnh_hpa=qnh_hpa)))
    said = empty(SERVICES) if services is None else services
    changed = [
        centre.step(step.now_ns, step.arrived.plots, services=step.arrived.services).tracks
        for step in steps([Decoded(plots=plots, services=said)])
    ]
    return pa.concat_tables([empty(TRACKS), *changed])
