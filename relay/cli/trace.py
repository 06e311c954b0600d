"""`sendtrace trace`: the tracking search in a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from relay.cli.common import (
    ConfigOption,
    JsonOption,
    LimitOption,
    QueryArgument,
    print_json,
    with_ledger,
)
from relay.cli.find import find, find_refused
from relay.cli.show import refusal_line, row_data, trace_lines
from tracker.printing import printable

RefusedOption = Annotated[
    bool,
    typer.Option("--refused", help="Search what was not taken instead."),
]

_NOTHING_REFUSED = "nothing was refused to an account or a trusted network"
_NONE_MATCHES = f"{_NOTHING_REFUSED} that matches; mail that was taken is not searched here"


def trace(
    query: QueryArgument = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    refused: RefusedOption = False,
) -> None:
    """Search the record as the panel's search box does.

    For example: sendtrace trace 'to:bob@example.org since:2d'. What people paste is read too: a
    Message-ID, a reply or a log line with a queue id, a whole bounce: sendtrace trace "$(cat)"
    """
    if refused:
        _trace_refused(query, limit, config, as_json=as_json)
        return
    rows = with_ledger(config, lambda ledger, loaded: find(ledger, loaded, query, limit, None))
    if as_json:
        print_json([row_data(row) for row in rows])
        return
    for row in rows:
        for line in trace_lines(row):
            typer.echo(printable(line))
    if not rows:
        typer.echo("nothing found; a search without since: covers everything that is kept")


def _trace_refused(
    query: list[str] | None, limit: int, config: Path | None, *, as_json: bool
) -> None:
    found = with_ledger(config, lambda ledger, loaded: find_refused(ledger, loaded, query, limit))
    if as_json:
        print_json(found)
        return
    for refusal in found:
        typer.echo(printable(refusal_line(refusal)))
    if not found:
        typer.echo(_NOTHING_REFUSED if query is None else _NONE_MATCHES)
