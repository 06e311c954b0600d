"""`sendtrace proof`: handover certificates, and checking one from anywhere."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    load_or_fail,
    print_json,
)
from relay.cli.find import find_message
from tracker.model import Recipient
from tracker.printing import printable
from tracker.views import Timeline

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.proof import Seal, Verified

app = typer.Typer(no_args_is_help=True, help="Certificates of who took a message.")

MessageArgument = Annotated[str, typer.Argument(help="Id of the message.")]
RecipientArgument = Annotated[
    str, typer.Argument(help="Forward-path or id; may be left out where there is one only.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write to FILE; *.pdf is the one on paper."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="handover.json; - is stdin.")]
KeyOption = Annotated[
    str,
    typer.Option("--fingerprint", help="The relay's, as its operator has published it."),
]


@app.command()
def issue(
    message: MessageArgument,
    recipient: RecipientArgument = "",
    output: OutputOption = None,
    config: ConfigOption = None,
) -> None:
    """Certify that a server took a message for a recipient."""
    from tracker.proof import NoHandover, document, print_certificate, state
    from tracker.version import own_version

    loaded = load_or_fail(config)
    timeline = find_message(config, message)
    try:
        statement = state(
            timeline,
            _chosen(timeline, recipient),
            issued_by=loaded.settings.hostname,
            software=f"Sendtrace {own_version()}",
            now=datetime.now(UTC),
        )
    except NoHandover as problem:
        raise CommandFailed(str(problem)) from None
    seal = _open(loaded.settings)
    signed = document(statement, seal)
    if output is None:
        typer.echo(signed.decode(), nl=False)
    elif output.suffix.lower() == ".pdf":
        _write(output, print_certificate(statement, signed, seal.public_key))
    else:
        _write(output, signed)


@app.command()
def verify(file: FileArgument, key: KeyOption = "", as_json: JsonOption = False) -> None:
    """Check a certificate; needs neither a ledger nor a configuration.

    Exit status 1 when anything was altered, or the key is not the one that was named.
    """
    from tracker.proof import NotACertificate, verify

    try:
        found = verify(_read(file))
    except NotACertificate as problem:
        raise CommandFailed(str(problem)) from None
    is_expected = not key or _digits(key) == _digits(found.fingerprint)
    if as_json:
        print_json(
            {
                "genuine": found.genuine,
                "fingerprint": found.fingerprint,
                "expected_key": is_expected if key else None,
                "statement": found.statement,
            }
        )
    if not found.genuine:
        raise CommandFailed("ALTERED: the signature does not belong to this statement")
    if not is_expected:
        raise CommandFailed(f"signed by another key: its fingerprint is {found.fingerprint}")
    if not as_json:
        for line in _lines(found, key_is_known=bool(key)):
            typer.echo(printable(line))


@app.command()
def key(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print the fingerprint to publish: in the panel it is at /handover-key."""
    from tracker.proof import fingerprint

    seal = _open(load_or_fail(config).settings)
    told = fingerprint(seal.public_key)
    if as_json:
        print_json({"fingerprint": told})
    else:
        typer.echo(told)


def _open(settings: "Settings") -> "Seal":
    from tracker.proof import SealUnfit, key_path, open_seal

    try:
        return open_seal(key_path(settings))
    except SealUnfit as problem:
        raise CommandFailed(str(problem)) from None


def _chosen(timeline: Timeline, asked: str) -> Recipient:
    if not asked and len(timeline.recipients) == 1:
        return timeline.recipients[0]
    for recipient in timeline.recipients:
        if asked and asked.lower() in (recipient.id.lower(), recipient.forward_path.lower()):
            return recipient
    known = ", ".join(each.forward_path for each in timeline.recipients[:10])
    raise CommandFailed(f"name one of its recipients, e.g. {known}")


def _read(file: Path) -> bytes:
    from tracker.proof import LARGEST

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with file.open("rb") as opened:
            return opened.read(LARGEST + 1)
    except OSError as problem:
        raise CommandFailed(f"{file}: {problem.strerror}") from None


def _write(file: Path, octets: bytes) -> None:
    try:
        file.write_bytes(octets)
    except OSError as problem:
        raise CommandFailed(f"{file}: {problem.strerror}") from None


def _digits(text: str) -> str:
    return "".join(text.split()).replace(":", "").lower()


def _lines(found: "Verified", *, key_is_known: bool) -> list[str]:
    told = found.statement
    lines = [
        "GENUINE: nothing was altered since it was signed",
        f"{told.server.host} [{told.server.address}] took message {told.message.id}",
        f"from <{told.message.reverse_path}> for <{told.recipient.forward_path}>",
        f"at {told.attempt.ended_at}, and said:",
        *(f"    {line}" for line in told.reply.text.split("\n")),
        f"Signed by {told.issued_by} with the key {found.fingerprint}",
    ]
    if not key_is_known:
        lines.append("Compare the key with the one its operator has published (--fingerprint).")
    return lines
