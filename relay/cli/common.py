"""What every command shares: the configuration, the ledger, and how data is printed."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.loader import ConfigError, Loaded, load
from tracker.opening import lacking, open_ledger
from tracker.printing import printable
from tracker.store import Ledger, OutcomeUnknown, StoreError, located

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file (TOML)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the data as JSON.")]

QueryArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="QUERY",
        help="A search, e.g. to:@example.org since:2d; or ids of messages or recipients.",
    ),
]
LimitOption = Annotated[int, typer.Option(min=1, help="Show at most so many.")]

T = TypeVar("T")

_PATIENCE: Final = 3.0
"""Seconds that opening the ledger may take before somebody wonders."""
_WIDE: Final = 220
"""Columns where no terminal sets a limit."""
_HEIGHT: Final = 25
"""Lines, which matter to no table."""
_REST: Final = 48
"""Columns that are left at least for what stands behind the first one."""


class CommandFailed(Exception):
    """A command could not do it; the message is for the person who typed it."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def load_or_fail(path: Path | None) -> Loaded:
    """Return the configuration; a bad one ends the command with exit status 2."""
    try:
        return load(path)
    except ConfigError as error:
        raise CommandFailed(str(error), status=2) from None


@contextlib.asynccontextmanager
async def ledger_of(loaded: Loaded) -> AsyncIterator[Ledger]:
    """Open the ledger that the configuration names, as it is, and close it again."""
    store = loaded.settings.store
    with _patience(store.place):
        steps = await lacking(store)
    if steps is None:
        raise CommandFailed(
            f"there is no ledger at {store.place}; `sendtrace serve` or `sendtrace migrate` "
            "makes it, or --config names another one"
        )
    if steps:
        # Not in passing: an older version that runs on it could not be started again.
        raise CommandFailed(
            f"the ledger at {store.place} is of an older version ({steps[0]} is missing); to start "
            "this version, or `sendtrace migrate`, brings it up to date: make a backup first"
        )
    with _patience(store.place):
        ledger = await open_ledger(store)
    try:
        yield ledger
    finally:
        await ledger.close()


@contextlib.contextmanager
def _patience(place: str) -> Iterator[None]:
    """Say so when opening takes long: a process that hangs may have the turn of the ledger.

    Ctrl-C ends it there and then: the thread that waits in the kernel cannot be told to stop, and
    nothing has been done yet.
    """
    waits = asyncio.get_running_loop().call_later(
        _PATIENCE,
        typer.echo,
        f"sendtrace: still waiting for the ledger {place}; if a process hangs that has its turn, "
        "the relay ends it within a minute or two",
        None,
        True,
        True,
    )
    try:
        yield
    except asyncio.CancelledError:
        os._exit(130)
    finally:
        waits.cancel()


def with_ledger(config: Path | None, act: Callable[[Ledger, Loaded], Awaitable[T]]) -> T:
    """Run `act` on the ledger and return what it returns."""
    loaded = load_or_fail(config)

    async def run() -> T:
        async with ledger_of(loaded) as ledger:
            return await act(ledger, loaded)

    try:
        return asyncio.run(run())
    except OutcomeUnknown as error:
        raise CommandFailed(
            f"ledger {loaded.settings.store.place}: {error}; "
            "it may have happened all the same: look before you repeat it"
        ) from error
    except StoreError as error:
        raise CommandFailed(f"ledger {located(error, loaded.settings.store.place)}") from error


def print_json(data: object) -> None:
    """Print `data` as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings; control characters of remote text are made visible.

    Nothing is cut: where the terminal is narrow, cells go on in the next line. Those of the first
    column do not, for ids and addresses are there to be copied.
    """
    first = max((len(printable(row[0])) for row in rows), default=0)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=not index, min_width=0 if index else first)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    # A console asks the terminal about its width, unless it has been told its height as well.
    Console(width=_width(first), height=_HEIGHT, soft_wrap=False).print(table)


def _width(first: int) -> int:
    """Return how wide a table may be: as the terminal, unless that leaves the rest no room."""
    if not os.isatty(1):
        return _WIDE
    return max(shutil.get_terminal_size().columns, min(first + _REST, _WIDE))


def operator() -> str:
    """Return how an act of this command is signed in the record."""
    return f"{os.environ.get('SUDO_USER') or os.environ.get('USER') or 'operator'} (command line)"
