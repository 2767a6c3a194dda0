"""The sensors a tracker has heard, numbered in the order of their first plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.earth import frames
from skypact.sensors import ASSUMED, Catalogue, labels_and_rows, sigmas
from skypact.tracking._records import DIRECT_KINDS, KINDS, SENSOR, Flags, Ints, Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_SENSORS = 4_096
"""Bound on names; plots of further ones are counted and left out."""
DIRECT_PERIOD_S = 5.0
"""A look of ADS-B: so long without a position is a miss. Positions come twice a second where reception is good."""
FIRST_PERIOD_S = 10.0
"""Period of a rotating sensor nobody gave one, until it is learned."""
UNSTATED_DETECTION = 0.8
"""Probability of detection where the catalogue has none: lower than good radars reach, for patience with the rest. One
above 0.9 is not believed: what makes a look miss a track is often not the radar."""
DEFAULT_RANGE_M = 300_000.0
DEFAULT_POSITION_M = 100.0
"""Standard deviation of a position given by a kind that does not measure one (a radar's Cartesian coordinates)."""


class Registry:
    """Columns of sensors, grown as plots name them.

    Attributes
    ----------
    labels : list of str
        Names as in the plots; the empty one stands for none.
    names : Arrow array of string
        Names for people: the id in the catalogue, else the label; null for none.
    named : bool array
        Whether there is a name, and a last entry, False, for sensor -1.
    sensors : array of `SENSOR`
    catalogue : Catalogue
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.labels: list[str] = []
        self.sensors: Records = np.zeros(0, SENSOR)
        self.names = pa.array([], pa.string())
        self.named: Flags = np.zeros(1, np.bool_)
        self._index: dict[str, int] = {}
        self._last: pa.Array | None = None
        self._last_number: Ints = np.zeros(0, np.int32)

    def use(self, catalogue: Catalogue) -> None:
        """Take the figures of another catalogue; learned periods stay where it has none."""
        if catalogue is not self.catalogue:
            self.catalogue = catalogue
            self._fill()

    def rows(self, table: pa.Table, kind: NDArray[np.int8]) -> Ints:
        """Return the number of the sensor of each row of a table of PLOTS, -1 where there are too many names.

        Parameters
        ----------
        table : Table of `tables.PLOTS`, n rows
        kind : int8 array, shape (n,)
            Index into `tables.KINDS`, -1 for unknown.
        """
        column = table["sensor"]
        plain = column.num_chunks == 1 and column.null_count == 0
        if plain and self._last is not None and column.chunk(0).dictionary.equals(self._last):
            # Most tables name the sensors of the one before.
            return self._last_number[column.chunk(0).indices.to_numpy()]
        labels, row = labels_and_rows(column)
        names = [*labels, ""]
        number = np.array([self._index.get(name, -1) for name in names], np.int32)
        if (number[row] < 0).any():
            # Plots that say a position tell the kind of a sensor whose plots are of several.
            placed = table["latitude_deg"].is_valid().to_numpy()
            for index in np.unique(row[number[row] < 0]).tolist():
                if len(self.labels) == MOST_SENSORS:
                    break
                own = row == index
                telling = own & placed if (own & placed).any() else own
                number[index] = self._index[names[index]] = len(self.labels)
                self.labels.append(names[index])
                more = np.zeros(1, SENSOR)
                more["kind"] = kind[telling][0]
                self.sensors = np.concatenate((self.sensors, more))
            self._fill()
        if plain and (number[:-1] >= 0).all():
            self._last, self._last_number = column.chunk(0).dictionary, number
        return number[row]

    def restore(self, labels: Sequence[str], sensors: Records) -> None:
        """Take the sensors of a snapshot."""
        self.labels, self.sensors = list(labels), sensors
        self._index = {label: index for index, label in enumerate(labels)}
        self._fill()

    def _fill(self) -> None:
        """Write what the catalogue, or else an assumption by kind, says of each sensor."""
        sensors, count = self.sensors, len(self.labels)
        found = [self.catalogue.get(label) for label in self.labels]
        names = (label if one is None else one.id for label, one in zip(self.labels, found, strict=True))
        self.names = pa.array([name or None for name in names], pa.string())
        self.named = np.array([*map(bool, self.labels), False])
        said = self.catalogue.columns(self.labels)
        position = frames.geodetic2ecef(said.latitude_deg, said.longitude_deg, said.altitude_m)
        sensors["site"] = np.stack(position, axis=1)
        lat, lon = np.radians(said.latitude_deg), np.radians(said.longitude_deg)
        sensors["site_frame"] = np.stack((np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon), said.altitude_m), axis=1)
        sensors["range_m"] = np.where(np.isnan(said.range_m), DEFAULT_RANGE_M, said.range_m)
        kind = np.where(said.kind >= 0, said.kind, sensors["kind"])
        direct = np.isin(kind, (*DIRECT_KINDS, -1))
        learned = np.where(sensors["period_s"] > 0, sensors["period_s"], FIRST_PERIOD_S)
        period = np.where(direct, DIRECT_PERIOD_S, learned)
        sensors["period_s"] = np.where(np.isnan(said.rotation_s), period, said.rotation_s)
        sensors["stated"] = ~np.isnan(said.rotation_s) | direct
        sensors["turns"] = ~np.isnan(said.rotation_s) & ~direct
        detection = np.clip(np.where(np.isnan(said.pd), UNSTATED_DETECTION, said.pd), 0.5, 0.9)
        sensors["detection"] = detection
        sensors["weight"] = np.log(1.0 - detection) / math.log(1.0 - 0.9)
        # Every kind of plot that every sensor may send, asked of the one place that knows.
        labels = pa.DictionaryArray.from_arrays(np.repeat(np.arange(count, dtype=np.int32), KINDS), self.labels)
        kinds = tables.words("kind", np.tile(np.append(np.arange(KINDS - 1), -1), count).astype(np.int8))
        probes = tables.build(tables.PLOTS, count * KINDS, {"sensor": labels, "kind": kinds})
        sigma = sigmas(probes, self.catalogue)
        psr = ASSUMED["psr"]
        accuracy = sensors["accuracy"]
        for column, (values, default) in enumerate(
            (
                (sigma.range_m, psr.range_m),
                (np.radians(sigma.azimuth_deg), math.radians(psr.azimuth_deg)),
                (np.radians(sigma.elevation_deg), math.radians(psr.elevation_deg)),
                (sigma.position_m, DEFAULT_POSITION_M),
            )
        ):
            accuracy[:, :, column] = np.where(np.isnan(values), default, values).reshape(count, KINDS)
