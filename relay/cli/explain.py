"""`sendtrace explain`: what a refusal means."""

import sys
from typing import Annotated

import typer

from relay.cli.common import CommandFailed, JsonOption, print_json, visible
from tracker.explain.answer import Answer, answer
from tracker.explain.pasted import LONGEST
from tracker.model import Phase

ReplyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[REPLY]",
        help="What the server said, or a line of a log with it; - or nothing: read from stdin.",
    ),
]


def explain(
    reply: ReplyArgument = None,
    phase: Annotated[Phase | None, typer.Option(help="What it was an answer to.")] = None,
    host: Annotated[str, typer.Option(metavar="NAME", help="The MX that said it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Explain a refusal in plain words, and say which rule decided.

    For example: sendtrace explain '550 5.1.1 No such user'
    """
    text = sys.stdin.read(LONGEST) if reply in (None, "-") else reply
    found = answer(text or "", phase=phase, host=host)
    if found is None:
        raise CommandFailed("there is no reply code of a refusal in it, 4yz or 5yz", status=2)
    if as_json:
        print_json(found)
        return
    for line in lines_of(found):
        typer.echo(visible(line))


def lines_of(found: Answer) -> list[str]:
    """Return an answer as people read it."""
    named = {
        "What happened": found.what_happened,
        "Who can fix it": found.who_can_fix,
        "What you can do": found.what_you_can_do,
        "What we do": found.what_we_do,
        "Category": found.category,
        "Rule": f"{found.rule} ({found.source})" if found.source else found.rule,
        "Rules": found.version,
    }
    return [f"{name + ':':17}{words}" for name, words in named.items()]
