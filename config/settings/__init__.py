"""Every setting, declared once: type, default, unit, limits and documentation.

`Settings()` is the built-in default. The classes only hold values and answer questions
about them; reading files and the environment is the loader's work.
"""

import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from config.addresses import check_hostname
from config.schema import Setting
from config.settings.delivery import DeliverySettings, DeliveryTimeouts, DnsSettings, Route
from config.settings.record import (
    DomainTracking,
    LogSettings,
    PanelSettings,
    SubjectPolicy,
    TrackingSettings,
)
from config.settings.retry import RetrySettings
from config.settings.store import StoreSettings
from config.settings.submission import Certificate, Listener, SubmissionSettings
from config.units import parse_duration

__all__ = [
    "Certificate",
    "DeliverySettings",
    "DeliveryTimeouts",
    "DnsSettings",
    "DomainTracking",
    "Listener",
    "LogSettings",
    "PanelSettings",
    "RetrySettings",
    "Route",
    "Settings",
    "StoreSettings",
    "SubjectPolicy",
    "SubmissionSettings",
    "TrackingSettings",
    "machine_hostname",
]


def machine_hostname() -> str:
    """Return this machine's name if it can be used in EHLO, else "localhost.localdomain".

    It asks the kernel and not the DNS: a start must not wait for a resolver.
    """
    try:
        return check_hostname(socket.gethostname())
    except ValueError:
        return "localhost.localdomain"


def check_node(text: str) -> str:
    """Return the name of a node; ValueError for what could not be told apart in a list."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", text, re.ASCII):
        raise ValueError("it begins with a letter or a digit and has no spaces")
    return text


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator sets."""

    hostname: Annotated[
        str,
        Setting(
            "The name this relay goes by: in its greeting, in EHLO (RFC 5321 4.1.1.1), in Received "
            "fields and as the reporting MTA of its DSNs (RFC 3464 2.2.2). Receivers expect it to "
            "resolve to the address the relay sends from, and that address back to it. "
            "localhost.localdomain is good for trying things out and for nothing else.",
            check=check_hostname,
            shape='a fully qualified domain name such as "mail.example.org"',
            example='"mail.example.org"',
            computed="the machine's name if that is fully qualified, else localhost.localdomain",
        ),
    ] = msgspec.field(default_factory=machine_hostname)
    node: Annotated[
        str | None,
        Setting(
            "Name of this node in the record and among the nodes that share a ledger; no two may "
            "have the same. It stays the same over restarts.",
            check=check_node,
            shape='letters, digits, ".", "_" and "-", such as "mail-1"',
            example='"mail-1"',
            computed="the machine's name",
        ),
    ] = None
    workers: Annotated[
        int | Literal["auto"],
        Setting(
            "Worker processes. Each accepts submissions on the same ports and delivers mail. "
            '"auto" starts one for each processor core and keeps it there, which is the fastest '
            "where the machine serves mail only; with a number the kernel places them.",
            unit="processes",
            least=1,
            most=1024,
        ),
    ] = "auto"
    state_directory: Annotated[
        Path,
        Setting(
            "Folder for what the processes share on one machine beside the ledger: in-flight "
            "files, sockets and counters. It is created when missing. It belongs on a local disk, "
            "survives a restart of the relay and is not shared between machines. A relative path "
            "starts at the working directory.",
        ),
    ] = Path("./var")
    shutdown_grace: Annotated[
        timedelta,
        Setting(
            "How long SMTP transactions in progress may go on after SIGTERM. What is not finished "
            "then is cut off and taken up again at the next start. Keep it below the time after "
            "which the service manager kills the process.",
        ),
    ] = parse_duration("30s")
    store: Annotated[StoreSettings, Setting("The ledger: messages, recipients and attempts.")] = (
        StoreSettings()
    )
    submission: Annotated[
        SubmissionSettings,
        Setting("Taking mail in: who may submit, how much, and how long we wait for a client."),
    ] = SubmissionSettings()
    dns: Annotated[DnsSettings, Setting("Looking up MX and address records.")] = DnsSettings()
    delivery: Annotated[DeliverySettings, Setting("Carrying mail to the next host.")] = (
        DeliverySettings()
    )
    routes: Annotated[
        tuple[Route, ...],
        Setting(
            "Exceptions from MX routing, one table each. The most specific domain wins: an exact "
            'name, then the longest "*.parent", then "*". Without a match, the MX records of the '
            "recipient's domain decide (RFC 5321 5.1)."
        ),
    ] = ()
    retry: Annotated[
        RetrySettings, Setting("When a deferred recipient is tried again, and when we give up.")
    ] = RetrySettings()
    tracking: Annotated[
        TrackingSettings, Setting("The record of what happened to every message.")
    ] = TrackingSettings()
    panel: Annotated[PanelSettings, Setting("The web panel and the metrics.")] = PanelSettings()
    log: Annotated[LogSettings, Setting("The log on standard output.")] = LogSettings()
