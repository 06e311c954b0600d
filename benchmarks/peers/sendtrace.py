"""Sendtrace with its default settings, the ledger in a file."""

import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.peer import NextHop, Peer, Relay
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

_WAITING = "SELECT count(*) FROM messages WHERE open_recipients > 0 AND id > ?"
_DELIVERED = """
SELECT count(*) FROM attempts WHERE outcome = 'delivered'
AND recipient_id IN (SELECT id FROM recipients WHERE message_id > ?)
"""


class Node(NamedTuple):
    """`sendtrace serve`, running."""

    port: int
    pid: int
    environment: dict[str, str]
    """In which the command finds the same settings."""


@contextmanager
def run_node(directory: Path, hop: NextHop, store: str, **settings: str) -> Iterator[Node]:
    """Run `sendtrace serve` with its default settings, all mail to `hop`, and `settings`."""
    port = free_port()
    given = {
        "HOSTNAME": "sendtrace.example.net",
        "STATE_DIRECTORY": str(directory / "state"),
        "STORE__URL": store,
        "SUBMISSION__LISTENERS__0__ADDRESS": f"127.0.0.1:{port}",
        "SUBMISSION__MAX_CONNECTIONS_PER_CLIENT": "1000",
        "PANEL__ADDRESS": f"127.0.0.1:{free_port()}",
        "DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        **_onward(hop),
        **settings,
    }
    environment = os.environ | {f"SENDTRACE_{key}": value for key, value in given.items()}
    directory.mkdir(exist_ok=True)
    with (directory / "log").open("wb") as log:
        service = subprocess.Popen(
            _command("serve"), env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Sendtrace")
        yield Node(port, service.pid, environment)
    finally:
        service.terminate()
        service.wait()


def _onward(hop: NextHop) -> dict[str, str]:
    """Return the settings by which mail goes to `hop`: a route, or what a name server says."""
    if hop.nameserver is None:
        return {"ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{hop.port}"}}]'}
    return {"DELIVERY__PORT": str(hop.port), "DNS__NAMESERVERS": f'["127.0.0.1:{hop.nameserver}"]'}


@contextmanager
def run(directory: Path, hop: NextHop, **settings: str) -> Iterator[Relay]:
    """Run one node with its ledger in a file."""
    ledger = directory / "ledger.db"
    with run_node(directory, hop, f"sqlite://{ledger}", **settings) as node:
        yield relay_of(node, ledger)


def relay_of(node: Node, ledger: Path, since: str = "") -> Relay:
    """Return a node as a relay that counts only messages whose ids are above `since`."""
    return Relay(
        ports=[node.port],
        pids=[node.pid],
        waiting=lambda: _count(ledger, _WAITING, since),
        flush=lambda: _flush(node),
        delivered=lambda: _count(ledger, _DELIVERED, since),
    )


def _count(ledger: Path, query: str, since: str) -> int:
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as record:
        (number,) = record.execute(query, (since,)).fetchone()
    return int(number)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from relay.cli import main; main()", *arguments]


def _flush(node: Node) -> None:
    subprocess.run(
        _command("queue", "retry", "--all"),
        env=node.environment,
        check=True,
        capture_output=True,
    )


SENDTRACE = Peer(
    name="Sendtrace",
    settings="SQLite, synchronous=FULL, all attempts recorded; default settings",
    version=lambda: (
        f"{version('sendtrace')} (Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version})"
    ),
    missing=lambda: None,
    run=run,
)
