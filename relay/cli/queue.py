"""`sendtrace queue`: what waits, why, and acting on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from config.loader import Loaded
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    LimitOption,
    QueryArgument,
    operator,
    print_json,
    print_table,
    visible,
    with_ledger,
)
from relay.cli.find import EVERYTHING, find, find_message
from relay.cli.show import row_data, show_next_try, show_time, timeline_lines
from relay.clock import SystemClock
from tracker.model import RecipientId, Status
from tracker.states import OPEN
from tracker.store import Ledger

app = typer.Typer(help="What waits, and acting on it.", no_args_is_help=True)

_BATCH = 500

AllOption = Annotated[bool, typer.Option("--all", help="Everything that is open.")]
QueryOption = Annotated[
    str, typer.Option("--query", help="A search, as the panel writes it: in place of [QUERY].")
]
ReasonOption = Annotated[str, typer.Option(help="Kept in the record beside the act.")]


@app.command("list")
def list_(
    query: QueryArgument = None,
    search: QueryOption = "",
    limit: LimitOption = 100,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List open recipients, newest first: why each waits and when the next try is."""
    words = _words(query, search)
    rows = with_ledger(config, lambda ledger, loaded: find(ledger, loaded, words, limit, OPEN))
    if as_json:
        print_json([row_data(row) for row in rows])
        return
    print_table(
        ["Message", "Accepted", "To", "Status", "Tries", "Next try", "Waits for"],
        [
            [
                row.message.id,
                show_time(row.message.accepted_at),
                row.recipient.forward_path,
                row.recipient.status,
                str(row.recipient.attempts),
                show_next_try(row.recipient),
                row.recipient.gate_detail or row.recipient.gate,
            ]
            for row in rows
        ],
    )


@app.command("show")
def show(
    message: Annotated[str, typer.Argument(metavar="ID", help="The id of a message.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything that happened to one message."""
    timeline = find_message(config, message)
    if as_json:
        print_json(timeline)
        return
    for line in timeline_lines(timeline):
        typer.echo(visible(line))


@app.command("retry")
def retry(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    config: ConfigOption = None,
) -> None:
    """Try waiting recipients now, whatever their schedule says."""

    async def act(ledger: Ledger, ids: Sequence[RecipientId]) -> int:
        return await ledger.retry_now(
            ids, scope=EVERYTHING, actor=operator(), now=SystemClock().now()
        )

    words = _words(query, search)
    _act_on(config, words, everything, OPEN - {Status.HELD}, "will be tried now", act)


@app.command("hold")
def hold(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Keep waiting recipients from being tried until they are released."""
    words = _words(query, search)
    _change(config, words, everything, Status.HELD, OPEN - {Status.HELD}, "held", reason)


@app.command("release")
def release(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Let held recipients go on."""
    held = frozenset({Status.HELD})
    words = _words(query, search)
    _change(config, words, everything, Status.QUEUED, held, "released", reason)


@app.command("cancel")
def cancel(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Give up waiting recipients for good; no DSN is sent."""
    words = _words(query, search)
    _change(config, words, everything, Status.CANCELLED, OPEN, "cancelled", reason)


def _words(query: Sequence[str] | None, search: str) -> Sequence[str]:
    """Return the search, in whichever way it was given."""
    return [*(query or ()), *([search] if search else ())]


def _change(
    config: ConfigOption,
    words: Sequence[str] | None,
    everything: bool,
    to: Status,
    among: frozenset[Status],
    done: str,
    reason: str,
) -> None:
    async def act(ledger: Ledger, ids: Sequence[RecipientId]) -> int:
        return await ledger.change_status(
            ids,
            to,
            scope=EVERYTHING,
            actor=operator(),
            reason=reason,
            now=SystemClock().now(),
        )

    _act_on(config, words, everything, among, done, act)


def _act_on(
    config: ConfigOption,
    words: Sequence[str] | None,
    everything: bool,
    among: frozenset[Status],
    done: str,
    act: Callable[[Ledger, Sequence[RecipientId]], Awaitable[int]],
) -> None:
    if words and everything:
        raise CommandFailed("a search or --all, not both", status=2)
    if not words and not everything:
        raise CommandFailed("name what to act on: a search, ids, or --all for everything", status=2)

    async def run(ledger: Ledger, loaded: Loaded) -> tuple[int, int]:
        rows = await find(ledger, loaded, words, 1_000_000, among)
        ids = [row.recipient.id for row in rows if row.recipient.status in among]
        changed = 0
        for at in range(0, len(ids), _BATCH):
            changed += await act(ledger, ids[at : at + _BATCH])
        return len(ids), changed

    found, changed = with_ledger(config, run)
    if not found:
        typer.echo(f"nothing found that could be {done.removeprefix('will be ')}")
        return
    typer.echo(f"{changed} of {found} recipients {done}")
    if changed < found:
        typer.echo("the others are being tried right now, or have just been settled")
