"""What administrators see of the relay as a whole: nodes, whether it adds up."""

from aiohttp import web

from tracker.nodes import nodes_of
from web.panel import Viewer, Visit


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
    """Answer with the balance: what became of everything that was accepted."""
    kept = visit.panel.settings.tracking.retention
    days = await visit.panel.ledger.balance(visit.now - kept)
    fields = ("accepted", "delivered", "bounced", "expired", "cancelled", "open", "difference")
    return visit.page(
        "balance.html",
        days=list(reversed(days)),
        total={field: sum(getattr(day, field) for day in days) for field in fields},
        wrong=[day for day in days if day.difference],
    )
