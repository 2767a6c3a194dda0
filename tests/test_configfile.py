"""Files of people: what is accepted, and that every fault is one line naming file and line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import configfile
from skypact._toml_lines import line_numbers, locate
from skypact.configfile import FieldError
from skypact.errors import ConfigError


class Leg(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    speed_m_s: Annotated[float, msgspec.Meta(ge=0, le=4000)]
    via: tuple[float, float] | None = None


class Thing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    mode: Literal["fast", "slow"] = "fast"
    count: int = 0
    tags: dict[str, int] = {}
    leg: tuple[Leg, ...] = ()

    def __post_init__(self) -> None:
        if self.name == "nobody":
            raise ValueError("nobody is no name")
        for i, leg in enumerate(self.leg):
            if leg.speed_m_s == 13:
                raise FieldError("13 m/s is bad luck", "leg", i, "speed_m_s", hint="write 14")


class Things(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    thing: tuple[Thing, ...] = ()


def parse(text: str) -> Things:
    return configfile.parse(text, "things.toml", Things, "things/1")


GOOD = """# things
schema = "things/1"

[[thing]]
name = "a"
leg = [
  { speed_m_s = 1 },
  { speed_m_s = 2.5, via = [1, 2] },
]

[[thing]]
name = "b"
mode = "slow"
tags.x = 1
[[thing.leg]]
speed_m_s = 3
"""


def test_a_table_for_an_array_of_tables_is_told_with_what_to_write() -> None:
    with pytest.raises(
        ConfigError, match=r"things\.toml:2: thing: expected an array, got a table; write \[\[thing\]\]"
    ):
        parse('schema = "things/1"\n[thing]\nname = "a"\n')


def test_a_good_file_becomes_a_struct() -> None:
    assert parse(GOOD) == Things(
        thing=(
            Thing(name="a", leg=(Leg(speed_m_s=1.0), Leg(speed_m_s=2.5, via=(1.0, 2.0)))),
            Thing(name="b", mode="slow", tags={"x": 1}, leg=(Leg(speed_m_s=3.0),)),
        )
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('name = "b"', "name = 5", 12, "name: expected text, got a whole number"),
        ('name = "b"', "", 11, "name is missing; add a line: name = ..."),
        (
            'name = "b"',
            "name = ",
            12,
            'not valid TOML: Invalid value; write a number, true, false or "text" behind the =',
        ),
        ("speed_m_s = 3", "speed_m_s = 3,5", 16, "write one value a line, and 43.5 with a point"),
        ("[[thing.leg]]\nspeed_m_s = 3", "leg = 3", 15, "leg: expected an array, got a whole number"),
        ("via = [1, 2] }", 'via = "x" }', 8, "via: expected an array, got text"),
        ('name = "b"', 'name = "nobody"', 11, "nobody is no name"),
        ('mode = "slow"', 'mode = "slwo"', 13, "mode: 'slwo' is not one of fast, slow; did you mean 'slow'?"),
        ('mode = "slow"', 'mdoe = "slow"', 13, "unknown key 'mdoe'; did you mean 'mode'?"),
        ('mode = "slow"', "zzz = 1", 13, "unknown key 'zzz'; known keys: name, mode, count, tags, leg"),
        ("tags.x = 1", 'tags.x = "1"', 14, "tags: expected a whole number, got text"),
        ("speed_m_s = 3", "speed_m_s = -3", 16, "speed_m_s: expected a number >= 0.0"),
        ("speed_m_s = 3", "speed_m_s = nan", 16, "speed_m_s: expected a number >= 0.0"),
        ("speed_m_s = 3", "speed_m_s = 13", 16, "13 m/s is bad luck; write 14"),
        ("speed_m_s = 3", "spede_m_s = 3", 16, "unknown key 'spede_m_s'; did you mean 'speed_m_s'?"),
        ("via = [1, 2]", 'via = [1, "2"]', 8, "via: expected a number, got text"),
        ("via = [1, 2]", "via = [1]", 8, "via: expected an array of length 2, got 1"),
        ("via = [1, 2]", '"via\\nb" = 1', 8, "unknown key 'via\\nb'; did you mean 'via'?"),
        ("[[thing.leg]]", "[thing.leg]", 15, "leg: expected an array, got a table"),
        ('schema = "things/1"', 'schema = "thigns/1"', 2, 'schema is "thigns/1", where "things/1" is read'),
        ('schema = "things/1"', "", 1, 'has no schema; begin it with: schema = "things/1"'),
        ("tags.x = 1", "tags.x = ", 14, "not valid TOML: Invalid value"),
        ("speed_m_s = 3", 'name = "x', 16, "not valid TOML: "),
        ("speed_m_s = 3", "speed_m_s = 3\nspeed_m_s = 4", 17, "not valid TOML: Cannot overwrite a value"),
    ],
)
def test_a_fault_names_file_line_and_next_step(old: str, new: str, line: int, says: str) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"things.toml:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 5_000 + "]" * 5_000,
        "x = " + "{a=" * 5_000 + "1" + "}" * 5_000,
        "x = " + "9" * 5_000,
        "a." * 200_000 + "a = 1",
        '"a".' * 200_000 + "a = 1",
        "[" + "a." * 200_000 + "a]",
        'schema = "things/1"\n[[thing]]\nname = "n"\ncount = 0x' + "f" * 5_000,
        'schema = "things/1"\n[[thing]]\nname = "n"\ntags.x = 0x' + "f" * 5_000,
        'schema = "things/1"\n[[thing]]\nname = "n"\n' + "k" * 5_000 + " = 1",
    ],
    ids=["deep-array", "deep-table", "long-number", "long-key", "quoted-key", "header", "int", "dict-int", "name"],
)
def test_a_file_built_to_hurt_is_one_short_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_what_is_not_a_text_file_is_said(tmp_path: Path) -> None:
    def fault(name: str, data: bytes | None = None) -> str:
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(ConfigError) as caught:
            configfile.read(tmp_path / name, Things, "things/1")
        return str(caught.value).removeprefix(f"{tmp_path}/")

    assert fault("missing.toml") == "missing.toml: does not exist; check the name and the folder"
    (tmp_path / "folder").mkdir()
    assert fault("folder") == "folder: is a directory; name a TOML file"
    assert fault("latin.toml", b"schema = 1\nx = '\xe9'\n") == "latin.toml:2: is not UTF-8 text; save it as UTF-8"
    assert fault("noise.bin", bytes(range(256)) * 40).startswith("noise.bin:2: is not UTF-8 text")
    assert fault("zero.bin", bytes(100)).startswith("zero.bin:1: not valid TOML")
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(100_000_000)
    assert fault("big.bin").startswith("big.bin: is longer than 4 MB")
    assert "embedded null" in fault("nul\0.toml").replace("character", "").replace("byte", "")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_bytes(b'\xef\xbb\xbfschema = "things/1"\r\n')
    assert configfile.read(tmp_path / "bom.toml", Things, "things/1") == Things()


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)


NAMES = ["thing", "name", "mode", "count", "tags", "leg", "speed_m_s", "via", "x", "a b", "", "\n\u2028"]
KEYS = st.sampled_from(NAMES)
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.text(max_size=5),
        st.dates(),
        st.times(),
        st.datetimes(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def toml(value: object) -> str:
    """Return a value as TOML, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    return str(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=3))
