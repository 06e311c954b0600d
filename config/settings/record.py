"""Settings of the tracking record, the panel and the log."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from config.addresses import check_domain, parse_host_port
from config.schema import Setting
from config.settings.submission import ADDRESS_SHAPE, check_listening_address, check_network
from config.units import parse_duration


def check_time_zone(text: str) -> str:
    """Return the name of a time zone in the IANA database; ValueError if it has none."""
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        # KeyError: no such zone; OSError: the name of a folder; ValueError: leaves the database.
        raise ValueError("the time zone database has no such name") from None
    return text


_SHORTEST_KEY: Final = 16


def check_key(text: str) -> str:
    """Return a key that cannot be guessed; ValueError for a short one."""
    if len(text) < _SHORTEST_KEY:
        raise ValueError(f"it has {_SHORTEST_KEY} characters at least")
    return text


SubjectPolicy = Literal["full", "first-40", "hash", "none"]

_SHORTEST: Final = parse_duration("1h")
_LONGEST: Final = parse_duration("400d")


class DomainTracking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different for the mail of one domain's accounts."""

    domain: Annotated[
        str,
        Setting(
            "The domain of the accounts whose mail this is about.",
            check=check_domain,
            shape='a domain such as "example.com"',
            example='"example.com"',
        ),
    ]
    retention: Annotated[
        timedelta | None,
        Setting(
            "How long the record is kept; tracking.retention at most, which is what it is without.",
            least=_SHORTEST,
            most=_LONGEST,
            example='"30d"',
        ),
    ] = None
    subject: Annotated[
        SubjectPolicy | None,
        Setting("What is stored of subjects, as tracking.subject.", example='"none"'),
    ] = None
    subject_retention: Annotated[
        timedelta | None,
        Setting("As tracking.subject_retention.", least=_SHORTEST, most=_LONGEST, example='"7d"'),
    ] = None
    client_retention: Annotated[
        timedelta | None,
        Setting("As tracking.client_retention.", least=_SHORTEST, most=_LONGEST, example='"7d"'),
    ] = None
    reply_retention: Annotated[
        timedelta | None,
        Setting("As tracking.reply_retention.", least=_SHORTEST, most=_LONGEST, example='"14d"'),
    ] = None


class TrackingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the record is kept."""

    retention: Annotated[
        timedelta,
        Setting(
            "How long the record of a message is kept after its last recipient is final. Content "
            "is dropped at once when every recipient is final; this is about envelopes, attempts "
            "and replies, which go by whole days of UTC.",
            least=_SHORTEST,
            most=_LONGEST,
        ),
    ] = parse_duration("60d")
    subject: Annotated[
        SubjectPolicy,
        Setting(
            'What is stored of subjects at all: "full", "first-40" characters, "hash" (a keyed '
            'hash, which `sendtrace privacy subject` computes for a search) or "none".',
        ),
    ] = "full"
    subject_retention: Annotated[
        timedelta | None,
        Setting(
            "How long subjects are kept, if not as long as the record.",
            least=_SHORTEST,
            most=_LONGEST,
            example='"30d"',
        ),
    ] = None
    client_retention: Annotated[
        timedelta | None,
        Setting(
            "How long the client's address and the name it gave itself are kept, if not as long "
            "as the record.",
            least=_SHORTEST,
            most=_LONGEST,
            example='"7d"',
        ),
    ] = None
    reply_retention: Annotated[
        timedelta | None,
        Setting(
            "How long the text of replies and the steps of the dialogue are kept, if not as long "
            "as the record; retry.lifetime at least, because reports of failures quote them. "
            "Reply code, enhanced status code and category stay.",
            least=_SHORTEST,
            most=_LONGEST,
            example='"14d"',
        ),
    ] = None
    domains: Annotated[
        tuple[DomainTracking, ...],
        Setting("What is different for the mail of some domains' accounts, one table each."),
    ] = ()
    key: Annotated[
        str | None,
        Setting(
            "Secret from which hashed subjects and the names of erased addresses are made. Nodes "
            "that share a ledger need the same one. Without it, each node makes one in its state "
            "directory.",
            secret=True,
            check=check_key,
            shape="16 characters or more",
            example='"a long text that nobody guesses"',
        ),
    ] = None
    handover_key: Annotated[
        Path | None,
        Setting(
            "Ed25519 key, PEM, that signs handover certificates. It is made when the first one is "
            "asked for. Without a path it is handover.key in state_directory; nodes that share a "
            "ledger need the same key, or each signs with its own.",
            example='"/etc/sendtrace/handover.key"',
        ),
    ] = None
    statistics_retention: Annotated[
        timedelta,
        Setting(
            "How long the counts behind the dashboards are kept: how many messages of which "
            "account went to which destination in a quarter of an hour, and what became of them. "
            "There are no addresses of recipients in them.",
            least=parse_duration("1h"),
        ),
    ] = parse_duration("400d")
    refused_content: Annotated[
        timedelta,
        Setting(
            "How long the content of a message is kept after it came back or expired, so that it "
            "can be sent again to another address. It is never shown to anybody. 0s drops it at "
            "once, as that of delivered mail is.",
            least=parse_duration("0s"),
        ),
    ] = parse_duration("2d")
    suppress_unknown: Annotated[
        bool,
        Setting(
            "Put an address on the list of suppressed addresses, for the mail of that account's "
            "domain, when its server says for good that the address does not exist or has moved, "
            "or its domain does not exist. No other refusal ever does so.",
        ),
    ] = False
    undo_window: Annotated[
        timedelta,
        Setting(
            "How long what cannot be undone, which is to cancel and to suppress, waits in the "
            "panel before it begins, so that it can be called off.",
            least=parse_duration("0s"),
        ),
    ] = parse_duration("30s")
    access_retention: Annotated[
        timedelta,
        Setting(
            "How long it is on record who looked at whose mail, and what they did about it.",
            least=parse_duration("1d"),
        ),
    ] = parse_duration("180d")


class PanelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the panel listens and who may log in how."""

    address: Annotated[
        str,
        Setting(
            "Where the panel and the metrics are served.",
            check=check_listening_address,
            shape=ADDRESS_SHAPE,
        ),
    ] = "127.0.0.1:8080"
    certificate: Annotated[
        Path | None,
        Setting(
            "Certificate for HTTPS, PEM with its chain. Without one the panel speaks HTTP, which "
            "is for loopback or for a proxy that adds TLS.",
            example='"/etc/sendtrace/tls/fullchain.pem"',
        ),
    ] = None
    private_key: Annotated[
        Path | None,
        Setting(
            "Private key for the certificate. Without it, the key is looked for in the "
            "certificate's file.",
            example='"/etc/sendtrace/tls/privkey.pem"',
        ),
    ] = None
    session_lifetime: Annotated[
        timedelta,
        Setting("How long a login lasts.", least=parse_duration("1m")),
    ] = parse_duration("12h")
    time_zone: Annotated[
        str,
        Setting(
            "Time zone in which the panel and reports show times, where a person has chosen no "
            "other. The ledger and the log always use UTC.",
            check=check_time_zone,
            shape='a name of the IANA database such as "Europe/Vienna"',
        ),
    ] = "UTC"
    trusted_proxies: Annotated[
        tuple[str, ...],
        Setting(
            "Proxies in these networks are believed when they name the client in X-Forwarded-For "
            "and the scheme in X-Forwarded-Proto.",
            check=check_network,
            shape='a network such as "10.0.0.0/8" or "::1/128"',
        ),
    ] = ()
    metrics_networks: Annotated[
        tuple[str, ...],
        Setting(
            "Who may read /metrics beside the machine itself: where Prometheus is. They read how "
            "much mail goes how, and no addresses. Who comes through a proxy is never meant.",
            check=check_network,
            shape='a network such as "10.0.0.5/32" or "fd00:5::/64"',
        ),
    ] = ()
    login_failures: Annotated[
        int,
        Setting(
            "Wrong passwords for one account, or from one client address, within "
            "login_failure_window on all nodes together, after which logging in is refused until "
            "the window has passed.",
            unit="failures",
            least=1,
        ),
    ] = 10
    login_failure_window: Annotated[
        timedelta,
        Setting("The time over which login_failures counts.", least=parse_duration("1s")),
    ] = parse_duration("15m")

    def host_port(self) -> tuple[str, int]:
        """Return host and port to listen on."""
        return parse_host_port(self.address, None)


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the log looks."""

    format: Annotated[
        Literal["json", "logfmt", "console"],
        Setting(
            'One line per event: "json" for programs, "logfmt" (key=value) for both, "console" '
            "for people at a terminal.",
        ),
    ] = "logfmt"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Setting("The least important events that are written."),
    ] = "info"
    delivery_lines: Annotated[
        bool,
        Setting(
            "Also write what Postfix would about mail that comes in (client=…, message-id=<…>, "
            "from=<…>), what is refused (NOQUEUE: reject) and each attempt (to=<…>, relay=…, "
            "delay=…, dsn=…, status=sent), for tools that read such logs.",
        ),
    ] = False
