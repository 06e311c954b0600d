"""Clients that nobody here wrote."""

import asyncio
import shutil
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from config.settings import Listener
from tests.support.certificates import Identity
from tests.support.submission import Bench, run_server, trusting_context
from tracker.model import Body

SMTP_SOURCE = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin")


def compose() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "bob@example.org"
    message["To"] = "anna@example.net"
    message["Subject"] = "Grüße, und zwar so viele, dass die Zeile umbrochen werden muss: 😀"
    message.set_content("Hallo.\n.\n..\nEnde.\n")
    return message


async def test_smtplib(bench: Bench) -> None:
    host, port = bench.server.addresses[0]

    def submit() -> None:
        with smtplib.SMTP(host, port, timeout=60) as client:
            assert client.send_message(compose()) == {}
            assert client.send_message(compose()) == {}

    await asyncio.to_thread(submit)
    assert len(bench.intake.taken) == 2
    taken = bench.intake.taken[0]
    assert taken.header.subject == compose()["Subject"]
    assert taken.octets.endswith(b"Hallo.\r\n.\r\n..\r\nEnde.\r\n")
    assert taken.envelope.body is Body.SEVEN_BIT


async def test_smtplib_reports_refused_recipients(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_recipients=1) as bench:
        host, port = bench.server.addresses[0]

        def submit() -> dict[str, tuple[int, bytes]]:
            with smtplib.SMTP(host, port, timeout=60) as client:
                return client.sendmail("a@x.org", ["b@x.org", "c@x.org"], "hi\r\n")

        refused = await asyncio.to_thread(submit)
        assert {path: code for path, (code, _) in refused.items()} == {"c@x.org": 452}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_smtplib_logs_in(tmp_path: Path, identity: Identity, tls: str) -> None:
    listener = Listener(
        address="127.0.0.1:0",
        tls=tls,  # type: ignore[arg-type]
        auth="required",
        certificate=identity.certificate,
        private_key=identity.private_key,
    )
    async with run_server(tmp_path, listener) as bench:
        await bench.add_account("bob@example.org", "secret")
        host, port = bench.server.addresses[0]

        def submit() -> None:
            if tls == "implicit":
                client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, context=trusting_context())
            else:
                client = smtplib.SMTP(host, port, timeout=60)
                client.starttls(context=trusting_context())
            with client:
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    client.login("bob@example.org", "wrong")
                client.login("bob@example.org", "secret")
                client.send_message(compose())

        await asyncio.to_thread(submit)
        assert bench.intake.taken[0].account == "bob@example.org"


@pytest.mark.skipif(SMTP_SOURCE is None, reason="smtp-source (Debian: postfix) is not installed")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["-s", "10", "-l", "5000"], id="reusing connections"),
        pytest.param(["-s", "10", "-d", "-l", "20000"], id="not disconnecting"),
        pytest.param(["-s", "5", "-r", "7"], id="seven recipients"),
    ],
)
async def test_smtp_source(bench: Bench, options: list[str]) -> None:
    assert SMTP_SOURCE is not None
    host, port = bench.server.addresses[0]
    process = await asyncio.create_subprocess_exec(
        SMTP_SOURCE, "-m", "100", *options, "-f", "a@x.org", "-t", "b@x.org", f"{host}:{port}"
    )
    async with asyncio.timeout(60):
        assert await process.wait() == 0
    assert len(bench.intake.taken) == 100
