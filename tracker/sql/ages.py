"""What is left in a row of which something is no longer kept."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from tracker.ages import Aging, Walk
from tracker.kept import NO_LONGER_KEPT
from tracker.model import Reply, TargetTry
from tracker.sql.rows import Columns
from tracker.sql.values import to_json, well_formed

_decode_reply = msgspec.json.Decoder(Reply).decode
_decode_tries = msgspec.json.Decoder(tuple[TargetTry, ...]).decode

_CHANGES: Final = {
    Aging.SUBJECT: f"subject = CASE subject WHEN '' THEN '' ELSE '{NO_LONGER_KEPT}' END",
    # Without an address it is a message of ours, which had no client.
    Aging.CLIENT: "client_helo = '', client_port = 0, "
    f"client_address = CASE client_address WHEN '' THEN '' ELSE '{NO_LONGER_KEPT}' END",
}


def message_changes(parts: Collection[Aging]) -> str:
    """Return what an UPDATE sets in messages; empty for nothing."""
    return ", ".join(_CHANGES[part] for part in sorted(parts) if part in _CHANGES)


def chosen(walk: Walk, rows: Iterable[Columns]) -> list[str]:
    """Return the ids of those messages, given as id and account, that a walk is about."""
    return [identifier for identifier, account in rows if walk.concerns(account)]


def stripped(
    reply: str | None, tries: str, words: str = NO_LONGER_KEPT
) -> tuple[str | None, str | None, str]:
    """Return reply_text, reply and tries of an attempt with `words` for anybody's words.

    Codes, hosts, times and protection stay.
    """
    kept = None if reply is None else without_words(_decode_reply(reply), words)
    hosts = [
        replace(one, reply=None if one.reply is None else without_words(one.reply, words), steps=())
        for one in _decode_tries(tries)
    ]
    text = None if kept is None else well_formed(kept.text)
    return text, None if kept is None else to_json(kept), to_json(hosts)


def without_words(reply: Reply, words: str) -> Reply:
    """Return a reply of which the codes are left, with `words` behind them."""
    line: Sequence[str | None] = (reply.enhanced_status_code, words)
    return Reply(code=reply.code, lines=(" ".join(filter(None, line)),))
