"""What a small company sends on an ordinary day, and what the remote servers say to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tracker.model import (
    Origin,
    Outcome,
    Phase,
    Reply,
    Status,
    Target,
    TlsFacts,
    Verification,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def target(host: str, address: str, preference: int = 10) -> Target:
    return Target(host=host, address=address, port=25, preference=preference)


GOOGLE = target("gmail-smtp-in.l.google.com", "74.125.193.26", 5)
OUTLOOK = target("northharbour-example.mail.protection.outlook.com", "52.101.73.6", 0)
POSTFIX = target("mx1.greycastle.example", "198.51.100.25")
DEAD = target("mail.ghostport.example", "203.0.113.80")
DEAD_SIX = target("mail.ghostport.example", "2001:db8::80")

TLS = TlsFacts(
    version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    verified_by=Verification.PKIX,
    peer_names=("mx.google.com",),
    issuer="WR2, Google Trust Services",
    not_after="2026-05-04",
)
DANE = TlsFacts(
    version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    verified_by=Verification.DANE,
    peer_names=("mx1.greycastle.example",),
    issuer="E7, Let's Encrypt",
    not_after="2026-04-22",
)


def reply(text: str) -> Reply:
    """Return the reply that is written like on the wire; "\\n" separates its lines."""
    lines = text.split("\n")
    return Reply(code=int(lines[0][:3]), lines=tuple(line[4:] for line in lines))


@dataclass(frozen=True)
class Try:
    """What one attempt meets."""

    outcome: Outcome
    target: Target | None = None
    said: str = ""
    detail: str = ""
    phase: Phase = Phase.FINAL_DOT
    tls: TlsFacts | None = TLS
    others: tuple[tuple[Target, str, bool], ...] = ()
    """Targets before it: which, why not, and whether it was passed over."""
    queue_id: str | None = None
    origin: Origin = Origin.REMOTE


def accepted(where: Target = GOOGLE, queue_id: str = "4bXyZ12Q", tls: TlsFacts = TLS) -> Try:
    text = (
        f"250 2.0.0 OK {queue_id} - gsmtp"
        if where is GOOGLE
        else f"250 2.0.0 Ok: queued as {queue_id}"
    )
    return Try(Outcome.DELIVERED, where, text, tls=tls, queue_id=queue_id)


GREYLISTED = Try(
    Outcome.DEFERRED,
    POSTFIX,
    "450 4.2.0 Recipient address rejected: Greylisted, see https://greycastle.example/greylisting",
    phase=Phase.RCPT,
    tls=DANE,
)
FULL = Try(
    Outcome.DEFERRED,
    GOOGLE,
    "452-4.2.2 The recipient's inbox is out of storage space. Please direct the\n"
    "452-4.2.2 recipient to\n"
    "452 4.2.2 https://support.google.com/mail/?p=OverQuotaTemp 4fb4d7f45d1cf-5c7a1b2 - gsmtp",
    phase=Phase.RCPT,
)
UNKNOWN = Try(
    Outcome.FAILED,
    OUTLOOK,
    "550 5.4.1 Recipient address rejected: Access denied. For more information see "
    "https://aka.ms/EXOSmtpErrors [AM4PEPF00027A65.eurprd04.prod.outlook.com]",
    phase=Phase.RCPT,
)
SPAM = Try(
    Outcome.FAILED,
    POSTFIX,
    "554 5.7.1 Message rejected as spam by content filter (score 14.2)",
    tls=DANE,
)
UNREACHABLE = Try(
    Outcome.DEFERRED,
    None,
    detail="No host of ghostport.example could be reached",
    phase=Phase.CONNECT,
    origin=Origin.NETWORK,
    others=(
        (DEAD_SIX, "No IPv6 address of ours to send from", True),
        (DEAD, "Connection timed out after 30 s", False),
    ),
)
CUT_OFF = Try(
    Outcome.UNCERTAIN,
    POSTFIX,
    detail="Connection lost after the final dot",
    origin=Origin.NETWORK,
    tls=DANE,
)


@dataclass(frozen=True)
class Letter:
    """One message and what becomes of it; `tries` run for every recipient, `apart` for some."""

    subject: str
    to: tuple[str, ...]
    age: timedelta
    tries: tuple[Try, ...]
    ending: Status = Status.DELIVERED
    sender: str = "anna@northwind.example"
    apart: dict[str, tuple[tuple[Try, ...], Status]] = field(default_factory=dict)
    reported: bool = False


LETTERS: Sequence[Letter] = (
    Letter(
        "Your order #20398 has shipped",
        ("kim.larsen@gmail.example",),
        26 * HOUR,
        (accepted(),),
        sender="orders@northwind.example",
    ),
    Letter(
        "Minutes of Monday’s meeting",
        ("jonas@bluebird.example", "ines@greycastle.example"),
        25 * HOUR,
        (accepted(POSTFIX, "9C1D2A40F1", DANE),),
    ),
    Letter(
        "Are you still there?",
        ("kurt@ghostport.example",),
        7 * DAY + 3 * HOUR,
        (UNREACHABLE, UNREACHABLE, UNREACHABLE),
        Status.EXPIRED,
        reported=True,
    ),
    Letter(
        "Rechnung 2041 für März – danke für Ihren Einkauf ☕",
        ("buchhaltung@bluebird.example", "amy.chen@greycastle.example"),
        4 * HOUR + 12 * MINUTE,
        (GREYLISTED, accepted(POSTFIX, "4fKq2Lz1mT", DANE)),
        sender="orders@northwind.example",
    ),
    Letter(
        "Offer for the harbour office, second draft",
        ("h.bauer@northharbour.example",),
        3 * HOUR + 40 * MINUTE,
        (UNKNOWN,),
        Status.BOUNCED,
        reported=True,
    ),
    Letter(
        "Northwind im Frühling: fünf neue Röstungen",
        (
            "amy@bluebird.example",
            "bo@greycastle.example",
            "cem@gmail.example",
            "dora@nobodyhome.example",
            "eve@gmail.example",
        ),
        3 * HOUR + 5 * MINUTE,
        (accepted(queue_id="d9443c01a7336-1f5b2"),),
        sender="news@northwind.example",
        apart={
            "bo@greycastle.example": ((SPAM,), Status.BOUNCED),
            "cem@gmail.example": ((FULL, FULL, FULL), Status.DEFERRED),
        },
    ),
    Letter(
        "Contract, signed copy attached",
        ("ines@greycastle.example",),
        2 * HOUR + 31 * MINUTE,
        (CUT_OFF,),
        Status.DEFERRED,
    ),
    Letter(
        "Re: Lunch on Thursday?",
        ("lars@ghostport.example",),
        2 * HOUR,
        (UNREACHABLE, UNREACHABLE, UNREACHABLE),
        Status.DEFERRED,
    ),
    Letter(
        "Your order #20415 has shipped",
        ("amy.chen@gmail.example",),
        95 * MINUTE,
        (accepted(queue_id="a1-20020a17090a"),),
        sender="orders@northwind.example",
    ),
    Letter(
        "Προσφορά για τον Μάιο",
        ("μαρία@bluebird.example",),
        80 * MINUTE,
        (accepted(POSTFIX, "0A41B22C7D", DANE),),
    ),
    Letter(
        "Password reset requested",
        ("oskar@gmail.example",),
        64 * MINUTE,
        (accepted(queue_id="b8-20020a05600c"),),
        sender="orders@northwind.example",
    ),
    Letter(
        "Quarterly figures Q1",
        ("archive@greycastle.example",),
        47 * MINUTE,
        (GREYLISTED,),
        Status.DEFERRED,
    ),
    Letter(
        "Your order #20417 has shipped",
        ("maria.rossi@gmail.example",),
        33 * MINUTE,
        (accepted(queue_id="c3-20020a170906"),),
        sender="orders@northwind.example",
    ),
    Letter(
        "Draft agenda for the board",
        ("jonas@bluebird.example", "petra@bluebird.example"),
        21 * MINUTE,
        (accepted(POSTFIX, "7E0F11AB93", DANE),),
    ),
    Letter(
        "Thank you for your visit",
        ("family.okafor@gmail.example",),
        12 * MINUTE,
        (accepted(queue_id="e7-20020a05620a"),),
    ),
)
