"""One event as a line of logfmt, in one pass: two of them are written for every message.

The form is that of structlog's LogfmtRenderer behind its usual processors, at a quarter of their
cost; a test holds the two against each other.
"""

from collections.abc import Callable, Mapping, MutableMapping
from time import gmtime, strftime
from typing import Any

from structlog.processors import format_exc_info

from relay.log.delivery_line import DeliveryLine
from tracker.printing import printable

_LEVELS = {"exception": "error", "warn": "warning", "fatal": "critical"}


class LogfmtLine:
    """Renders events; the last of structlog's processors, and the only one."""

    def __init__(self, context: Mapping[str, str], host: str, now: Callable[[], float]) -> None:
        """`context` is said on every line; `now` gives seconds since 1970."""
        self._end = "".join(f" {key}={_value(value)}" for key, value in context.items())
        self._host = host
        self._now = now
        self._second = -1
        self._stamp = ""

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """Return the line for `event`, in printing characters only."""
        name = event.pop("event")
        if isinstance(name, DeliveryLine):
            # Lines that other programs read are left in their form.
            return f"{self._time()} {self._host} {name}"
        if "exc_info" in event:
            event = format_exc_info(_, method, event)
        line = f"timestamp={self._time()} level={_LEVELS.get(method, method)} event={_value(name)}"
        for key, value in event.items():
            # Text is what most values are, words of an enumeration included.
            line += f" {key}={_value(value if isinstance(value, str) else _text(value))}"
        return line + self._end

    def _time(self) -> str:
        """Return the time as RFC 3339 writes it; the second changes once a second."""
        second, fraction = divmod(self._now(), 1.0)
        if second != self._second:
            self._second = int(second)
            self._stamp = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._stamp}.{int(fraction * 1_000_000):06}Z"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(text: str) -> str:
    """Quote where it is needed; escape control characters, so that nothing forges a line."""
    if not text.isprintable():
        text = printable(text)
    if " " in text or "=" in text or '"' in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
