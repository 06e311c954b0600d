"""Octets of a server become replies (RFC 5321 4.2). Bounded and suspicious; no I/O.

What is kept is what was said, with control characters and octets that are not UTF-8 written as
`\\xNN`: the text goes into logs, databases and pages.
"""

import re
from collections import deque

from tracker.model import Reply
from tracker.model.reply import LIMIT

_LINE_LIMIT = 65_536
"""Octets of one line that are waited for; RFC 5321 4.5.3.1.5 allows 512."""
_LINES_LIMIT = 1_000
"""Lines of one reply."""
_FAMILIAR = 16
"""Replies of one line that are remembered of a connection."""
_FAMILIAR_LENGTH = 128
"""Octets of the longest of them."""

_LINE = re.compile(rb"(\d{3})(?:([ -])(.*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters but the tab, and what else some programs take for the end of a line."""


class Garbled(Exception):
    """What came is no SMTP reply, or does not end; the text is one sentence for the record."""


class ReplyReader:
    """Takes octets as they come and puts complete replies into `replies`."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self._buffer = b""
        self._lines: list[str] = []
        self._count = 0
        self._room = LIMIT
        self._familiar: dict[bytes, Reply] = {}
        """A server has the same few words for every message: they are read once."""

    @property
    def is_midway(self) -> bool:
        """True when a reply has begun and not ended."""
        return bool(self._buffer or self._count)

    def feed(self, data: bytes) -> None:
        """Take octets. Raises Garbled; the replies before the fault are in `replies`."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._buffer) > _LINE_LIMIT:
            raise Garbled(f"A line of the reply is longer than {_LINE_LIMIT} octets")

    def _take(self, line: bytes) -> None:
        """Take a line without its LF."""
        if self._count:
            self._read(line)
            return
        familiar = self._familiar.get(line)
        if familiar is not None:
            self.replies.append(familiar)
            return
        self._read(line)
        is_whole = not self._count
        if is_whole and len(self._familiar) < _FAMILIAR and len(line) <= _FAMILIAR_LENGTH:
            self._familiar[line] = self.replies[-1]

    def _read(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        match = _LINE.fullmatch(line)
        if match is None:
            raise Garbled(f'The server does not speak SMTP: "{readable(line[:80])}"')
        self._count += 1
        if self._count > _LINES_LIMIT:
            raise Garbled(f"The reply has more than {_LINES_LIMIT} lines")
        self._keep(match[3] or b"")
        if match[2] == b"-":
            return
        truncated = self._room < 0
        self.replies.append(
            Reply(code=int(match[1]), lines=tuple(self._lines), truncated=truncated)
        )
        self._lines, self._count, self._room = [], 0, LIMIT

    def _keep(self, text: bytes) -> None:
        """Keep what there is room for; a negative room says that something was left out."""
        if self._room < 0:
            return
        line = readable(text[: 4 * LIMIT])
        self._lines.append(line[: self._room])
        self._room -= len(line)


def readable(octets: bytes) -> str:
    """Return the text of `octets`, with what is no text written as `\\xNN`."""
    text = octets.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return _CONTROL.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
