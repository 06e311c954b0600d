"""Which message a bounce is about: RFC 3464 reports, and what servers write for people.

Of the traces in it the surest is taken: our own id, the id of the message that came back, the
envelope's, and at last the recipient.
"""

import re
from typing import Final

from tracker.search.query import Field, Term

OUR_ID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
MESSAGE_ID: Final = r"[^\s<>@\"]{1,200}@[^\s<>@\",;]{1,255}"
ADDRESS: Final = r"[^\s<>@\"(),:;\[\]\\]{1,64}@[^\s<>@\"(),:;\[\]\\]{0,252}[^\s<>@\"(),:;\[\]\\.]"
_ADDRESS: Final = re.compile(ADDRESS)

# Fields are looked for anywhere: a box of one line joins what was pasted into it.
_FIELD: Final = r"(?<![\w-]){}:\s*"
_OURS: Final = re.compile(_FIELD.format("X-Sendtrace-Id") + f"({OUR_ID})(?![0-9A-Z])")
_RECEIVED: Final = re.compile(rf"\bid ({OUR_ID})(?![0-9A-Z])")
_MESSAGE_ID: Final = re.compile(
    _FIELD.format("(?:X-|Original-|X-Original-)?Message-ID") + f"<({MESSAGE_ID})>", re.IGNORECASE
)
_ORIGINAL_ID: Final = re.compile(
    _FIELD.format("(?:X-)?Original-Message-ID") + f"<?({MESSAGE_ID})>?", re.IGNORECASE
)
_REPLIED_TO: Final = re.compile(
    _FIELD.format("(?:In-Reply-To|References)") + f"<({MESSAGE_ID})>", re.IGNORECASE
)
_ENVELOPE_ID: Final = re.compile(
    _FIELD.format("Original-Envelope-Id") + r"([!-~]{1,100})", re.IGNORECASE
)
_RECIPIENT: Final = re.compile(
    _FIELD.format("(?:Original|Final)-Recipient") + rf"(?:rfc822|utf-8)\s*;\s*<?({ADDRESS})>?",
    re.IGNORECASE,
)
_IS_BOUNCE: Final = re.compile(
    r"mailer-daemon|postmaster@|multipart/report|delivery-status|final-recipient|diagnostic-code"
    r"|x-failed-recipients|qmail-send|undeliver|returned mail|returned to sender"
    r"|(?:delivery|message) (?:has been |was |is )?(?:failed|failure|delayed|incomplete)"
    r"|(?:could not|couldn.t|wasn.t|not|unable to) (?:be )?deliver"
    r"|delivery (?:to|status|has|of)|address(?:\(es\)|es)? (?:failed|rejected|couldn)",
    re.IGNORECASE,
)
_HEADER_FIELD: Final = re.compile(
    r"^(?:Received|From|To|Subject|Date|Message-ID|Return-Path):", re.IGNORECASE | re.MULTILINE
)
_OF_SYSTEMS: Final = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|no-?reply|abuse|microsoftexchange\w*)@",
    re.IGNORECASE,
)
_FAILED: Final = re.compile(
    rf"(?:^ *<?({ADDRESS})>?(?::| *$| +\())|<({ADDRESS})>:"
    rf"|(?:deliver(?:ed)?|sent) to (?:the following recipient: )?<?({ADDRESS})",
    re.IGNORECASE | re.MULTILINE,
)


def read_bounce(text: str) -> tuple[Term, ...]:
    """Return what to search for; nothing where `text` is no bounce and no header of a message."""
    is_bounce = _IS_BOUNCE.search(text) is not None
    if not is_bounce and len(_HEADER_FIELD.findall(text)) < _HEADER_FIELDS:
        return ()
    own, _, rest = text.partition("\n\n")
    has_header = rest and len(_HEADER_FIELD.findall(own)) >= _HEADER_FIELDS
    head, body = (own, rest) if is_bounce and has_header else ("", text)
    return _id_in(head, body, is_bounce) or (_people_in(body or head) if is_bounce else ())


_HEADER_FIELDS: Final = 2
"""Fields of a header that make one."""


def _id_in(head: str, body: str, is_bounce: bool) -> tuple[Term, ...]:
    """Return the id of the message that `body` is about; `head` is the header of the bounce."""
    if match := _OURS.search(body) or _RECEIVED.search(body):
        return (Term(field=Field.ID, value=match[1]),)
    returned = _ORIGINAL_ID.findall(body) or _MESSAGE_ID.findall(body)
    if is_bounce and not head and "\n" not in body and len(returned) < _WITH_ITS_OWN:
        # Joined to one line, a header of the bounce cannot be told from one that came back.
        returned = _ORIGINAL_ID.findall(body)
    # A bounce of a bounce: what came back stands last.
    identifiers = returned[-1:] or _REPLIED_TO.findall(head or body)[:1]
    if not identifiers:
        identifiers = _ENVELOPE_ID.findall(body)[:1]
    return tuple(Term(field=Field.ID, value=each, exact=True) for each in identifiers)


_WITH_ITS_OWN: Final = 2
"""Message-IDs of a bounce that returns a header: its own, and that of the header."""


def _people_in(text: str) -> tuple[Term, ...]:
    """Return the recipient, where there is one: a search for two of them would find neither."""
    reported = _RECIPIENT.findall(text)
    found = reported or ["".join(groups) for groups in _FAILED.findall(text)]
    for address in found or _ADDRESS.findall(text):
        if not _OF_SYSTEMS.match(address):
            return (Term(field=Field.TO, value=address, exact=True),)
    return ()
