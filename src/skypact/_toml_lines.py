"""Where each key of a TOML document stands: the line numbers that the standard library's reader does not keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""Keys and array indices from the top of a document, such as ``("sensor", 2, "range_m")``."""

_TOKEN = re.compile(
    r"""
      (?P<string> \"""(?:[^\\]|\\.)*?\"""\"{0,2} | \'\'\'.*?\'\'\'\'{0,2} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<bare> [^\s\[\]{}=,."'\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def locate(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of the nearest part of `path` that is written in the document; 1 for the document itself."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def line_numbers(text: str) -> dict[Path, int]:
    """Return the one-based line of every key, table and array item of a valid TOML document."""
    return _Scanner(text).lines


class _Scanner:
    """One pass over the tokens; it trusts the document to be valid and so need not understand values."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        self._line = 1
        self._tokens = self._read(text)
        table: Path = ()
        for kind, token in self._tokens:
            if kind == "newline":
                continue
            if token == "[":
                table = self._header()
            else:
                self._value(self._key(table, kind, token))

    def _read(self, text: str) -> Iterator[tuple[str, str]]:
        line = 1
        for match in _TOKEN.finditer(text):
            kind, token = str(match.lastgroup), match.group()
            if kind != "comment":
                self._line = line
                yield kind, token
            line += token.count("\n")

    def _mark(self, path: Path) -> None:
        self.lines.setdefault(path, self._line)

    def _header(self) -> Path:
        """Read ``[a.b]`` or ``[[a.b]]`` after its first bracket; return the table that follows."""
        kind, token = next(self._tokens)
        array = token == "["
        if array:
            kind, token = next(self._tokens)
        table: Path = ()
        while token != "]":
            if token != ".":
                table = self._inside(table)
                table += tuple(_names(kind, token))
            kind, token = next(self._tokens)
        if array:
            next(self._tokens)
            self._mark(table)
            self._last[table] = self._last.get(table, -1) + 1
        table = self._inside(table)
        self._mark(table)
        return table

    def _inside(self, table: Path) -> Path:
        """Return the item of an array of tables that a header's name means: the last one."""
        return (*table, self._last[table]) if table in self._last else table

    def _key(self, table: Path, kind: str, token: str) -> Path:
        """Read a key up to its equals sign."""
        path = table
        while token != "=":
            if token != ".":
                path += tuple(_names(kind, token))
                self._mark(path)
            kind, token = next(self._tokens)
        return path

    def _value(self, path: Path) -> None:
        """Pass over a value, marking the items of arrays and the keys of inline tables in it."""
        open_: list[tuple[Path, int]] = []  # arrays with the index of their item, inline tables with -1
        here = path
        for kind, token in self._tokens:
            if kind == "newline":
                if not open_:
                    return
            elif kind == "mark" and token in "[{":
                open_.append((here, 0 if token == "[" else -1))
                self._mark(here)
                here = (*here, 0) if token == "[" else here
            elif kind == "mark" and token in "]}":
                here = open_.pop()[0]
            elif kind == "mark" and token == "," and open_:
                outer, index = open_[-1]
                if index >= 0:
                    open_[-1] = (outer, index + 1)
                here = (*outer, index + 1) if index >= 0 else outer
            elif open_ and open_[-1] == (here, -1):
                here = self._key(here, kind, token)
            elif token != ".":
                self._mark(here)


def _names(kind: str, token: str) -> list[str]:
    """Return the key a token stands for."""
    if kind == "string":
        return [str(tomllib.loads(f"key = {token}")["key"])]
    return [token]
