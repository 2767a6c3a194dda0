"""The commands and their help. What a command needs is imported when it runs, so that help answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from skypact.cli import decode, demo, doctor, exercise, export, replay, score, track
from skypact.cli import run as run_command

app = typer.Typer(
    name="skypact",
    help="Joint air surveillance: sensors in, one tracked air picture out. It observes and never commands a weapon.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    *(demo.demo, run_command.run, replay.replay, decode.decode, track.track, score.score, export.export),
    doctor.doctor,
)
for function in COMMANDS:
    app.command()(function)
app.add_typer(exercise.app, name="exercise")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"skypact {version('skypact')}")
        raise typer.Exit


@app.callback()
def _main(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Joint air surveillance: sensors in, one tracked air picture out. It observes and never commands a weapon."""
