"""A centre that is put down and taken up again goes on byte for byte."""

from __future__ import annotations

import pytest

from skypact.centre import Centre, CentreConfig
from skypact.cli._flight import steps
from skypact.errors import FormatError
from skypact.exercise import Scenario, read
from skypact.node import Step


@pytest.fixture(scope="module")
def flown() -> list[Step]:
    scenario = read("first-light")
    fields = {f: getattr(scenario, f) for f in scenario.__struct_fields__}
    return list(steps(Scenario(**fields | {"duration_s": 150.0})))


def run(centre: Centre, part: list[Step]) -> list[object]:
    return [
        (out.tracks.to_pylist(), out.notices)
        for out in (centre.step(s.now_ns, s.arrived.plots, services=s.arrived.services) for s in part)
    ]


@pytest.mark.parametrize("written", [True, False], ids=["catalogue", "nothing written"])
def test_the_rest_is_the_same_after_a_resume(flown: list[Step], written: bool) -> None:
    config = CentreConfig(catalogue=read("first-light").catalogue) if written else CentreConfig()
    whole = Centre(config)
    expected = run(whole, flown)
    for cut in (0, 1, 37, len(flown) // 2):
        first = Centre(config)
        run(first, flown[:cut])
        taken_up = Centre.resume(first.snapshot(), config)
        assert taken_up.snapshot() == first.snapshot()
        assert run(taken_up, flown[cut:]) == expected[cut:]
        assert taken_up.snapshot() == whole.snapshot()
        assert taken_up.counts == whole.counts
        assert taken_up.catalogue == whole.catalogue


def test_what_is_no_snapshot_is_refused(flown: list[Step]) -> None:
    centre = Centre()
    run(centre, flown[:20])
    snapshot = centre.snapshot()
    for damaged in (b"", b"noise", snapshot[:-1], snapshot[:40], b"skypact-centre/2\n" + snapshot[17:]):
        with pytest.raises(FormatError):
            Centre.resume(damaged)
