"""The far side is not ours: Knot DNS, Postfix, and the installed command between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.knot import serve_zone
from tests.acceptance.postfix import ACCEPTING, GREYLISTING, STOPPED, Postfix, serve_mailboxes
from tests.support.service import Service

ZONE = f"""\
accepting      MX 10 mx.accepting
mx.accepting   A  {ACCEPTING}
sender         MX 10 mx.accepting
greylisting    MX 10 mx.greylisting
mx.greylisting A  {GREYLISTING}
stopped        MX 10 mx.stopped
mx.stopped     A  {STOPPED}
twohosts       MX 10 mx.stopped
twohosts       MX 20 mx.accepting
nomail         MX 0 .
"""

MAILBOXES = (
    "anna@sender.test",
    "bob@accepting.test",
    "carol@accepting.test",
    "load@accepting.test",
    "dave@greylisting.test",
    "erin@twohosts.test",
    "frank@sender.test",
)

SETTINGS = """
port = {port}

[dns]
nameservers = ["{nameserver}"]

[retry]
schedule = ["1s", "2s"]
destination_backoff = ["1s", "2s"]
"""


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    with serve_mailboxes(MAILBOXES) as running:
        yield running


@pytest.fixture(scope="session")
def nameserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_zone(tmp_path_factory.mktemp("knot"), ZONE) as address:
        yield address


@pytest.fixture(scope="session")
def relay(
    tmp_path_factory: pytest.TempPathFactory, postfix: Postfix, nameserver: str
) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("relay")
    settings = SETTINGS.format(port=postfix.port, nameserver=nameserver)
    with Service(directory, settings=settings).running() as service:
        yield service
