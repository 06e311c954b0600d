"""PgBouncer in transaction mode before a server: a transaction may run on any connection of few."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.acceptance import system
from tests.support.postgres import ACCOUNT, Server, make_directory
from tests.support.waiting import wait_until

CONFIGURATION = """\
[databases]
* = host={server} port={port}

[pgbouncer]
unix_socket_dir = {directory}
listen_port = 6432
auth_type = trust
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
query_wait_timeout = 60
"""


class Pooler:
    """What clients connect to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def url(self, database: str) -> str:
        """Return the URL of a database, through the pooler."""
        return f"postgresql://postgres@/{database}?host={self._directory}&port=6432"


@contextlib.contextmanager
def pooling(server: Server, connections: int) -> Iterator[Pooler]:
    """Run a pooler with at most so many connections to each database of `server`."""
    system.require("pgbouncer")
    directory = make_directory()
    (directory / "users").write_text('"postgres" ""\n')
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            server=server.directory,
            port=server.port,
            directory=directory,
            connections=connections,
        )
    )
    log = directory / "log"
    with log.open("wb") as output:
        pooler = subprocess.Popen(
            [str(system.find("pgbouncer")), str(configuration)],
            stdout=output,
            stderr=output,
            user=ACCOUNT,
            cwd=directory,
        )
    try:
        wait_until(lambda: "process up" in log.read_text(), "PgBouncer to start")
        yield Pooler(directory)
    finally:
        pooler.kill()
        pooler.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
