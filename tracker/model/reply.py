"""What a remote server answered, word for word (RFC 5321 4.2)."""

import re

import msgspec

LIMIT = 8192
"""Characters of one reply that are kept; `Reply.truncated` says when there was more."""

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


def status_code_at_head(text: str) -> str | None:
    """Return the enhanced status code (RFC 3463) that `text` begins with, if any."""
    match = _ENHANCED.match(text)
    return None if match is None else match[0]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply of a server: the code and the text of each line after it."""

    code: int
    lines: tuple[str, ...] = ()
    truncated: bool = False

    @property
    def enhanced_status_code(self) -> str | None:
        """The enhanced status code (RFC 2034, 3463) at the head of the first line, if any.

        One whose class contradicts the reply code is no statement at all and yields None.
        """
        found = status_code_at_head(self.lines[0]) if self.lines else None
        return found if found is not None and found[0] == str(self.code)[0] else None

    @property
    def text(self) -> str:
        """The reply as on the wire: each line behind its code, lines joined by a newline."""
        lines = self.lines or ("",)
        last = len(lines) - 1
        return "\n".join(
            f"{self.code}{' ' if i == last else '-'}{line}" if line or i < last else str(self.code)
            for i, line in enumerate(lines)
        )

    @property
    def is_positive(self) -> bool:
        """2yz (RFC 5321 4.2.1)."""
        return 200 <= self.code < 300

    @property
    def is_temporary(self) -> bool:
        """4yz (RFC 5321 4.2.1)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """5yz (RFC 5321 4.2.1)."""
        return 500 <= self.code < 600

    @property
    def is_refusal(self) -> bool:
        """4yz or 5yz (RFC 5321 4.2.1)."""
        return 400 <= self.code < 600
