"""The catalogue of sensors: a TOML file ``schema = "sensors/1"`` of ``[[sensor]]`` entries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Meta

from skypact import configfile
from skypact.configfile import FieldError
from skypact.tables import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = "sensors/1"
POSITION = ("latitude_deg", "longitude_deg", "altitude_m")
_ID = re.compile(r"\w[\w.-]{0,63}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")

Kind = Literal["psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s", "adsb", "mlat", "passive", "infrared"]
Site = Literal["known", "hypothetical"]
_Octet = Annotated[int, Meta(ge=0, le=255)]


class Sensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of the catalogue; None where nobody said.

    Attributes
    ----------
    id : str
        Name within the catalogue: letters, digits, ``_``, ``-`` and ``.``.
    kind : str
        What it is, a word of `tables.KINDS`.
    party : str or None
        Whose it is.
    sac, sic : int or None
        System area and identification code, 0-255, as its ASTERIX messages carry them.
    latitude_deg, longitude_deg, altitude_m : float or None
        Where the antenna stands: WGS 84 degrees, metres above mean sea level; all three or none.
    range_m : float or None
        Instrumented slant range.
    rotation_s : float or None
        Time of one turn of the antenna, or between two looks at the same place.
    sigma_range_m, sigma_azimuth_deg, sigma_elevation_deg : float or None
        Standard deviations of one measurement; `accuracy.ASSUMED` stands in.
    pd : float or None
        Probability of detection of what is in view.
    reference_rcs_m2 : float or None
        Radar cross section at which `pd` holds at `range_m`.
    site : {"known", "hypothetical"}
        Whether such a sensor is publicly known to stand there. Nobody vouches for a site unless the file says so.
    """

    id: str
    kind: Kind
    party: str | None = None
    sac: _Octet | None = None
    sic: _Octet | None = None
    latitude_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)] | None = None
    altitude_m: Annotated[float, Meta(ge=-500, le=50e6)] | None = None
    range_m: Annotated[float, Meta(gt=0, le=50e6)] | None = None
    rotation_s: Annotated[float, Meta(ge=0.1, le=600)] | None = None
    sigma_range_m: Annotated[float, Meta(gt=0, le=1e5)] | None = None
    sigma_azimuth_deg: Annotated[float, Meta(gt=0, le=45)] | None = None
    sigma_elevation_deg: Annotated[float, Meta(gt=0, le=45)] | None = None
    pd: Annotated[float, Meta(gt=0, le=1)] | None = None
    reference_rcs_m2: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    site: Site = "hypothetical"

    def __post_init__(self) -> None:
        """Check what concerns several fields.

        Raises
        ------
        FieldError
            A name of other characters, SAC without SIC, or a position in parts.
        """
        if not _ID.fullmatch(self.id):
            raise FieldError(f"id {self.id!r} is not of letters, digits, _ - and .", "id", hint="rename it")
        if self.party is not None and not _NAME.fullmatch(self.party):
            raise FieldError(f"party {self.party!r} is not a name of up to 64 printed characters", "party")
        for group in (("sac", "sic"), POSITION):
            missing = [name for name in group if getattr(self, name) is None]
            if 0 < len(missing) < len(group):
                given = next(name for name in group if name not in missing)
                raise FieldError(
                    f"{self.id}: {given} without {' and '.join(missing)}",
                    given,
                    hint=f"give {', '.join(group)} or none",
                )

    @property
    def label(self) -> str:
        """The name its plots carry, which is ``SAC/SIC`` or else its id."""
        return self.id if self.sac is None else f"{self.sac}/{self.sic}"

    @property
    def has_position(self) -> bool:
        """Whether it is known where it stands."""
        return self.latitude_deg is not None

    def to_toml(self) -> str:
        """Return the entry as it stands in a catalogue file."""
        said = msgspec.to_builtins(self)
        return "\n".join(["[[sensor]]", *(f"{key} = {_toml(value)}" for key, value in said.items()), ""])


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sensor: tuple[Sensor, ...] = ()

    def __post_init__(self) -> None:
        first: dict[str, int] = {}
        for index, sensor in enumerate(self.sensor):
            for name, key in {sensor.id: "id", sensor.label: "id" if sensor.sac is None else "sic"}.items():
                if name in first:
                    other = self.sensor[first[name]].id
                    what = f"{name} stands for two sensors, {other} and {sensor.id}"
                    raise FieldError(what, "sensor", index, key, hint="rename or remove one")
                first[name] = index


