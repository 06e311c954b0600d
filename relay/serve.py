"""`sendtrace serve`: make ready, then run the workers and the panel under the supervisor."""

import errno
import gc
import os
import resource
import secrets
import socket
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import structlog

from config.changes import changed_keys, keys_that_need_a_restart
from config.doubts import doubts
from config.loader import Loaded
from config.settings import Settings
from relay import processes
from relay.app import name_of_node
from relay.certificates import find_unusable
from relay.log import DirectWriter, configure
from relay.state import CannotStart, other_owner
from relay.supervisor import Role, Supervisor
from tracker.room import WORKER_NEEDS, find_shortages
from tracker.store import StoreError, located


def serve(loaded: Loaded, reload: Callable[[], Loaded]) -> int:
    """Run until SIGTERM or SIGINT; return the exit status. Raises CannotStart.

    The caller holds the state directory.

    At SIGHUP `reload` reads the configuration again; a bad one leaves things as they are.
    """
    settings = loaded.settings
    _allow_many_connections()
    _configure_log(settings)
    log = structlog.get_logger()
    _check_certificates(settings)
    _check_addresses(settings, known=frozenset())
    _prepare(settings)
    log.info(
        "starting",
        hostname=settings.hostname,
        node=name_of_node(settings),
        workers=worker_count(settings),
        submission=" ".join(listener.address for listener in settings.submission.listeners),
        panel=settings.panel.address,
        ledger=settings.store.place,
        configuration=str(loaded.source or "built-in defaults"),
        revision=loaded.revision,
    )
    _tell_doubts(settings)
    if owner := other_owner(settings.state_directory):
        log.warning(
            "root serves in the directory of another account, which may not be able to open what "
            "is left there; start the relay as that account",
            account=owner, directory=str(settings.state_directory),
        )  # fmt: skip
    generation = _Generations(loaded, reload)
    supervisor = Supervisor(
        generation.roles(loaded), grace=generation.grace, renew=generation.renew
    )
    # What is there by now lives as long as we do. Whoever collects garbage later would write to all
    # of it, and pages that the processes share until then would be copied for each.
    gc.freeze()
    return supervisor.run()


def _configure_log(settings: Settings) -> None:
    configure(settings.log.format, settings.log.level, DirectWriter(), process="supervisor")


def _tell_doubts(settings: Settings) -> None:
    for doubt in doubts(settings):
        structlog.get_logger().warning("configuration is doubtful", problem=doubt)


def _allow_many_connections() -> None:
    """Have as many open files as the system lets us: each connection, in or out, is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def worker_count(settings: Settings) -> int:
    """Return how many worker processes to run."""
    if settings.workers == "auto":
        return len(os.sched_getaffinity(0))
    return int(settings.workers)


class _Generations:
    """Numbers workers so that no two that ever live at once share a number."""

    def __init__(self, first: Loaded, reload: Callable[[], Loaded]) -> None:
        self._present = first
        self._reload = reload
        self._next = 0
        self._addresses: frozenset[tuple[str, int]] = frozenset()
        """Every address that a process of ours may have bound."""
        self._log = structlog.get_logger()

    def grace(self) -> timedelta:
        """Return how long an end may take, by the settings that are in force then."""
        return self._present.settings.shutdown_grace

    def roles(self, loaded: Loaded) -> Sequence[Role]:
        self._addresses |= {each.bound for each in _addresses(loaded.settings)}
        cores = sorted(os.sched_getaffinity(0))
        is_auto = loaded.settings.workers == "auto"
        count = worker_count(loaded.settings)
        first, self._next = self._next, self._next + count
        workers = [
            Role(f"worker-{place.index}", partial(processes.run_worker, loaded, place))
            for place in (
                processes.Place(
                    index=first + number,
                    share=count,
                    core=cores[number] if is_auto else None,
                )
                for number in range(count)
            )
        ]
        return [*workers, Role("panel", partial(processes.run_panel, loaded))]

    def renew(self) -> Sequence[Role] | None:
        try:
            loaded = self._reload()
            _check_followed(self._present.settings, loaded.settings)
            _check_certificates(loaded.settings)
            _check_addresses(loaded.settings, known=self._addresses)
        except Exception as error:
            self._log.error("configuration not reloaded", problem=str(error))
            return None
        keys = changed_keys(self._present.settings, loaded.settings)
        self._present = loaded
        _configure_log(loaded.settings)
        self._log.info(
            "configuration reloaded", revision=loaded.revision, changed=" ".join(keys) or "nothing"
        )
        _tell_doubts(loaded.settings)
        return self.roles(loaded)


def _check_followed(present: Settings, new: Settings) -> None:
    """Say what a running service cannot change. Raises CannotStart."""
    keys = keys_that_need_a_restart(present, new)
    if keys:
        raise CannotStart(
            f"{' and '.join(keys)}: changes with a restart only; mail that waits stays where it is "
            "now, so see that it comes along"
        )


class _Address(NamedTuple):
    """Something that the configuration wants us to listen on."""

    key: str
    written: str
    bound: tuple[str, int]


def _addresses(settings: Settings) -> list[_Address]:
    listeners = settings.submission.listeners
    panel = settings.panel
    return [
        *(_Address("submission.listeners", each.address, each.host_port()) for each in listeners),
        _Address("panel.address", panel.address, panel.host_port()),
    ]


def _check_addresses(settings: Settings, *, known: Collection[tuple[str, int]]) -> None:
    """Say now, and clearly, that an address is taken or not ours. Raises CannotStart.

    Workers bind with SO_REUSEPORT, which another program of the same user could share without
    either noticing; binding once without it finds that out. What is in `known` we have bound
    ourselves already.
    """
    for key, written, bound in _addresses(settings):
        if bound in known:
            continue
        family = socket.AF_INET6 if ":" in bound[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(bound)
            except OSError as error:
                raise CannotStart(
                    f"{key}: cannot listen on {written}: {error.strerror}; {_way_out(error)}"
                ) from None


def _way_out(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "a port below 1024 needs CAP_NET_BIND_SERVICE, or set another address"
    if error.errno == errno.EADDRNOTAVAIL:
        return "set an address that this machine has"
    return "stop what uses it, or set another address"


def _check_certificates(settings: Settings) -> None:
    """Say now, and clearly, that a certificate cannot be used. Raises CannotStart."""
    for problem in find_unusable(settings):
        raise CannotStart(problem)


def _prepare(settings: Settings) -> None:
    """Migrate the ledger and make the first account, in a process of its own.

    The ledger works with threads, and the supervisor has to stay free of them to fork safely.
    """
    place = settings.store.place
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        problem = ""
        try:
            processes.prepare(settings, secrets.token_urlsafe(12))
        except (StoreError, OSError) as error:
            problem = "; ".join([f"ledger {located(error, place)}", *_missing_room(settings)])
        except BaseException as error:
            problem = f"ledger {place}: {type(error).__name__}: {error}"
        os.write(writing, problem.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        problem = pipe.read().decode("utf-8", "replace")
    os.waitpid(pid, 0)
    if problem:
        raise CannotStart(problem)


def _missing_room(settings: Settings) -> list[str]:
    """Return what may be the cause, when the disk is full."""
    return [str(shortage) for shortage in find_shortages(settings, WORKER_NEEDS)]
