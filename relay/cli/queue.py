"""`sendtrace queue`: what waits, why, and acting on it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, TypeVar

import typer

from config.loader import Loaded
from relay.cli.abandoned import take_back
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    LimitOption,
    QueryArgument,
    load_or_fail,
    operator,
    print_json,
    print_table,
    with_ledger,
)
from relay.cli.find import EVERYTHING, find, find_ids, find_message, find_pages
from relay.cli.show import row_data, show_next_try, show_time, timeline_lines
from relay.clock import SystemClock
from tracker.acting import reroute_of
from tracker.model import Gate, Recipient, RecipientId, Status
from tracker.printing import printable
from tracker.routing import Routes
from tracker.states import OPEN
from tracker.store import Ledger
from tracker.views import Row

app = typer.Typer(help="What waits, and acting on it.", no_args_is_help=True)

_NOTHING = "nothing found"
_OTHERS = "the others are being tried right now, or have just been settled"

_Found = TypeVar("_Found", Row, RecipientId)
_Find = Callable[
    [Ledger, Loaded, Sequence[str] | None, frozenset[Status]],
    AsyncGenerator[Sequence[_Found], None],
]
_Act = Callable[[Ledger, Sequence[_Found]], Awaitable[int]]
"""Does something to recipients; returns to how many."""

AllOption = Annotated[bool, typer.Option("--all", help="Everything that is open.")]
QueryOption = Annotated[
    str, typer.Option("--query", help="A search, as the panel writes it: in place of QUERY.")
]
ReasonOption = Annotated[str, typer.Option(help="Kept in the record beside the act.")]
NextHopOption = Annotated[
    str,
    typer.Option(
        "--next-hop",
        metavar="HOST[:PORT]",
        help="Where to send them, as next_hop of a route; whatever a route to it says holds.",
    ),
]
ByConfigurationOption = Annotated[
    bool, typer.Option("--by-configuration", help="By their route or MX again.")
]


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
                _waits_for(row.recipient),
            ]
            for row in rows
        ],
    )


def _waits_for(recipient: Recipient) -> str:
    if recipient.gate_detail:
        return recipient.gate_detail
    if recipient.gate is not Gate.NONE:
        return recipient.gate
    return "being tried" if recipient.leased else "its turn"


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
        typer.echo(printable(line))


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

    words, among = _words(query, search), OPEN - {Status.HELD}
    _act_on(config, words, everything, among, "will be tried now", find_ids, act)


@app.command("hold")
def hold(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Keep waiting recipients from being tried until they are released.

    While no relay runs, also what it had begun with when it ended: who may have the message
    already is held as uncertain.
    """
    words = _words(query, search)
    taken = _take_back(config) if words or everything else 0
    nothing = "nothing else found" if taken else _NOTHING
    _change(config, words, everything, Status.HELD, OPEN - {Status.HELD}, "held", reason, nothing)


def _take_back(config: ConfigOption) -> int:
    """Take back what workers had that are gone, and say how many that are."""
    taken = with_ledger(
        config, lambda ledger, loaded: take_back(ledger, loaded.settings.state_directory)
    )
    if taken:
        typer.echo(
            f"{taken} recipients taken back from workers that are gone; who may have the message "
            "already is held as uncertain"
        )
    return taken


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


@app.command("reroute")
def reroute(
    query: QueryArgument = None,
    search: QueryOption = "",
    everything: AllOption = False,
    next_hop: NextHopOption = "",
    by_configuration: ByConfigurationOption = False,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Send waiting recipients through another next hop, at once; held ones when released."""
    if bool(next_hop) == by_configuration:
        raise CommandFailed("name the way: either --next-hop or --by-configuration", status=2)
    settings = load_or_fail(config).settings
    routes = Routes.of(settings)
    try:
        hop = routes.hop_of(next_hop) if next_hop else ""
    except ValueError as error:
        raise CommandFailed(f"--next-hop: {error}", status=2) from None

    async def act(ledger: Ledger, rows: Sequence[Row]) -> int:
        ways = [way for row in rows if (way := reroute_of(row.recipient, hop, routes))]
        return await ledger.reroute(
            ways, scope=EVERYTHING, actor=operator(), reason=reason, now=SystemClock().now()
        )

    done = f"will be sent by way of {hop}" if hop else "will be sent as configured"
    others = f"{_OTHERS}, or go that way already"
    words = _words(query, search)
    _act_on(config, words, everything, OPEN, done, find_pages, act, others)


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
    nothing: str = _NOTHING,
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

    _act_on(config, words, everything, among, done, find_ids, act, nothing=nothing)


def _act_on(
    config: ConfigOption,
    words: Sequence[str] | None,
    everything: bool,
    among: frozenset[Status],
    done: str,
    find: _Find[_Found],
    act: _Act[_Found],
    others: str = _OTHERS,
    nothing: str = _NOTHING,
) -> None:
    if words and everything:
        raise CommandFailed("a search or --all, not both", status=2)
    if not words and not everything:
        raise CommandFailed("name what to act on: a search, ids, or --all for everything", status=2)

    async def run(ledger: Ledger, loaded: Loaded) -> tuple[int, int]:
        found = changed = 0
        # Page by page: what has been acted on need not wait for what has not been found yet.
        async with aclosing(find(ledger, loaded, words, among)) as pages:
            async for page in pages:
                found += len(page)
                if page:
                    changed += await act(ledger, page)
        return found, changed

    found, changed = with_ledger(config, run)
    if not found:
        typer.echo(f"{nothing} that could be {done.removeprefix('will be ')}")
        return
    typer.echo(f"{changed} of {found} recipients {done}")
    if changed < found:
        typer.echo(others)