@dataclass(frozen=True, slots=True)
class SensorColumns:
    """Figures of sensors as columns, NaN where unknown; all arrays are of shape (n,).

    Attributes
    ----------
    known : bool array
        Whether the catalogue has the sensor.
    kind : int8 array
        Index into `tables.KINDS`, -1 where unknown.
    latitude_deg, longitude_deg, altitude_m, range_m, rotation_s : float64 arrays
        As in `Sensor`.
    sigma_range_m, sigma_azimuth_deg, sigma_elevation_deg, pd : float64 arrays
        As the catalogue says, without assumptions.
    """

    known: NDArray[np.bool_]
    kind: NDArray[np.int8]
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    range_m: NDArray[np.float64]
    rotation_s: NDArray[np.float64]
    sigma_range_m: NDArray[np.float64]
    sigma_azimuth_deg: NDArray[np.float64]
    sigma_elevation_deg: NDArray[np.float64]
    pd: NDArray[np.float64]


class Catalogue:
    """Sensors by id and by the label of their plots; a value that never changes.

    Parameters
    ----------
    sensors : iterable of Sensor

    Raises
    ------
    FieldError
        Two sensors go by one name.
    """

    def __init__(self, sensors: Iterable[Sensor] = ()) -> None:
        self.sensors = _File(sensor=tuple(sensors)).sensor
        self._by_name = {name: sensor for sensor in self.sensors for name in (sensor.id, sensor.label)}

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Catalogue:
        """Return the catalogue in a TOML file.

        Raises
        ------
        ConfigError
            The file does not follow ``sensors/1``; file and line are told.
        """
        return cls(configfile.read(path, _File, SCHEMA).sensor)

    @classmethod
    def parse(cls, text: str, path: str | PathLike[str] = "sensors.toml") -> Catalogue:
        """Return the catalogue in TOML text; `path` is only named in errors."""
        return cls(configfile.parse(text, path, _File, SCHEMA).sensor)

    def __iter__(self) -> Iterator[Sensor]:
        """Iterate over the sensors in the order of the file."""
        return iter(self.sensors)

    def __len__(self) -> int:
        """Return the number of sensors."""
        return len(self.sensors)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same sensors in the same order."""
        return isinstance(other, Catalogue) and self.sensors == other.sensors

    def __hash__(self) -> int:
        """Return a hash that fits equality."""
        return hash(self.sensors)

    def __repr__(self) -> str:
        """Return the ids."""
        return f"Catalogue({', '.join(sensor.id for sensor in self.sensors)})"

    def get(self, name: str) -> Sensor | None:
        """Return the sensor of an id or of a plot's label such as ``25/12``, None where there is none."""
        return self._by_name.get(name)

    def columns(self, labels: Sequence[str]) -> SensorColumns:
        """Return the figures of the sensors of `labels`, one row each and in that order."""
        rows = [self.get(label) for label in labels]

        def column(name: str) -> NDArray[np.float64]:
            values = [None if sensor is None else getattr(sensor, name) for sensor in rows]
            return np.array([np.nan if value is None else value for value in values], np.float64)

        return SensorColumns(
            known=np.array([sensor is not None for sensor in rows], np.bool_),
            kind=np.array([-1 if sensor is None else KINDS.index(sensor.kind) for sensor in rows], np.int8),
            latitude_deg=column("latitude_deg"),
            longitude_deg=column("longitude_deg"),
            altitude_m=column("altitude_m"),
            range_m=column("range_m"),
            rotation_s=column("rotation_s"),
            sigma_range_m=column("sigma_range_m"),
            sigma_azimuth_deg=column("sigma_azimuth_deg"),
            sigma_elevation_deg=column("sigma_elevation_deg"),
            pd=column("pd"),
        )

    def to_toml(self) -> str:
        """Return the catalogue as a file's text; reading it gives an equal catalogue."""
        return "\n".join([f'schema = "{SCHEMA}"\n', *(sensor.to_toml() for sensor in self.sensors)])

    def write(self, path: str | PathLike[str]) -> None:
        """Write the catalogue to a file."""
        Path(path).write_text(self.to_toml(), encoding="utf-8")


def labels_and_rows(column: pa.ChunkedArray | pa.Array) -> tuple[list[str], NDArray[np.int32]]:
    """Return the distinct labels of a column of sensor names, and which of them each row has, -1 where null.

    Parameters
    ----------
    column : Arrow column of `tables.NAME`, shape (n,)

    Returns
    -------
    labels : list of str
    rows : int32 array, shape (n,)
        Indices into `labels`.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()
    if not column.null_count:
        return column.dictionary.to_pylist(), column.indices.to_numpy()
    rows = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return column.dictionary.to_pylist(), rows


def _toml(value: str | float) -> str:
    """Return a value as TOML; JSON's strings and numbers are TOML's where neither NaN nor a delete character occurs."""
    return json.dumps(value, ensure_ascii=False)
