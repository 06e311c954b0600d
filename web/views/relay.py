"""What administrators see of the relay as a whole: destinations, nodes, whether it adds up."""

from typing import Final

from aiohttp import web

from tracker.nodes import nodes_of
from web.panel import Viewer, Visit

DESTINATIONS: Final = 200


async def show_destinations(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the destinations that mail waits for, most waiting first."""
    found = await visit.panel.ledger.destinations(viewer.scope, DESTINATIONS)
    return visit.page(
        "destinations.html",
        destinations=found,
        unreachable=sum(not one.reachable for one in found),
        limit=DESTINATIONS,
    )


async def show_nodes(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the nodes that share the ledger: their workers, load and clocks."""
    census = await visit.panel.ledger.census(visit.now)
    nodes = nodes_of(census)
    return visit.page(
        "nodes.html",
        nodes=nodes,
        silent=[node.name for node in nodes if not node.serves],
        ledger_times=visit.times._replace(now=census.now),
    )


async def show_balance(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the balance: everything accepted is delivered, returned, cancelled or open."""
    kept = visit.panel.settings.tracking.retention
    days = await visit.panel.ledger.balance(visit.now - kept)
    fields = ("accepted", "delivered", "bounced", "expired", "cancelled", "open", "difference")
    return visit.page(
        "balance.html",
        days=list(reversed(days)),
        total={field: sum(getattr(day, field) for day in days) for field in fields},
        wrong=[day for day in days if day.difference],
    )
