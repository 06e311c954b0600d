"""What a report says that came after the receiver had accepted a message (RFC 3464). Pure.

It is on record as the text of an event, so that whoever reads the timeline, in the panel, through
the API or in a terminal, reads it as it stands.
"""

import re
from typing import Final

import msgspec

from tracker.model import Reply

DIAGNOSTIC_LIMIT: Final = 4096
"""Characters of a diagnosis that are kept."""
_NAMES: Final = ("Reported by", "For", "Status")
_DIAGNOSIS: Final = "Diagnosis: "
_SMTP: Final = re.compile(r"\s*(?:smtp\s*;)?\s*([45]\d\d)[ -]?(.*)", re.IGNORECASE | re.DOTALL)
_LEADING_CODE: Final = re.compile(r"[45]\d\d[ -]")
_STATUS: Final = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a report that the message failed for."""

    reporting_mta: str = ""
    final_recipient: str = ""
    status: str = ""
    """Enhanced status code (RFC 3463), e.g. "5.1.1"."""
    diagnostic: str = ""
    """Diagnostic-Code with its type, e.g. "smtp; 550 5.1.1 No such user"; lines joined by "\\n"."""

    @property
    def reply(self) -> Reply:
        """What the other server would have said to us; made up of the status where it says less."""
        match = _SMTP.match(self.diagnostic)
        if match is None:
            kept = self.diagnostic.partition(";")[2].strip() or self.diagnostic
            code = self.status if _STATUS.fullmatch(self.status) else ""
            return Reply(code=550, lines=tuple(f"{code} {kept}".strip().split("\n")))
        lines = [_LEADING_CODE.sub("", line, count=1) for line in match[2].split("\n")]
        if _STATUS.match(lines[0]) is None and _STATUS.fullmatch(self.status):
            lines[0] = f"{self.status} {lines[0]}"
        return Reply(code=int(match[1]), lines=tuple(lines))


def write_return(returned: Returned) -> str:
    """Return the text that is kept; `read_return` reads it."""
    values = (returned.reporting_mta, returned.final_recipient, returned.status)
    lines = [
        f"{name}: {' '.join(value.split())}"
        for name, value in zip(_NAMES, values, strict=True)
        if value.strip()
    ]
    diagnostic = returned.diagnostic.strip()[:DIAGNOSTIC_LIMIT]
    if diagnostic:
        lines.append(f"{_DIAGNOSIS}{diagnostic}")
    return "\n".join(lines)


def read_return(text: str) -> Returned:
    """Read what `write_return` wrote; of other text everything is the diagnosis."""
    found: dict[str, str] = {}
    rest = text
    while True:
        line, _, following = rest.partition("\n")
        name, separator, value = line.partition(": ")
        if not separator or name not in _NAMES or name in found:
            break
        found[name] = value
        rest = following
    reporting_mta, final_recipient, status = (found.get(name, "") for name in _NAMES)
    return Returned(
        reporting_mta=reporting_mta,
        final_recipient=final_recipient,
        status=status,
        diagnostic=rest.removeprefix(_DIAGNOSIS),
    )
