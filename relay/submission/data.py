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
_DOT_LINE = b"\r\n."
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
        """What came after the end of data, in the same piece; it belongs to the next command."""
        # DATA was itself a line: a dot at once is a dot at the beginning of a line.
        self._held = b"\r\n"
        self._skip = len(self._held)
        self._lines = 0
        self._open_line = 0

    def feed(self, piece: bytes) -> bytes:
        """Take the next octets; return those of the message that they settle."""
        raw = self._held + piece
        dot_line = _find_dot_line(raw)
        stop = self._settle(raw, dot_line)
        settled = raw[:stop]
        if not settled:
            return b""
        line_ends = self._look_for_octets(settled) if self.fault is None else 0
        # The line end that is skipped may be that before a dot, so it goes away after the dots.
        content = settled.replace(_DOT_LINE, b"\r\n") if dot_line >= 0 else settled
        if self._skip:
            content = content[self._skip :]
            self._skip = 0
            line_ends -= 1
        if self.fault is None:
            self.is_ascii = self.is_ascii and content.isascii()
            self._measure_lines(content)
            self._lines += line_ends
        return content

    def _settle(self, raw: bytes, dot_line: int) -> int:
        """Return how many octets belong to the message for certain; keep the others."""
        end = raw.find(_END, dot_line) if dot_line >= 0 else -1
        if end < 0 and raw.endswith(_END):
            end = len(raw) - len(_END)
        if end >= 0:
            self.ended = True
            self.rest = raw[end + len(_END) :]
            self._held = b""
            return end + len(b"\r\n")
        self._held = b""
        if raw[-1:] in b"\r\n.":
            self._held = next((mark for mark in _UNDECIDED if raw.endswith(mark)), b"")
        return len(raw) - len(self._held)

    def _look_for_octets(self, raw: bytes) -> int:
        """Look for what may not be sent on, and return how many line ends there are.

        Whoever takes all CR away and puts one before each LF changes nothing if the two are always
        together. These replacements are the quickest way to find out: twice as quick as counting.
        """
        without_cr = raw.replace(b"\r", b"")
        if without_cr.replace(b"\n", b"\r\n") != raw:
            is_bare_cr = raw.count(b"\r") != raw.count(b"\r\n")
            self.fault = Fault.BARE_CR if is_bare_cr else Fault.BARE_LF
        elif b"\0" in raw:
            self.fault = Fault.NUL
        return len(raw) - len(without_cr)

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


def _find_dot_line(raw: bytes) -> int:
    """Return where a line begins with a dot, not counting an end of data at the very end; or -1.

    The search goes no further than the last dot, and looking for that one is nearly free: what is
    large is mostly base64, which has no dots.
    """
    last = raw.rfind(b".", 0, len(raw) - 3 if raw.endswith(_END) else len(raw))
    return raw.find(_DOT_LINE, 0, last + 1)
