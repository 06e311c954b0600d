"""Knot DNS, as Debian ships it, with one zone on a port of the loopback."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.acceptance import system
from tests.support.ports import free_port
from tests.support.waiting import wait_until

ADDRESS = "127.0.0.1"

CONFIGURATION = """\
server:
    rundir: "{directory}"
    listen: {address}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
log:
  - target: stderr
    any: info
zone:
  - domain: "test."
    file: "{directory}/test.zone"
    zonefile-load: whole
    journal-content: none
"""

ZONE_HEAD = """\
$ORIGIN test.
$TTL 60
@   SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@   NS  ns.test.
ns  A   127.0.0.1
"""


@contextmanager
def serve_zone(directory: Path, records: str) -> Iterator[str]:
    """Serve `records` in the zone `test.`; yield "address:port" of the server."""
    system.require("knotd")
    port = free_port(ADDRESS)
    (directory / "test.zone").write_text(ZONE_HEAD + records, encoding="utf-8")
    configuration = directory / "knot.conf"
    configuration.write_text(
        CONFIGURATION.format(directory=directory, address=ADDRESS, port=port), encoding="utf-8"
    )
    with (directory / "knot.log").open("wb") as log:
        server = subprocess.Popen(
            [str(system.find("knotd")), "-c", str(configuration)], stdout=log, stderr=log
        )
        try:
            wait_until(lambda: _answers(port), "Knot DNS to answer")
            yield f"{ADDRESS}:{port}"
        finally:
            server.terminate()
            server.wait(timeout=90)


def _answers(port: int) -> bool:
    question = dns.message.make_query("test.", "SOA")
    try:
        answer = dns.query.udp(question, ADDRESS, port=port, timeout=0.5)
    except (dns.exception.DNSException, OSError):
        return False
    return answer.rcode() == dns.rcode.NOERROR
