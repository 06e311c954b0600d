"""Settings of the waits in each phase of a delivery."""

from datetime import timedelta
from typing import Annotated

import msgspec

from config.schema import Setting
from config.units import parse_duration


class DeliveryTimeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long we wait for the other side in each phase."""

    connect: Annotated[
        timedelta,
        Setting("For a TCP connection to one address.", least=parse_duration("10ms")),
    ] = parse_duration("30s")
    greeting: Annotated[
        timedelta,
        Setting("For the 220 greeting (RFC 5321 4.5.3.2.1).", least=parse_duration("10ms")),
    ] = parse_duration("5m")
    ehlo: Annotated[
        timedelta,
        Setting("For the reply to EHLO or HELO.", least=parse_duration("10ms")),
    ] = parse_duration("5m")
    starttls: Annotated[
        timedelta,
        Setting(
            "For the reply to STARTTLS and the TLS handshake (RFC 3207).",
            least=parse_duration("10ms"),
        ),
    ] = parse_duration("60s")
    auth: Annotated[
        timedelta,
        Setting("For the replies of an AUTH exchange (RFC 4954).", least=parse_duration("10ms")),
    ] = parse_duration("2m")
    mail: Annotated[
        timedelta,
        Setting("For the reply to MAIL (RFC 5321 4.5.3.2.2).", least=parse_duration("10ms")),
    ] = parse_duration("5m")
    rcpt: Annotated[
        timedelta,
        Setting("For the reply to each RCPT (RFC 5321 4.5.3.2.3).", least=parse_duration("10ms")),
    ] = parse_duration("5m")
    data: Annotated[
        timedelta,
        Setting("For the 354 after DATA (RFC 5321 4.5.3.2.4).", least=parse_duration("10ms")),
    ] = parse_duration("2m")
    block: Annotated[
        timedelta,
        Setting(
            "For each block of content to be taken by the network (RFC 5321 4.5.3.2.5).",
            least=parse_duration("10ms"),
        ),
    ] = parse_duration("3m")
    final_dot: Annotated[
        timedelta,
        Setting(
            "For the reply to the final dot (RFC 5321 4.5.3.2.6). It cannot be lower than 10 "
            "minutes: who hangs up early on a slow receiver sends the message twice (RFC 1047).",
            least=parse_duration("10m"),
        ),
    ] = parse_duration("10m")
    rset: Annotated[
        timedelta,
        Setting("For the reply to RSET.", least=parse_duration("10ms")),
    ] = parse_duration("20s")
    quit: Annotated[
        timedelta,
        Setting(
            "For the reply to QUIT, which delays no mail: results are settled before it.",
            least=parse_duration("10ms"),
        ),
    ] = parse_duration("5s")
