"""HAProxy, as Debian ships it, with the configuration of deploy/compose on other ports."""

import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.acceptance import system
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until

SHIPPED = Path(__file__).parents[2] / "deploy" / "compose" / "haproxy.cfg"

IN_CONTAINERS = ("2587", "2465", "8080")
"""The ports of the shipped configuration: submission, submission with implicit TLS, panel."""


class Node(NamedTuple):
    """Where a node listens on 127.0.0.1 for what the balancer passes on."""

    submission: int
    submissions: int
    panel: int


@dataclass
class HAProxy:
    """A balancer that runs; it listens on 127.0.0.1 and ::1."""

    directory: Path
    submission: int = field(default_factory=lambda: free_port("127.0.0.1"))
    submissions: int = field(default_factory=lambda: free_port("127.0.0.1"))
    panel: int = field(default_factory=lambda: free_port("127.0.0.1"))

    def statuses(self, backend: str) -> dict[str, str]:
        """Return what it thinks of each server of `backend`: "UP", "DOWN" and what lies between."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.directory / "control"))
            control.sendall(b"show stat\n")
            text = b"".join(iter(lambda: control.recv(65_536), b"")).decode()
        rows = [line.split(",") for line in text.splitlines()]
        return {row[1]: row[17] for row in rows if row[0] == backend and row[1] != "BACKEND"}


@contextmanager
def serve(directory: Path, nodes: Sequence[Node], version: str = "v2") -> Iterator[HAProxy]:
    """Run the shipped configuration in front of `nodes`, with this version of the PROXY header."""
    system.require("haproxy")
    balancer = HAProxy(directory)
    configuration = directory / "haproxy.cfg"
    configuration.write_text(_adapt(balancer, nodes, version), encoding="utf-8")
    with (directory / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(
            [str(system.find("haproxy")), "-db", "-f", str(configuration)], stdout=log, stderr=log
        )
        try:
            _wait_until_it_listens(balancer, process)
            yield balancer
        finally:
            process.terminate()
            process.wait(timeout=90)


def _wait_until_it_listens(balancer: HAProxy, process: "subprocess.Popen[bytes]") -> None:
    def listens() -> bool:
        assert process.poll() is None, (balancer.directory / "haproxy.log").read_text()
        return is_listening("127.0.0.1", balancer.panel)

    wait_until(listens, "HAProxy to listen")


def _adapt(balancer: HAProxy, nodes: Sequence[Node], version: str) -> str:
    """Put other addresses into the shipped configuration; all else stays as it is shipped."""
    text = SHIPPED.read_text(encoding="utf-8")
    ours = balancer.submission, balancer.submissions, balancer.panel
    for shipped, port in zip(IN_CONTAINERS, ours, strict=True):
        text = _replace(text, f"bind :{shipped}\n", f"bind 127.0.0.1:{port},[::1]:{port}\n")
    for number, node in enumerate(nodes, 1):
        for shipped, port in zip(IN_CONTAINERS, node, strict=True):
            found = f" node{number}:{shipped}"
            text = _replace(text, found, f" 127.0.0.1:{port} port {node.panel}")
    text = _replace(text, " resolvers docker init-addr libc,none\n", "\n")
    text = _replace(
        text, "\nglobal\n", f"\nglobal\n    stats socket {balancer.directory}/control\n"
    )
    if version == "v1":
        text = _replace(text, "send-proxy-v2", "send-proxy")
    return re.sub(r"\nresolvers docker\n.*\n", "\n", text)


def _replace(text: str, old: str, new: str) -> str:
    assert old in text, f"{SHIPPED} has no {old!r}"
    return text.replace(old, new)
