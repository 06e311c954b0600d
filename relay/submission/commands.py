"""Command lines, and the arguments of MAIL and RCPT (RFC 5321 4.1.1), read strictly.

Parameter values keep their case and their encoding: ENVID and ORCPT come back in DSNs as they
came. Nothing is repaired; what does not fit the grammar is refused with a reply that says why.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from tracker.mailbox import (
    LOCAL_PART_LIMIT,
    PATH_LIMIT,
    Mailbox,
    MailboxError,
    normalize_domain,
    parse_path,
)
from tracker.model import Body, EnvelopeRecipient, Notify, Ret

ENVID_LIMIT = 100
"""Characters (RFC 3461 4.4)."""
ORCPT_LIMIT = 500
"""Characters (RFC 3461 4.2)."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\x00-\x20\x7f]+))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]+")
# RFC 6533 3: what stands for itself, a hexadecimal code point, and, with SMTPUTF8, raw UTF-8.
_UTF8_ADDRESS = re.compile(
    r"(?:[!-*,-<>-\[\]-~\u00a0-\ud7ff\ue000-\U0010ffff]|\\x\{(?P<code>[0-9A-F]{2,6})\})+"
)
_HEX_PAIR = re.compile(r"\+([0-9A-F]{2})")
_CODE_POINT = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_SIZE = re.compile(r"[0-9]{1,20}")

# The commands as nearly all clients write them, read at one go. What these do not match, or match
# with a path that is too long or a domain that is none, is for the whole grammar to read or refuse.
_ATOM = r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]+"  # without % and !: some think that these route mail
_ORDINARY_PATH = rf"<({_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9_.-]+)>"
_ORDINARY_MAIL = re.compile(
    rf"FROM:{_ORDINARY_PATH}(?: SIZE=([0-9]{{1,20}}))?(?: BODY=(7BIT|8BITMIME))?",
    re.ASCII | re.IGNORECASE,
)
_ORDINARY_RCPT = re.compile(rf"TO:{_ORDINARY_PATH}", re.ASCII | re.IGNORECASE)


class Refused(Exception):
    """The command gets this reply and changes nothing."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A MAIL command."""

    reverse_path: Mailbox | None
    """None for the null reverse-path."""
    size: int | None = None
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    ret: Ret | None = None
    envid: str | None = None


@dataclass(slots=True)
class Transaction:
    """A mail transaction (RFC 5321 3.3) as far as it has come."""

    mail: Mail
    recipients: dict[Hashable, EnvelopeRecipient] = field(default_factory=dict)
    """By what makes them the same, in the order in which they came."""


def what_is_asked(recipient: EnvelopeRecipient) -> Hashable:
    """Return what two RCPT commands have in common when the second asks for nothing new.

    That is the mailbox, whose domain may be written in upper or lower case and with A-labels or
    U-labels, while its local part counts exactly as given (RFC 5321 2.4); and NOTIFY and ORCPT. A
    relay passes on each recipient with the parameters that it came with (RFC 3461 5.2.1), and the
    sender knows its reports apart by ORCPT (RFC 3461 4.2). So the same mailbox with others is
    another recipient: to drop it, or to join the two, would report what nobody asked for.
    """
    local_part = recipient.forward_path.rpartition("@")[0]
    return local_part, recipient.domain, recipient.notify, recipient.orcpt


def parse_line(line: bytes) -> tuple[str, str]:
    """Split a command line into its verb, in upper case, and its argument. Raises Refused."""
    line = line.rstrip(b" \t")
    text = line.decode(errors="surrogateescape")
    if not text.isprintable():  # neither are other things, yet this is quick and nearly always so
        if _CONTROL.search(line):
            raise Refused("501 5.5.2 Control characters are not allowed")
        _check_utf8(line)
    verb, _, argument = text.partition(" ")
    return verb.upper(), argument


