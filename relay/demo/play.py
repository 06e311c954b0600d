"""Starts the demo's internet and the relay, sends mail, and waits to be told to stop."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosmtplib

from relay.clock import Clock, SystemClock
from relay.demo import internet
from relay.demo.mail import SAMPLES, TO_CANCEL, TO_HOLD, Sample
from relay.demo.people import ADMIN, USER, add_accounts, add_old_mail
from relay.demo.stage import Stage
from tracker.model import Scope, Status
from tracker.opening import open_ledger
from tracker.passwords import Passwords
from tracker.search import Field, Query, Term
from tracker.store import Ledger, StoreError


def run(directory: Path | None, panel_address: str) -> int:
    """Run the demo until Ctrl-C; return the exit status.

    State is kept in `directory`, or thrown away at the end when that is None.
    """
    with contextlib.ExitStack() as stack:
        if directory is None:
            temporary = tempfile.TemporaryDirectory(prefix="sendtrace-demo-")
            directory = Path(stack.enter_context(temporary))
        try:
            directory.mkdir(parents=True, exist_ok=True)
            stage = Stage(
                directory=directory.absolute(),
                panel=panel_address,
                submission=f"127.0.0.1:{_free_port()}",
                password=secrets.token_urlsafe(9),
            )
            return asyncio.run(_play(stage, SystemClock()))
        except (OSError, StoreError, aiosmtplib.SMTPException) as error:
            print(f"The demo has failed: {error}", file=sys.stderr)
            return 1


async def _play(stage: Stage, clock: Clock) -> int:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with internet.serve() as net, _open_ledger(stage, clock) as ledger:
        stage.write_configuration(net)
        async with _serve(stage) as relay:
            show = asyncio.create_task(_show(stage, ledger, clock))
            ended = asyncio.create_task(relay.wait())
            stopped = asyncio.create_task(told.wait())
            try:
                await _wait_for_the_end(show, {ended, stopped})
            finally:
                for task in (show, ended, stopped):
                    task.cancel()
    if told.is_set():
        print("\nThe demo is over.")
        return 0
    print(f"The relay has ended; its last words:\n{stage.last_words()}", file=sys.stderr)
    return 1


async def _wait_for_the_end(show: asyncio.Task[None], ends: set[asyncio.Task[Any]]) -> None:
    """Return when one of `ends` is done; what goes wrong with `show` until then is raised."""
    waiting = {show, *ends}
    while not any(end.done() for end in ends):
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if show.done() and not any(end.done() for end in ends):
            show.result()
            waiting.discard(show)


async def _show(stage: Stage, ledger: Ledger, clock: Clock) -> None:
    """Send the mail as soon as the relay listens, then act as the administrator."""
    await _wait_for_listener(stage.submission, clock)
    print(stage.announcement(), flush=True)
    for serial, sample in enumerate((TO_HOLD, TO_CANCEL, *SAMPLES), 1):
        await _submit(stage, sample, clock, serial)
    print("  All sample mail is submitted. Ctrl-C ends the demo.", flush=True)
    await _change_when_deferred(ledger, TO_HOLD, Status.HELD, "To be checked first", clock)
    await _change_when_deferred(ledger, TO_CANCEL, Status.CANCELLED, "Sent by mistake", clock)


@asynccontextmanager
async def _open_ledger(stage: Stage, clock: Clock) -> AsyncIterator[Ledger]:
    """Make the ledger with its people and the message that is a week old."""
    ledger = await open_ledger(stage.store)
    passwords = Passwords()
    try:
        await add_accounts(ledger, passwords, stage.password, clock.now())
        await add_old_mail(ledger, clock)
        yield ledger
    finally:
        passwords.close()
        await ledger.close()


@asynccontextmanager
async def _serve(stage: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `sendtrace serve` as a process of its own, as an operator would."""
    main = "from relay.cli import main; main()"
    with stage.log.open("ab") as log:
        relay = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", main, "serve", "--config", str(stage.configuration)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(_environment()),
        )
    try:
        yield relay
    finally:
        with contextlib.suppress(ProcessLookupError):
            relay.terminate()
        await relay.wait()


def _environment() -> Iterator[tuple[str, str]]:
    """Yield the environment without settings: the demo's configuration is the whole one."""
    for name, value in os.environ.items():
        if not name.startswith("SENDTRACE_"):
            yield name, value


async def _submit(stage: Stage, sample: Sample, clock: Clock, serial: int) -> None:
    """Submit as the user with AUTH, and as a machine of a trusted network without."""
    is_user = sample.sender.addr_spec == USER
    host, _, port = stage.submission.rpartition(":")
    octets = sample.octets_of(sample.compose(clock.now(), serial))
    async with aiosmtplib.SMTP(
        hostname=host,
        port=int(port),
        start_tls=False,
        local_hostname="workstation.northwind.example",
        username=USER if is_user else None,
        password=stage.password if is_user else None,
    ) as client:
        await client.sendmail(
            sample.sender.addr_spec,
            list(sample.recipients),
            octets,
            mail_options=["SMTPUTF8", "BODY=8BITMIME"] if sample.needs_smtputf8 else [],
        )


async def _change_when_deferred(
    ledger: Ledger, sample: Sample, to: Status, reason: str, clock: Clock
) -> None:
    """Hold or cancel a sample's recipients between two attempts."""
    query = Query(terms=(Term(field=Field.TO, value=sample.recipients[0], exact=True),))
    changed = 0
    while not changed:
        await clock.sleep(0.3)
        page = await ledger.search(query, Scope(), limit=10)
        deferred = [
            row.recipient.id for row in page.rows if row.recipient.status is Status.DEFERRED
        ]
        if deferred:
            changed = await ledger.change_status(
                deferred, to, scope=Scope(), actor=ADMIN, reason=reason, now=clock.now()
            )


async def _wait_for_listener(address: str, clock: Clock) -> None:
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        await clock.sleep(0.1)


def _free_port() -> int:
    """Return the usual port when it is free, else any."""
    for port in (2525, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
