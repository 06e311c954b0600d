"""`sendtrace rules`: the rules of an operator, which explain replies before the shipped ones."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from config.loader import Loaded
from relay.chores.rulebook import COUNTED, reclassify, told_of
from relay.cli.common import (
    CommandFailed,
    ConfigOption,
    JsonOption,
    operator,
    print_json,
    print_table,
    with_ledger,
)
from relay.cli.show import show_time
from relay.clock import SystemClock
from tracker.explain import Category
from tracker.explain.correction import MOST, Correction, problem_of
from tracker.model import Phase, new_id
from tracker.store import Ledger
from tracker.views import OlderJudgements, Reclassifying

app = typer.Typer(help="Your own rules that explain replies.", no_args_is_help=True)

RuleArgument = Annotated[str, typer.Argument(metavar="ID", help="As `rules list` shows it.")]


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List your rules, the one that is tried first at the head."""

    async def run(ledger: Ledger, _: Loaded) -> tuple[Sequence[Correction], OlderJudgements]:
        return await ledger.corrections(), await ledger.older_judgements(COUNTED)

    corrections, older = with_ledger(config, run)
    if as_json:
        print_json(corrections)
        return
    print_table(
        ["Id", "Category", "Words or expression", "Code", "Host", "Phase", "By", "Since", "State"],
        [
            [
                one.id,
                one.category,
                one.words or one.expression,
                one.code,
                one.host,
                one.phase or "",
                one.created_by,
                show_time(one.created_at),
                "off" if one.off_since else "on",
            ]
            for one in corrections
        ],
    )
    if older.recipients:
        typer.echo(
            f"\n{told_of(older)} the category that the rules of an earlier release gave; "
            "`sendtrace rules reclassify` judges the record anew"
        )


@app.command("add")
def add(
    category: Annotated[Category, typer.Argument(help="What the replies mean.")],
    words: Annotated[str, typer.Option(help="Words that are found in the reply.")] = "",
    expression: Annotated[
        str, typer.Option(help="Or a regular expression; repetitions need a bound.")
    ] = "",
    code: Annotated[str, typer.Option(help="Only with this code: 550, 55x, x.7.1.")] = "",
    host: Annotated[str, typer.Option(help="Only from this MX: *.example.org.")] = "",
    phase: Annotated[Phase | None, typer.Option(help="Only in answer to this.")] = None,
    note: Annotated[str, typer.Option(help="Why it is right.")] = "",
    config: ConfigOption = None,
) -> None:
    """Add a rule; it counts for what is refused from now on.

    For example: sendtrace rules add greylisted --words 'come back in a while' --code 4xx
    """
    now = SystemClock().now()
    correction = Correction(
        id=new_id(now, os.urandom(8)),
        category=category,
        words=words.strip(),
        expression=expression,
        code=code,
        host=host.lower(),
        phase=phase,
        note=note,
        created_at=now,
        created_by=operator(),
    )
    if problem := problem_of(correction):
        raise CommandFailed(problem, status=2)
    if not with_ledger(config, lambda ledger, _: ledger.add_correction(correction)):
        raise CommandFailed(f"there are {MOST} rules, which is the most; remove one first")
    typer.echo(f"{correction.id} added; all workers go by it within a minute")


@app.command("on")
def on(rule: RuleArgument, config: ConfigOption = None) -> None:
    """Switch a rule on again."""
    _switch(rule, config, on=True)


@app.command("off")
def off(rule: RuleArgument, config: ConfigOption = None) -> None:
    """Switch a rule off; it stays in the list."""
    _switch(rule, config, on=False)


@app.command("remove")
def remove(rule: RuleArgument, config: ConfigOption = None) -> None:
    """Remove a rule for good; that it was there stays on record."""
    now = SystemClock().now()
    if not with_ledger(
        config,
        lambda ledger, _: ledger.remove_correction(rule.upper(), actor=operator(), now=now),
    ):
        raise CommandFailed(f"there is no rule {rule}; `sendtrace rules list` names them")
    typer.echo(f"{rule} removed")


@app.command("reclassify")
def reclassify_(config: ConfigOption = None) -> None:
    """Judge what is on record by the present rules; go on with what was interrupted."""

    async def run(ledger: Ledger, _: Loaded) -> Reclassifying | None:
        clock = SystemClock()
        progress = await ledger.reclassification()
        if progress is None or progress.ended_at is not None:
            await ledger.begin_reclassifying(operator(), clock.now())
        return await reclassify(ledger, clock, _tell)

    ended = with_ledger(config, run)
    if ended is None:
        raise CommandFailed("a worker is at it already; the page /rules shows how far it has come")
    typer.echo(f"{ended.looked} recipients looked at, {ended.changed} attempts changed")


def _tell(progress: Reclassifying) -> None:
    typer.echo(f"{progress.looked} recipients looked at", err=True)


def _switch(rule: str, config: ConfigOption, *, on: bool) -> None:
    now = SystemClock().now()
    if not with_ledger(
        config,
        lambda ledger, _: ledger.switch_correction(rule.upper(), on=on, actor=operator(), now=now),
    ):
        state = "on" if on else "off"
        raise CommandFailed(f"there is no rule {rule} that could be switched {state}")
    typer.echo(f"{rule} is {'on' if on else 'off'}")
