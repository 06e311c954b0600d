"""Postfix, as Debian has it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.names import address_of, domain_of
from benchmarks.peers.peer import NextHop, Peer, Relay, count_files
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

_MAIN = """\
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
default_process_limit = {processes}
initial_destination_concurrency = 20
default_destination_concurrency_limit = 100
smtpd_peername_lookup = no
"""

_QUEUES = ("maildrop", "incoming", "active", "deferred")
_SERVICES = Path("/etc/postfix/master.cf")


@contextmanager
def run(directory: Path, hop: NextHop) -> Iterator[Relay]:
    """Run a Postfix of our own, nothing of it in a chroot."""
    port = free_port()
    settings = directory / "etc"
    for name in ("etc", "queue", "data"):
        (directory / name).mkdir()
    shutil.chown(directory / "data", "postfix")
    directory.chmod(0o755)
    main = _MAIN.format(directory=directory, processes=1000 if hop.spread else 200)
    if hop.spread:
        main += f"transport_maps = texthash:{settings}/transport\n"
        (settings / "transport").write_text(_transports(hop))
    else:
        main += f"relayhost = [127.0.0.1]:{hop.port}\n"
    (settings / "main.cf").write_text(main)
    services = _SERVICES.read_text().splitlines()
    (settings / "master.cf").write_text("\n".join(_unjailed(services, port)) + "\n")
    command = ["postfix", "-c", str(settings)]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    master = directory / "queue" / "pid" / "master.pid"
    queues = [directory / "queue" / name for name in _QUEUES]
    try:
        wait_until(lambda: is_listening("127.0.0.1", port), "Postfix")
        yield Relay(
            ports=[port],
            pids=[int(master.read_text())],
            waiting=lambda: count_files(*queues),
            flush=lambda: _flush(command),
        )
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


def _transports(hop: NextHop) -> str:
    return "".join(
        f"{domain_of(number)} smtp:[{address_of(number)}]:{hop.port}\n"
        for number in range(hop.spread)
    )


def _flush(command: list[str]) -> None:
    subprocess.run([*command, "flush"], check=True, capture_output=True)


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


def _version() -> str:
    command = ["postconf", "-dh", "mail_version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _missing() -> str | None:
    if not (shutil.which("postfix") and _SERVICES.is_file()):
        return "is not installed: run scripts/system-packages tests"
    return None if os.geteuid() == 0 else "needs root"


POSTFIX = Peer(
    name="Postfix",
    settings=(
        "queue files are fsynced; 200 processes (1000 where destinations are many), destination"
        " concurrency 20 to 100"
    ),
    version=_version,
    missing=_missing,
    run=run,
)
