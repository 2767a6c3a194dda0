"""Exceptions of skypact: each derives from :class:`SkypactError` and carries the data behind its message.

A message is one line that says what is wrong, where, and what to do next. Malformed *messages* from sensors or peers
never raise: they are counted by the decoder that met them. Malformed *files of a user* raise :class:`InputError`.
"""

from __future__ import annotations

from os import PathLike, fspath


class SkypactError(Exception):
    """Base of all errors raised on purpose; the command line prints it as one line and exits with `exit_code`."""

    exit_code = 1


class InputError(SkypactError):
    """A file or stream given by the user cannot be used as asked.

    Parameters
    ----------
    what : str
        What is wrong, in a few words.
    path : path or str, optional
        The file or address concerned.
    line : int, optional
        One-based line in the file.
    hint : str, optional
        The next step.
    """

    def __init__(
        self, what: str, *, path: str | PathLike[str] | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        self.what = what
        self.path = None if path is None else fspath(path)
        self.line = line
        self.hint = hint
        where = "" if self.path is None else self.path if line is None else f"{self.path}:{line}"
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}; {hint}" if hint else text)


class ConfigError(InputError):
    """A TOML file of the user does not follow its schema."""


class FormatError(InputError):
    """A recording is of no known format, or not of the format it was said to be."""


class JournalError(InputError):
    """A journal cannot be opened, read further or appended to; what it has acknowledged stays whole."""


class MisuseError(SkypactError):
    """A command or function was called in a way that cannot make sense."""

    exit_code = 2
