"""`tracking.suppress_unknown`: addresses that do not exist are closed by the relay itself."""

import asyncio
import smtplib
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.resting import open_restful, rest
from tests.support.settings import relay_in
from tracker.model import Scope, Status
from tracker.search import Query


@pytest.mark.parametrize(("is_set", "closed"), [("true", ["eve@nowhere.example"]), ("false", [])])
async def test_an_address_without_a_domain_is_closed_where_that_is_wanted(
    tmp_path: Path, is_set: str, closed: list[str]
) -> None:
    loaded = relay_in(tmp_path, TRACKING__SUPPRESS_UNKNOWN=is_set)
    clock, resolver = FakeClock(), FakeResolver(mx={}, addresses={})
    async with open_restful(loaded, clock=clock, resolver=resolver) as restful:
        host, port = restful.relay.submission.addresses[0]

        def send() -> None:
            with smtplib.SMTP(host, port) as client:
                client.sendmail("", ["eve@nowhere.example"], b"Subject: hi\r\n\r\nhello\r\n")

        await asyncio.to_thread(send)
        await rest(restful)
        page = await restful.ledger.search(Query(), Scope(), limit=10)
        assert [row.recipient.status for row in page.rows] == [Status.BOUNCED]
        found = await restful.ledger.suppressions(Scope(), limit=10)
        assert [each.address for each in found] == closed
