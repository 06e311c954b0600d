"""`sendtrace account`: who may submit and log in."""

import asyncio
import secrets
import sys
from typing import Annotated

import typer

from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    print_json,
    print_table,
    with_ledger,
)
from relay.clock import SystemClock
from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import Account, Role
from tracker.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD, Passwords

app = typer.Typer(help="Who may submit mail and log in to the panel.", no_args_is_help=True)

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The full e-mail address of the account.")
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@app.command("add")
def add(
    address: AddressArgument,
    role: Annotated[Role, typer.Option(help="What the account may see and send as.")] = Role.USER,
    password_stdin: StdinOption = False,
    config: ConfigOption = None,
) -> None:
    """Add an account; without a password given, one is made and shown once."""
    normal = _normalize(address)
    password, made = _password(normal, password_stdin)
    account = Account(
        address=normal, role=role, password_hash=_hash(password), created_at=SystemClock().now()
    )
    if not with_ledger(config, lambda ledger, _: ledger.add_account(account)):
        raise CommandFailed(
            f"{normal} exists already; `sendtrace account password {normal}` changes its password"
        )
    typer.echo(f"{normal} added as {role}")
    if made:
        typer.echo(f"password (shown only now): {password}")


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the accounts."""
    accounts = with_ledger(config, lambda ledger, _: ledger.accounts())
    if as_json:
        print_json(
            [{"address": a.address, "role": a.role, "created_at": a.created_at} for a in accounts]
        )
        return
    print_table(
        ["Address", "Role", "Since"],
        [[a.address, a.role, f"{a.created_at:%Y-%m-%d}"] for a in accounts],
    )


@app.command("password")
def password_(
    address: AddressArgument, password_stdin: StdinOption = False, config: ConfigOption = None
) -> None:
    """Change the password of an account and end its sessions."""
    normal = _normalize(address)
    password, made = _password(normal, password_stdin)
    hashed = _hash(password)
    if not with_ledger(config, lambda ledger, _: ledger.set_password_hash(normal, hashed)):
        raise CommandFailed(f"there is no account {normal}; `sendtrace account list` shows all")
    typer.echo(f"password of {normal} changed")
    if made:
        typer.echo(f"password (shown only now): {password}")


@app.command("remove")
def remove(address: AddressArgument, config: ConfigOption = None) -> None:
    """Remove an account; its mail stays on record."""
    normal = _normalize(address)
    if not with_ledger(config, lambda ledger, _: ledger.remove_account(normal)):
        raise CommandFailed(f"there is no account {normal}; `sendtrace account list` shows all")
    typer.echo(f"{normal} removed")


def _normalize(address: str) -> str:
    try:
        mailbox = parse_mailbox(address)
    except MailboxError as error:
        raise CommandFailed(
            f"{address!r} is not a full e-mail address: {error}; write it like alice@example.org",
            status=2,
        ) from None
    return f"{mailbox.local_part}@{mailbox.domain}".lower()


def _password(address: str, from_stdin: bool) -> tuple[str, bool]:
    """Return the password, and whether it was made here."""
    if from_stdin:
        # One more than a line may have: what has no end is not read to it.
        password = sys.stdin.readline(LONGEST_PASSWORD + 3).rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt(
            f"Password for {address} (empty: make one)",
            default="",
            hide_input=True,
            confirmation_prompt=True,
            show_default=False,
        )
    else:
        password = ""
    if not password and not from_stdin:
        return secrets.token_urlsafe(15), True
    if len(password) < SHORTEST_PASSWORD:
        raise CommandFailed(f"a password has {SHORTEST_PASSWORD} characters at least", status=2)
    if len(password) > LONGEST_PASSWORD:
        raise CommandFailed(f"a password has {LONGEST_PASSWORD} characters at most", status=2)
    return password, False


def _hash(password: str) -> str:
    async def run() -> str:
        passwords = Passwords()
        try:
            return await passwords.hash(password)
        finally:
            passwords.close()

    return asyncio.run(run())
