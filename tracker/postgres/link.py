"""One connection to the server, as the rest of the ledger sees it."""

import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg

from tracker.postgres.errors import describe
from tracker.postgres.fitness import check_fit
from tracker.sql.rows import Columns
from tracker.store import StoreError, StoreUnavailable

_CONNECT_WITHIN = 5.0
_ANSWER_WITHIN = 30.0
_CLOSE_WITHIN = 1.0
"""Seconds."""

_STAND_STILL = 5
"""Seconds that a transaction waits for its next statement. Whoever was stopped in the middle of it
must not keep all others from what it has locked."""

# A network that swallows everything is noticed by both sides: what was sent must be acknowledged,
# and whoever is silent is asked.
_SOCKET = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 3),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 12_000),
)

_SETTINGS = {
    "application_name": "sendtrace",
    "synchronous_commit": "on",
    # Whatever moves mail looks for a few rows by their keys, whatever the statistics say.
    "enable_seqscan": "off",
    "jit": "off",
    "statement_timeout": "25s",
    "idle_in_transaction_session_timeout": f"{_STAND_STILL}s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# What is said to a pooler when it connects reaches nobody.
_BEGIN_POOLED = f"""
BEGIN; SET LOCAL statement_timeout = '25s';
SET LOCAL idle_in_transaction_session_timeout = '{_STAND_STILL}s'
"""

_NOT_NOW = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a server that is away makes of connecting."""

_FACTS = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       current_setting('server_encoding'), current_setting('synchronous_commit'),
       current_setting('transaction_read_only')
"""


class Link:
    """A connection that is open, and the server behind it fit for us."""

    def __init__(self, connection: Any, *, pooled: bool) -> None:
        self._connection = connection
        self._pooled = pooled
        self.version = ""

    @property
    def is_closed(self) -> bool:
        """True when nothing can be sent any more."""
        return bool(self._connection.is_closed())

    @property
    def is_pooled(self) -> bool:
        """True when each transaction may run on another connection of a pooler."""
        return self._pooled

    async def rows(self, sql: str, *parameters: object) -> list[Columns]:
        """Run a statement and return its rows."""
        return list(await self._answer(self._connection.fetch(sql, *parameters)))

    async def row(self, sql: str, *parameters: object) -> Columns | None:
        """Run a statement and return its first row."""
        row: Columns | None = await self._answer(self._connection.fetchrow(sql, *parameters))
        return row

    async def execute(self, sql: str, *parameters: object) -> str:
        """Run a statement and return what it was, with the number of rows in the end."""
        done: str = await self._answer(self._connection.execute(sql, *parameters))
        return done

    async def _answer(self, statement: Awaitable[Any]) -> Any:
        try:
            return await statement
        except asyncpg.InterfaceError as error:
            if self.is_closed:  # meanwhile; the driver takes it for a mistake of ours
                raise ConnectionResetError("the connection is closed") from error
            raise

    async def begin(self) -> None:
        """Open a transaction, which the server ends when we stand still in it."""
        await self.execute(_BEGIN_POOLED if self._pooled else "BEGIN")

    async def listen(
        self, channel: str, heard: Callable[[str], None], lost: Callable[[], None]
    ) -> None:
        """Call `heard` with whatever is said on `channel`, and `lost` when nothing more will be."""
        self._connection.add_termination_listener(lambda _: lost())
        await self._connection.add_listener(channel, lambda _, __, ___, said: heard(said))

    async def check(self) -> None:
        """Look whether the server is fit for a ledger.

        Raises StoreUnavailable when it takes no writes, StoreError when it never will do.
        """
        await self.execute("BEGIN")  # a pooler must not divide what follows
        ((number, self.version, encoding, durability, read_only),) = await self.rows(_FACTS)
        await self.execute("COMMIT")
        check_fit(number, self.version, encoding)
        if durability == "off":
            raise StoreError(
                "synchronous_commit is off, so that accepted mail could get lost; set it to on: "
                "ALTER ROLE … SET synchronous_commit = on"
            )
        if read_only == "on":
            raise StoreUnavailable("the server is read-only")

    async def close(self) -> None:
        """Say good-bye; never raises."""
        try:
            await self._connection.close(timeout=_CLOSE_WITHIN)
        except Exception:
            self.kill()

    def kill(self) -> None:
        """Let go at once. What has not been sent yet never will be."""
        if not self.is_closed:
            # Else the kernel would go on delivering what we have long given up.
            self._set(socket.SOL_SOCKET, "SO_LINGER", struct.pack("ii", 1, 0))
        self._connection.terminate()

    def keep_alive(self) -> None:
        """Have the kernel notice when the other side is gone."""
        for level, option, value in _SOCKET:
            self._set(level, option, value)

    def _set(self, level: int, option: str, value: int | bytes) -> None:
        sock = self._connection._transport.get_extra_info("socket")
        # Not on a Unix socket, and not on every system.
        with contextlib.suppress(AttributeError, OSError):
            sock.setsockopt(level, getattr(socket, option), value)


async def connect(url: str, *, pooled: bool) -> Link:
    """Connect to the one host of `url` and look whether it is fit.

    Raises StoreUnavailable; StoreError when another try cannot help.
    """
    options: Mapping[str, object] = (
        {"statement_cache_size": 0} if pooled else {"server_settings": _SETTINGS}
    )
    try:
        connection = await asyncpg.connect(
            url, timeout=_CONNECT_WITHIN, command_timeout=_ANSWER_WITHIN, **options
        )
    except (asyncpg.exceptions.ClientConfigurationError, ValueError) as error:
        raise StoreError(f"store.url is not usable: {describe(error)}") from error
    except _NOT_NOW as error:
        raise StoreUnavailable(f"cannot connect: {describe(error)}{_hint(error)}") from error
    link = Link(connection, pooled=pooled)
    try:
        link.keep_alive()
        await link.check()
    except BaseException as error:
        link.kill()
        if isinstance(error, _NOT_NOW):
            raise StoreUnavailable(f"cannot connect: {describe(error)}") from error
        raise
    return link


def _hint(error: Exception) -> str:
    # So a pooler refuses what it does not know; a server knows all of it.
    if isinstance(error, asyncpg.ProtocolViolationError) and "startup parameter" in str(error):
        return "; there seems to be a pooler at store.url: set store.pooler = true"
    return ""
