"""`sendtrace migrate`: bring the ledger's schema up to date, or move the ledger elsewhere."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from config.settings import StoreSettings
from config.settings.store import check_url
from relay.cli.common import CommandFailed, ConfigOption, JsonOption, load_or_fail, print_json
from relay.cli.meter import Meter, duration_of
from relay.clock import SystemClock
from tracker import opening
from tracker.archive.comparing import Comparison
from tracker.store import StoreError, located
from tracker.transfer import Transfer, TransferRefused, call_off

_SHOWN = 20
"""Differences that are listed for people; `--json` gives all."""

T = TypeVar("T")


class _Ways(NamedTuple):
    """From where to where."""

    source: StoreSettings
    target: StoreSettings
    is_configured: bool
    """The target is the ledger of the configuration."""


def migrate(
    config: ConfigOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="Move the whole ledger that is here."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="Where to; else to the ledger of the settings."),
    ] = None,
    abandon: Annotated[
        bool, typer.Option("--call-off", help="Let the ledger at --from be used again after all.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the ledger to this version's schema; makes it when there is none.

    With --from, move a whole ledger into another, empty one, while no relay runs on either.
    Stopped on the way, the same command goes on where it was.
    """
    settings = load_or_fail(config).settings.store
    if source is None:
        if target is not None or abandon:
            raise CommandFailed("--to and --call-off need --from", status=2)
        _bring_up_to_date(settings, as_json)
        return
    leaving = _settings("--from", source, settings)
    if abandon:
        _call_off(leaving, as_json)
        return
    arriving = settings if target is None else _settings("--to", target, settings)
    _move(_Ways(leaving, arriving, arriving.place == settings.place), as_json)


def _settings(option: str, url: str, configured: StoreSettings) -> StoreSettings:
    """Return settings for a URL; those of the configuration, password and all, if it is there."""
    try:
        named = StoreSettings(url=check_url(url))
    except ValueError as error:
        raise CommandFailed(f"{option}: {error}", status=2) from None
    return configured if named.place == configured.place else named


def _bring_up_to_date(settings: StoreSettings, as_json: bool) -> None:
    try:
        applied = asyncio.run(opening.migrate(settings))
    except (StoreError, OSError) as error:
        raise CommandFailed(located(error, settings.place)) from None
    if as_json:
        print_json({"ledger": settings.place, "applied": applied})
        return
    for name in applied:
        typer.echo(f"applied {name}")
    typer.echo(f"{settings.place} is up to date")


def _call_off(settings: StoreSettings, as_json: bool) -> None:
    async def act() -> str | None:
        await _check_existence(settings)
        async with opening.open_archive(settings) as archive:
            mark = await call_off(archive)
        return None if mark is None else mark.other

    other = _run(act())
    if as_json:
        print_json({"ledger": settings.place, "called_off": other})
    elif other is None:
        typer.echo(f"{settings.place} was not being moved")
    else:
        typer.echo(
            f"{settings.place} may be used again; never run a relay on {other} too, for both "
            "would deliver the same mail"
        )


def _move(ways: _Ways, as_json: bool) -> None:
    clock = SystemClock()
    meter = Meter(sys.stderr, clock.monotonic)

    async def act() -> Comparison | None:
        await _check_existence(ways.source)
        async with (
            opening.open_archive(ways.source) as source,
            opening.open_archive(ways.target) as target,
        ):
            return await Transfer(
                source, target, mint=clock.mint, now=clock.now, report=meter.show
            ).run()

    began = clock.monotonic()
    try:
        comparison = _run(act())
    finally:
        meter.finish()
    if as_json:
        _print_data(ways, comparison, clock.monotonic() - began)
    else:
        _print_summary(ways, comparison, clock.monotonic() - began)
    if comparison is not None and comparison.differences:
        raise CommandFailed(
            f"the copy at {ways.target.place} is not the same, and no relay will use it. Make that "
            "database anew and repeat the command, or go on with the ledger at "
            f"{ways.source.place}: repeat it with --call-off"
        )


async def _check_existence(settings: StoreSettings) -> None:
    if not await opening.exists(settings):
        raise CommandFailed(f"there is no ledger at {settings.place}")


def _run(act: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(act)
    except (TransferRefused, StoreError, OSError) as error:
        raise CommandFailed(str(error)) from None


def _print_data(ways: _Ways, comparison: Comparison | None, seconds: float) -> None:
    data: dict[str, Any] = {
        "source": ways.source.place,
        "target": ways.target.place,
        "complete": comparison is None or not comparison.differences,
        "seconds": round(seconds, 3),
        "comparison": comparison,
    }
    print_json(data)


def _print_summary(ways: _Ways, comparison: Comparison | None, seconds: float) -> None:
    if comparison is None:
        typer.echo(f"{ways.source.place} is at {ways.target.place} already, all of it")
        return
    recipients = ", ".join(f"{n:,} {status}" for status, n in comparison.recipients.items())
    typer.echo(
        f"{comparison.messages:,} messages (recipients: {recipients or 'none'}), "
        f"{comparison.attempts:,} attempts, {comparison.events:,} events and "
        f"{comparison.octets:,} octets of content in {duration_of(seconds)}"
    )
    if comparison.differences:
        _print_differences(comparison.differences)
        return
    typer.echo(f"read back and compared: the same (BLAKE2b {comparison.digest})")
    setting = "" if ways.is_configured else f'set store.url to "{_url_of(ways.target)}", then '
    typer.echo(f"{ways.source.place} is not used any more; {setting}start the relay")


def _url_of(settings: StoreSettings) -> str:
    """Return the URL without a password."""
    return settings.place if settings.is_postgresql else settings.url


def _print_differences(differences: tuple[str, ...]) -> None:
    for each in differences[:_SHOWN]:
        typer.echo(f"differs: {each}", err=True)
    if len(differences) > _SHOWN:
        typer.echo(f"differs: {len(differences) - _SHOWN:,} more", err=True)
