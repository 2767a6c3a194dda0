"""The past over HTTP: an instant, a while, a track; and questions that cannot be answered."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_broadcast import T0, S, steps

from skypact.console import Broadcast, Served, Server, make_app
from skypact.console.rows import FIELDS
from skypact.journal import Journal

MS = T0 // 10**6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    steps(tmp_path / "j", 0, 30)
    served = Served(dict, bytes, Broadcast(), lambda: {"node": "n"}, Journal.open(tmp_path / "j"))
    with Server(make_app(served), "127.0.0.1", 0) as running:
        yield running.address


def ask(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as err:
        with err:
            return err.code, json.load(err)


def test_the_extent_of_the_past(server: str) -> None:
    assert ask(f"{server}/api/node") == (200, {"node": "n", "journal": [MS, MS + 29_000]})


def test_an_instant(server: str) -> None:
    code, found = ask(f"{server}/api/picture?at={MS + 4_500}")
    assert code == 200
    assert found["tracks"]["track"] == [0, 1, 2, 3, 4]
    assert set(found["tracks"]) == set(FIELDS)
    assert ask(f"{server}/api/picture?at={MS - 1}")[1]["tracks"]["track"] == []


def test_a_while_as_it_was_told(server: str) -> None:
    _, found = ask(f"{server}/api/steps?from={MS + 5_000}&to={MS + 8_000}")
    assert [step["now_ms"] for step in found] == [MS + 5_000, MS + 6_000, MS + 7_000]
    assert [step["id"] for step in found] == [12, 14, 16]
    assert [step["tracks"]["track"] for step in found] == [[5], [6], [7]]
    assert ask(f"{server}/api/steps?from={MS + 40_000}&to={MS + 50_000}") == (200, [])


def test_the_life_of_a_track(server: str) -> None:
    _, found = ask(f"{server}/api/track?node=n&track=7&from={MS}&to={MS + 60_000}")
    assert found["time_ms"] == [(T0 + 7 * S) // 10**6]
    assert ask(f"{server}/api/track?node=other&track=7&from={MS}&to={MS + 60_000}")[1]["track"] == []


@pytest.mark.parametrize(
    "question",
    [
        "picture", "picture?at=noon", "picture?at=-5", "picture?at=99999999999999999", "picture?at=²",
        "steps?from=0&to=999999999", f"steps?from={MS}&to={MS - 1}", "track?node=n&from=0&to=0",
        "track?node=n&track=1&from=0&to=9000000000",
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_line(server: str, question: str) -> None:
    code, found = ask(f"{server}/api/{urllib.parse.quote(question, safe='?=&-')}")
    assert code == 400
    assert "\n" not in found["error"]


def test_without_a_journal_there_is_no_past() -> None:
    with Server(make_app(Served(dict, bytes, Broadcast())), "127.0.0.1", 0) as running:
        assert ask(f"{running.address}/api/node") == (200, {"journal": None})
        assert ask(f"{running.address}/api/picture?at=0")[0] == 404