def test_no_document_raises_anything_else(top: dict[str, object], things: list[dict[str, object]]) -> None:
    lines = ['schema = "things/1"', *(f"{toml(k)} = {toml(v)}" for k, v in top.items() if k != "thing")]
    for thing in things:
        lines += ["[[thing]]", *(f"{toml(k)} = {toml(v)}" for k, v in thing.items())]
    text = "\n".join(lines)
    try:
        parse(text)
    except ConfigError as err:
        assert str(err).isprintable()
        assert err.line is None or 1 <= err.line <= text.count("\n") + 1


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_key_has_the_line_it_stands_on(document: dict[str, object]) -> None:
    text = "\n".join(f"{toml(k)} = {toml(v)}" for k, v in document.items())
    lines = line_numbers(text)
    written = text.split("\n")

    def check(value: object, path: tuple[str | int, ...]) -> None:
        if path and isinstance(path[-1], str):
            assert toml(path[-1]) in written[lines[path] - 1]
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            assert (*path, key) in lines
            check(inner, (*path, key))

    check(tomllib.loads(text), ())


def test_headers_and_strings_do_not_mislead_the_lines() -> None:
    text = "\n".join(
        [
            'a."b c".d = """',
            "x = 1",
            '[[not]]""""',
            "[[s]]  # [[s]]",
            "k = '''",
            "'''''",
            "[s.t]",
            "u = 1979-05-27 07:32:00",
            "[[s]]",
            "[[s.v]]",
            "[[s.v]]",
            "w = [[], [1.5,",
            " {q = 2}]]",
        ]
    )
    lines = line_numbers(text)
    assert lines["a", "b c", "d"] == 1
    assert lines["s", 0] == 4
    assert lines["s", 0, "k"] == 5
    assert lines["s", 0, "t", "u"] == 8
    assert lines["s", 1] == 9
    assert lines["s", 1, "v", 1] == 11
    assert lines["s", 1, "v", 1, "w", 1, 0] == 12
    assert lines["s", 1, "v", 1, "w", 1, 1, "q"] == 13
    assert locate(lines, ("s", 1, "missing", 3)) == 9
    assert locate(lines, ("nowhere",)) == 1
