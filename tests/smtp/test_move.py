"""A relay moves from its file to a server: not while it runs; stopped, with all its mail."""

import smtplib
import subprocess
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.service import COMMAND, Service
from tests.support.waiting import wait_until

ROUTES = """
[[routes]]
domain = "*"
next_hop = "127.0.0.1:{port}"
"""


class FarSide:
    """A server that takes every message and keeps it."""

    def __init__(self) -> None:
        self.arrived: list[Envelope] = []

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.arrived.append(envelope)
        return "250 2.0.0 taken"


def move(service: Service, source: str, target: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "migrate", "--config", str(service.configuration)]
    return subprocess.run(
        [*command, "--from", source, "--to", target],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def test_mail_that_waits_is_delivered_from_where_it_was_moved_to(
    tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = f"sqlite://{tmp_path}/ledger.db", postgres.create_database("moved_here")
    port = free_port()
    service = Service(tmp_path, settings=ROUTES.format(port=port))
    with service.running():
        with smtplib.SMTP("127.0.0.1", service.submission_port) as client:
            client.sendmail("anna@a.test", ["bob@b.test"], "Subject: waits\r\n\r\nHello\r\n")
        wait_until(lambda: service.statuses("") == ["deferred"], "the first attempt")
        refused = move(service, source, target)
        assert refused.returncode == 1
        assert "the source is not at rest" in refused.stderr
    done = move(service, source, target)
    assert (done.returncode, "1 deferred" in done.stdout) == (0, True), done.stderr

    with pytest.raises(AssertionError, match="was moved to"):
        service.start()

    monkeypatch.setenv("SENDTRACE_STORE__URL", target)
    far_side = FarSide()
    controller = Controller(far_side, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with service.running():
            service.run("queue", "retry", "--all")
            wait_until(lambda: service.statuses("") == ["delivered"], "the delivery")
    finally:
        controller.stop()
    (envelope,) = far_side.arrived
    assert envelope.rcpt_tos == ["bob@b.test"]
    assert b"Subject: waits\r\n" in (envelope.original_content or b"")
    postgres.drop_database("moved_here")
