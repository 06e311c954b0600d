"""What another way is for a recipient, and how its timeline tells it. Pure."""

from tracker.model import Recipient, Reroute
from tracker.routing import Routes


def reroute_of(recipient: Recipient, next_hop: str, routes: Routes) -> Reroute | None:
    """Return the way to `next_hop`, as configured if it is empty; None when that is its way."""
    destination = routes.way_for(recipient.domain, next_hop).destination
    if (destination, next_hop) == (recipient.destination, recipient.next_hop):
        return None
    new = _named(recipient.domain, destination, next_hop)
    old = _named(recipient.domain, recipient.destination, recipient.next_hop)
    how = "" if next_hop else ", as configured,"
    return Reroute(
        recipient_id=recipient.id,
        destination=destination,
        next_hop=next_hop,
        old_destination=recipient.destination,
        old_next_hop=recipient.next_hop,
        words=f"{new}{how} instead of {old}",
    )


def configured_way(domain: str, routes: Routes) -> str:
    """Return in words which way mail for a domain goes unless somebody sends it another way."""
    return _named(domain, routes.destination_of(domain), "")


def _named(domain: str, destination: str, next_hop: str) -> str:
    if next_hop:
        return next_hop
    if destination != domain:
        return f"the route to {destination}"
    return domain if domain.startswith("[") else f"the MX of {domain}"
