"""What real radars tell of themselves, against the reference decode of the same recording."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pyarrow.compute as pc
import pytest

from skypact.formats.asterix import AsterixDecoder
from skypact.formats.pcap import PcapReader
from skypact.sensors import Catalogue, Learner, crossings


@pytest.fixture(scope="module")
def learned(shared: Path) -> tuple[Learner, list[str], object]:
    packets = PcapReader().feed((shared / "asterix/cat_034_048.pcap").read_bytes())
    decoded = AsterixDecoder().decode(packets.payload)
    learner = Learner(Catalogue())
    notices = learner.services(decoded.services) + learner.plots(decoded.plots)
    return learner, notices, decoded


@pytest.fixture(scope="module")
def reference(shared: Path) -> str:
    return gzip.open(shared / "asterix/cat_034_048_reference_decode.txt.gz", "rt").read()


def count(reference: str, name: str) -> int:
    """Return the bits of an item that occurs several times, each time the same; the reference rounds their unit."""
    (value,) = set(re.findall(rf"\t{re.escape(name)}: (-?\d+) \(", reference))
    return int(value)


def test_the_one_radar_that_states_its_position_and_turn_is_complete(learned, reference: str) -> None:
    radar = learned[0].catalogue.get("25/12")
    assert radar.rotation_s == count(reference, "Antenna rotation speed") / 128
    assert radar.latitude_deg == pytest.approx(count(reference, "Latitude in WGS-84") * 180 / 2**23)
    assert radar.longitude_deg == pytest.approx(count(reference, "Longitude in WGS-84") * 180 / 2**23)
    assert radar.kind == "mode_s"


def test_every_radar_is_told_of_once_and_its_lines_complete_the_catalogue(learned) -> None:
    _, notices, decoded = learned
    assert sorted(notice.sensor for notice in notices) == sorted(pc.unique(decoded.plots["sensor"]).to_pylist())
    assert {notice.problem for notice in notices} == {"unknown"}
    assert [notice.sensor for notice in notices if "stay without" not in notice.text] == ["25/12"]
    lines = (
        "\n".join(notice.lines for notice in notices).replace("deg = \n", "deg = 1\n").replace("_m = \n", "_m = 1\n")
    )
    again = Learner(Catalogue.parse(f'schema = "sensors/1"\n{lines}'))
    assert again.services(decoded.services) + again.plots(decoded.plots) == []


def test_the_beam_turns_as_the_radar_says(learned) -> None:
    table = crossings(learned[2].services).to_pandas()
    own = table[table.sensor == "25/12"]
    seconds = (own.time - own.time.min()).dt.total_seconds().to_numpy()
    degrees = (own.azimuth_deg - own.azimuth_deg.iloc[0]).to_numpy() % 360
    assert len(own) >= 4
    assert seconds == pytest.approx(degrees / 360 * learned[0].catalogue.get("25/12").rotation_s, abs=2 / 128)
