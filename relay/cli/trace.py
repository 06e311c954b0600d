"""`sendtrace trace`: the tracking search in a terminal."""

import typer

from relay.cli.common import (
    ConfigOption,
    JsonOption,
    LimitOption,
    QueryArgument,
    print_json,
    visible,
    with_ledger,
)
from relay.cli.find import find
from relay.cli.show import row_data, trace_lines


def trace(
    query: QueryArgument = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the record as the panel's search box does.

    For example: sendtrace trace 'to:bob@example.org since:2d'. What people paste is read too: a
    Message-ID, a reply or a log line with a queue id, a whole bounce: sendtrace trace "$(cat)"
    """
    rows = with_ledger(config, lambda ledger, loaded: find(ledger, loaded, query, limit, None))
    if as_json:
        print_json([row_data(row) for row in rows])
        return
    for row in rows:
        for line in trace_lines(row):
            typer.echo(visible(line))
    if not rows:
        typer.echo("nothing found; a search without since: covers everything that is kept")
