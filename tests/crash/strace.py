"""Reads what strace saw: was the ledger on the disk before the client read 250?"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SYSTEM_CALLS = (
    "read,readv,recvfrom,recvmsg,"
    "write,writev,sendto,sendmsg,"
    "pwrite64,pwritev,pwritev2,fsync,fdatasync"
)

_LINE = re.compile(
    r"^(?P<process>\d+) +(?P<resumed><\.\.\. )?(?P<call>\w+)(?: resumed>|\()(?P<text>.*)$"
)
_RECEIVING = {"read", "readv", "recvfrom", "recvmsg"}
_SENDING = {"write", "writev", "sendto", "sendmsg"}
_WRITING = {"pwrite64", "pwritev", "pwritev2"}
_SYNCING = {"fsync", "fdatasync"}


@dataclass(frozen=True)
class _Call:
    """A system call at its beginning, at its end, or whole."""

    process: str
    name: str
    text: str
    begins: bool
    ends: bool


def find_broken_promises(trace: Iterable[str], log_file: str, tokens: Iterable[str]) -> list[str]:
    """Return the tokens of messages whose 250 was sent before they were on the disk.

    `trace` is the output of `strace -f -y`; the messages, each with its token in its content, were
    submitted one after another. A message is on the disk when, after the token was received,
    `log_file` (SQLite's write-ahead log) was written to, and a sync of it, begun after
    the last write, has succeeded. A token that was never received or never acknowledged counts as
    broken too: then the trace proves nothing.
    """
    broken = []
    steps = _steps(trace, log_file)
    for token in tokens:
        written = synced = acknowledged = False
        for step, text in steps:
            if step == "received" and token in text:
                written = synced = False
            elif step == "written":
                written, synced = True, False
            elif step == "synced":
                synced = True
            elif step == "acknowledged":
                acknowledged = True
                break
        if not (acknowledged and written and synced):
            broken.append(token)
    return broken


def _calls(trace: Iterable[str]) -> Iterator[_Call]:
    begun: dict[str, str] = {}
    for line in trace:
        match = _LINE.match(line)
        if match is None:
            continue
        process, text = match["process"], begun.pop(match["process"], "") + match["text"]
        ends = not text.endswith("<unfinished ...>")
        if not ends:
            begun[process] = text.removesuffix("<unfinished ...>")
        yield _Call(process, match["call"], text, match["resumed"] is None, ends)


def _steps(trace: Iterable[str], log_file: str) -> Iterator[tuple[str, str]]:
    """Yield received, written, synced and acknowledged in the order in which they happened."""
    writes = 0
    writes_at_sync: dict[str, int] = {}
    for call in _calls(trace):
        on_log = f"{log_file}>" in call.text
        if call.name in _RECEIVING and call.ends:
            yield "received", call.text
        elif call.name in _SENDING and call.begins and "250 2.0.0 " in call.text:
            yield "acknowledged", call.text
        elif call.name in _WRITING and call.ends and on_log:
            writes += 1
            yield "written", call.text
        elif call.name in _SYNCING and on_log:
            if call.begins:
                writes_at_sync[call.process] = writes
            if call.ends and call.text.endswith("= 0") and writes_at_sync[call.process] == writes:
                yield "synced", call.text
