"""aiosmtpd's SMTP class, set up once and not anew for each connection.

Its constructor looks through the class and the handler for hooks, commands and mechanisms, and
makes a reader that we do not use: 15 µs for each connection, as much as all commands of a message
take us. What it finds is the same every time; so one object is made its way, and the others begin
with the values of that one.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from aiosmtpd.smtp import SMTP

IDENT: Final = "ESMTP Sendtrace"

NOT_SHARED: Final = frozenset({"loop", "_auth_methods", "_smtp_methods", "_strong_reader"})
"""What belongs to one connection, or leads back to the object that was made first: the bound
methods, which only its own reading loop and its own AUTH and HELP look up."""


class _NoHandler:
    """What the base class asks for hooks: it has none."""


class PreparedSMTP(SMTP):
    """An SMTP that costs little to make. It has no reader: `data_received` is to be overridden."""

    def __init__(self, hostname: str) -> None:
        self.__dict__.update(shared_state(hostname))
        self.loop = asyncio.get_running_loop()


@lru_cache(4)
def shared_state(hostname: str) -> Mapping[str, object]:
    """Return what the constructor sets to the same values for every connection."""
    prototype = SMTP(
        _NoHandler(),
        hostname=hostname,
        ident=IDENT,
        enable_SMTPUTF8=True,
        loop=asyncio.get_running_loop(),
    )
    reader = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    names = vars(prototype).keys() - vars(reader).keys() - NOT_SHARED
    return MappingProxyType({name: vars(prototype)[name] for name in names})
