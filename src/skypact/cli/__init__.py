"""The command line: one module a command, thin; the only place that wires rooms of the upper floor together."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 misused."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run a command line and return its exit code; an error is one line on stderr."""
    from skypact.cli._app import app
    from skypact.cli._say import fail
    from skypact.errors import SkypactError

    _never_choke()
    try:
        # Not standalone: the faults of a command line come here and are told like all others.
        code = app(arguments, prog_name="skypact", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except SkypactError as err:
        return fail(str(err), err.exit_code)
    except KeyboardInterrupt:
        return fail("stopped", 130)
    except BrokenPipeError:
        # Whoever read the output has gone, as `head` does: the rest is nobody's.
        sys.stdout = None
        return 0
    except MemoryError:
        return fail("out of memory; read a shorter recording, or one at a time", 1)
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        return fail(f"{where}{(err.strerror or str(err)).lower()}", 1)
    except Exception as err:
        if hasattr(err, "format_message"):
            return _misused(err)
        # A fault of ours: a person gets one line all the same, and a developer the rest on request.
        if os.environ.get("SKYPACT_TRACEBACK"):
            raise
        return fail(f"internal error, {type(err).__name__}: {err}; say SKYPACT_TRACEBACK=1 to see where", 1)


def _never_choke() -> None:
    """Let a terminal or file of few characters get question marks for the others, and not an error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _misused(err: Any) -> int:
    """Say in one line what is wrong with a command line, as the parser found it."""
    from skypact.cli._say import fail

    context = getattr(err, "ctx", None)
    if type(err).__name__ == "NoArgsIsHelpError":
        err.show()
        return int(err.exit_code)
    command = context.command_path if context is not None else "skypact"
    said = str(err.format_message()).replace("Value error, ", "").strip().rstrip(".")
    where = command.removeprefix("skypact").strip()
    text = f"{where}: {said[:1].lower()}{said[1:]}" if where else f"{said[:1].lower()}{said[1:]}"
    return fail(f"{text}; see {command} --help", int(err.exit_code))
