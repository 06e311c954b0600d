"""The receiver's own id for a message, found inside its 250, so that its operator can look it up.

Pure. RFC 5321 leaves the text of a reply free; each kind of server has a habit of its own, and
what fits none of them yields nothing rather than a guess.
"""

import re

from tracker.model import Reply

LONGEST = 200
"""Characters of an id that are kept; an id is looked up in an index."""

_HABITS = tuple(
    (mark, re.compile(pattern, re.IGNORECASE))
    for mark, pattern in (
        # Postfix and all who learnt from it, this relay included.
        ("queued", r"\bqueued (?:mail for delivery )?as (?:id )?[<\"']?(?P<id>[\w.@=+/:-]+)"),
        # Microsoft: this id is its own, the Message-ID before it is the sender's.
        ("[internalid=", r"\[InternalId=(?P<id>\d+)"),
        # Exim and what is built on it, as GMX and Ionos.
        ("id=", r"\bid=<?(?P<id>[\w.@=+/:-]+)"),
        # Google: "OK  1717430401 d9443c01a7336-1f632328d1dsi9012345ad.123 - gsmtp".
        (" - g", r"^OK\s+\d+ (?P<id>\S+) - (?:gsmtp|gmail)"),
        # qmail: "ok 1717430401 qp 12345".
        (" qp ", r"\bok \d+ (?P<id>qp \d+)"),
        # OpenSMTPD of some versions: "2.0.0: 1a2b3c4d Message accepted for delivery".
        ("message accepted", r"^: (?P<id>[0-9a-f]{8,}) Message accepted"),
        # sendmail, OpenSMTPD, Proofpoint: "2.0.0 45345ABC012345 Message accepted for delivery".
        ("message accepted", r"^(?P<id>[\w-]*\d[\w-]*) Message accepted for delivery"),
        # Stalwart: "Message queued with id 1a2b3c4d5e6f."
        ("queued", r"\bqueued with id (?P<id>[\w.-]+)"),
        # KumoMTA: "OK ids=f1a2b3c4d5e611eeb8a1".
        ("ok ids=", r"^OK ids=(?P<id>[\w.,-]+)"),
        # Haraka: "Message Queued (8F7D-4E.1)".
        ("queued", r"^Message Queued \((?P<id>[\w.-]+)\)"),
        # Amazon SES: "Ok 0100018fdeadbeef-01234567-89ab-cdef-0123-456789abcdef-000000".
        ("ok ", r"^Ok (?P<id>[0-9a-f]{16}-[0-9a-f-]{36}-\d{6})$"),
    )
)
"""Each with what its texts contain, in lower case: looking for that first costs next to nothing."""
_STATUS = re.compile(r"2\.\d{1,3}\.\d{1,3}\s*")


def remote_id_of(reply: Reply) -> str | None:
    """Return the id inside the reply to the final dot; None when none is recognised."""
    for line in reply.lines:
        text = _STATUS.sub("", line, count=1) if line[:2] == "2." else line
        # Outside of ASCII there is more than one letter that a pattern takes for an "i".
        lowered = text.lower() if text.isascii() else ""
        for mark, habit in _HABITS:
            match = habit.search(text) if mark in lowered or not lowered else None
            if match is not None:
                return match["id"].rstrip(".,:")[:LONGEST] or None
    return None
