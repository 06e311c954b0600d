"""What the help page says: words, standings, the grammar and the keys. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from web.standing import (
    ACCEPTED,
    CANCELLED,
    HELD,
    NOT_REACHED,
    NOT_TRIED,
    PERMANENT,
    RETURNED,
    TEMPORARY,
    TRYING,
    UNCERTAIN,
    WAITING,
    Standing,
)


class Meaning(NamedTuple):
    """A standing and what it means for the person on the phone."""

    standing: Standing
    means: str

    @property
    def anchor(self) -> str:
        """Where on the page it is explained."""
        return anchor_of(self.standing)


class Term(NamedTuple):
    """One way to search."""

    field: str
    example: str
    finds: str


class Key(NamedTuple):
    """A key and what it does."""

    key: str
    does: str


def anchor_of(standing: Standing) -> str:
    """Return the anchor of a standing on the help page."""
    return standing.word.lower().replace(" ", "-")


STANDINGS: Final[Sequence[Meaning]] = (
    Meaning(
        ACCEPTED,
        "The recipient's mail server has taken the message and confirmed it. From there on it is "
        "that server's business: whether the message is in the inbox, in the spam folder or thrown "
        "away, only the recipient's side can see. It does not mean that it was read.",
    ),
    Meaning(
        TEMPORARY,
        "The recipient's mail server said: not now. We try again by ourselves, and the row says "
        "when. The sender need not do anything.",
    ),
    Meaning(
        PERMANENT,
        "The recipient's mail server refused the message for good, or we have tried until the "
        "deadline. We have stopped, and the sender has got a report, unless they asked for none.",
    ),
    Meaning(WAITING, "We have the message, and it has not been tried yet."),
    Meaning(TRYING, "We are talking to the recipient's mail server at this moment."),
    Meaning(HELD, "Somebody here has stopped the message. It stays until it is released."),
    Meaning(
        UNCERTAIN,
        "The whole message was sent, and then the connection broke before the answer came. Nobody "
        "on our side can know whether they have it; trying again may deliver a second copy.",
    ),
    Meaning(
        RETURNED,
        "The recipient's mail server had taken the message, and a report came later that says it "
        "was not delivered. The report went to the sender as well; it is in the story of the "
        "message.",
    ),
    Meaning(CANCELLED, "Somebody here has cancelled the message. It is not sent any more."),
    Meaning(NOT_REACHED, "Of one try: no connection to the recipient's mail server was made."),
    Meaning(NOT_TRIED, "Of one try: something on our own side was in the way. We try again."),
)

TERMS: Final[Sequence[Term]] = (
    Term("any", "bob@example.org", "a part of an address, a subject, a Message-ID or an id"),
    Term("any", '"annual report"', "the whole value, exactly"),
    Term("any", "-newsletter", "a minus means: without"),
    Term("to", "to:@example.org", "the recipient's address, a part of it, or a whole domain"),
    Term("from", "from:alice", "the sender; from:<> finds reports of this server"),
    Term("subject", "subject:invoice", "words of the subject"),
    Term("id", "id:4bXyZ12Q", "our id, the Message-ID, or the id in the receiver's confirmation"),
    Term("status", "status:held", "where it stands: accepted, waiting, deferred, permanent, …"),
    Term("category", "category:mailbox-full", "why the last try ended as it did"),
    Term(
        "side",
        "side:operator",
        "who can do something about it: recipient, sender, operator, network",
    ),
    Term("code", "code:5.1.1", "the code of an answer: 550, 5.1.1, or only 4"),
    Term(
        "text", 'text:"user unknown"', "words of the answer; a whole refusal may be pasted as well"
    ),
    Term("mx", "mx:google.com", "the mail server that we talked to"),
    Term("ip", "ip:192.0.2.1", "its address, or that of whoever sent us the message"),
    Term("account", "account:shop@example.com", "the account that sent it"),
    Term("size", "size:>1MB", "how large the message is"),
    Term("tls", "tls:none", "how the connection was secured: none, unverified or verified"),
    Term("attempts", "attempts:>=3", "how often it has been tried"),
    Term("since", "since:2d", "from then on: 3h, 2d, today, yesterday, this-month, 2026-03-01"),
    Term("until", "until:2026-03-01T14:30", "until then; a day counts in"),
)
KEYS: Final[Sequence[Key]] = (
    Key("/", "go to the search box"),
    Key("j", "next row"),
    Key("k", "the row before"),
    Key("o", "open or close the row"),
    Key("?", "this page"),
)
