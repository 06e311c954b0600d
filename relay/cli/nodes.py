"""`sendtrace nodes`: who shares the ledger, and how they are."""

import typer

from relay.cli.common import ConfigOption, JsonOption, print_json, print_table, with_ledger
from relay.cli.show import show_time
from relay.clock import SystemClock
from tracker.nodes import Node, clock_of, nodes_of


def nodes(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the nodes that share the ledger: their workers, load, leases and clocks."""
    census = with_ledger(config, lambda ledger, _: ledger.census(SystemClock().now()))
    found = nodes_of(census)
    if as_json:
        print_json(
            {"now": census.now, "nodes": found, "leases": census.leases},
        )
        return
    if not found:
        typer.echo("no worker holds a lease: no node is running")
        return
    headings = ("NODE", "STATE", "WORKERS", "JOBS", "CLIENTS", "LAST SEEN", "LEASE UNTIL",
                "CLOCK", "VERSION")  # fmt: skip
    print_table(headings, [_row(node) for node in found])


def _row(node: Node) -> tuple[str, ...]:
    return (
        node.name,
        _state(node),
        str(node.workers),
        str(node.load.jobs),
        str(node.load.clients),
        show_time(node.seen_at),
        show_time(node.until),
        clock_of(node.skew),
        ", ".join(node.versions),
    )


def _state(node: Node) -> str:
    if not node.serves:
        return "silent"
    return f"{node.lost} lost" if node.lost else "at work"
