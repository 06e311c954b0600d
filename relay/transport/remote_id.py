"""The receiver's own id for a message, found inside its 250, so that its operator can look it up.

Pure. RFC 5321 leaves the text of a reply free; each kind of server has a habit of its own, and
what fits none of them yields nothing rather than a guess.
"""

import re

from tracker.model import Reply

LONGEST = 200
"""Characters of an id that are kept; an id is looked up in an index."""

_HABITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Postfix and all who learnt from it, this relay included.
        r"\bqueued (?:mail for delivery )?as (?:id )?[<\"']?(?P<id>[\w.@=+/:-]+)",
        # Microsoft: this id is its own, the Message-ID before it is the sender's.
        r"\[InternalId=(?P<id>\d+)",
        # Exim and what is built on it, as GMX and Ionos.
        r"\bid=<?(?P<id>[\w.@=+/:-]+)",
        # Google: "OK  1717430401 d9443c01a7336-1f632328d1dsi9012345ad.123 - gsmtp".
        r"^OK\s+\d+ (?P<id>\S+) - (?:gsmtp|gmail)",
        # qmail: "ok 1717430401 qp 12345".
        r"\bok \d+ (?P<id>qp \d+)",
        # OpenSMTPD of some versions: "2.0.0: 1a2b3c4d Message accepted for delivery".
        r"^: (?P<id>[0-9a-f]{8,}) Message accepted",
        # sendmail, OpenSMTPD, Proofpoint: "2.0.0 45345ABC012345 Message accepted for delivery".
        r"^(?P<id>[\w-]*\d[\w-]*) Message accepted for delivery",
        # Stalwart: "Message queued with id 1a2b3c4d5e6f."
        r"\bqueued with id (?P<id>[\w.-]+)",
        # KumoMTA: "OK ids=f1a2b3c4d5e611eeb8a1".
        r"^OK ids=(?P<id>[\w.,-]+)",
        # Haraka: "Message Queued (8F7D-4E.1)".
        r"^Message Queued \((?P<id>[\w.-]+)\)",
        # Amazon SES: "Ok 0100018fdeadbeef-01234567-89ab-cdef-0123-456789abcdef-000000".
        r"^Ok (?P<id>[0-9a-f]{16}-[0-9a-f-]{36}-\d{6})$",
    )
)
_STATUS = re.compile(r"2\.\d{1,3}\.\d{1,3}\s*")


def remote_id_of(reply: Reply) -> str | None:
    """Return the id inside the reply to the final dot; None when none is recognised."""
    for line in reply.lines:
        text = _STATUS.sub("", line, count=1) if line[:2] == "2." else line
        for habit in _HABITS:
            match = habit.search(text)
            if match is not None:
                return match["id"].rstrip(".,:")[:LONGEST] or None
    return None
