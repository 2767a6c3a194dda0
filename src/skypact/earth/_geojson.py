"""Areas of a user's GeoJSON file (RFC 7946): as much as borders and zones need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skypact.errors import FormatError, InputError

LARGEST_BYTES = 200_000_000

CODES = ("code", "iso_a2", "iso3166-1-alpha-2")
NAMES = ("name", "admin")


def read_areas(path: str | PathLike[str]) -> Iterator[tuple[str, str, list[NDArray[np.float64]]]]:
    """Yield code, name and rings, as arrays (n, 2) of latitude and longitude, of each polygon or multipolygon.

    Raises
    ------
    InputError, FormatError
        A file that is absent, too large, or no GeoJSON with polygons; the message names the feature.
    """
    features = _features(path)
    polygons = 0
    for number, feature in enumerate(features, 1):
        where = f"feature {number}"
        if not isinstance(feature, dict):
            raise FormatError(f"{where} is no object", path=path, hint="check it against RFC 7946")
        geometry = feature.get("geometry") or {}
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind not in {"Polygon", "MultiPolygon"}:
            continue
        polygons += 1
        properties = feature.get("properties") or {}
        values = {str(k).lower(): str(v) for k, v in properties.items()} if isinstance(properties, dict) else {}
        try:
            parts = geometry["coordinates"] if kind == "MultiPolygon" else [geometry["coordinates"]]
            rings = [_ring(ring) for part in parts for ring in part]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(
                f"{where} has a ring that is no list of [longitude, latitude] in degrees",
                path=path,
                hint="check it against RFC 7946, and that it is not projected",
            ) from error
        yield _first(values, CODES), _first(values, NAMES) or where, rings
    if not polygons:
        raise FormatError("holds no polygon", path=path, hint="give areas, as Polygon or MultiPolygon features")


def _features(path: str | PathLike[str]) -> list[Any]:
    file = Path(path)
    if file.is_dir():
        raise InputError("is a directory", path=path, hint="name the GeoJSON file inside it")
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise InputError(
                f"is larger than {LARGEST_BYTES / 1e6:.0f} MB", path=path, hint="simplify it, or cut out a part"
            )
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", path=path, hint="check the path") from error
    except json.JSONDecodeError as error:
        raise FormatError(f"is not JSON: {error.msg}", path=path, line=error.lineno, hint="give GeoJSON") from error
    except (ValueError, RecursionError) as error:
        raise FormatError("is not JSON", path=path, hint="give GeoJSON") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise FormatError("is no FeatureCollection", path=path, hint="give GeoJSON with features")
    return features


def _ring(positions: Any) -> NDArray[np.float64]:
    ring = np.array([position[:2] for position in positions], np.float64)
    if ring.shape[1:] != (2,) or len(ring) < 4 or not (np.abs(ring) <= (540.0, 90.0)).all():
        raise ValueError
    return ring[:, ::-1]


def _first(values: dict[str, str], keys: Iterable[str]) -> str:
    """Return the first value there is; Natural Earth writes -99 where there is none."""
    return next((values[k] for k in keys if values.get(k) not in {None, "None", "", "-99"}), "")
