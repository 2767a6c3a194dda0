"""How well a plot is measured: what its message says, else the catalogue, else an assumption by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.sensors.catalogue import Catalogue, labels_and_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Standard deviations of one detection, NaN for what a kind does not measure, and its probability."""

    range_m: float
    azimuth_deg: float
    elevation_deg: float
    position_m: float
    pd: float


_NONE = float("nan")

ASSUMED: Mapping[str, Accuracy] = {
    "psr": Accuracy(120.0, 0.15, 0.3, _NONE, 0.90),
    "ssr": Accuracy(50.0, 0.08, 0.3, _NONE, 0.97),
    "psr_ssr": Accuracy(50.0, 0.08, 0.3, _NONE, 0.97),
    "mode_s": Accuracy(30.0, 0.07, 0.3, _NONE, 0.97),
    "psr_mode_s": Accuracy(30.0, 0.07, 0.3, _NONE, 0.97),
    "adsb": Accuracy(_NONE, _NONE, _NONE, 40.0, 0.95),
    "mlat": Accuracy(_NONE, _NONE, _NONE, 50.0, 0.95),
    "passive": Accuracy(_NONE, 2.0, 2.0, 500.0, 0.80),
    "infrared": Accuracy(_NONE, 0.3, 0.3, _NONE, 0.80),
}
"""Assumed figures by kind of detection, for plots and catalogues that say nothing. None describes a real sensor.

Radars: round figures of the order that EUROCONTROL asks of air traffic control radars (SUR.ET1.ST01.1000-STD-01-01,
1997: primary detection over 90 %, secondary over 97 %); a combined plot has the better, secondary, measurement.
ADS-B: the 95 % bound of NACp 8, 92.6 m (RTCA DO-260B), is 2.45 standard deviations of a circular normal error.
Multilateration, passive, infrared and elevation: assumed.
"""


@dataclass(frozen=True, slots=True)
class Sigmas:
    """Standard deviations of each plot's measurement, NaN where its kind does not measure it; shape (n,) each."""

    range_m: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    position_m: NDArray[np.float64]


def sigmas(plots: pa.Table, catalogue: Catalogue) -> Sigmas:
    """Return the standard deviations of each plot: the message's, else the catalogue's, else assumed by kind.

    Parameters
    ----------
    plots : Table of `tables.PLOTS`, n rows
        A plot without a kind is taken as of its sensor's kind, failing that as primary: the coarsest radar.
    catalogue : Catalogue
    """
    labels, row = labels_and_rows(plots["sensor"])
    said = catalogue.columns([*labels, ""])  # the last row, unknown, is where -1 points
    kind = tables.codes(plots["kind"], "kind")
    kind = np.where(kind < 0, said.kind[row], kind)
    kind = np.where(kind < 0, tables.KINDS.index("psr"), kind)
    nobody = np.full(len(row), np.nan)

    def choose(name: str, of_sensor: NDArray[np.float64]) -> NDArray[np.float64]:
        message = plots[f"sigma_{name}"].to_numpy().astype(np.float64)
        assumed = np.array([getattr(ASSUMED[word], name) for word in tables.KINDS])
        value = np.where(np.isnan(message), of_sensor, message)
        return np.where(np.isnan(value), assumed[kind], value)

    return Sigmas(
        range_m=choose("range_m", said.sigma_range_m[row]),
        azimuth_deg=choose("azimuth_deg", said.sigma_azimuth_deg[row]),
        elevation_deg=choose("elevation_deg", said.sigma_elevation_deg[row]),
        position_m=choose("position_m", nobody),
    )
