"""Files that people write: TOML checked into frozen structs, with errors that name the file and the line.

A file's first key is ``schema = "NAME/VERSION"``. The rest is checked against a :class:`msgspec.Struct` with
``frozen=True, kw_only=True, forbid_unknown_fields=True``; rules that concern several fields belong into its
``__post_init__``, which raises :class:`FieldError` (or any ``ValueError``).
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import TypeVar

import msgspec
from msgspec import inspect

from skypact import _toml_lines as toml_lines
from skypact.errors import ConfigError

MAX_BYTES = 4_000_000
"""Longest file read: a file of people is far shorter, and what is not one must not fill the memory."""

_MAX_KEY_PARTS = 64
# tomllib takes quadratic time in the parts of one dotted key: far more parts than any schema has are refused unread.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_MAX_KEY_PARTS}}}")
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_AT_PATH = re.compile(r" - at `(key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_TOML_HINTS = {
    "Invalid value": 'write a number, true, false or "text" behind the =',
    "Cannot overwrite a value": "the key stands there twice: remove one",
    "Illegal character '\\n'": "close the text with a quotation mark on the same line",
    "Expected '='": "write key = value, and # before a remark",
    "Expected newline": "write one value a line, and 43.5 with a point",
    "Cannot declare": "one thing is [name], each of several is [[name]]",
    "Unterminated string": "close the text with a quotation mark",
    "Unclosed array": "close the array with ]",
}
"""What to do about the faults of which `tomllib` tells, by the beginning of what it says."""
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "an array",
    "object": "a table",
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time of day",
}

T = TypeVar("T", bound=msgspec.Struct)


class FieldError(ValueError):
    """Raised by a struct's ``__post_init__``: what is wrong, and at which part of the struct.

    Parameters
    ----------
    what : str
        What is wrong, in a few words.
    *at : str or int
        Keys and indices from the struct to the part at fault, none for the struct itself.
    hint : str, optional
        The next step.
    """

    def __init__(self, what: str, *at: str | int, hint: str | None = None) -> None:
        super().__init__(what)
        self.at = at
        self.hint = hint


def read(path: str | os.PathLike[str], cls: type[T], schema: str) -> T:
    """Return the file at `path` as a `cls`.

    Raises
    ------
    ConfigError
        The file cannot be read, is not TOML, is of another schema or does not follow it.
    """
    return parse(_read_text(path), path, cls, schema)


def parse(text: str, path: str | os.PathLike[str], cls: type[T], schema: str) -> T:
    """Return TOML text as a `cls`.

    Parameters
    ----------
    text : str
        The document.
    path : path or str
        Where it comes from; only named in errors.
    cls : type of msgspec.Struct
        What the document must be, without the key ``schema``.
    schema : str
        What the document's ``schema`` must be, such as ``"sensors/1"``.

    Raises
    ------
    ConfigError
        The text is not TOML, is of another schema or does not follow it.
    """
    document = _parse_toml(text, path)
    _check_schema(document, text, path, schema)
    _check_integers(document, text, path)
    try:
        return msgspec.convert({key: value for key, value in document.items() if key != "schema"}, cls)
    except msgspec.ValidationError as err:
        raise _explain(err, text, path, cls) from None


def _read_text(path: str | os.PathLike[str]) -> str:
    try:
        with FilePath(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise ConfigError("is a directory", path=path, hint="name a TOML file") from None
    except FileNotFoundError:
        raise ConfigError("does not exist", path=path, hint="check the name and the folder") from None
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ConfigError(f"cannot be read: {reason}", path=path, hint="check the file and its permissions") from None
    if len(data) > MAX_BYTES:
        what = f"is longer than {MAX_BYTES // 1_000_000} MB, so not a TOML file written by people"
        raise ConfigError(what, path=path, hint="name the configuration, not a recording")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise ConfigError("is not UTF-8 text", path=path, line=line, hint="save it as UTF-8") from None


def _parse_toml(text: str, path: str | os.PathLike[str]) -> dict[str, object]:
    long_key = _LONG_KEY.search(text)
    if long_key:
        where = text.count("\n", 0, long_key.start()) + 1
        raise ConfigError(f"a key of more than {_MAX_KEY_PARTS} parts", path=path, line=where)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError("is nested too deeply", path=path, hint="flatten its arrays and tables") from None
    except ValueError as err:
        message = str(err)
        found = _AT_LINE.search(message)
        line = None  # not every fault is told with its place
        if found:
            line = int(found[1]) if found[1] else text.rstrip().count("\n") + 1
        what = _AT_LINE.sub("", message)
        hint = next((hint for begin, hint in _TOML_HINTS.items() if what.startswith(begin)), None)
        raise ConfigError(f"not valid TOML: {_printable(what)}", path=path, line=line, hint=hint) from None


def _check_schema(document: dict[str, object], text: str, path: str | os.PathLike[str], schema: str) -> None:
    found = document.get("schema")
    if found is None:
        raise ConfigError("has no schema", path=path, line=1, hint=f'begin it with: schema = "{schema}"')
    if found != schema:
        said = f'"{found}"' if isinstance(found, str) else "not text"
        hint = _guess(said, [schema]) or "name a file of that schema"
        raise _fault(f'schema is {said}, where "{schema}" is read', text, path, ("schema",), hint)


def _check_integers(document: dict[str, object], text: str, path: str | os.PathLike[str]) -> None:
    """Refuse integers over 64 bits: the reader takes any, TOML and the arrays behind the keys do not."""
    waiting: list[tuple[toml_lines.Path, object]] = [((), document)]
    while waiting:
        at, value = waiting.pop()
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise _fault(f"{_last_key(at)}: a whole number of more than 64 bits", text, path, at)
        if isinstance(value, dict):
            waiting += [((*at, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*at, index), inner) for index, inner in enumerate(value)]


def _explain(err: msgspec.ValidationError, text: str, path: str | os.PathLike[str], cls: type[T]) -> ConfigError:
    """Return the error of the checker in words, with its line."""
    message = str(err)
    found = _AT_PATH.search(message)
    at: toml_lines.Path = _steps(found[2]) if found else ()
    what = _AT_PATH.sub("", message)
    hint = None
    node = _node(inspect.type_info(cls), at)
    if isinstance(err.__cause__, FieldError):
        at += err.__cause__.at
        hint = err.__cause__.hint
    elif unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        known = [f.encode_name for f in node.fields] if isinstance(node, inspect.StructType) else []
        at = (*at, unknown[1])
        what = f"unknown key {unknown[1]!r}"
        hint = _guess(unknown[1], known) or f"known keys: {', '.join(known)}"
    elif missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        what, hint = f"{missing[1]} is missing", f"add a line: {missing[1]} = ..."
    elif invalid := re.fullmatch(r"Invalid enum value (.*)", what, re.DOTALL):
        allowed = [str(v) for v in node.values] if isinstance(node, inspect.LiteralType) else []
        said = invalid[1].strip("'")
        what = f"{_last_key(at)}: {said!r} is not one of {', '.join(allowed)}"
        hint = _guess(said, allowed)
    else:
        what = re.sub(r"`([\w| ]+)`", lambda m: _in_words(m[1]), what)
        if what.endswith("xpected an array, got a table") and len(at) == 1:
            hint = f"write [[{at[0]}]] in place of [{at[0]}]"
        what = f"{_last_key(at)}: {what[:1].lower()}{what[1:]}"
    return _fault(what, text, path, at, hint)


def _in_words(kinds: str) -> str:
    """Return a type of the checker in words; that a key may be left out is no value to be written."""
    names = [name for name in kinds.split(" | ") if name != "null"]
    return " or ".join(_WORDS.get(name, name) for name in names)


def _fault(
    what: str, text: str, path: str | os.PathLike[str], at: toml_lines.Path, hint: str | None = None
) -> ConfigError:
    line = toml_lines.locate(toml_lines.line_numbers(text), at)
    return ConfigError(_printable(what), path=path, line=line, hint=hint and _printable(hint))


def _steps(path: str) -> toml_lines.Path:
    """Return the checker's path as keys and indices, up to the first key it does not tell."""
    steps: list[str | int] = []
    for key, index, untold in _STEP.findall(path):
        if untold:
            break
        steps.append(int(index) if index else key)
    return tuple(steps)


def _node(node: inspect.Type, at: toml_lines.Path) -> inspect.Type | None:
    """Return the declared type at a path below `node`; None where the declaration does not go so far."""
    if isinstance(node, inspect.UnionType):
        node = next((t for t in node.types if not isinstance(t, inspect.NoneType)), node)
    if not at:
        return node
    step, rest = at[0], at[1:]
    if isinstance(node, inspect.StructType):
        field = next((f for f in node.fields if f.encode_name == step), None)
        return _node(field.type, rest) if field else None
    if isinstance(node, inspect.CollectionType):
        return _node(node.item_type, rest)
    if isinstance(node, inspect.TupleType) and isinstance(step, int):
        return _node(node.item_types[step], rest)
    return None


def _last_key(at: toml_lines.Path) -> str:
    return next((step for step in reversed(at) if isinstance(step, str)), "the file")


def _guess(word: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(word[:80], list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else None


def _printable(text: str, longest: int = 240) -> str:
    """Return text fit for one line of a terminal."""
    shown = text if len(text) <= longest else text[:longest] + "..."
    return "".join(c if c.isprintable() else " " for c in shown)
