"""`sendtrace drain`: tell load balancers to send nothing new, before a stop."""

import time
from pathlib import Path
from typing import Annotated

import typer

from config.units import parse_duration
from relay.cli.common import CommandFailed, ConfigOption, load_or_fail
from relay.state import is_held
from tracker.draining import begin_draining, end_draining

WaitOption = Annotated[
    str,
    typer.Option(
        "--wait",
        metavar="DURATION",
        help='Return only after this time, e.g. "10s": what balancers need to notice.',
    ),
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Take it back: be ready again.")]


def drain(wait: WaitOption = "0s", undo: UndoOption = False, config: ConfigOption = None) -> None:
    """Be not ready (/readyz answers 503), but serve on, until the relay is stopped."""
    seconds = _parse_wait(wait)
    if undo and seconds:
        raise CommandFailed("--wait or --undo, not both", status=2)
    state = load_or_fail(config).settings.state_directory
    _check_running(state)
    try:
        if undo:
            end_draining(state)
            typer.echo("no longer draining: /readyz says how things are")
            return
        begin_draining(state)
    except OSError as error:
        raise CommandFailed(f"state_directory {state}: {error.strerror}") from None
    typer.echo("draining: /readyz answers 503 until the relay is started again")
    time.sleep(seconds)


def _parse_wait(text: str) -> float:
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise CommandFailed(f'--wait "{text}": {error}', status=2) from None


def _check_running(state: Path) -> None:
    try:
        running = is_held(state)
    except OSError as error:
        raise CommandFailed(f"state_directory {state}: {error.strerror}") from None
    if not running:
        raise CommandFailed(
            f"no relay is running with its state in {state}; --config names another configuration"
        )
