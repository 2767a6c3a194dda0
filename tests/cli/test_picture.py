"""The picture on a terminal: what it must say it says in a window of any size."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from skypact.cli._picture import Frame, Picture
from skypact.tables import TRACKS, VOCABULARY, build, times, words

NOW = 1_780_279_200_000_000_000
TITLE = "skypact demo · a title that is longer than most terminals have room for, and then a few words more"


def drawn(width: int, height: int, *, simulated: bool = True, longitude_deg: float = 75.0) -> list[str]:
    columns = {
        "time": times(np.array([NOW])),
        "node": pa.array(["n"]),
        "track": pa.array([1], pa.uint32()),
        "status": words("status", np.array([VOCABULARY["status"].index("confirmed")], np.int8)),
        "latitude_deg": pa.array([43.0]),
        "longitude_deg": pa.array([longitude_deg]),
        "last_plot": times(np.array([NOW])),
        "simulated": pa.array([simulated]),
    }
    picture = Picture(TITLE)
    picture.update(NOW, build(TRACKS, 1, columns))
    screen = StringIO()
    Console(file=screen, width=width, height=height, force_terminal=True, color_system=None).print(picture)
    return screen.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60), (100, 10)])
def test_the_first_line_always_says_exercise_time_and_count(width: int, height: int) -> None:
    lines = drawn(width, height)
    assert len(lines) == height
    assert all(len(line.rstrip()) <= width for line in lines)
    assert "EXERCISE: simulated   2026-06-01 02:00:00 UTC   1 track" in lines[0]
    assert lines[0].startswith(" skypact demo")
    assert "EXERCISE" not in drawn(width, height, simulated=False)[0]


def test_a_narrow_window_says_exercise_before_all_else() -> None:
    assert drawn(40, 12)[0].strip().startswith("EXERCISE: simulated")


def test_every_mark_is_explained() -> None:
    text = "\n".join(drawn(80, 24))
    for meaning in ("● confirmed", "○ coasting", "· tentative", "x ended", "▲ sensor", "+ town"):
        assert meaning in text


def test_a_label_at_the_edge_stands_left_of_its_mark() -> None:
    frame = Frame((42.0, 74.0, 44.0, 76.0), 20, 5)
    for longitude, line in ((75.95, "            EXR404● "), (74.05, "●EXR404             ")):
        cells = [[" "] * 20 for _ in range(5)]
        styles: dict[tuple[int, int], str] = {}
        frame.put(cells, styles, 43.0, longitude, "●", "")
        frame.label(cells, styles, 43.0, longitude, "EXR404", "")
        assert "".join(cells[2]).strip() == line.strip()
