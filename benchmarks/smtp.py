"""What the measurements of whole relays share: the load, the sink, Postfix, a node."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.waiting import free_port, is_listening, wait_until

_PATIENCE = 120.0
"""Seconds after which a round has failed."""

_POSTFIX = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = postfix.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{sink}
default_process_limit = 200
initial_destination_concurrency = 20
default_destination_concurrency_limit = 100
smtpd_peername_lookup = no
"""


class Load(NamedTuple):
    """What smtp-source sends; `sessions` at a time."""

    messages: int
    sessions: int
    size: int


class Peer(NamedTuple):
    """A relay under test."""

    ports: Sequence[int]
    """Where it takes mail; each gets an equal part of the load."""
    has_delivered: Callable[[int], bool]
    """Says whether so many messages have been delivered."""


class Node(NamedTuple):
    """`sendtrace serve`, running."""

    port: int
    pid: int


@contextmanager
def run_sink(port: int) -> Iterator[int]:
    """Run smtp-sink, which takes everything and keeps nothing; the value is its process id."""
    sink = subprocess.Popen(
        ["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "smtp-sink")
        yield sink.pid
    finally:
        sink.kill()
        sink.wait()


@contextmanager
def run_postfix(directory: Path, sink: int) -> Iterator[Peer]:
    """Run a Postfix of our own with destination concurrency raised to 100."""
    port = free_port()
    settings = directory / "etc"
    for name in ("etc", "queue", "data"):
        (directory / name).mkdir()
    shutil.chown(directory / "data", "postfix")
    directory.chmod(0o755)
    (settings / "main.cf").write_text(_POSTFIX.format(directory=directory, sink=sink))
    services = Path("/etc/postfix/master.cf").read_text().splitlines()
    (settings / "master.cf").write_text("\n".join(_unjailed(services, port)) + "\n")
    command = ["postfix", "-c", str(settings)]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    queues = [directory / "queue" / name for name in ("maildrop", "incoming", "active", "deferred")]
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Postfix")
        yield Peer(
            [port], lambda _: not any(path.is_file() for q in queues for path in q.rglob("*"))
        )
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


def _unjailed(services: list[str], port: int) -> Iterator[str]:
    """Yield master.cf with smtpd on our port and nothing in a chroot."""
    for line in services:
        fields = line.split()
        if line[:1] in ("#", " ", "\t") or len(fields) < 8:
            yield line
            continue
        if fields[:2] == ["smtp", "inet"]:
            fields[0] = f"127.0.0.1:{port}"
        yield " ".join([*fields[:4], "n", *fields[5:]])


@contextmanager
def run_node(directory: Path, sink: int, store: str, **settings: str) -> Iterator[Node]:
    """Run `sendtrace serve` with its default settings, a route to the sink, and `settings`."""
    port = free_port()
    given = {
        "HOSTNAME": "sendtrace.example.net",
        "STATE_DIRECTORY": str(directory / "state"),
        "STORE__URL": store,
        "SUBMISSION__LISTENERS__0__ADDRESS": f"127.0.0.1:{port}",
        "SUBMISSION__MAX_CONNECTIONS_PER_CLIENT": "1000",
        "PANEL__ADDRESS": f"127.0.0.1:{free_port()}",
        "DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        "ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{sink}"}}]',
        **settings,
    }
    directory.mkdir(exist_ok=True)
    with (directory / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-c", "from relay.cli import main; main()", "serve"],
            env=os.environ | {f"SENDTRACE_{key}": value for key, value in given.items()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Sendtrace")
        yield Node(port, service.pid)
    finally:
        service.terminate()
        service.wait()


@contextmanager
def run_sendtrace(directory: Path, sink: int, **settings: str) -> Iterator[Peer]:
    """Run one node with its ledger in a file."""
    ledger = directory / "ledger.db"

    def has_delivered(messages: int) -> bool:
        with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as record:
            query = "SELECT count(*) FROM attempts WHERE outcome = 'delivered'"
            (count,) = record.execute(query).fetchone()
        record.close()
        return bool(count >= messages)

    with run_node(directory, sink, f"sqlite://{ledger}", **settings) as node:
        yield Peer([node.port], has_delivered)


def measure(peer: Peer, load: Load) -> float:
    """Return messages a second from the first command to the last delivery."""
    began = time.perf_counter()
    sources = [
        subprocess.Popen(
            ["smtp-source", "-s", str(sessions), "-m", str(messages), "-l", str(load.size),
             "-f", "a@example.com", "-t", "b@example.org", f"127.0.0.1:{port}"],
        )
        for port, messages, sessions in zip(
            peer.ports,
            _parts(load.messages, len(peer.ports)),
            _parts(load.sessions, len(peer.ports)),
            strict=True,
        )
    ]  # fmt: skip
    for source in sources:
        if source.wait(_PATIENCE):
            raise ChildProcessError("smtp-source failed")
    wait_until(lambda: peer.has_delivered(load.messages), "the last delivery", _PATIENCE)
    return load.messages / (time.perf_counter() - began)


def _parts(total: int, number: int) -> list[int]:
    """Divide as evenly as can be; everybody gets one at least."""
    return [max((total + n) // number, 1) for n in range(number)]
