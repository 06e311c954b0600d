"""Two nodes behind a real HAProxy with the configuration of deploy/compose."""

import smtplib
import ssl
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.acceptance.haproxy import HAProxy, Node, serve
from tests.support.certificates import make_identity
from tests.support.ports import free_port
from tests.support.service import Service
from tests.support.submission import trusting_context
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

CLIENT = "127.0.0.7"

SETTINGS = """
[[submission.listeners]]
address = "127.0.0.1:{submission}"
tls = "starttls"
proxy_protocol = true

[[submission.listeners]]
address = "127.0.0.1:{submissions}"
tls = "implicit"
proxy_protocol = true

[submission]
certificate = "{certificate}"
private_key = "{private_key}"
trusted_networks = ["127.0.0.7/32", "::1/128"]
trusted_proxies = ["127.0.0.1/32"]
"""


@pytest.fixture(scope="module")
def places() -> tuple[Node, Node]:
    """What HAProxy is told of the nodes."""
    one, two = (Node(free_port(), free_port(), free_port()) for _ in range(2))
    return one, two


@pytest.fixture(scope="module")
def nodes(
    places: tuple[Node, Node], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Service]]:
    """Two nodes, each with a ledger of its own: what is tested here is where mail goes."""
    identity = make_identity(tmp_path_factory.mktemp("identity"), "relay.sendtrace.test")
    one, two = (
        Service(
            tmp_path_factory.mktemp("node"),
            settings=SETTINGS.format(**place._asdict(), **identity._asdict()),
            workers=1,
            panel_port=place.panel,
        )
        for place in places
    )
    with one.running(), two.running():
        yield one, two


@pytest.fixture(scope="module", params=["v1", "v2"])
def balancer(
    request: pytest.FixtureRequest,
    places: tuple[Node, Node],
    nodes: tuple[Service, Service],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[HAProxy]:
    with serve(tmp_path_factory.mktemp("haproxy"), places, request.param) as running:
        for node in ("node1", "node2"):
            wait_until(partial(holds, running, node, "UP"), f"{node} to be found")
        yield running


def holds(balancer: HAProxy, node: str, status: str) -> bool:
    """Say whether the balancer holds `node` to be "UP" or "DOWN", for all that it passes on."""
    backends = ("submission", "submissions", "panel")
    return all(balancer.statuses(backend)[node] == status for backend in backends)


def submit(client: smtplib.SMTP, subject: str) -> None:
    client.sendmail("a@example.org", ["b@nowhere.invalid"], f"Subject: {subject}\r\n\r\nhi\r\n")


def recorded(nodes: tuple[Service, Service], subject: str) -> list[dict[str, Any]]:
    """Return the messages with this subject, of both nodes."""
    rows = [row for node in nodes for row in node.trace(f'subject:"{subject}"')]
    return [row["message"] for row in rows]


def test_the_record_names_the_client(
    nodes: tuple[Service, Service], balancer: HAProxy, request: pytest.FixtureRequest
) -> None:
    subject = f"clear {request.node.callspec.id}"
    source = (CLIENT, 0)
    with smtplib.SMTP("127.0.0.1", balancer.submission, source_address=source) as client:
        assert client.sock is not None
        own = client.sock.getsockname()
        client.starttls(context=trusting_context())
        submit(client, subject)
    (message,) = recorded(nodes, subject)
    assert (message["client"]["address"], message["client"]["port"]) == own
    assert message["client"]["tls"] is not None


def test_implicit_tls_goes_through(
    nodes: tuple[Service, Service], balancer: HAProxy, request: pytest.FixtureRequest
) -> None:
    subject = f"implicit {request.node.callspec.id}"
    with smtplib.SMTP_SSL(
        "127.0.0.1",
        balancer.submissions,
        source_address=(CLIENT, 0),
        context=trusting_context(),
    ) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        own = client.sock.getsockname()
        submit(client, subject)
    (message,) = recorded(nodes, subject)
    assert (message["client"]["address"], message["client"]["port"]) == own


def test_ipv6_outside_ipv4_inside(
    nodes: tuple[Service, Service], balancer: HAProxy, request: pytest.FixtureRequest
) -> None:
    subject = f"six {request.node.callspec.id}"
    with smtplib.SMTP("::1", balancer.submission) as client:
        submit(client, subject)
    (message,) = recorded(nodes, subject)
    assert message["client"]["address"] == "::1"


def test_who_is_not_trusted_is_not_by_coming_through_the_balancer(balancer: HAProxy) -> None:
    with smtplib.SMTP("127.0.0.1", balancer.submission, source_address=("127.0.0.8", 0)) as client:
        code, text = client.docmd("EHLO c")
        assert code == 250
        assert client.docmd("MAIL FROM:<a@example.org>")[0] == 530, text


def test_a_draining_node_gets_nothing_new(
    nodes: tuple[Service, Service], balancer: HAProxy, request: pytest.FixtureRequest
) -> None:
    one, two = nodes
    subject = f"drained {request.node.callspec.id}"
    one.run("drain")
    try:
        wait_until(lambda: holds(balancer, "node1", "DOWN"), "the balancer to leave node1 alone")
        for _ in range(6):
            with smtplib.SMTP("127.0.0.1", balancer.submission, source_address=(CLIENT, 0)) as c:
                submit(c, subject)
        assert len(two.trace(f'subject:"{subject}"')) == 6
        assert one.trace(f'subject:"{subject}"') == []
    finally:
        one.run("drain", "--undo")
    wait_until(lambda: holds(balancer, "node1", "UP"), "the balancer to come back to node1")


def test_the_panel_is_there(balancer: HAProxy) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{balancer.panel}/login", timeout=60) as answer:
        assert answer.status == 200


def test_checks_leave_no_trace_in_the_log(
    nodes: tuple[Service, Service], balancer: HAProxy
) -> None:
    for node in nodes:
        assert "connection refused" not in node.log()
        assert "level=error" not in node.log()
