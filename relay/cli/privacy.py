"""`sendtrace privacy`: what is on record about an address."""

import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from config.settings import Settings
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    load_or_fail,
    print_json,
    print_table,
    with_ledger,
)
from relay.clock import SystemClock
from tracker import erasure
from tracker.erasure import Found, Refused
from tracker.kept import hashed_subject
from tracker.mailbox import MailboxError
from tracker.secret import open_key
from tracker.store import Ledger
from tracker.traces import Address

T = TypeVar("T")

app = typer.Typer(
    help="Find, export and erase what is on record about an address.", no_args_is_help=True
)

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="A full e-mail address, in any way to write it.")
]


@app.command("find")
def find(
    address: AddressArgument, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Count where an address is on record."""
    wanted = _address(address)

    async def act(ledger: Ledger, key: bytes) -> Found:
        await _record(ledger, f"found {wanted.pseudonym(key)}")
        return await erasure.find(ledger, wanted)

    found = _with_key(config, act)
    counts = {
        **{f"messages {part}": count for part, count in found.counts.items()},
        **{f"entries of {table}": count for table, count in found.tables.items()},
        "accounts": int(found.has_account),
        "recipients that wait": len(found.own_open) + found.others_open,
    }
    if as_json:
        print_json(counts)
    else:
        print_table(["What", "How many"], [[what, str(n)] for what, n in counts.items()])


@app.command("export")
def export(
    address: AddressArgument,
    output: Annotated[
        Path | None, typer.Option(help="A new file for it; without, it goes to the terminal.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write what is on record about an address, as lines of JSON."""
    wanted = _address(address)

    async def act(ledger: Ledger, key: bytes) -> list[bytes]:
        await _record(ledger, f"exported {wanted.pseudonym(key)}")
        found = await erasure.find(ledger, wanted)
        return [msgspec.json.encode(part) async for part in erasure.export(ledger, wanted, found)]

    lines = _with_key(config, act)
    if output is None:
        for line in lines:
            typer.echo(line)
        return
    try:
        with output.open("xb") as file:
            output.chmod(0o600)
            file.writelines(line + b"\n" for line in lines)
    except OSError as problem:
        raise CommandFailed(f"{output} cannot be written: {problem.strerror}") from None
    typer.echo(f"{len(lines)} lines written to {output}")


@app.command("erase")
def erase(
    address: AddressArgument,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="Cancel its mail that still waits.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Put a pseudonym in the place of an address, everywhere and for good."""
    wanted = _address(address)

    async def act(ledger: Ledger, key: bytes) -> int:
        return await erasure.erase(
            ledger,
            wanted,
            key,
            actor=_caller(),
            client="",
            now=SystemClock().now(),
            entropy=os.urandom,
            cancel=cancel,
        )

    try:
        erased = _with_key(config, act)
    except Refused as refusal:
        raise CommandFailed(f"nothing was erased. {refusal}") from None
    typer.echo(f"erased from {erased} messages and entries; copies in backups are not touched")


@app.command("subject")
def subject(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A whole subject.")],
    config: ConfigOption = None,
) -> None:
    """Print what is stored of a subject under tracking.subject = "hash", to search for it."""
    typer.echo(hashed_subject(_key(load_or_fail(config).settings), text))


def _address(written: str) -> Address:
    try:
        return Address(written)
    except MailboxError as error:
        raise CommandFailed(
            f"{written!r} is not a full e-mail address: {error}; write it like alice@example.org",
            status=2,
        ) from None


def _with_key(config: Path | None, act: Callable[[Ledger, bytes], Awaitable[T]]) -> T:
    """Run `act` on the ledger, with the key."""
    return with_ledger(config, lambda ledger, loaded: act(ledger, _key(loaded.settings)))


def _caller() -> str:
    return f"{getpass.getuser()} at the command line"


def _key(settings: Settings) -> bytes:
    try:
        return open_key(settings)
    except (OSError, ValueError) as problem:
        raise CommandFailed(f"the key of pseudonyms cannot be read: {problem}") from None


async def _record(ledger: Ledger, what: str) -> None:
    now = SystemClock().now()
    await erasure.record(ledger, what, actor=_caller(), client="", now=now, entropy=os.urandom)
