"""What the HTTP server has to say: faults of ours are errors, what clients get wrong is none."""

import logging

from aiohttp.http_exceptions import HttpProcessingError


def server_log() -> logging.Logger:
    """Return the logger for a server that faces whoever comes: noise of theirs fills no log."""
    logger = logging.getLogger("sendtrace.panel")
    logger.addFilter(_play_down)
    return logger


def _play_down(record: logging.LogRecord) -> bool:
    """Make a note, without its traceback, of what says that a request could not be read."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname, record.exc_info = logging.DEBUG, "DEBUG", None
    return True
