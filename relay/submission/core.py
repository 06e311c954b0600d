"""The protocol without its I/O: octets of the client in, what they say out.

Whoever owns the connection hands over what arrived, in whatever pieces, and asks for events until
there is none. How the octets were cut into pieces does not show in the events, except in how a
content is cut into its own.

An event is one of `Command`, `Malformed` and `Content`; None means that more octets are needed.
"""

import msgspec

from relay.submission.commands import Refused, parse_line
from relay.submission.data import DataDecoder

LINE_LIMIT = 12288 + 2
"""Octets of the longest line, an AUTH response (RFC 4954 4), with its CRLF."""

CONTENT_LIMIT = 128 * 1024
"""Octets of a message that are decoded at a time: what is larger does not stay in the processor's
cache from one pass to the next, and is asked of the system and given back for each."""

_COMMAND_LIMIT = 512
_COMMAND_LIMITS = {"MAIL": 2048, "RCPT": 2048, "AUTH": LINE_LIMIT}
"""Octets with CRLF (RFC 5321 4.5.3.1.4); with room for the parameters of RFC 3461 and 4954."""

_CR = 13


class Command(msgspec.Struct, frozen=True):
    """A command line."""

    verb: str
    """In upper case."""
    argument: str


class Malformed(msgspec.Struct, frozen=True):
    """A line that is no command; all of it has been dropped."""

    reply: str
    """What is wrong with it, for the client to read."""


class Content(msgspec.Struct, frozen=True):
    """Octets of a message, its dots unstuffed."""

    octets: bytes
    is_last: bool
    """True when the end of data came behind them; then commands follow."""


LINE_TOO_LONG = Malformed("500 5.5.2 Line too long")
BARE_LINE_FEED = Malformed("500 5.5.2 A line ends with CR and LF (RFC 5321 2.3.8)")


class Core:
    """What the client of one connection says."""

    __slots__ = ("_at", "_data", "_decoder", "_is_overrun", "_later", "_later_size")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        """Where in `_data` begins what nobody has had yet."""
        self._later: list[bytes] = []
        """What arrived after `_data` while that was not used up: put together only when it is, so
        that many small pieces do not make it be copied many times."""
        self._later_size = 0
        self._is_overrun = False
        """The beginning of a line above the limit has been dropped."""
        self._decoder: DataDecoder | None = None

    def receive(self, data: bytes) -> None:
        """Take octets that arrived."""
        if self._at == len(self._data) and not self._later:
            self._data, self._at = data, 0
        else:
            self._later.append(data)
            self._later_size += len(data)

    @property
    def waiting(self) -> int:
        """Octets that arrived and are in no event yet."""
        return len(self._data) - self._at + self._later_size

    def forget(self) -> None:
        """Drop what has arrived so far."""
        self._data, self._at = b"", 0
        self._later.clear()
        self._later_size = 0
        self._is_overrun = False

    def begin_content(self) -> DataDecoder:
        """Take what follows for the content of a message, which the decoder judges."""
        self._decoder = DataDecoder()
        return self._decoder

    def next_event(self) -> Command | Malformed | Content | None:
        """Return what comes next, None when too little has arrived to say."""
        if self._at == len(self._data) and not self._later:
            return None
        if self._decoder is not None:
            return self._next_content(self._decoder)
        line = self.next_line()
        return _read_command(line) if isinstance(line, bytes) else line

    def next_line(self) -> bytes | Malformed | None:
        """Return the next line without its CRLF: for an exchange within a command, as AUTH has."""
        end = self._data.find(b"\n", self._at)
        if end < 0:
            self._gather()
            end = self._data.find(b"\n")
            if end < 0:
                self._keep_beginning()
                return None
        begin, self._at = self._at, end + 1
        if self._is_overrun or self._at - begin > LINE_LIMIT:
            self._is_overrun = False
            return LINE_TOO_LONG
        if end == begin or self._data[end - 1] != _CR:
            return BARE_LINE_FEED
        return self._data[begin : end - 1]

    def _keep_beginning(self) -> None:
        """Keep the beginning of a line, unless nobody wants it any more."""
        if self._is_overrun or len(self._data) > LINE_LIMIT:
            self._is_overrun = True
            self._data = b""

    def _gather(self) -> None:
        """Put together what has arrived and nobody has had."""
        if self._later:
            self._data = b"".join([self._data[self._at :], *self._later])
            self._later.clear()
            self._later_size = 0
        else:
            self._data = self._data[self._at :]
        self._at = 0

    def _next_content(self, decoder: DataDecoder) -> Content:
        if self._at == len(self._data):
            self._gather()
        piece = self._data[self._at : self._at + CONTENT_LIMIT]
        octets = decoder.feed(piece)
        self._at += len(piece)
        if decoder.ended:
            self._at -= len(decoder.rest)
            self._decoder = None
        return Content(octets, decoder.ended)


def _read_command(line: bytes) -> Command | Malformed:
    try:
        verb, argument = parse_line(line)
    except Refused as refused:
        return Malformed(refused.reply)
    length = len(line) + 2  # with CRLF
    if length > _COMMAND_LIMIT and length > _COMMAND_LIMITS.get(verb, _COMMAND_LIMIT):
        return LINE_TOO_LONG
    return Command(verb, argument)
