"""A refusal as people have it: copied from a log, a bounce or a page of ours."""

import re
from typing import NamedTuple

from tracker.model import Phase, Reply

LONGEST = 8192
"""Characters that are read."""

_SAID = re.compile(r"host (\S{1,255}?)(?:\[[^\]\s]{1,64}\])? (?:said|refused to talk to me): ")
_IN_REPLY = re.compile(r"\s*\(in reply to (?:the )?([A-Za-z ]{1,30}?)(?: command)?\)\s*$")
_QMAIL_GAVE_UP = re.compile(
    r"\s*I'm not going to try again; this message has been in the queue too long\.?\s*$"
)
"""What qmail adds to what it was told last; that was the reason."""
_BEFORE = re.compile(
    r"^.*?\b(?:Remote host said|SMTP error|said|answered|smtp;|Diagnostic-Code:)\W*"
)
_CODE = re.compile(r"(?:^|[\s;])([245]\d\d)(?=[ -]|$)")
_NEXT_LINE = re.compile(r"[\r\n]+\s*|\s(?=[245]\d\d-[245]\.\d)")
_STATUS = re.compile(r"#?\b([45])\.(\d{1,3})\.(\d{1,3})\b")
_PHASES = {
    "connect": Phase.GREETING,
    "EHLO": Phase.EHLO,
    "HELO": Phase.EHLO,
    "STARTTLS": Phase.STARTTLS,
    "AUTH": Phase.AUTH,
    "MAIL FROM": Phase.MAIL,
    "RCPT TO": Phase.RCPT,
    "DATA": Phase.DATA,
    "end of DATA": Phase.FINAL_DOT,
}
"""How other relays name what was refused."""


class Pasted(NamedTuple):
    """What could be read in it."""

    reply: Reply
    phase: Phase | None
    host: str
    """"" when the text names none."""


def read_pasted(text: str) -> Pasted | None:
    """Return the refusal in `text`; None when there is no reply code of a refusal in it.

    A text that only has an enhanced status code counts as a 450 or a 550.
    """
    text = _QMAIL_GAVE_UP.sub("", text[:LONGEST]).strip()
    host, phase = "", None
    if _CODE.match(text) is None and (found := _SAID.search(text)):
        host, text = found[1], text[found.end() :]
    if found := _IN_REPLY.search(text):
        phase, text = _PHASES.get(found[1]), text[: found.start()]
    reply = _reply_in(text)
    return None if reply is None else Pasted(reply, phase, host)


def _reply_in(text: str) -> Reply | None:
    parts = [part for part in _NEXT_LINE.split(text) if part.strip()]
    for at, part in enumerate(parts):
        start = 0 if _CODE.match(part) else _after_introduction(part)
        code = _CODE.search(part, start)
        if code is not None and code[1][0] in "45":
            head = part[code.end(1) :]
            lines = (head, *parts[at + 1 :])
            return Reply(code=int(code[1]), lines=tuple(_bare(line, code[1]) for line in lines))
    status = _STATUS.search(text)
    if status is None:
        return None
    return Reply(code=int(status[1]) * 100 + 50, lines=tuple(parts))


def _after_introduction(line: str) -> int:
    """Return where the words of the server begin in a line that tells about them."""
    found = _BEFORE.match(line[:500])
    return max(0, found.end() - 1) if found else 0


def _bare(line: str, code: str) -> str:
    """Return a line without its reply code."""
    line = line.strip()
    if re.match(rf"{code}(?:[ -]|$)", line):
        line = line[3:]
    return line.removeprefix("-").strip()
