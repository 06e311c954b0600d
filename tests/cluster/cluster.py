"""Three equal nodes on one ledger, with everything around them that can fail."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from tests.cluster.background import Background
from tests.cluster.database import DATABASE, Database
from tests.cluster.load import Answer, Load
from tests.cluster.sink import Sink
from tests.cluster.wire import Wire
from tests.support.service import Service
from tests.support.waiting import wait_until
from tracker.postgres import PostgresLedger, open_ledger

LEASE = 4.0
"""Seconds for which a lease is good."""
ADDRESSES = 8
"""Destinations of the load; each is a group of hosts of its own."""
MOST = 4
"""Connections that one of them gets from all nodes together."""

_SETTINGS = f"""
concurrency_initial = {MOST}
concurrency_max = {MOST}

[retry]
schedule = ["1s"]
destination_backoff = ["1s"]
"""

_ROUTE = """
[[routes]]
domain = "{domain}"
next_hop = "{host}:{port}"
"""

_OPEN = """
SELECT q.id, q.lease, l.node, q.status, q.gate, q.gate_detail, q.attempts, q."trigger",
    (q.next_attempt_at - n.now) / 1e6 AS due_in, d.destination,
    (d.next_due_at - n.now) / 1e6 AS destination_due_in, d.reachable
FROM messages AS m JOIN queue AS q ON q.message_id = m.id
LEFT JOIN messages AS original ON original.id = m.reports_on
LEFT JOIN leases AS l ON l.token = q.lease LEFT JOIN destinations AS d USING (destination)
CROSS JOIN (SELECT (extract(epoch FROM now()) * 1e6)::bigint AS now) AS n
WHERE coalesce(original.subject, m.subject) LIKE $1
"""

_numbers = count(1)


@dataclass(frozen=True)
class Node:
    """One node, and the wires between it and each database server."""

    name: str
    service: Service
    wires: tuple[Wire, ...]

    @property
    def port(self) -> int:
        """Where it takes mail."""
        return self.service.submission_port

    def cut(self) -> None:
        """Cut it off from the database; every connection is reset."""
        for wire in self.wires:
            wire.cut()

    def hush(self) -> None:
        """Cut it off from the database; nothing answers any more."""
        for wire in self.wires:
            wire.hush()

    def mend(self) -> None:
        """Let it reach the database again."""
        for wire in self.wires:
            wire.mend()


class Cluster:
    """Nodes, a sink for their mail, and the network between them and `database`."""

    def __init__(
        self, directory: Path, database: Database, *, nodes: int = 3, workers: int = 2
    ) -> None:
        self.database = database
        self.background = Background()
        self.sink = Sink(self.background, ADDRESSES + 1)
        self.nodes = [self._make_node(directory, n, workers) for n in range(nodes)]

    def start(self) -> "Cluster":
        """Start every node, all at once."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.service.start(), self.nodes))
        return self

    def close(self) -> None:
        """End everything but the servers."""
        for node in self.nodes:
            node.mend()
            if node.service.runs:
                node.service.kill()
        for node in self.nodes:
            for wire in node.wires:
                wire.close()
        self.sink.close()
        self.background.close()

    def load(self, run: str, **options: Any) -> Load:
        """Begin to send mail to every node."""
        ports = [node.port for node in self.nodes]
        run = f"{run}{next(_numbers)}"
        return Load(self.background, run, ports, domains=ADDRESSES, **options)

    def follow(self) -> None:
        """Let the wires lead to where the servers are now."""
        for node in self.nodes:
            for wire, server in zip(node.wires, self.database.servers, strict=True):
                wire.target = server.port

    # --- looking -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The ledger, past the wires."""
        return self.database.primary.url(DATABASE)

    def ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return what the ledger's own tables say."""

        async def ask() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.url)
            try:
                return [tuple(row) for row in await connection.fetch(sql, *parameters)]
            finally:
                await connection.close()

        return self.background.call(ask())

    async def open_ledger(self) -> PostgresLedger:
        """Open the ledger as the nodes do, past the wires."""
        return await open_ledger(self.url)

    def leases_of(self, node: Node) -> list[str]:
        """Return the tokens of the leases of one node."""
        rows = self.ask("SELECT token FROM leases WHERE node = $1", node.name)
        return [token for (token,) in rows]

    def wait_for_heartbeats(self) -> None:
        """Wait until every worker has renewed its lease, and so has heard who else there is."""
        renewals = "SELECT token, renewed_at FROM leases"
        before = self.ask(renewals)
        wait_until(lambda: not set(before) & set(self.ask(renewals)), "a heartbeat of every worker")

    def held_under(self, leases: Iterable[str]) -> set[str]:
        """Return the recipients that are held under `leases`."""
        rows = self.ask("SELECT id FROM queue WHERE lease = ANY ($1::text[])", list(leases))
        return {recipient for (recipient,) in rows}

    def waits_for_others(self, held: Iterable[str], leases: Iterable[str]) -> int:
        """Return how many of `held` are not over, and in nobody's hands but those of `leases`."""
        ((number,),) = self.ask(
            "SELECT count(*) FROM queue WHERE id = ANY ($1::text[])"
            " AND (lease IS NULL OR lease = ANY ($2::text[]))",
            list(held), list(leases),
        )  # fmt: skip
        return int(number)

    def serves(self, node: Node, load: Load, since: float) -> bool:
        """Say whether `node` has accepted a message that was begun after `since`."""
        return load.count(Answer.OK, port=node.port, since=since) > 0

    def wait_until_all_serve(self, load: Load, timeout: float = 60.0) -> float:
        """Wait until every node accepts mail from now on; return the seconds that took."""
        since = time.monotonic()
        for node in self.nodes:
            try:
                wait_until(
                    lambda node=node: self.serves(node, load, since),  # type: ignore[misc]
                    f"{node.name} to accept mail", timeout,
                )  # fmt: skip
            except TimeoutError as error:
                heard = [each.reply for each in load.said if each.port == node.port][-3:]
                database, log = self.database.primary.said(), node.service.log()
                raise AssertionError(
                    f"{error}, which last said {heard}\n{log[-4000:]}\n{database}"
                ) from None
        return time.monotonic() - since

    def wait_until_drained(self, load: Load, timeout: float = 60.0) -> None:
        """Wait until nothing of `load`, its DSNs included, is open any more."""
        try:
            wait_until(lambda: not self.open_of(load), "all mail to be delivered", timeout)
        except TimeoutError as error:
            stuck = "\n".join(map(str, self.open_of(load)[:5]))
            raise AssertionError(f"{error}; these wait:\n{stuck}") from None

    def open_of(self, load: Load) -> list[tuple[Any, ...]]:
        """Return what is known of the recipients of `load`, and of its DSNs, that are open."""
        return self.ask(_OPEN, f"{load.run}-%")

    def _make_node(self, directory: Path, number: int, workers: int) -> Node:
        name = f"node-{'abcdef'[number]}"
        wires = tuple(Wire(self.background, server.port) for server in self.database.servers)
        hosts = ",".join(f"127.0.0.1:{wire.port}" for wire in wires)
        home = directory / name
        home.mkdir()
        service = Service(
            home,
            general=f'node = "{name}"',
            store=f"postgresql://postgres@{hosts}/{DATABASE}?target_session_attrs=read-write",
            settings=self._settings(),
            workers=workers,
            lease=f"{LEASE:g}s",
            grace="10s",
        )
        return Node(name, service, wires)

    def _settings(self) -> str:
        *several, rest = self.sink.hosts
        names = [(f"d{n}.sink.test", host) for n, host in enumerate(several)] + [("*", rest)]
        routes = (_ROUTE.format(domain=d, host=h, port=self.sink.port) for d, h in names)
        return _SETTINGS + "".join(routes)
