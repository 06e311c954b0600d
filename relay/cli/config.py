"""`sendtrace config`: what is set."""

import typer

from relay.cli.common import CommandFailed, ConfigOption, JsonOption, load_or_fail, print_json

app = typer.Typer(
    help="The configuration: check it, show it, show the defaults.", no_args_is_help=True
)


@app.command("check")
def check(config: ConfigOption = None) -> None:
    """Say whether the configuration can be used, and everything that is wrong with it."""
    from config.doubts import doubts
    from relay.certificates import find_unusable

    loaded = load_or_fail(config)
    problems = dict.fromkeys(find_unusable(loaded.settings))
    if problems:
        raise CommandFailed("\n".join(problems), status=2)
    for doubt in doubts(loaded.settings):
        typer.echo(f"sendtrace: warning: {doubt}", err=True)
    source = loaded.source or "built-in defaults"
    typer.echo(f"{source}: configuration is good (revision {loaded.revision})")


@app.command("show")
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the configuration in force, environment included, secrets hidden."""
    from config.document import render_effective

    loaded = load_or_fail(config)
    text = render_effective(loaded.settings)
    if as_json:
        import tomllib

        print_json(tomllib.loads(text))
        return
    typer.echo(text, nl=False)


@app.command("default")
def default() -> None:
    """Show the annotated default file, to begin a configuration with."""
    from config.document import render_default

    typer.echo(render_default(), nl=False)
