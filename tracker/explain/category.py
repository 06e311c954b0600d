"""What can become of an attempt, each in plain words."""

from enum import StrEnum

import msgspec


class Side(StrEnum):
    """Who can do something about it."""

    RECIPIENT = "recipient"
    SENDER = "sender"
    OPERATOR = "operator"
    NETWORK = "network"


class Category(StrEnum):
    """Why an attempt ended as it did."""

    ACCEPTED = "accepted"
    ADDRESS_UNKNOWN = "address-unknown"
    ADDRESS_SYNTAX = "address-syntax"
    ADDRESS_MOVED = "address-moved"
    DOMAIN_UNKNOWN = "domain-unknown"
    DOMAIN_NO_MAIL = "domain-no-mail"
    DOMAIN_UNROUTABLE = "domain-unroutable"
    MAILBOX_DISABLED = "mailbox-disabled"
    MAILBOX_FULL = "mailbox-full"
    RECIPIENT_FILTERED = "recipient-filtered"
    RECIPIENT_THROTTLED = "recipient-throttled"
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate-limited"
    TOO_MANY_RECIPIENTS = "too-many-recipients"
    SIZE_LIMIT = "size-limit"
    CONTENT_SPAM = "content-spam"
    CONTENT_VIRUS = "content-virus"
    CONTENT_ATTACHMENT = "content-attachment"
    CONTENT_FORMAT = "content-format"
    AUTHENTICATION = "authentication"
    SENDER_REJECTED = "sender-rejected"
    IP_BLOCKLISTED = "ip-blocklisted"
    DOMAIN_BLOCKLISTED = "domain-blocklisted"
    REPUTATION_LOW = "reputation-low"
    PTR_MISSING = "ptr-missing"
    POLICY_REFUSED = "policy-refused"
    RELAY_DENIED = "relay-denied"
    LOGIN_REFUSED = "login-refused"
    TLS_FAILED = "tls-failed"
    DNS_FAILURE = "dns-failure"
    CONNECT_FAILED = "connect-failed"
    CONNECTION_LOST = "connection-lost"
    UNCERTAIN = "uncertain"
    REMOTE_STORAGE = "remote-storage"
    REMOTE_ERROR = "remote-error"
    REMOTE_EXPIRED = "remote-expired"
    PROTOCOL_ERROR = "protocol-error"
    ROUTING_LOOP = "routing-loop"
    SMTPUTF8_UNSUPPORTED = "smtputf8-unsupported"
    LOCAL_FAULT = "local-fault"
    NO_REASON = "no-reason"


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """One category in plain words."""

    side: Side
    what_happened: str
    once_failed: str
    """What the sender can do when we have given up."""
    while_waiting: str = "Nothing. We keep trying by ourselves."
    """What the sender can do while we keep trying."""
    who_can_fix: str = ""
    """Where it is somebody else than the side says."""


WHO_CAN_FIX = {
    Side.RECIPIENT: "The recipient, or whoever runs the recipient's mail server.",
    Side.SENDER: "You, the sender.",
    Side.OPERATOR: "We, who run this mail server. It is our job; you need not act.",
    Side.NETWORK: "Nobody in particular: such faults usually pass by themselves.",
}
