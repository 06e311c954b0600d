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
        # Postfix, and most that learnt from it; ids in angle brackets or quotes as well.
        r"\bqueued (?:mail for delivery )?as (?:id )?[<\"']?(?P<id>[\w.@=+/:-]+)",
        # Microsoft: the id is unique inside its network, the Message-ID before it is not.
        r"\[InternalId=(?P<id>\d+)",
        # Exim and its relatives, Cisco's gateways, rspamd's proxies.
        r"\bid=<?(?P<id>[\w.@=+/:-]+)",
        # Google: "OK  1717430401 d9443c01a7336-1f632328d1dsi… - gsmtp".
        r"^OK\s+\d+ (?P<id>\S+) - (?:gsmtp|gmail)",
        # Yahoo and Apple: "ok dirdel", "2.0.0 Ok: queued as" are caught above.
        # qmail and netqmail: "ok 1717430401 qp 12345".
        r"\bok \d+ (?P<id>qp \d+)",
        # sendmail: "2.0.0 45345ABC012345 Message accepted for delivery".
        r"^(?P<id>[\w-]+) Message accepted for delivery",
        # OpenSMTPD: "2.0.0: 1a2b3c4d Message accepted for delivery" or "2.0.0 1a2b3c4d Message…".
        r"^: (?P<id>[0-9a-f]{8,}) Message accepted",
        # KumoMTA, Haraka, PowerMTA's "ok (id …)", mox, Stalwart "Message queued with id …".
        r"\bqueued with id (?P<id>[\w.-]+)",
        r"^OK ids=(?P<id>[\w.,-]+)",
        r"^Message Queued \((?P<id>[\w.-]+)\)",
        r"\(id[: ](?P<id>[\w.-]+)\)",
        # Proofpoint: "2.0.0 3cabcdefgh-1 Message accepted for delivery" is sendmail's form.
        # Mimecast: "SmtpThread-123456-1717430401 [AbC-dEf…] received".
        r"\[(?P<id>[\w-]{8,}\.[a-z]{2}\d+)\]",
        # Amazon SES: "Ok 0100018fdeadbeef-0123…-000000".
        r"^Ok (?P<id>[0-9a-f]{16}-[0-9a-f-]{36}-\d{6})$",
        # GMX, web.de, Ionos: "Requested mail action okay, completed: id=1M…" is Exim's form.
        # Generic: "ok: Message 123456789 accepted".
        r"\bMessage (?P<id>[\w-]*\d[\w-]*) accepted\b",
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
