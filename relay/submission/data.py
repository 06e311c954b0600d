"""The octets between DATA and the end of data, decoded piece by piece (RFC 5321 4.5.2).

The end of data is CRLF.CRLF and nothing else. A bare CR, a bare LF or a NUL anywhere spoils the
message: servers disagree on what such octets mean, and that disagreement is how a second message
is smuggled past a relay. The decoder still reads on to the true end, so that nothing after a
false one is ever taken for a command.
"""

from enum import Enum

LINE_LIMIT = 998
"""Octets of a line without its CRLF (RFC 5322 2.1.1; RFC 5321 4.5.3.1.6 counts 1000 with it).

A longer line could not be handed on: folding it would break signatures, and the next server may
refuse or cut it. Mail libraries encode such lines (quoted-printable, base64) for that reason.
"""

_END = b"\r\n.\r\n"
# What a piece may end in without our knowing yet whether it is the end of data, a stuffed dot or
# a bare CR; longest first.
_UNDECIDED = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class Fault(Enum):
    """Why a message cannot be taken, whatever its envelope."""

    BARE_CR = "bare CR"
    BARE_LF = "bare LF"
    NUL = "NUL"
    LONG_LINE = "long line"


class DataDecoder:
    """Finds the end of data, removes stuffed dots and looks for what may not be sent on."""

    def __init__(self) -> None:
        self.ended = False
        self.fault: Fault | None = None
        self.fault_line = 0
        """The line of a LONG_LINE, counted from 1."""
        self.is_ascii = True
        self.rest = b""
        """What came after the end of data; it belongs to the next command."""
        # DATA was itself a line: a dot at once is a dot at the beginning of a line.
        self._held = b"\r\n"
        self._skip = len(self._held)
        self._lines = 0
        self._open_line = 0

    def feed(self, piece: bytes) -> bytes:
        """Take the next octets; return those of the message that they settle."""
        raw = self._held + piece
        end = raw.find(_END)
        if end >= 0:
            self.ended = True
            self.rest = raw[end + len(_END) :]
            settled = raw[: end + 2]
            self._held = b""
        else:
            self._held = next((mark for mark in _UNDECIDED if raw.endswith(mark)), b"")
            settled = raw[: len(raw) - len(self._held)]
        if not settled:
            return b""
        if self.fault is None:
            self._look_for_octets(settled)
        content = settled.replace(b"\r\n.", b"\r\n")
        if self._skip:
            content = content[self._skip :]
            self._skip = 0
        if self.fault is None:
            self._measure_lines(content)
        return content

    def _look_for_octets(self, raw: bytes) -> None:
        pairs = raw.count(b"\r\n")
        if raw.count(b"\r") != pairs:
            self.fault = Fault.BARE_CR
        elif raw.count(b"\n") != pairs:
            self.fault = Fault.BARE_LF
        elif b"\0" in raw:
            self.fault = Fault.NUL
        elif self.is_ascii and not raw.isascii():
            self.is_ascii = False

    def _measure_lines(self, content: bytes) -> None:
        """Find a line above the limit, leaping from line end to the last one within reach."""
        begin = -self._open_line
        while len(content) - begin > LINE_LIMIT:
            line_end = content.rfind(b"\n", max(begin, 0), begin + LINE_LIMIT + 2)
            if line_end < 0:
                self.fault = Fault.LONG_LINE
                self.fault_line = self._lines + content.count(b"\n", 0, max(begin, 0)) + 1
                return
            begin = line_end + 1
        last = content.rfind(b"\n")
        self._open_line = len(content) - last - 1 if last >= 0 else self._open_line + len(content)
        self._lines += content.count(b"\n")
