"""The Status field: an enhanced status code that never says more than is known (RFC 3463)."""

from collections.abc import Mapping
from types import MappingProxyType

from relay.classify import status_of
from relay.dsn.report import Action, Reported

_CLASSES: Mapping[Action, str] = MappingProxyType(
    {Action.FAILED: "5", Action.DELAYED: "4", Action.RELAYED: "2"}
)
_EXPIRED = "5.4.7"


def status_field(reported: Reported, action: Action) -> str:
    """Return the Status of one recipient; its class is that of the action (RFC 3464 2.3.4).

    Expiry is 5.4.7 whatever the last reason was: a full mailbox or a dead server for a week is
    not a fault of the address. The reason stays in Diagnostic-Code.
    """
    if reported.expired:
        return _EXPIRED
    return _CLASSES[action] + status_of(reported.attempt)[1:]
