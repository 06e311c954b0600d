"""OpenSMTPD, as Debian has it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.peer import NextHop, Peer, Relay, count_files
from benchmarks.peers.stage import PACKAGES, Stage, call_beside, why_not
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

_PACKAGE = "opensmtpd"
_ACCOUNTS = ["opensmtpd", "opensmtpq"]

_SETTINGS = """\
smtp max-message-size "35M"
smtp limit max-rcpt 1000
smtp limit max-mails 1000
mta limit max-conn-per-host 100
mta limit max-conn-per-route 100
mta limit max-conn-per-relay 100
mta limit max-conn-per-domain 100
mta limit max-conn-per-source 1000
mta limit max-conn-per-connector 1000
mta limit conn-delay-host 0
mta limit conn-delay-source 0
mta limit conn-delay-connector 0
mta limit conn-delay-relay 0
mta limit conn-delay-domain 0
mta limit conn-delay-route 0
mta limit reconn-delay-route 0
mta limit session-transaction-delay 0
mta limit session-keepalive 10
listen on 127.0.0.1 port {port} hostname opensmtpd.example.net
action "onward" relay host "smtp://127.0.0.1:{sink}"
match from any for any action "onward"
"""


@contextmanager
def run(directory: Path, hop: NextHop) -> Iterator[Relay]:
    """Run an OpenSMTPD of our own."""
    if hop.spread:
        raise NotImplementedError("a route of OpenSMTPD cannot be computed from the domain")
    port = free_port()
    stage = Stage(_PACKAGE, directory, _ACCOUNTS)
    (directory / "lib" / "opensmtpd" / "empty").mkdir(parents=True)
    settings = directory / "lib" / "smtpd.conf"
    settings.write_text(_SETTINGS.format(port=port, sink=hop.port))
    _let_control(stage)
    queue = directory / "spool" / "smtpd" / "queue"
    with stage.run("/usr/sbin/smtpd", "-F", "-f", "/var/lib/smtpd.conf") as pid:
        wait_until(lambda: is_listening("127.0.0.1", port), "OpenSMTPD")
        yield Relay(
            ports=[port],
            pids=[pid],
            waiting=lambda: count_files(queue, pattern="message"),
            flush=lambda: _flush(pid),
        )


def _flush(pid: int) -> None:
    """Forget that the only route failed, and try all."""
    for order in (["resume", "route", "1"], ["schedule", "all"]):
        call_beside(pid, "/usr/sbin/smtpctl", *order)


def _let_control(stage: Stage) -> None:
    """Do what the package's own script does when it is installed: smtpctl insists on its group."""
    program = PACKAGES / _PACKAGE / "usr" / "sbin" / "smtpctl"
    os.chown(program, 0, stage.ids[_ACCOUNTS[1]])
    program.chmod(0o2755)


def _version() -> str:
    with TemporaryDirectory() as directory:
        stage = Stage(_PACKAGE, Path(directory), _ACCOUNTS)
        said = subprocess.run(
            stage.command("/usr/sbin/smtpd", "-h"), check=False, capture_output=True, text=True
        )
        return said.stderr.partition("\n")[0].split()[-1]


OPENSMTPD = Peer(
    name="OpenSMTPD",
    settings=(
        "queue files are fsynced; 100 connections a host, no delays between transactions"
        " (it lets 5 connections wait to be accepted, and holds 50 envelopes for a host at a time)"
    ),
    version=_version,
    missing=lambda: why_not(_PACKAGE),
    run=run,
)
