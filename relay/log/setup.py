"""How a line looks, by configuration."""

import logging
import platform
from collections.abc import MutableMapping
from typing import Any

import structlog

from relay.log.delivery_line import DeliveryLine
from relay.log.output import DirectWriter, LineWriter

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(format_: str, level: str, writer: LineWriter | DirectWriter, **context: str) -> None:
    """Set up structlog for this process to write to `writer`.

    `format_` is json, logfmt or console; `context` is said on every line.
    """
    renderers: dict[str, Any] = {
        "json": structlog.processors.JSONRenderer(ensure_ascii=True),
        "logfmt": structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "event"], drop_missing=True, bool_as_flag=False
        ),
        "console": structlog.dev.ConsoleRenderer(colors=False),
    }
    structlog.configure(
        processors=[
            _add(context),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _make_harmless,
            renderers[format_] if format_ == "json" else _as_it_is(renderers[format_]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    # Libraries that use the standard library's logging say only what is wrong.
    logging.basicConfig(level=logging.WARNING, handlers=[_Bridge()], force=True)


class _Bridge(logging.Handler):
    """Passes records of the standard library's logging on."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        logger.log(record.levelno, record.getMessage(), logger=record.name)


def _as_it_is(render: Any) -> Any:
    """Return a renderer that leaves delivery lines in the form that tools for them read.

    JSON has to stay JSON: there they are events like all others.
    """
    host = platform.node() or "localhost"

    def write(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if isinstance(event["event"], DeliveryLine):
            return f"{event['timestamp']} {host} {event['event']}"
        return render(logger, method, event)

    return write


def _add(context: dict[str, str]) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.update(context)
        return event

    return add


def _make_harmless(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters, so that nothing remote can forge a line or move a cursor."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value
            )
    return event
