"""How a line looks, by configuration."""

import logging
import platform
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

from relay.log.delivery_line import DeliveryLine
from relay.log.logfmt import LogfmtLine
from relay.log.output import DirectWriter, LineWriter
from tracker.printing import printable

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(format_: str, level: str, writer: LineWriter | DirectWriter, **context: str) -> None:
    """Set up structlog for this process to write to `writer`.

    `format_` is json, logfmt or console; `context` is said on every line.
    """
    structlog.configure(
        processors=_processors(format_, context),
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
        more = {"exc_info": record.exc_info} if record.exc_info else {}
        logger.log(record.levelno, record.getMessage(), logger=record.name, **more)


def _processors(format_: str, context: dict[str, str]) -> list[Any]:
    host = platform.node() or "localhost"
    if format_ == "logfmt":
        return [LogfmtLine(context, host, time.time)]
    steps = [
        _add(context),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _make_harmless,
    ]
    if format_ == "json":
        return [*steps, structlog.processors.JSONRenderer(ensure_ascii=True)]
    return [*steps, _as_it_is(structlog.dev.ConsoleRenderer(colors=False), host)]


def _as_it_is(render: Any, host: str) -> Any:
    """Return a renderer that leaves delivery lines in the form that tools for them read.

    JSON has to stay JSON: there they are events like all others.
    """

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
            event[key] = printable(value)
    return event