def _check_utf8(line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError:
        raise Refused("501 5.5.2 This is neither ASCII nor UTF-8") from None


def parse_mail(argument: str) -> Mail:
    """Read what stands behind `MAIL `. Raises Refused."""
    return parse_ordinary_mail(argument) or parse_any_mail(argument)


def parse_ordinary_mail(argument: str) -> Mail | None:
    """Read it if it is of the ordinary form; else return None."""
    match = _ORDINARY_MAIL.fullmatch(argument)
    if match is None:
        return None
    path, size, body = match.groups()
    mailbox = _read_ordinary_path(path)
    if mailbox is None:
        return None
    return Mail(
        reverse_path=mailbox,
        size=None if size is None else int(size),
        body=Body.SEVEN_BIT if body is None else Body(body.upper()),
    )


def _read_ordinary_path(path: str) -> Mailbox | None:
    local_part, _, written_domain = path.partition("@")
    if len(local_part) > LOCAL_PART_LIMIT or len(path) > PATH_LIMIT - len("<>"):
        return None
    try:
        domain = normalize_domain(written_domain)
    except MailboxError:
        return None
    return Mailbox(local_part=local_part, written_domain=written_domain, domain=domain)


def parse_any_mail(argument: str) -> Mail:
    """Read it by the whole grammar. Raises Refused."""
    path, parameters = _split(argument, "FROM:", _MAIL_PARAMETERS, None, malformed="553 5.1.7")
    smtputf8 = "SMTPUTF8" in parameters
    _check_ascii(path, smtputf8)
    size = parameters.get("SIZE")
    body = parameters.get("BODY")
    ret = parameters.get("RET")
    return Mail(
        reverse_path=path,
        size=None if size is None else int(size),
        body=Body.SEVEN_BIT if body is None else Body(body.upper()),
        smtputf8=smtputf8,
        ret=None if ret is None else Ret(ret.upper()),
        envid=parameters.get("ENVID"),
    )


def parse_rcpt(argument: str, *, smtputf8: bool, hostname: str) -> EnvelopeRecipient:
    """Read what stands behind `RCPT `. Raises Refused."""
    ordinary = parse_ordinary_rcpt(argument)
    return ordinary or parse_any_rcpt(argument, smtputf8=smtputf8, hostname=hostname)


def parse_ordinary_rcpt(argument: str) -> EnvelopeRecipient | None:
    """Read it if it is of the ordinary form; else return None."""
    match = _ORDINARY_RCPT.fullmatch(argument)
    mailbox = _read_ordinary_path(match[1]) if match is not None else None
    if match is None or mailbox is None:
        return None
    return EnvelopeRecipient(forward_path=match[1], domain=mailbox.domain)


def parse_any_rcpt(argument: str, *, smtputf8: bool, hostname: str) -> EnvelopeRecipient:
    """Read it by the whole grammar. Raises Refused."""
    path, parameters = _split(argument, "TO:", _RCPT_PARAMETERS, hostname, malformed="553 5.1.3")
    if path is None:
        raise Refused("553 5.1.3 The null path is no recipient (RFC 5321 4.1.1.3)")
    _check_ascii(path, smtputf8)
    orcpt = parameters.get("ORCPT")
    if orcpt is not None and not smtputf8 and not orcpt.isascii():
        raise Refused("501 5.5.4 ORCPT: non-ASCII characters need SMTPUTF8 (RFC 6533 3)")
    if path.domain == hostname and any(mark in path.local_part for mark in "%!@"):
        # Only the host named by the domain may look into the local part. Here that is us, and
        # we do not relay by it.
        raise Refused("550 5.7.1 Sender-specified routing is not followed")
    notify = parameters.get("NOTIFY")
    return EnvelopeRecipient(
        forward_path=str(path),
        domain=path.domain,
        notify=None if notify is None else frozenset(map(Notify, notify.upper().split(","))),
        orcpt=orcpt,
    )


def _check_ascii(path: Mailbox | None, smtputf8: bool) -> None:
    if path is not None and not smtputf8 and not str(path).isascii():
        raise Refused("553 5.6.7 Non-ASCII addresses need SMTPUTF8 (RFC 6531 3.5)")


def _split(
    argument: str,
    keyword: str,
    known: "Mapping[str, _Check]",
    host: str | None,
    *,
    malformed: str,
) -> tuple[Mailbox | None, dict[str, str]]:
    """Split an argument into its path and its parameters, every value checked."""
    if argument[: len(keyword)].upper() != keyword:
        raise Refused(f"501 5.5.4 Syntax: {keyword}<address>")
    # RFC 5321 3.3 forbids a space here; too many clients send one.
    text = argument[len(keyword) :].removeprefix(" ")
    if not text.startswith("<"):
        raise Refused(f"501 5.5.4 Syntax: {keyword}<address>, with the angle brackets")
    try:
        path, rest = parse_path(text, host=host)
    except MailboxError as error:
        raise Refused(f"{malformed} Bad address: {error}") from error
    if rest and not rest.startswith(" "):
        raise Refused("501 5.5.4 A space goes between address and parameters")
    return path, _read_parameters(rest.split(" ")[1:], known)


def _read_parameters(words: list[str], known: "Mapping[str, _Check]") -> dict[str, str]:
    parameters: dict[str, str] = {}
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise Refused("501 5.5.4 A parameter is malformed (RFC 5321 4.1.2)")
        name = match[1].upper()
        check = known.get(name)
        if check is None:
            raise Refused(f"555 5.5.4 Parameter {name[:40]} is not known here")
        if name in parameters:
            raise Refused(f"501 5.5.4 Parameter {name} is given twice")
        if not check(match[2]):
            raise Refused(f"501 5.5.4 Parameter {name} has no valid value")
        parameters[name] = match[2] or ""
    return parameters


# --- values of parameters ----------------------------------------------------------------------

_Check = Callable[[str | None], bool]


def _is_one_of(*values: str) -> _Check:
    return lambda value: value is not None and value.upper() in values


def _is_absent(value: str | None) -> bool:
    return value is None


def _is_size(value: str | None) -> bool:
    return value is not None and _SIZE.fullmatch(value) is not None


def _is_notify(value: str | None) -> bool:
    """NEVER, or a list of the others (RFC 3461 4.1)."""
    if value is None:
        return False
    words = value.upper().split(",")
    return words == ["NEVER"] or set(words) <= {"SUCCESS", "FAILURE", "DELAY"}


def _is_envid(value: str | None) -> bool:
    return value is not None and len(value) <= ENVID_LIMIT and _is_printable_xtext(value)


def _is_auth(value: str | None) -> bool:
    """A mailbox as xtext, or <> (RFC 4954 5). We trust no client enough to use it."""
    return value is not None and _is_printable_xtext(value)


def _is_orcpt(value: str | None) -> bool:
    """An address type and an address (RFC 3461 4.2; RFC 6533 3 for the type utf-8)."""
    if value is None or len(value) > ORCPT_LIMIT:
        return False
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or not _ADDRESS_TYPE.fullmatch(kind):
        return False
    if kind.lower() == "utf-8":
        return _is_utf8_address(address)
    return _is_printable_xtext(address)


def _is_printable_xtext(text: str) -> bool:
    """Say whether it is xtext (RFC 3461 4) of printable ASCII: no line end hides in it."""
    if not _XTEXT.fullmatch(text):
        return False
    return all(" " <= chr(int(pair, 16)) <= "~" for pair in _HEX_PAIR.findall(text))


def _is_utf8_address(text: str) -> bool:
    if not _UTF8_ADDRESS.fullmatch(text):
        return False
    codes = (int(code, 16) for code in _CODE_POINT.findall(text))
    return all(0x20 <= code < 0x7F or 0xA0 <= code <= 0x10FFFF for code in codes)


_MAIL_PARAMETERS: Mapping[str, _Check] = MappingProxyType(
    {
        "SIZE": _is_size,
        "BODY": _is_one_of("7BIT", "8BITMIME"),
        "SMTPUTF8": _is_absent,
        "RET": _is_one_of("FULL", "HDRS"),
        "ENVID": _is_envid,
        "AUTH": _is_auth,
    }
)
_RCPT_PARAMETERS: Mapping[str, _Check] = MappingProxyType(
    {"NOTIFY": _is_notify, "ORCPT": _is_orcpt}
)
