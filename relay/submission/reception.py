"""Reading the content of a message off a connection."""

import asyncio
from datetime import timedelta

import msgspec

from relay.submission.content import SpooledContent
from relay.submission.data import LINE_LIMIT, DataDecoder, Fault
from relay.submission.wire import Wire


class Reception(msgspec.Struct, frozen=True, kw_only=True):
    """What came of reading a message to its end of data."""

    refusal: str | None
    """The reply, when it cannot be taken; nothing of it is kept then."""
    is_ascii: bool


async def receive(
    wire: Wire,
    content: SpooledContent,
    *,
    max_size: int,
    progress_timeout: timedelta,
    total_timeout: timedelta,
) -> Reception:
    """Read up to and with the end of data, into `content`.

    A message that is refused is read to its end too, so that none of it is taken for a command.
    Raises ClientTimedOut and ConnectionEnded, then `content` is as far as it came.
    """
    now = asyncio.get_running_loop().time
    end = now() + total_timeout.total_seconds()
    progress = progress_timeout.total_seconds()
    decoder = DataDecoder()
    refusal: str | None = None
    while not decoder.ended:
        piece = await wire.read_some(min(now() + progress, end))
        octets = decoder.feed(piece)
        if refusal is None:
            refusal = _keep(octets, decoder, content, max_size)
    wire.unread(decoder.rest)
    return Reception(refusal=refusal, is_ascii=decoder.is_ascii)


def _keep(
    octets: bytes, decoder: DataDecoder, content: SpooledContent, max_size: int
) -> str | None:
    """Append `octets`, or drop everything and return the reply that refuses the message."""
    refusal: str | None = None
    if decoder.fault is not None:
        refusal = _explain(decoder.fault, decoder.fault_line)
    elif content.size + len(octets) > max_size:
        refusal = f"552 5.3.4 The message is larger than {max_size} octets"
    else:
        try:
            content.append(octets)
        except OSError:
            refusal = "452 4.3.1 No room for the message now, try again later"
    if refusal is not None:
        content.close()
    return refusal


def _explain(fault: Fault, line: int) -> str:
    if fault is Fault.LONG_LINE:
        return (
            f"550 5.6.0 Line {line} has more than {LINE_LIMIT} octets (RFC 5322 2.1.1), "
            "encode it as quoted-printable or base64"
        )
    return f"550 5.6.0 The message contains a {fault.value} (RFC 5321 2.3.8)"
