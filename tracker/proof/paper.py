"""A certificate on paper: a tagged PDF with the signed JSON attached to it."""

import json
import unicodedata
from importlib import resources
from typing import Final

from tracker.proof.seal import fingerprint
from tracker.proof.statement import Encryption, Statement

_LAST_PRINTED: Final = 0x04FF
"""Latin, Greek and Cyrillic are in the fonts that come with the typesetter; beyond, few are."""
_ALSO_PRINTED: Final = frozenset("‐‑–—‘’‚“”„†•…‰‹›€™")


def print_certificate(statement: Statement, document: bytes, public_key: bytes) -> bytes:
    """Return `document`, which is `statement` signed by `public_key`, as PDF/UA-1."""
    import typst  # large, and most panels never print a certificate

    facts = _facts(statement, public_key) | {"document": document.decode()}
    template = resources.files("tracker.proof").joinpath("certificate.typ").read_bytes()
    # No fonts of this machine: the same certificate looks the same everywhere.
    return typst.compile(
        template,
        sys_inputs={"data": json.dumps(facts)},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
    )


def printable(text: str) -> str:
    """Return `text` with what has no glyph, or no shape, written as its number: [U+4F8B]."""
    return "".join(c if _is_printed(c) else f"[U+{ord(c):04X}]" for c in text)


def _is_printed(character: str) -> bool:
    if character in _ALSO_PRINTED or character == "\n":
        return True
    if ord(character) > _LAST_PRINTED:
        return False
    return character.isprintable() and not unicodedata.combining(character)


def _facts(told: Statement, public_key: bytes) -> dict[str, object]:
    recipient = printable(told.recipient.forward_path)
    server = _server(told)
    return {
        "title": "Handover certificate",
        "issued_by": printable(told.issued_by),
        "sentence": (
            f"{server} accepted the message {told.message.id} for {recipient} on "
            f"{_date(told.attempt.ended_at)} with the reply code {told.reply.code}."
        ),
        "caveat": told.caveat,
        "parts": [_message(told), _handover(told), _protection(told.server.tls)],
        "words_title": "The server's own words",
        "words": printable(told.reply.text) or "(not kept)",
        "checking": _checking(public_key),
        "foot": f"Issued {_date(told.issued_at)} by {printable(told.issued_by)}, {told.software}",
    }


def _server(told: Statement) -> str:
    address = f" [{told.server.address}]" if told.server.address else ""
    return printable(told.server.host) + address


def _message(told: Statement) -> dict[str, object]:
    message = told.message
    return _part(
        "The message",
        ("Id", message.id),
        ("Taken from its sender", _date(message.accepted_at)),
        ("Reverse-path", message.reverse_path or "<> (null reverse-path)"),
        ("Message-ID", message.message_id or "(none)"),
        ("Envelope id (ENVID)", message.envid),
        ("Size", f"{message.size:,} bytes"),
        ("SHA-256 of the content", message.sha256 or "(not on record)"),
    )


def _handover(told: Statement) -> dict[str, object]:
    return _part(
        "The handover",
        ("Forward-path", told.recipient.forward_path),
        ("Original recipient", told.recipient.orcpt),
        ("Received by", f"{_server(told)} port {told.server.port}"),
        ("Sent from", told.server.source_address),
        ("Introduced as", told.server.ehlo_name),
        ("Attempt", f"{told.attempt.number}, begun {_date(told.attempt.started_at)}"),
        ("Accepted", _date(told.attempt.ended_at)),
        ("Reply code", f"{told.reply.code} {told.reply.enhanced_status_code}".strip()),
        ("The receiver's own id", told.reply.queue_id or "(not given)"),
        (
            "Further reports",
            "The receiver took over the request for delivery reports (RFC 3461)."
            if told.reply.dsn_handed_on
            else "",
        ),
        ("Recorded by", f"{told.attempt.node}, configuration {told.attempt.config_revision}"),
    )


def _protection(tls: Encryption | None) -> dict[str, object]:
    if tls is None:
        return _part("Protection on the way", ("Encryption", "none"))
    return _part(
        "Protection on the way",
        ("Encryption", f"{tls.version}, {tls.cipher}"),
        ("Certificate", tls.verified_by),
        ("It names", ", ".join(tls.peer_names)),
        ("Issued by", tls.issuer),
        ("Valid until", tls.not_after),
    )


def _part(name: str, *rows: tuple[str, str]) -> dict[str, object]:
    """Return a part of the page; what is not known is left out."""
    return {"name": name, "rows": [(label, printable(value)) for label, value in rows if value]}


def _checking(public_key: bytes) -> str:
    return (
        "This page repeats a statement that is attached to it as handover.json, signed with "
        "Ed25519. Save the attachment and run: sendtrace proof verify handover.json. It tells "
        "whether anything was altered, and prints the fingerprint of the key, which has to be the "
        f"one that the operator of the relay publishes. Here it is {fingerprint(public_key)}. "
        "Characters that cannot be printed stand here as their number; the attachment has them."
    )


def _date(stamp: str) -> str:
    """Return "2026-03-02 14:47:03.123456 UTC" for the form of RFC 3339 that statements have."""
    return stamp.replace("T", " ").replace("Z", " UTC")
