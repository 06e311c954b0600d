"""`sendtrace explain`: what a refusal means."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    print_json,
    with_ledger,
)
from tracker.explain import RuleBook, shipped
from tracker.explain.answer import Answer, answer
from tracker.explain.correction import is_operators
from tracker.explain.pasted import LONGEST
from tracker.model import Phase
from tracker.printing import printable

ReplyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REPLY",
        help="What the server said, or a line of a log with it; - or nothing: read from stdin.",
    ),
]


def explain(
    reply: ReplyArgument = None,
    phase: Annotated[Phase | None, typer.Option(help="What it was an answer to.")] = None,
    host: Annotated[str, typer.Option(metavar="NAME", help="The MX that said it.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a refusal in plain words, and say which rule decided: yours, or one that we ship.

    For example: sendtrace explain '550 5.1.1 No such user'
    """
    text = sys.stdin.read(LONGEST) if reply in (None, "-") else reply
    book, why_not_yours = _rules(config)
    found = answer(text or "", phase=phase, host=host, book=book)
    if found is None:
        raise CommandFailed("there is no reply code of a refusal in it, 4yz or 5yz", status=2)
    if as_json:
        if why_not_yours:
            typer.echo(printable(f"only the shipped rules: {why_not_yours}"), err=True)
        print_json(found)
        return
    for line in lines_of(found, why_not_yours):
        typer.echo(printable(line))


def _rules(config: Path | None) -> tuple[RuleBook, str]:
    """Return the rules, and why the operator's own are not among them, if they are not.

    Whoever names a configuration means its ledger: then it has to open.
    """
    try:
        return with_ledger(config, lambda ledger, _: ledger.rule_book()), ""
    except (CommandFailed, OSError) as problem:
        if config is not None:
            raise CommandFailed(str(problem), getattr(problem, "status", 1)) from problem
        return shipped(), str(problem).partition("\n")[0]


def lines_of(found: Answer, why_not_yours: str = "") -> list[str]:
    """Return an answer as people read it."""
    whose = "your own: " if is_operators(found.rule) else ""
    version = f"{found.version} (only the shipped ones: {why_not_yours})"
    named = {
        "What happened": found.what_happened,
        "Who can fix it": found.who_can_fix,
        "What you can do": found.what_you_can_do,
        "What we do": found.what_we_do,
        "Category": found.category,
        "Rule": f"{found.rule} ({whose}{found.source})" if found.source else found.rule,
        "Rules": version if why_not_yours else found.version,
    }
    return [f"{name + ':':17}{words}" for name, words in named.items()]
