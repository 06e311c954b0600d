"""Settings of retries, expiry and reports."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from config.schema import Setting
from config.units import parse_duration


def _waits(*texts: str) -> tuple[timedelta, ...]:
    """Return several durations at once."""
    return tuple(parse_duration(text) for text in texts)


class RetrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a deferred recipient is tried again, and when we give up."""

    lifetime: Annotated[
        timedelta,
        Setting(
            "How long after acceptance we try before the recipient expires and a failure DSN goes "
            "out. There is a last try exactly at the deadline. RFC 5321 4.5.4.1 asks for 4 to 5 "
            "days at least.",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("7d")
    schedule: Annotated[
        tuple[timedelta, ...],
        Setting(
            "Waits after the first, second, … attempt; the last one repeats. RFC 5321 4.5.4.1 "
            "wants 30 minutes at least for destinations that stay unreachable, and expects early "
            "tries to come sooner.",
            least=parse_duration("100ms"),
            filled=True,
        ),
    ] = _waits("5m", "10m", "15m", "30m", "1h", "2h", "4h")
    jitter: Annotated[
        float,
        Setting(
            "Each wait is made longer or shorter by up to this part of it, by chance, so that "
            "messages deferred together do not come back together. 0.1 is 10 %.",
            unit="fraction",
            least=0,
            most=0.9,
        ),
    ] = 0.1
    manual_pause: Annotated[
        timedelta,
        Setting(
            "Somebody in the panel who wants a recipient tried now gets a no, with the reason, "
            "when the last try is not this long ago: receivers block who knocks again and again.",
            least=parse_duration("0s"),
        ),
    ] = parse_duration("5m")
    report_lifetime: Annotated[
        timedelta,
        Setting(
            "The lifetime of DSNs and other reports of our own, which nobody misses after a day.",
            least=parse_duration("1s"),
        ),
    ] = parse_duration("1d")
    delay_dsn: Annotated[
        timedelta | None,
        Setting(
            "When a message has waited this long, its sender is told once, with the reason, the "
            "next tries and the deadline (Action: delayed, RFC 3464 2.3.3), unless NOTIFY forbids "
            'it (RFC 3461 4.1). "off" sends none.',
            least=parse_duration("1s"),
            off="off",
        ),
    ] = parse_duration("4h")
    uncertain: Annotated[
        Literal["retry", "hold"],
        Setting(
            "What follows when the connection broke after the final dot and nobody knows whether "
            'the receiver took the message (RFC 1047), or when the relay died there: "retry" may '
            'deliver it twice, "hold" keeps the recipient until somebody decides.',
        ),
    ] = "retry"
    destination_backoff: Annotated[
        tuple[timedelta, ...],
        Setting(
            "Waits between probes of a destination that cannot be reached; the last one repeats. "
            "Its recipients wait for the probe, and these waits count as no attempt.",
            least=parse_duration("100ms"),
            filled=True,
        ),
    ] = _waits("1m", "2m", "5m", "10m", "15m")
