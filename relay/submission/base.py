"""aiosmtpd's SMTP class, set up once and not anew for each connection.

Its constructor looks through the class and the handler for hooks, commands and mechanisms, and
makes a reader that we do not use: 15 µs for each connection, as much as all commands of a message
take us. What it finds is the same every time; so one object is made its way, and what that one has
is there for all others to inherit.
"""

import asyncio
from typing import Final

from aiosmtpd.smtp import SMTP

IDENT: Final = "ESMTP Sendtrace"

NOT_INHERITED: Final = frozenset(
    {"hostname", "loop", "_auth_methods", "_smtp_methods", "_strong_reader"}
)
"""What each has for itself, the reader, and methods bound to the object that was made first: only
the reading loop, AUTH and HELP of the base class look them up."""


class _NoHandler:
    """What the base class asks for hooks: it has none."""


class PreparedSMTP(SMTP):
    """An SMTP that costs little to make. It has no reader: `data_received` is to be overridden."""

    def __init__(self, hostname: str) -> None:
        if "event_handler" not in PreparedSMTP.__dict__:
            _prepare()
        self.hostname = hostname
        self.loop = asyncio.get_running_loop()


def _prepare() -> None:
    """Put what the constructor sets into the class, as it would set it for every connection."""
    loop = asyncio.get_running_loop()
    first = SMTP(_NoHandler(), hostname="-", ident=IDENT, enable_SMTPUTF8=True, loop=loop)
    reader = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    for name in vars(first).keys() - vars(reader).keys() - NOT_INHERITED:
        value = vars(first)[name]
        # A plain function would become a method of whoever looks it up.
        setattr(PreparedSMTP, name, staticmethod(value) if callable(value) else value)
