"""``skypact doctor``: is everything there, and does it work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from skypact.cli import _options as options


def doctor(
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile all kernels now, so that later runs start at once.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Check the installation.

    Example: skypact doctor --warm
    """
    from skypact.cli import _say
    from skypact.errors import SkypactError

    found: list[dict[str, Any]] = []
    for name, check in CHECKS.items():
        try:
            found.append({"check": name, "good": True, "found": check()})
        except Exception as err:  # whatever is wrong with an installation is what this command tells
            found.append({"check": name, "good": False, "found": f"{type(err).__name__}: {err}"})
    if warm:
        _say.note("compiling kernels ...")
        found.append({"check": "kernels", "good": True, "found": f"compiled in {_warm():.1f} s"})
    lines = [f"{'ok ' if f['good'] else 'BAD'}  {f['check']:<12} {f['found']}" for f in found]
    _say.result({"checks": found}, "\n".join(lines), as_json)
    bad = [f["check"] for f in found if not f["good"]]
    if bad:
        raise SkypactError(f"not in order: {', '.join(bad)}; install skypact again")


def _versions() -> str:
    import platform
    from importlib.metadata import version

    names = ("skypact", "numpy", "numba", "pyarrow", "rs1090", "rasterio", "pyproj")
    return f"Python {platform.python_version()}, " + ", ".join(f"{n} {version(n)}" for n in names)


def _terrain() -> str:
    from skypact.earth.terrain import Terrain

    return (
        f"Manas airport stands at {float(Terrain.shipped().elevation(43.0613, 74.4776)):.0f} m in the shipped terrain"
    )


def _geoid() -> str:
    from skypact.earth.geoid import undulation_m

    return f"EGM2008 stands {float(undulation_m(43.0613, 74.4776)):.1f} m above the ellipsoid there"


def _borders() -> str:
    from skypact.earth.borders import Borders

    shipped = Borders.shipped()
    return f"{len(shipped.countries())} countries; Manas lies in {shipped.country_of(43.0613, 74.4776)}"


def _formats() -> str:
    from skypact.formats.asterix import CATEGORIES, editions, source

    known = sum(len(editions(c)) for c in CATEGORIES)
    origin = f"{source()['package']} of {source()['date'][:10]}"
    return f"{len(CATEGORIES)} ASTERIX categories in {known} editions, from {origin}"


def _cache() -> str:
    import os
    from pathlib import Path

    import skypact.formats.asterix as room

    folder = os.environ.get("NUMBA_CACHE_DIR") or str(Path(str(room.__file__)).parent / "__pycache__")
    writable = os.access(folder if Path(folder).exists() else Path(folder).parent, os.W_OK)
    return (
        f"compiled kernels are kept in {folder}" if writable else f"{folder} cannot be written: kernels go to ~/.cache"
    )


def _scenarios() -> str:
    from skypact.exercise import shipped

    return f"scenarios: {', '.join(shipped())}"


CHECKS: dict[str, Callable[[], str]] = {
    "versions": _versions,
    "terrain": _terrain,
    "geoid": _geoid,
    "borders": _borders,
    "formats": _formats,
    "scenarios": _scenarios,
    "cache": _cache,
}


def _warm() -> float:
    """Run the shipped scenario through everything once and return how long it took, in seconds."""
    import time

    from skypact.cli._flight import rehearse

    begun = time.perf_counter()
    rehearse()
    return time.perf_counter() - begun
