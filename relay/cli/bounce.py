"""`sendtrace bounce`: put a report on record that came after the receiver had accepted the mail."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from relay.bounce import LIMIT, BounceReport, Failure, NoReport, find_recipient, read_report
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    print_json,
    with_ledger,
)
from tracker.model import MessageId, RecipientId
from tracker.printing import printable
from tracker.returns import Returned, write_return
from tracker.store import Ledger

FileArgument = Annotated[
    typer.FileBinaryRead | None,
    typer.Argument(metavar="FILE", help="The report as a message; standard input by default."),
]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one failure that the report names."""

    address: str
    message: MessageId | None
    recipient: RecipientId | None
    recorded: bool
    """False also when it was on record already."""


def bounce(
    file: FileArgument = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Read a report (RFC 3464) of mail that was accepted, and put it on the message's record.

    What arrives at the envelope sender may be piped into it, one message at a time.
    """
    octets = (file or sys.stdin.buffer).read(LIMIT + 1)
    try:
        report = read_report(octets)
    except NoReport as problem:
        raise CommandFailed(str(problem)) from None
    entries = with_ledger(config, lambda ledger, _: _record_all(ledger, report))
    if as_json:
        print_json(entries)
    else:
        for entry in entries:
            typer.echo(printable(_words(entry)))
        if not entries:
            typer.echo("the report names no failure; nothing was recorded")
    if any(entry.message is None for entry in entries):
        raise CommandFailed("not all of it is about mail that is on record")


async def _record_all(ledger: Ledger, report: BounceReport) -> list[Entry]:
    return [await _record(ledger, report, failure) for failure in report.failures]


async def _record(ledger: Ledger, report: BounceReport, failure: Failure) -> Entry:
    match = await find_recipient(ledger, report, failure)
    if match is None:
        return Entry(address=_address(failure), message=None, recipient=None, recorded=False)
    told = Returned(
        reporting_mta=report.reporting_mta,
        final_recipient=failure.final_recipient,
        status=failure.status,
        diagnostic=failure.diagnostic,
    )
    message, recipient = match.message.id, match.recipient.id
    recorded = await ledger.record_return(message, recipient, write_return(told), datetime.now(UTC))
    return Entry(address=_address(failure), message=message, recipient=recipient, recorded=recorded)


def _address(failure: Failure) -> str:
    return failure.final_recipient or failure.original_recipient or "(no address)"


def _words(entry: Entry) -> str:
    if entry.message is None:
        return f"{entry.address}: no such mail is on record"
    how = "recorded" if entry.recorded else "on record already"
    return f"{entry.address}: {how}, message {entry.message}"
