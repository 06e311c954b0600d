"""The mailbox grammar of RFC 5321 4.1.2, internationalised as in RFC 6531 3.3.

The local part is opaque to everybody but the host that the domain names (RFC 5321 2.3.11): it is
checked and never interpreted, so neither `%` nor `!` nor a quoted `@` steers a message.
"""

import ipaddress
import re
from functools import lru_cache

import idna
import msgspec

LOCAL_PART_LIMIT = 64
DOMAIN_LIMIT = 253
"""Octets of a name with A-labels; a longer one is no DNS name (RFC 1035 3.1)."""
PATH_LIMIT = 256
"""Octets, angle brackets included (RFC 5321 4.5.3.1.3)."""

# Control characters, surrogates, line separators and marks that turn the direction of what people
# read have no place in an address; every other character beyond ASCII may stand where a letter
# may (RFC 6531 3.3).
_BEYOND = r"\u00a0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_BEYOND}-]+"
_QUOTED = rf'"(?:[ !#-\[\]-~{_BEYOND}]|\\[ -~])*"'
_LOCAL_PART = rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})"
_LITERAL = r"\[[!-Z^-~]+\]"
_NAME = rf"[A-Za-z0-9_.{_BEYOND}-]+"
_MAILBOX = rf"(?P<local_part>{_LOCAL_PART})@(?P<domain>{_NAME}|{_LITERAL})"

_WHOLE = re.compile(_MAILBOX)
_PATH = re.compile(rf"<(?:{_MAILBOX})?>")
_POSTMASTER = re.compile(r"<(?P<local_part>postmaster)>", re.IGNORECASE)
_SOURCE_ROUTE = re.compile(rf"<@{_NAME}(?:,@{_NAME})*:")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class MailboxError(ValueError):
    """It is no mailbox; the message says why, in a sentence that may go into a reply.

    MailboxError
    └── SourceRouteError   it is one, behind a route that we do not follow
    """


class SourceRouteError(MailboxError):
    """A source route stands before the mailbox (RFC 5321 3.6.1, appendix C)."""


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """A local part at a domain."""

    local_part: str
    """As written, quotes included."""
    written_domain: str
    """As written; empty for the bare postmaster."""
    domain: str
    """What mail is routed by: lower case, A-labels; or an address literal with its brackets."""

    def __str__(self) -> str:
        at_domain = f"@{self.written_domain}" if self.written_domain else ""
        return f"{self.local_part}{at_domain}"


def parse_mailbox(text: str) -> Mailbox:
    """Read `text` as one mailbox. Raises MailboxError."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise MailboxError(_fault_of(text, "a mailbox"))
    return _check(match["local_part"], match["domain"])


def parse_path(text: str, *, host: str | None = None) -> tuple[Mailbox | None, str]:
    """Read the path at the head of `text`; return its mailbox and what follows the `>`.

    The mailbox is None for the null path `<>`. With `host`, a bare `<postmaster>` is the
    postmaster of that host (RFC 5321 4.5.1). Raises MailboxError.
    """
    match = _PATH.match(text)
    if match is None:
        return _parse_unusual_path(text, host)
    rest = text[match.end() :]
    if match["local_part"] is None:
        return None, rest
    return _check(match["local_part"], match["domain"]), rest


def _parse_unusual_path(text: str, host: str | None) -> tuple[Mailbox, str]:
    match = _POSTMASTER.match(text)
    if match is not None and host is not None:
        domain = normalize_domain(host)
        mailbox = Mailbox(local_part=match["local_part"], written_domain="", domain=domain)
        return mailbox, text[match.end() :]
    if _SOURCE_ROUTE.match(text):
        raise SourceRouteError("source routes are not followed (RFC 5321 3.6.1)")
    raise MailboxError(_fault_of(text, "a path"))


def _fault_of(text: str, wanted: str) -> str:
    if "@" not in text.partition(">")[0]:
        return "an address has an @ and a domain (RFC 5321 4.1.2)"
    return f"this is not {wanted} (RFC 5321 4.1.2)"


@lru_cache(4096)  # few domains are in most of the mail
def normalize_domain(domain: str) -> str:
    """Return what `domain` is looked up and compared by.

    Names come back in lower case with A-labels (IDNA 2008 after UTS 46 mapping); labels that
    are ASCII already only need the shape of a host name, underscores included. Address literals
    come back in their canonical form. Raises MailboxError.
    """
    if domain.startswith("["):
        return _normalize_literal(domain)
    name = domain.lower() if domain.isascii() else _to_ascii(domain)
    if len(name) > DOMAIN_LIMIT or not all(map(_LABEL.fullmatch, name.split("."))):
        raise MailboxError("this is not a domain name (RFC 5321 4.1.2)")
    return name


def in_letters(domain: str) -> str:
    """Return an internationalized name in its own letters; empty for every other name."""
    if "xn--" not in domain:
        return ""
    try:
        letters = idna.decode(domain)
    except UnicodeError:
        return ""
    return "" if letters == domain else letters


def _to_ascii(domain: str) -> str:
    try:
        # Mapping comes first and on the whole name: it may turn a character into a dot.
        labels = idna.uts46_remap(domain, std3_rules=False, transitional=False).split(".")
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels
        )
    except UnicodeError as error:
        raise MailboxError("this is not an internationalised domain name (RFC 5890)") from error


def _normalize_literal(literal: str) -> str:
    inner = literal[1:-1]
    if literal[-1] != "]":
        raise MailboxError("an address literal ends in a bracket (RFC 5321 4.1.3)")
    try:
        if inner[:5].lower() == "ipv6:":
            if "%" in inner:
                raise MailboxError("an address literal has no zone (RFC 5321 4.1.3)")
            return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
        return f"[{ipaddress.IPv4Address(inner)}]"
    except ipaddress.AddressValueError as error:
        raise MailboxError("this is not an address literal (RFC 5321 4.1.3)") from error


def _check(local_part: str, written_domain: str) -> Mailbox:
    if len(local_part.encode()) > LOCAL_PART_LIMIT:
        raise MailboxError(f"a local part has at most {LOCAL_PART_LIMIT} octets")
    octets = len(local_part.encode()) + len(written_domain.encode()) + len("<@>")
    if octets > PATH_LIMIT:
        raise MailboxError(f"a path has at most {PATH_LIMIT} octets")
    return Mailbox(
        local_part=local_part,
        written_domain=written_domain,
        domain=normalize_domain(written_domain),
    )


def comparable(address: str) -> str:
    """Return an address as it is compared: without case, its domain in A-labels.

    The local part belongs to the domain's host, which may tell "Bob" from "bob" (RFC 5321 2.4);
    hardly any does, and a list that a capital letter gets past is none.
    """
    local, at, domain = address.rpartition("@")
    try:
        domain = normalize_domain(domain)
    except MailboxError:
        domain = domain.lower()
    return f"{local.casefold()}{at}{domain}"
