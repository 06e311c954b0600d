"""What codes mean by themselves, where they say anything (RFC 3463, 5248, 7372, 7505, 8461).

Codes that servers use for everything (5.7.1, 5.0.0, 550, 554) are left out on purpose: they are
no reason. Keys are subject and detail, since 4.2.2 and 5.2.2 differ only in how long it lasts.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tracker.explain.category import Category

PRECISE: Mapping[str, Category] = MappingProxyType(
    {
        "1.1": Category.ADDRESS_UNKNOWN,
        "1.2": Category.DOMAIN_UNKNOWN,
        "1.3": Category.ADDRESS_SYNTAX,
        "1.6": Category.ADDRESS_MOVED,
        "1.7": Category.SENDER_REJECTED,
        "1.8": Category.SENDER_REJECTED,
        "1.10": Category.DOMAIN_NO_MAIL,
        "2.2": Category.MAILBOX_FULL,
        "3.4": Category.SIZE_LIMIT,
        "4.7": Category.REMOTE_EXPIRED,
        "5.3": Category.TOO_MANY_RECIPIENTS,
        "6.7": Category.SMTPUTF8_UNSUPPORTED,
        "6.9": Category.SMTPUTF8_UNSUPPORTED,
        "7.13": Category.MAILBOX_DISABLED,
        "7.17": Category.ADDRESS_MOVED,
        "7.18": Category.ADDRESS_MOVED,
        "7.19": Category.ADDRESS_MOVED,
        "7.20": Category.AUTHENTICATION,
        "7.21": Category.AUTHENTICATION,
        "7.22": Category.AUTHENTICATION,
        "7.23": Category.AUTHENTICATION,
        "7.24": Category.AUTHENTICATION,
        "7.25": Category.PTR_MISSING,
        "7.26": Category.AUTHENTICATION,
        "7.27": Category.SENDER_REJECTED,
        "7.28": Category.RATE_LIMITED,
        "7.29": Category.AUTHENTICATION,
        "7.30": Category.TLS_FAILED,
    }
)

VAGUE: Mapping[str, Category] = MappingProxyType(
    {
        "1.4": Category.ADDRESS_UNKNOWN,
        "1.9": Category.RELAY_DENIED,
        "2.1": Category.MAILBOX_DISABLED,
        "2.3": Category.SIZE_LIMIT,
        "3.1": Category.REMOTE_STORAGE,
        "3.2": Category.REMOTE_ERROR,
        "3.5": Category.REMOTE_ERROR,
        "4.2": Category.REMOTE_ERROR,
        "4.3": Category.DNS_FAILURE,
        "4.4": Category.DOMAIN_UNROUTABLE,
        "4.5": Category.RATE_LIMITED,
        "4.6": Category.ROUTING_LOOP,
        "5.1": Category.PROTOCOL_ERROR,
        "5.2": Category.PROTOCOL_ERROR,
        "5.4": Category.PROTOCOL_ERROR,
        "5.5": Category.PROTOCOL_ERROR,
        "5.6": Category.LOGIN_REFUSED,
        "6.0": Category.CONTENT_FORMAT,
        "6.1": Category.CONTENT_FORMAT,
        "6.2": Category.CONTENT_FORMAT,
        "6.3": Category.CONTENT_FORMAT,
        "6.5": Category.CONTENT_FORMAT,
        "7.2": Category.RECIPIENT_FILTERED,
        "7.5": Category.TLS_FAILED,
        "7.8": Category.LOGIN_REFUSED,
        "7.10": Category.TLS_FAILED,
        "7.11": Category.TLS_FAILED,
        "7.14": Category.LOGIN_REFUSED,
    }
)
"""Codes that servers use loosely: words beside them say more."""

BASIC: Mapping[int, Category] = MappingProxyType(
    {
        432: Category.RECIPIENT_THROTTLED,
        500: Category.PROTOCOL_ERROR,
        501: Category.PROTOCOL_ERROR,
        502: Category.PROTOCOL_ERROR,
        503: Category.PROTOCOL_ERROR,
        504: Category.PROTOCOL_ERROR,
        521: Category.DOMAIN_NO_MAIL,
        525: Category.MAILBOX_DISABLED,
        530: Category.LOGIN_REFUSED,
        535: Category.LOGIN_REFUSED,
        551: Category.ADDRESS_MOVED,
        556: Category.DOMAIN_NO_MAIL,
    }
)
