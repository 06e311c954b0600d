"""The `sendtrace` command. Exit status: 0 done, 1 failed, 2 usage or configuration.

Each group of commands is a module; heavy imports are inside the commands, so that
`sendtrace --help` answers at once.
"""

import errno
import os
import sys
from typing import Final

import typer

from relay.cli import (
    account,
    bounce,
    config,
    drain,
    explain,
    migrate,
    nodes,
    privacy,
    proof,
    queue,
    rules,
    service,
    suppression,
    trace,
)
from relay.cli.common import CommandFailed

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

app = typer.Typer(
    name="sendtrace",
    help="An outbound SMTP relay that remembers what happened to every message.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
service.register(app)
app.add_typer(account.app, name="account")
app.add_typer(queue.app, name="queue")
app.add_typer(proof.app, name="proof")
app.add_typer(suppression.app, name="suppression")
app.add_typer(privacy.app, name="privacy")
app.command("migrate")(migrate.migrate)
app.command("drain")(drain.drain)
app.command("bounce")(bounce.bounce)
app.command("trace")(trace.trace)
app.command("nodes")(nodes.nodes)
app.command("explain")(explain.explain)
app.add_typer(rules.app, name="rules")
app.add_typer(config.app, name="config")


def main() -> None:
    """Run the command line; never shows a traceback for what a person can mend."""
    try:
        app()
    except CommandFailed as failure:
        typer.echo(f"sendtrace: {failure}", err=True)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        sys.exit(130)
    except UnicodeEncodeError:
        # What is not UTF-8 comes in as surrogates (PEP 383), which go nowhere.
        typer.echo("sendtrace: an argument, or what was typed, is not UTF-8", err=True)
        sys.exit(2)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(0)  # whoever reads has seen enough, as `head` has
        raise
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        _write_no_more()
        typer.echo(f"sendtrace: the output cannot be written: {error.strerror}", err=True)
        sys.exit(1)


def _write_no_more() -> None:
    """Keep Python from trying again at its end what is left in its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
