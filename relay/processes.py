"""What each process of `sendtrace serve` does from beginning to end."""

import asyncio
import contextlib
import gc
import os
import signal
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from config.loader import Loaded
from config.settings import Settings
from relay import metrics
from relay.app import Relay, build_panel, longest_line_of_panel
from relay.beginning import BEAT, begin_patiently
from relay.certificates import build_server_context
from relay.clock import SystemClock
from relay.log import LineWriter, configure
from relay.supervisor import Ties
from tracker.model import Account, Role
from tracker.opening import migrate, open_ledger, prepare_process
from tracker.passwords import Passwords
from tracker.store import Ledger


def prepare(settings: Settings, password: str) -> None:
    """Migrate the ledger; when it has no account yet, make an admin and show its password."""
    address = f"admin@{settings.hostname}"

    async def make_first_admin() -> bool:
        await migrate(settings.store)
        ledger = await open_ledger(settings.store)
        passwords = Passwords()
        try:
            if await ledger.accounts():
                return False
            account = Account(
                address=address,
                role=Role.ADMIN,
                password_hash=await passwords.hash(password),
                created_at=SystemClock().now(),
            )
            return await ledger.add_account(account)
        finally:
            passwords.close()
            await ledger.close()

    if asyncio.run(make_first_admin()):
        scheme = "https" if settings.panel.certificate else "http"
        print(
            f"\n  The first account has been made. Its password is shown only now:\n\n"
            f"      panel     {scheme}://{settings.panel.address}/\n"
            f"      address   {address}\n"
            f"      password  {password}\n",
            flush=True,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A worker's place among the workers."""

    index: int
    """No two workers that ever live at once share it."""
    share: int
    """How many workers there are."""
    core: int | None = None
    """The processor core to stay on; None leaves it to the kernel."""


def run_worker(loaded: Loaded, place: Place, ties: Ties) -> int:
    """Be a worker process until SIGTERM or the supervisor's end; return the exit status."""

    async def work() -> None:
        settings = loaded.settings
        if place.core is not None:
            # Event loop and ledger thread share the interpreter's lock: on two cores they fight
            # for it, on one they take turns.
            os.sched_setaffinity(0, {place.core})
        prepare_process(settings.store)
        begun = await begin_patiently(partial(_begin_work, loaded, place), settings, ties)
        if begun is None:
            return
        ledger, relay = begun
        try:
            gc.freeze()
            await serve_until_told(ties)
            await relay.stop(settings.shutdown_grace)
        finally:
            await ledger.close()

    return _run_process(loaded, f"worker-{place.index}", work())


async def _begin_work(loaded: Loaded, place: Place) -> tuple[Ledger, Relay]:
    """Open the ledger and start a relay on it. Raises OSError, StoreError."""
    metrics.reserve()
    ledger = await open_ledger(loaded.settings.store)
    try:
        structlog.get_logger().info("ledger opened", place=ledger.place, engine=ledger.engine)
        relay = Relay(loaded, ledger, clock=SystemClock(), index=place.index, share=place.share)
        try:
            await relay.start(reuse_port=True)
        except BaseException:
            await relay.stop(timedelta())
            raise
    except BaseException:
        await ledger.close()
        raise
    return ledger, relay


def run_panel(loaded: Loaded, ties: Ties) -> int:
    """Be the panel's process until SIGTERM or the supervisor's end; return the exit status."""
    from aiohttp import web as http

    from relay.log.server_log import server_log

    async def show() -> None:
        settings = loaded.settings
        ledger = await begin_patiently(partial(open_ledger, settings.store), settings, ties)
        if ledger is None:
            return
        passwords = Passwords()
        runner = http.AppRunner(
            build_panel(settings, ledger, passwords, SystemClock()),
            access_log=None,
            logger=server_log(),
            auto_decompress=False,
            max_line_size=longest_line_of_panel(),
        )
        try:
            await runner.setup()
            host, port = settings.panel.host_port()
            site = http.TCPSite(
                runner,
                host,
                port,
                ssl_context=_panel_tls(settings),
                reuse_port=True,
            )
            await site.start()
            await serve_until_told(ties)
        finally:
            await runner.cleanup()
            passwords.close()
            await ledger.close()

    return _run_process(loaded, "panel", show())


def _run_process(loaded: Loaded, name: str, main: Coroutine[None, None, None]) -> int:
    writer = LineWriter()
    log = loaded.settings.log
    configure(log.format, log.level, writer, process=name)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main)
    except Exception:
        structlog.get_logger().exception("process hit a fault")
        return 1
    finally:
        writer.close()
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where the extra is installed; None means asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve_until_told(ties: Ties, every: timedelta = BEAT) -> None:
    """Report that this process serves, as long as its event loop runs, until it is to stop."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(ties.lifeline, told.set)
    try:
        while not told.is_set():
            ties.report()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), every.total_seconds())
    finally:
        loop.remove_reader(ties.lifeline)


def _panel_tls(settings: Settings) -> ssl.SSLContext | None:
    panel = settings.panel
    if panel.certificate is None:
        return None
    return build_server_context(panel.certificate, panel.private_key)
