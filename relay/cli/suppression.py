"""`sendtrace suppression`: addresses to which nothing is sent."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from config.loader import Loaded
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    LimitOption,
    operator,
    print_json,
    print_table,
    with_ledger,
)
from relay.cli.show import show_time
from relay.clock import SystemClock
from tracker.mailbox import MailboxError, comparable, normalize_domain, parse_mailbox
from tracker.model import Scope, Status, Suppression
from tracker.store import Ledger

app = typer.Typer(help="Addresses to which nothing is sent.", no_args_is_help=True)

_BATCH = 500
_LONGEST = 36_500
"""Days that are asked for: a hundred years."""

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="A recipient's address.")]
ForOption = Annotated[
    str,
    typer.Option(
        "--for", help="Whose mail: an account, or a domain for all its accounts; all if left out."
    ),
]


def _scope(whose: str) -> Scope:
    name = whose.strip()
    if not name:
        return Scope()
    try:
        if "@" in name:
            return Scope(account=comparable(str(parse_mailbox(name))))
        return Scope(domain=normalize_domain(name))
    except MailboxError as error:
        raise CommandFailed(
            f"--for {name}: {error}; name an account or a domain", status=2
        ) from None


def _suppression(address: str, scope: Scope) -> Suppression:
    try:
        normal = comparable(str(parse_mailbox(address)))
    except MailboxError as error:
        raise CommandFailed(f"{address} is no address: {error}", status=2) from None
    domain = scope.domain or (scope.account or "").rpartition("@")[2]
    return Suppression(
        address=normal, account=scope.account or "", domain=domain, since=SystemClock().now()
    )


@app.command("add")
def add(
    address: AddressArgument,
    whose: ForOption = "",
    reason: Annotated[str, typer.Option(help="Told to whoever writes to it.")] = "",
    days: Annotated[
        int, typer.Option(min=0, max=_LONGEST, help="For so many days; 0: until removed.")
    ] = 0,
    config: ConfigOption = None,
) -> None:
    """Send nothing to an address any more; what waits for it is cancelled."""
    scope = _scope(whose)
    bare = _suppression(address, scope)
    suppression = Suppression(
        address=bare.address,
        account=bare.account,
        domain=bare.domain,
        reason=reason,
        actor=operator(),
        since=bare.since,
        until=bare.since + timedelta(days=days) if days else None,
    )

    async def act(ledger: Ledger, _: Loaded) -> tuple[int, int]:
        added = await ledger.suppress([suppression])
        return added, await _cancel(ledger, suppression, scope)

    added, cancelled = with_ledger(config, act)
    typer.echo(f"{suppression.address} {'suppressed' if added else 'is on the list already'}")
    if cancelled:
        typer.echo(f"{cancelled} waiting recipients cancelled")


async def _cancel(ledger: Ledger, suppression: Suppression, scope: Scope) -> int:
    changed = 0
    while ids := await ledger.waiting_for([suppression.address], scope, _BATCH):
        count = await ledger.change_status(
            ids,
            Status.CANCELLED,
            scope=scope,
            actor=suppression.actor,
            reason=f"The address is suppressed. {suppression.reason}".strip(),
            now=suppression.since,
        )
        if not count:
            break  # all of them are being tried right now
        changed += count
    return changed


@app.command("list")
def list_(
    search: Annotated[str, typer.Argument(metavar="PART", help="A part of the address.")] = "",
    whose: ForOption = "",
    limit: LimitOption = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List suppressed addresses, by address."""

    async def find(ledger: Ledger, _: Loaded) -> Sequence[Suppression]:
        return await ledger.suppressions(_scope(whose), search=search, limit=limit)

    found = with_ledger(config, find)
    if as_json:
        print_json(found)
        return
    print_table(
        ["Address", "For mail of", "Since", "Until", "By", "Why"],
        [
            [
                each.address,
                each.account or each.domain or "everybody",
                show_time(each.since),
                show_time(each.until) if each.until else "",
                each.actor or each.origin,
                each.reason,
            ]
            for each in found
        ],
    )


@app.command("remove")
def remove(address: AddressArgument, whose: ForOption = "", config: ConfigOption = None) -> None:
    """Take an address off the list."""
    suppression = _suppression(address, _scope(whose))
    if not with_ledger(config, lambda ledger, _: ledger.unsuppress(suppression)):
        raise CommandFailed(
            f"{suppression.address} is not on that list; `sendtrace suppression list` shows it, "
            "and --for says whose mail"
        )
    typer.echo(f"{suppression.address} is open again")
