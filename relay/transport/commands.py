"""The lines we send for an envelope, with the parameters a server has announced. Pure.

Addresses go out byte for byte as they were validated at submission: no library may quote, fold
or "correct" them on the way.
"""

from collections.abc import Mapping

import idna
import msgspec

from tracker.model import Body, Message, Notify, Recipient

_XTEXT = frozenset(range(33, 127)) - frozenset(b"+=")
_NOTIFY_ORDER = (Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY)


class Extensions(msgspec.Struct, frozen=True, kw_only=True):
    """What a server announced in its reply to EHLO (RFC 5321 4.1.1.1)."""

    keywords: tuple[str, ...] = ()
    """In upper case and in the server's order."""
    size_limit: int | None = None
    """The fixed maximum of SIZE (RFC 1870 3); None when it has none."""
    recipients_limit: int | None = None
    """RCPTMAX of LIMITS (RFC 9422 4.2)."""
    auth: tuple[str, ...] = ()
    """Mechanisms of AUTH, in lower case."""

    @classmethod
    def of(cls, parameters: Mapping[str, str], auth: list[str]) -> "Extensions":
        """Read what aiosmtplib's parser returns: keywords in lower case, mechanisms."""
        limits = dict(word.partition("=")[::2] for word in parameters.get("limits", "").split())
        return cls(
            keywords=tuple(keyword.upper() for keyword in parameters),
            size_limit=_number(parameters.get("size", "")),
            recipients_limit=_number(limits.get("RCPTMAX", "")),
            auth=tuple(auth),
        )

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords


def mail_command(message: Message, extensions: Extensions, *, smtputf8: bool) -> str:
    """Return MAIL for `message` (RFC 5321 4.1.1.2).

    `smtputf8` says that the transaction is an internationalised one (RFC 6531 3.4); otherwise an
    internationalised domain is written in A-labels.
    """
    path = message.reverse_path if smtputf8 else ascii_path(message.reverse_path)
    words = [f"MAIL FROM:<{path}>"]
    if "SIZE" in extensions:
        words.append(f"SIZE={message.size}")
    if message.body is Body.EIGHT_BIT_MIME and "8BITMIME" in extensions:
        words.append("BODY=8BITMIME")
    if smtputf8:
        words.append("SMTPUTF8")
    if (message.ret is not None or message.envid is not None) and "DSN" in extensions:
        if message.ret is not None:
            words.append(f"RET={message.ret}")
        if message.envid is not None:
            words.append(f"ENVID={message.envid}")
    return " ".join(words)


def rcpt_command(recipient: Recipient, extensions: Extensions, *, smtputf8: bool) -> str:
    """Return RCPT for `recipient` (RFC 5321 4.1.1.3), with its DSN parameters (RFC 3461 5.2.1).

    Where the client asked for particular DSNs and named no original recipient, the address we
    were given is the original one and goes along, so that those DSNs name what the sender knows.
    """
    path = recipient.forward_path if smtputf8 else ascii_path(recipient.forward_path)
    words = [f"RCPT TO:<{path}>"]
    if (recipient.notify is not None or recipient.orcpt is not None) and "DSN" in extensions:
        orcpt = recipient.orcpt
        if recipient.notify is not None:
            chosen = ",".join(n.value for n in _NOTIFY_ORDER if n in recipient.notify)
            words.append(f"NOTIFY={chosen}")
            if orcpt is None and recipient.forward_path.isascii():
                orcpt = f"rfc822;{xtext(recipient.forward_path)}"
        if orcpt is not None:
            words.append(f"ORCPT={orcpt}")
    return " ".join(words)


def ascii_path(path: str) -> str:
    """Return `path` with its domain in A-labels (RFC 5891) where that makes it ASCII.

    A local part has no such form: a path with one that is not ASCII comes back as it was.
    """
    if path.isascii():
        return path
    local, at, domain = path.rpartition("@")
    if not local.isascii():
        return path
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return path


def xtext(text: str) -> str:
    """Encode ASCII `text` as xtext (RFC 3461 4)."""
    return "".join(
        chr(octet) if octet in _XTEXT else f"+{octet:02X}" for octet in text.encode("ascii")
    )


def _number(text: str) -> int | None:
    """Return a limit; 0 and anything that is no number of sane length mean that there is none."""
    first = text.split()[0] if text.split() else ""
    number = int(first) if first.isascii() and first.isdigit() and len(first) < 20 else 0
    return number or None
