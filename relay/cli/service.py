"""`sendtrace serve`, `demo` and `version`."""

import platform
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.common import CommandFailed, ConfigOption, load_or_fail
from relay.state import CannotStart, begin_counting, hold_state_directory


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("serve")(serve)
    app.command("demo")(demo)
    app.command("version")(version)
    app.callback()(options)


def _show_version_and_end(is_wanted: bool) -> None:
    if is_wanted:
        version()
        raise typer.Exit


def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version.",
            is_eager=True,
            callback=_show_version_and_end,
        ),
    ] = False,
) -> None:
    """Take what stands before any command."""


def serve(config: ConfigOption = None) -> None:
    """Run the relay: accept mail, deliver it, show what happened."""
    loaded = load_or_fail(config)
    try:
        with hold_state_directory(loaded.settings.state_directory) as state:
            begin_counting(state)
            from relay.serve import serve as run

            status = run(loaded, lambda: load_or_fail(config))
    except CannotStart as error:
        raise CommandFailed(str(error)) from None
    raise typer.Exit(status)


def demo(
    panel: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the panel listens.")
    ] = "127.0.0.1:8080",
    directory: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Keep the state here; else it is thrown away."),
    ] = None,
) -> None:
    """Run the relay with a simulated internet on loopback and sample mail in every status."""
    from relay.demo import run

    raise typer.Exit(run(directory, panel))


def version() -> None:
    """Show the version."""
    import sqlite3
    from importlib.metadata import version as version_of

    typer.echo(
        f"sendtrace {version_of('sendtrace')} "
        f"(Python {platform.python_version()}, SQLite {sqlite3.sqlite_version})"
    )
