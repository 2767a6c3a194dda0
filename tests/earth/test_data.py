"""The shipped data files are the ones NOTICE names."""

import hashlib
import re
from pathlib import Path

import skypact.earth

DATA = Path(skypact.earth.__file__).parent / "data"
NOTICE = Path(__file__).parents[2] / "NOTICE"


def test_every_data_file_has_its_hash_in_the_notice():
    lines = re.findall(r"^([0-9a-f]{64})  src/skypact/earth/data/(\S+)$", NOTICE.read_text(), re.MULTILINE)
    derived = [path for path in DATA.iterdir() if path.suffix != ".toml"]
    assert {name: digest for digest, name in lines} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in derived
    }


def test_every_list_written_by_hand_names_its_sources_in_the_notice():
    notice = NOTICE.read_text()
    for path in DATA.glob("*.toml"):
        assert f"src/skypact/earth/data/{path.name}" in notice


def test_data_stays_small():
    sizes = {path.name: path.stat().st_size for path in DATA.iterdir()}
    terrain = {name: size for name, size in sizes.items() if name.startswith("gebco")}
    assert max(terrain.values()) < 6e6
    assert sum(sizes.values()) - sum(terrain.values()) < 6e6
