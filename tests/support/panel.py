"""The panel on a real ledger, with people who may look at it."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from config.settings import PanelSettings, Route, Settings
from tests.support.clock import FakeClock
from tests.support.morning import record_a_day
from tracker.model import Account, MessageId, Role, Scope
from tracker.passwords import Passwords
from tracker.routing import Routes
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.views import Timeline
from web.app import LONGEST_LINE, build

AFTERNOON = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
"""A Monday, 15:47 in Berlin."""
NODE = "mail-1"
"""Whose panel it is."""
PASSWORD = "correct horse battery"
PEOPLE = {
    "admin@northwind.example": Role.ADMIN,
    "it@northwind.example": Role.DOMAIN_ADMIN,
    "help@northwind.example": Role.SUPPORT,
    "anna@northwind.example": Role.USER,
    "orders@northwind.example": Role.USER,
    "news@northwind.example": Role.USER,
    "it@elsewhere.example": Role.DOMAIN_ADMIN,
    "zoe@elsewhere.example": Role.USER,
}
TOKEN = re.compile(r'name="csrf" value="([\w-]+)"')

Client = TestClient[web.Request, web.Application]


class Record(NamedTuple):
    """A ledger file with people and an ordinary day in it."""

    path: Path
    ids: dict[str, MessageId]


@dataclass
class Desk:
    """The panel, its parts, and clients that look at it."""

    ledger: SqliteLedger
    clock: FakeClock
    settings: Settings
    passwords: Passwords
    server: TestServer
    ids: dict[str, MessageId] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    def client(self) -> Client:
        """Return a browser of sorts that nobody has used yet."""
        client: Client = TestClient(
            self.server, cookie_jar=CookieJar(unsafe=True), max_field_size=LONGEST_LINE
        )
        self.clients.append(client)
        return client

    async def log_in(self, address: str = "admin@northwind.example") -> Client:
        """Return a client that is logged in."""
        client = self.client()
        response = await post_log_in(client, address)
        assert response.status == 200, await response.text()
        assert str(response.url.path) == "/"
        return client

    async def timeline(self, subject: str) -> Timeline:
        """Return everything about the message with this subject."""
        found = await self.ledger.timeline(self.ids[subject], Scope())
        assert found is not None
        return found

    def path_of(self, subject: str) -> str:
        """Return where the message with this subject is."""
        return f"/messages/{self.ids[subject]}"


async def post_log_in(
    client: Client, address: str, password: str = PASSWORD, **fields: str
) -> ClientResponse:
    """Fill in the log-in form and send it."""
    token = token_of(await (await client.get("/login")).text())
    form = {"csrf": token, "address": address, "password": password, **fields}
    return await client.post("/login", data=form)


def token_of(page: str) -> str:
    """Return the CSRF token in the forms of a page."""
    found = TOKEN.search(page)
    assert found, "the page has no form"
    return found[1]


async def token_for(client: Client) -> str:
    """Return the CSRF token of the session a client is in."""
    return token_of(await (await client.get("/queue")).text())


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    record: Record | None = None,
    panel: PanelSettings | None = None,
    now: datetime = AFTERNOON,
    routes: tuple[Route, ...] = (),
) -> AsyncIterator[Desk]:
    """Open a panel in `folder`; with `record`, on a copy of that ledger."""
    settings = Settings(
        hostname="mail.northwind.example",
        state_directory=folder,
        panel=panel or PanelSettings(time_zone="Europe/Berlin"),
        routes=routes,
    )
    if record is not None:
        shutil.copy(record.path, folder / "ledger.db")
    ledger = await open_ledger(folder / "ledger.db")
    passwords = make_passwords()
    clock = FakeClock(now)
    try:
        if record is None:
            await add_people(ledger, passwords, now)
        app = build(
            settings,
            routes=Routes.of(settings),
            node=NODE,
            ledger=ledger,
            passwords=passwords,
            now=clock.now,
            entropy=os.urandom,
        )
        server = TestServer(app)
        await server.start_server(max_line_size=LONGEST_LINE)
        async with server:
            ids = {} if record is None else record.ids
            desk = Desk(ledger, clock, settings, passwords, server, ids)
            try:
                yield desk
            finally:
                for client in desk.clients:
                    await client.close()
    finally:
        passwords.close()
        await ledger.close()


async def make_record(folder: Path) -> Record:
    """Make a ledger once, for many tests to copy."""
    path = folder / "ledger.db"
    ledger, passwords = await open_ledger(path), make_passwords()
    try:
        await add_people(ledger, passwords, AFTERNOON)
        return Record(path, await record_a_day(ledger, AFTERNOON))
    finally:
        passwords.close()
        await ledger.close()


def make_passwords() -> Passwords:
    """Return password hashing that costs a test next to nothing."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def add_people(ledger: SqliteLedger, passwords: Passwords, now: datetime) -> None:
    """Give everybody an account."""
    password_hash = await passwords.hash(PASSWORD)
    for address, role in PEOPLE.items():
        created_at = now - timedelta(days=40)
        account = Account(
            address=address, role=role, password_hash=password_hash, created_at=created_at
        )
        assert await ledger.add_account(account)
