"""The content of a message on its way in: kept, or refused at its end."""

from relay.submission.content import SpooledContent
from relay.submission.data import LINE_LIMIT, DataDecoder, Fault


class Reception:
    """Keeps what a decoder brings forth, unless the message cannot be taken.

    One that is refused is read to its end too, so that none of it is taken for a command; nothing
    of it is kept.
    """

    def __init__(
        self, decoder: DataDecoder, content: SpooledContent, *, max_size: int, end: float
    ) -> None:
        """`end` is when all of it must have come, by the loop's clock."""
        self.content = content
        self.refusal: str | None = None
        """The reply, when the message cannot be taken."""
        self.end = end
        self._decoder = decoder
        self._max_size = max_size

    @property
    def is_ascii(self) -> bool:
        """True when all octets so far are ASCII."""
        return self._decoder.is_ascii

    def add(self, octets: bytes) -> None:
        """Take the next octets that the decoder gave."""
        if self.refusal is None:
            self.refusal = self._keep(octets)
            if self.refusal is not None:
                self.drop()

    def _keep(self, octets: bytes) -> str | None:
        """Keep `octets`, or return the reply that refuses the message."""
        if self._decoder.fault is not None:
            return _explain(self._decoder.fault, self._decoder.fault_line)
        if self.content.size + len(octets) > self._max_size:
            return f"552 5.3.4 The message is larger than {self._max_size} octets"
        try:
            self.content.append(octets)
        except OSError:
            return "452 4.3.1 No room for the message now, try again later"
        return None

    def drop(self) -> None:
        """Let go of what has come."""
        self.content.close()


def _explain(fault: Fault, line: int) -> str:
    if fault is Fault.LONG_LINE:
        return (
            f"550 5.6.0 Line {line} has more than {LINE_LIMIT} octets (RFC 5322 2.1.1), "
            "encode it as quoted-printable or base64"
        )
    return f"550 5.6.0 The message contains a {fault.value} (RFC 5321 2.3.8)"
