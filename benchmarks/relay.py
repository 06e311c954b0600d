"""Messages a second from end to end: smtp-source, relay, smtp-sink, beside Postfix in one run.

    python -m benchmarks.relay [--messages 3000] [--sessions 20] [--size 5000] [--rounds 3]

Both relays commit each message to disk before their 250: Postfix syncs its queue file, Sendtrace
its ledger (synchronous=FULL). The rounds alternate; medians and their ratio are printed, since
absolute figures of a shared machine mean little. Needs Postfix and smtp-source installed, and
root for Postfix.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
    """What smtp-source sends."""

    messages: int
    sessions: int
    size: int


class Peer(NamedTuple):
    """A relay under test: where it takes mail, and whether it has delivered so many messages."""

    port: int
    has_delivered: Callable[[int], bool]


@contextmanager
def run_sink(port: int) -> Iterator[None]:
    """Run smtp-sink, which takes everything and keeps nothing."""
    sink = subprocess.Popen(
        ["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "smtp-sink")
        yield
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
        yield Peer(port, lambda _: not any(path.is_file() for q in queues for path in q.rglob("*")))
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
def run_sendtrace(directory: Path, sink: int) -> Iterator[Peer]:
    """Run `sendtrace serve` with its default settings and a route to the sink."""
    port = free_port()
    ledger = directory / "ledger.db"
    settings = {
        "HOSTNAME": "sendtrace.example.net",
        "STATE_DIRECTORY": str(directory / "state"),
        "STORE__URL": f"sqlite://{ledger}",
        "SUBMISSION__LISTENERS__0__ADDRESS": f"127.0.0.1:{port}",
        "PANEL__ADDRESS": f"127.0.0.1:{free_port()}",
        "DELIVERY__ALLOW_PRIVATE_DESTINATIONS": "true",
        "ROUTES": f'[{{"domain": "*", "next_hop": "127.0.0.1:{sink}"}}]',
    }
    with (directory / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-c", "from relay.cli import main; main()", "serve"],
            env=os.environ | {f"SENDTRACE_{key}": value for key, value in settings.items()},
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def has_delivered(messages: int) -> bool:
        with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as record:
            query = "SELECT count(*) FROM attempts WHERE outcome = 'delivered'"
            (count,) = record.execute(query).fetchone()
        record.close()
        return bool(count >= messages)

    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Sendtrace")
        yield Peer(port, has_delivered)
    finally:
        service.terminate()
        service.wait()


def measure(peer: Peer, load: Load) -> float:
    """Return messages a second from the first command to the last delivery."""
    began = time.perf_counter()
    subprocess.run(
        ["smtp-source", "-s", str(load.sessions), "-m", str(load.messages), "-l", str(load.size),
         "-f", "a@example.com", "-t", "b@example.org", f"127.0.0.1:{peer.port}"],
        check=True,
        timeout=_PATIENCE,
    )  # fmt: skip
    wait_until(lambda: peer.has_delivered(load.messages), "the last delivery", _PATIENCE)
    return load.messages / (time.perf_counter() - began)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--size", type=int, default=5000, help="of a message, in bytes")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    load = Load(chosen.messages, chosen.sessions, chosen.size)
    figures: dict[str, list[float]] = {"postfix": [], "sendtrace": []}
    for number in range(1, chosen.rounds + 1):
        for name, run in (("postfix", run_postfix), ("sendtrace", run_sendtrace)):
            sink = free_port()
            with (
                tempfile.TemporaryDirectory() as directory,
                run_sink(sink),
                run(Path(directory), sink) as peer,
            ):
                figures[name].append(measure(peer, load))
            print(f"round {number}  {name:10} {figures[name][-1]:6.0f} messages/s", flush=True)
    postfix, sendtrace = (statistics.median(each) for each in figures.values())
    print(f"median   postfix {postfix:.0f}   sendtrace {sendtrace:.0f}   "
          f"ratio {sendtrace / postfix:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
