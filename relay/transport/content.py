"""Content on its way to the wire: dot-stuffing across chunks, and a last look. No I/O.

Submission lets no bare CR, bare LF or NUL into the ledger. What is sent is checked once more,
because a server that takes one of them for the end of a line reads a second message after it
(SMTP smuggling).
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing

from tracker.model import Content

Source = Content | Callable[[], AsyncIterable[bytes]]
"""Content in memory, or a function that begins to read it anew."""


class UnfitContent(Exception):
    """The content must not be sent as it is; the text is one sentence for the record."""


class UnreadableContent(Exception):
    """The content could not be read; the text is one sentence for the record."""


class DotStuffer:
    """Doubles the dot at the head of lines (RFC 5321 4.5.2), chunk by chunk."""

    def __init__(self) -> None:
        self._tail = b"\r\n"

    def feed(self, chunk: bytes) -> bytes:
        """Return the octets to send for `chunk`. Raises UnfitContent."""
        if not chunk:
            return b""
        # The last two octets of what went before tell whether the chunk continues a line's end.
        joined = self._tail + chunk
        _check(joined)
        stuffed = joined.replace(b"\r\n.", b"\r\n..")[len(self._tail) :]
        self._tail = joined[-2:]
        return stuffed

    def end(self) -> bytes:
        """Return the final dot, with the end of the last line where it is missing."""
        if self._tail[-1:] == b"\r":
            raise UnfitContent("The content has a CR without LF")
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"


def _check(joined: bytes) -> None:
    """Raise UnfitContent for NUL and for CR and LF that are not together.

    The first octet may be the second half of a pair that was judged before, the last one the
    first half of a pair that will be.
    """
    pairs = joined.count(b"\r\n")
    feeds = joined.count(b"\n") - joined.startswith(b"\n")
    returns = joined.count(b"\r") - joined.endswith(b"\r")
    if feeds != pairs or returns != pairs:
        raise UnfitContent("The content has CR or LF alone")
    if b"\0" in joined:
        raise UnfitContent("The content has a NUL")


async def read(source: Source) -> AsyncGenerator[bytes, None]:
    """Yield the octets of `source` from its beginning. Raises UnreadableContent.

    Close it when leaving early: the ledger may have something open for it.
    """
    chunks = source() if callable(source) else None
    try:
        if chunks is not None:
            async for chunk in chunks:
                yield chunk
        elif not callable(source):
            for chunk in source.chunks():
                yield chunk
    except Exception as problem:
        raise UnreadableContent(f"The content cannot be read: {problem!r}") from problem
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def header_is_ascii(source: Source) -> bool:
    """Say whether the header section is pure ASCII. Raises UnreadableContent."""
    tail = b"\r\n"
    async with aclosing(read(source)) as chunks:
        async for chunk in chunks:
            joined = tail + chunk
            head, end, _ = joined.partition(b"\r\n\r\n")
            if not head.isascii():
                return False
            if end:
                return True
            tail = joined[-3:]
    return True


def blocks_of(data: bytes, size: int) -> Iterable[bytes]:
    """Cut `data` into pieces of `size` octets."""
    return (data[at : at + size] for at in range(0, len(data), size)) if data else ()
